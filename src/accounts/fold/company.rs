//! The fold of what is said about the company, its people, deals and subscriptions: field by field, newest
//! wins.

use super::{Applied, keep_last, say};
use crate::accounts::events::{
    AccountUpserted, ContactUpserted, DealUpserted, LifecycleChanged, Said, SubscriptionUpserted,
};
use crate::accounts::matching;
use crate::accounts::model::{AccountState, Amount, Contact, ContactChange, RECORDS_KEPT, Stamp, value};
use crate::kernel::ids::ContactId;

/// Firmographics and ownership.
pub(super) fn account(
    state: &mut AccountState,
    data: &AccountUpserted,
    stamp: &Stamp,
    applied: &mut Applied,
) {
    let profile = &mut state.profile;
    if say(&mut profile.name, &Said::Value(data.name.clone()), stamp) {
        applied.identity.name = Some(data.name.clone());
        applied.changed = true;
    }
    if say(&mut profile.domain, &data.domain, stamp) {
        applied.identity.domain = data.domain.value().cloned();
        applied.changed = true;
    }
    let changes = [
        say(&mut profile.industry, &data.industry, stamp),
        say(&mut profile.employee_count, &data.employee_count, stamp),
        say(&mut profile.annual_revenue, &data.annual_revenue, stamp),
        say(&mut profile.country, &data.country, stamp),
        say(&mut profile.region, &data.region, stamp),
        say(&mut profile.territory, &data.territory, stamp),
        say(&mut profile.owner_id, &data.owner_id, stamp),
        say(&mut profile.tier, &data.tier, stamp),
        say(&mut profile.plan_tier, &data.plan_tier, stamp),
        say(&mut profile.seats, &data.seats, stamp),
        say(&mut profile.tech_stack, &data.tech_stack, stamp),
        say(&mut profile.created_at, &data.created_at, stamp),
    ];
    applied.changed |= changes.contains(&true);
}

/// A person: the state holds none, the caller merges the change into the person's own document.
pub(super) fn contact(data: &ContactUpserted, stamp: &Stamp, applied: &mut Applied) {
    let Ok(contact_id) = ContactId::parse(data.contact_id.as_str()) else { return };
    let mut said = Contact::default();
    say(&mut said.first_name, &data.first_name, stamp);
    say(&mut said.last_name, &data.last_name, stamp);
    say(&mut said.title, &data.title, stamp);
    say(&mut said.email, &data.email, stamp);
    say(&mut said.phone, &data.phone, stamp);
    say(&mut said.is_primary, &data.is_primary, stamp);
    say(&mut said.opted_out, &data.opted_out, stamp);
    applied.identity.email_domain = data.email.value().and_then(|email| matching::email_domain(email));
    applied.contact = Some(ContactChange { contact_id, said });
}

/// Lifecycle stage and segment. True when the stage is another one than before.
pub(super) fn lifecycle(
    state: &mut AccountState,
    data: &LifecycleChanged,
    stamp: &Stamp,
    applied: &mut Applied,
) -> bool {
    let before = value(&state.lifecycle.stage).cloned();
    let stage = say(&mut state.lifecycle.stage, &Said::Value(data.stage.clone()), stamp);
    let segment = say(&mut state.lifecycle.segment, &data.segment, stamp);
    applied.changed = stage || segment;
    stage && before.as_ref() != Some(&data.stage)
}

/// A deal. True when its stage is another one than before.
pub(super) fn deal(
    state: &mut AccountState,
    data: &DealUpserted,
    stamp: &Stamp,
    applied: &mut Applied,
) -> bool {
    let (amount, currency) = money(&data.amount, &data.currency);
    let known = state.deals.len();
    let deal = state.deals.entry(data.deal_id.clone()).or_default();
    let before = value(&deal.stage).cloned();
    let changes = [
        say(&mut deal.stage, &Said::Value(data.stage.clone()), stamp),
        say(&mut deal.name, &data.name, stamp),
        say(&mut deal.amount, &amount, stamp),
        say(&mut deal.currency, &currency, stamp),
        say(&mut deal.owner_id, &data.owner_id, stamp),
        say(&mut deal.source, &data.source, stamp),
        say(&mut deal.expected_close_date, &data.expected_close_date, stamp),
        say(&mut deal.closed_at, &data.closed_at, stamp),
        say(&mut deal.products, &data.products, stamp),
        say(&mut deal.qualification, &data.qualification, stamp),
    ];
    applied.changed = state.deals.len() > known || changes.contains(&true);
    keep_last(&mut state.deals, RECORDS_KEPT, "deals", &mut applied.dropped);
    changes[0] && before.as_ref() != Some(&data.stage)
}

/// A subscription.
pub(super) fn subscription(
    state: &mut AccountState,
    data: &SubscriptionUpserted,
    stamp: &Stamp,
    applied: &mut Applied,
) {
    let (mrr, currency) = money(&data.mrr, &data.currency);
    let known = state.subscriptions.len();
    let subscription = state.subscriptions.entry(data.subscription_id.clone()).or_default();
    let changes = [
        say(&mut subscription.plan_tier, &data.plan_tier, stamp),
        say(&mut subscription.seats, &data.seats, stamp),
        say(&mut subscription.mrr, &mrr, stamp),
        say(&mut subscription.currency, &currency, stamp),
        say(&mut subscription.start_date, &data.start_date, stamp),
        say(&mut subscription.end_date, &data.end_date, stamp),
        say(&mut subscription.auto_renew, &data.auto_renew, stamp),
        say(&mut subscription.trial, &data.trial, stamp),
    ];
    applied.changed = state.subscriptions.len() > known || changes.contains(&true);
    keep_last(&mut state.subscriptions, RECORDS_KEPT, "subscriptions", &mut applied.dropped);
}

/// The digits of an amount and its currency, which may be said with the amount or beside it.
fn money(amount: &Said<Amount>, currency: &Said<String>) -> (Said<String>, Said<String>) {
    match amount {
        Said::Nothing => (Said::Nothing, currency.clone()),
        Said::Cleared => (Said::Cleared, currency.clone()),
        Said::Value(amount) => {
            let currency = amount.currency.clone().map_or_else(|| currency.clone(), Said::Value);
            (Said::Value(amount.amount.clone()), currency)
        }
    }
}
