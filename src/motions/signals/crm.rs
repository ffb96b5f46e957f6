//! The CRM group: firmographics, deals, ownership, tickets, engagement.

use super::Newest;
use crate::accounts::model::{AccountState, Deal, Fact, SyncSource, value};
use crate::kernel::clock::DateTime;
use crate::motions::model::{CrmSignals, DealSignals, DealStage};
use crate::motions::policy::{Definitions, stage_key};

pub fn derive(definitions: &Definitions, state: &AccountState) -> CrmSignals {
    let profile = &state.profile;
    let deals = deals(definitions, state);
    let tickets = state.tickets.values().map(|fact| &fact.value);
    let open: Vec<_> = tickets
        .filter(|ticket| !definitions.closed_tickets.contains(&ticket.status.to_lowercase()))
        .collect();
    CrmSignals {
        name: value(&profile.name).cloned(),
        industry: value(&profile.industry).cloned(),
        country: value(&profile.country).cloned(),
        employee_count: value(&profile.employee_count).copied(),
        plan_tier: plan_tier(state).and_then(|fact| fact.value.clone()),
        owner_id: value(&profile.owner_id).filter(|owner| !owner.is_empty()).cloned(),
        territory: value(&profile.territory).cloned(),
        tech_stack: value(&profile.tech_stack).cloned().unwrap_or_default(),
        active_deals: deals.active,
        deal_stage: deals.leading.map_or(DealStage::None, |(stage, ..)| stage),
        deal: deals.leading.map(|(_, id, deal)| describe(id, deal)),
        open_stages: deals.open_stages,
        unknown_stages: deals.unknown_stages,
        prior_engagement: !state.deals.is_empty() || state.engagement.inbound + state.engagement.outbound > 0,
        open_tickets: u32::try_from(open.len()).unwrap_or(u32::MAX),
        ticket_escalated: open.iter().any(|ticket| ticket.escalated == Some(true)),
        provenance: provenance(state),
    }
}

/// The plan by the profile, else that of the subscription that was said last.
pub fn plan_tier(state: &AccountState) -> Option<&Fact<Option<String>>> {
    let said = |fact: &&Fact<Option<String>>| fact.value.is_some();
    state.profile.plan_tier.as_ref().filter(said).or_else(|| {
        let known = state.subscriptions.values().filter_map(|subscription| subscription.plan_tier.as_ref());
        known.filter(said).max_by(|a, b| a.stamp.cmp(&b.stamp))
    })
}

struct Deals<'a> {
    active: u32,
    /// The open deal that is furthest; of closed ones the newest when none is open.
    leading: Option<(DealStage, &'a str, &'a Deal)>,
    open_stages: Vec<DealStage>,
    unknown_stages: Vec<String>,
}

fn deals<'a>(definitions: &Definitions, state: &'a AccountState) -> Deals<'a> {
    let mut found = Deals { active: 0, leading: None, open_stages: Vec::new(), unknown_stages: Vec::new() };
    for (id, deal) in &state.deals {
        let name = value(&deal.stage).map_or("", String::as_str);
        let mapped = definitions.deal_stages.get(&stage_key(name)).copied();
        let stage = mapped.unwrap_or(DealStage::Open);
        if stage.is_open() {
            found.active += 1;
            found.open_stages.push(stage);
            if mapped.is_none() && !name.is_empty() {
                found.unknown_stages.push(name.to_owned());
            }
        }
        if found.leading.is_none_or(|(known, _, other)| leads((stage, deal), (known, other))) {
            found.leading = Some((stage, id, deal));
        }
    }
    found.open_stages.sort_unstable();
    found.open_stages.dedup();
    found.unknown_stages.sort_unstable();
    found.unknown_stages.dedup();
    found
}

/// Open before closed; of open ones the furthest; of closed ones the one closed last.
fn leads((stage, deal): (DealStage, &Deal), (known, other): (DealStage, &Deal)) -> bool {
    match (stage.is_open(), known.is_open()) {
        (true, true) => stage > known,
        (true, false) => true,
        (false, true) => false,
        (false, false) => closed_at(deal) > closed_at(other),
    }
}

fn closed_at(deal: &Deal) -> Option<DateTime> {
    value(&deal.closed_at).copied().or_else(|| deal.stage.as_ref().map(|fact| fact.stamp.as_of))
}

fn describe(id: &str, deal: &Deal) -> DealSignals {
    DealSignals {
        id: id.to_owned(),
        name: value(&deal.name).cloned(),
        stage_name: value(&deal.stage).cloned(),
        amount: value(&deal.amount).cloned(),
        currency: value(&deal.currency).cloned(),
        expected_close_date: value(&deal.expected_close_date).copied(),
    }
}

fn provenance(state: &AccountState) -> crate::motions::model::Provenance {
    let mut newest = Newest::default();
    newest.sync(state, SyncSource::Crm);
    macro_rules! see {
        ($($fact:expr),* $(,)?) => { $( if let Some(fact) = &$fact { newest.stamp(&fact.stamp); } )* };
    }
    let profile = &state.profile;
    see!(
        profile.name,
        profile.domain,
        profile.industry,
        profile.employee_count,
        profile.annual_revenue,
        profile.country,
        profile.region,
        profile.territory,
        profile.owner_id,
        profile.tier,
        profile.plan_tier,
        profile.seats,
        profile.tech_stack,
        profile.created_at,
    );
    for deal in state.deals.values() {
        see!(
            deal.name,
            deal.stage,
            deal.amount,
            deal.currency,
            deal.owner_id,
            deal.source,
            deal.expected_close_date,
            deal.closed_at,
            deal.products,
            deal.qualification,
        );
    }
    newest.provenance()
}
