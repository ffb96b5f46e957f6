//! What the company has with us: the deal that is handed over, signs of growth, conversations, tickets, prices paid.

use chrono::NaiveDate;

use super::model::{DealPart, Expansion, IntentPart, Relationship, SubscriptionPart};
use super::{Cut, Inputs, clip, said};
use crate::accounts::model::{Deal, Subscription, value};
use crate::motions::model::DealStage;

/// The deal that is handed over: the one asked for, else the one that speaks for the account.
pub(super) fn deal_id<'a>(inputs: &Inputs<'a>) -> Option<&'a str> {
    inputs.deal_id.or_else(|| inputs.signals.crm.deal.as_ref().map(|deal| deal.id.as_str()))
}

pub(super) fn deal(inputs: &Inputs<'_>, cut: &mut Cut) -> Option<DealPart> {
    let (id, deal) = inputs.state.deals.get_key_value(deal_id(inputs)?)?;
    let mut part = describe(id, deal);
    // The deal that speaks for the account is closed where the account has none open.
    let crm = &inputs.signals.crm;
    let speaks = crm.deal.as_ref().is_some_and(|deal| deal.id == *id);
    part.closed |= speaks && matches!(crm.deal_stage, DealStage::ClosedWon | DealStage::ClosedLost);
    part.products = cut.keep("deal.products", part.products);
    Some(part)
}

fn describe(id: &str, deal: &Deal) -> DealPart {
    let closed_at = value(&deal.closed_at).map(chrono::DateTime::date_naive);
    let products = value(&deal.products).cloned().unwrap_or_default();
    DealPart {
        id: id.to_owned(),
        name: said(value(&deal.name)),
        amount: value(&deal.amount).cloned(),
        currency: value(&deal.currency).cloned(),
        stage: said(value(&deal.stage)),
        close_date: closed_at.or_else(|| value(&deal.expected_close_date).copied()),
        closed: closed_at.is_some(),
        products: products.iter().map(|product| clip(product)).filter(|text| !text.is_empty()).collect(),
    }
}

pub(super) fn expansion(inputs: &Inputs<'_>, cut: &mut Cut) -> Expansion {
    let mut signals = inputs.signals.usage.expansion_signals.clone();
    for signal in inputs.decision.iter().flat_map(|decision| &decision.expansion_signals) {
        if !signals.contains(signal) {
            signals.push(signal.clone());
        }
    }
    let kinds = inputs.signals.intent.kinds.iter();
    let mut intents: Vec<IntentPart> =
        kinds.map(|(kind, strength)| IntentPart { kind: kind.clone(), strength: *strength }).collect();
    intents.sort_by(|a, b| b.strength.total_cmp(&a.strength).then_with(|| a.kind.cmp(&b.kind)));
    Expansion {
        signals: cut.keep("expansion.signals", signals),
        intents: cut.keep("expansion.intents", intents),
    }
}

pub(super) fn relationship(
    inputs: &Inputs<'_>,
    handed_over: Option<&DealPart>,
    cut: &mut Cut,
) -> Relationship {
    let (state, crm) = (inputs.state, &inputs.signals.crm);
    Relationship {
        inbound_activities: state.engagement.inbound,
        outbound_activities: state.engagement.outbound,
        last_inbound_at: state.engagement.last_inbound_at,
        last_outbound_at: state.engagement.last_outbound_at,
        tickets: u32::try_from(state.tickets.len()).unwrap_or(u32::MAX),
        open_tickets: crm.open_tickets,
        ticket_escalated: crm.ticket_escalated,
        satisfaction: satisfaction(inputs),
        subscriptions: cut.keep("relationship.subscriptions", subscriptions(inputs)),
        closed_deals: cut.keep("relationship.closedDeals", closed_deals(inputs, handed_over)),
    }
}

/// The mean of what rated tickets say.
fn satisfaction(inputs: &Inputs<'_>) -> Option<f64> {
    let ratings = inputs.state.tickets.values().filter_map(|fact| fact.value.satisfaction);
    let (sum, count) = ratings.fold((0.0, 0.0), |(sum, count), rating| (sum + rating, count + 1.0));
    (count > 0.0).then(|| (sum / count * 100.0_f64).round() / 100.0)
}

fn subscriptions(inputs: &Inputs<'_>) -> Vec<SubscriptionPart> {
    let part = |(id, of): (&String, &Subscription)| SubscriptionPart {
        id: id.clone(),
        plan_tier: said(value(&of.plan_tier)),
        seats: value(&of.seats).copied(),
        mrr: value(&of.mrr).cloned(),
        currency: value(&of.currency).cloned(),
        start_date: value(&of.start_date).copied(),
        end_date: value(&of.end_date).copied(),
        auto_renew: value(&of.auto_renew).copied(),
        trial: value(&of.trial).copied(),
    };
    let mut found: Vec<SubscriptionPart> = inputs.state.subscriptions.iter().map(part).collect();
    found.sort_by(|a, b| b.start_date.cmp(&a.start_date).then_with(|| a.id.cmp(&b.id)));
    found
}

fn closed_deals(inputs: &Inputs<'_>, handed_over: Option<&DealPart>) -> Vec<DealPart> {
    let others = inputs.state.deals.iter().filter(|(id, _)| handed_over.is_none_or(|deal| deal.id != **id));
    let parts = others.map(|(id, deal)| describe(id, deal));
    let mut closed: Vec<DealPart> = parts.filter(|deal| deal.closed).collect();
    let day = |deal: &DealPart| deal.close_date.unwrap_or(NaiveDate::MIN);
    closed.sort_by(|a, b| day(b).cmp(&day(a)).then_with(|| a.id.cmp(&b.id)));
    for deal in &mut closed {
        deal.products.truncate(super::LIST_MAX);
    }
    closed
}
