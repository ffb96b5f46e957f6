//! From what is known of an account to what a decision sees of it.
//!
//! Promises: [`derive()`] is a function of (definitions, state, failing sources, now). Numbers are rounded to what is stored
//! (percentages to 2 decimals, shares to 4), so that a replay reads exactly what the decision read.
//! Leaves out: which sources fail, which only who asks them can know.

mod crm;
mod expansion;
#[cfg(test)]
mod tests;
mod usage;

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::accounts::model::{AccountState, Stamp, SyncSource, value};
use crate::kernel::clock::DateTime;
use crate::motions::model::{
    CrmSignals, IntentSignals, LifecycleSignals, PartnerOverlap, PartnerSignals, Provenance, Segment, Signals,
};
use crate::motions::policy::Definitions;

/// The groups whose source cannot be read at present: what is stored of them stands, and is no evidence.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Failing {
    pub crm: bool,
    pub partner: bool,
}

/// What the state amounts to at `now` by a policy's definitions.
pub fn derive(definitions: &Definitions, state: &AccountState, failing: Failing, now: DateTime) -> Signals {
    let usage = usage::derive(definitions, state, now);
    let mut crm = crm::derive(definitions, state);
    crm.provenance.degraded = failing.crm;
    let mut partner = partner(definitions, state, now);
    partner.provenance.degraded = failing.partner;
    Signals {
        lifecycle: lifecycle(definitions, state, &crm, usage.seats),
        usage,
        partner,
        intent: intent(definitions, state, now),
        crm,
    }
}

/// The newest of stamps, as the provenance of a group.
#[derive(Default)]
struct Newest<'a>(Option<(DateTime, &'a str)>);

impl<'a> Newest<'a> {
    fn see(&mut self, at: DateTime, source: &'a str) {
        // Equal instants: the lesser source, so that the order of looking does not matter.
        let said = (at, Reverse(source));
        if self.0.is_none_or(|(known, by)| (known, Reverse(by)) < said) {
            self.0 = Some((at, source));
        }
    }

    fn stamp(&mut self, stamp: &'a Stamp) {
        self.see(stamp.as_of, &stamp.source);
    }

    fn sync(&mut self, state: &'a AccountState, source: SyncSource) {
        if let Some(fact) = state.syncs.get(&source) {
            self.see(fact.value, &fact.stamp.source);
        }
    }

    fn provenance(self) -> Provenance {
        let (as_of, source) = self.0.unzip();
        Provenance { source: source.unwrap_or("none").to_owned(), as_of, degraded: false }
    }
}

/// A share of 0–1 with 4 decimals; what is no number counts as 0.
fn share(value: f64) -> f64 {
    if value.is_finite() { (value.clamp(0.0, 1.0) * 1e4).round() / 1e4 } else { 0.0 }
}

/// A percentage with 2 decimals.
fn percent(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

fn lifecycle(
    definitions: &Definitions,
    state: &AccountState,
    crm: &CrmSignals,
    seats: Option<u64>,
) -> LifecycleSignals {
    let (segment, basis) = segment(definitions, state, crm, seats);
    let mut newest = Newest::default();
    newest.sync(state, SyncSource::Lifecycle);
    let stamps = [
        state.lifecycle.stage.as_ref().map(|fact| &fact.stamp),
        state.lifecycle.segment.as_ref().map(|fact| &fact.stamp),
        // The fact that the segment rests on is part of the group.
        match basis {
            "employee_count" => state.profile.employee_count.as_ref().map(|fact| &fact.stamp),
            "seats" => state.profile.seats.as_ref().map(|fact| &fact.stamp).or(state.usage.latest.as_ref()),
            "plan_tier" => crm::plan_tier(state).map(|fact| &fact.stamp),
            _ => None,
        },
    ];
    stamps.into_iter().flatten().for_each(|stamp| newest.stamp(stamp));
    LifecycleSignals {
        segment,
        segment_basis: basis.to_owned(),
        stage: value(&state.lifecycle.stage).cloned(),
        icp_fit: icp_fit(definitions, crm),
        provenance: newest.provenance(),
    }
}

/// The segment, and what it rests on.
fn segment(
    definitions: &Definitions,
    state: &AccountState,
    crm: &CrmSignals,
    seats: Option<u64>,
) -> (Segment, &'static str) {
    let rules = &definitions.segment;
    let said = value(&state.lifecycle.segment).and_then(|name| Segment::from_name(&segment_key(name)));
    if let Some(segment) = said.filter(|segment| *segment != Segment::Unknown) {
        return (segment, "lifecycle");
    }
    let by_size = |size: u64, smb_below: u64, enterprise_from: u64| {
        if size < smb_below {
            Segment::Smb
        } else if size < enterprise_from {
            Segment::MidMarket
        } else {
            Segment::Enterprise
        }
    };
    if let Some(count) = crm.employee_count {
        return (
            by_size(count, rules.smb_below_employees, rules.enterprise_from_employees),
            "employee_count",
        );
    }
    if let Some(seats) = seats.filter(|seats| *seats > 0) {
        return (by_size(seats, rules.smb_below_seats, rules.enterprise_from_seats), "seats");
    }
    let tier = crm.plan_tier.as_ref().and_then(|tier| rules.plan_tiers.get(&tier.to_lowercase()));
    tier.map_or((Segment::Unknown, "none"), |segment| (*segment, "plan_tier"))
}

/// A segment name as sources spell it: `Mid-Market`, `MM` and `mid_market` are one.
fn segment_key(name: &str) -> String {
    let key = name.trim().to_lowercase().replace([' ', '-'], "_");
    match key.as_str() {
        "mm" | "midmarket" => "mid_market".to_owned(),
        "ent" => "enterprise".to_owned(),
        "small_business" => "smb".to_owned(),
        _ => key,
    }
}

fn icp_fit(definitions: &Definitions, crm: &CrmSignals) -> f64 {
    let rules = &definitions.icp;
    let one_of = |values: &[String], known: &str| {
        !known.is_empty() && (values.is_empty() || values.contains(&known.to_lowercase()))
    };
    let mut fit = 0.0;
    for (rule, known) in [(&rules.industry, &crm.industry), (&rules.country, &crm.country)] {
        if let (Some(rule), Some(known)) = (rule, known) {
            fit += if one_of(&rule.values, known) { rule.weight } else { 0.0 };
        }
    }
    if let Some(rule) = &rules.tech_stack {
        let met = crm.tech_stack.iter().any(|known| one_of(&rule.values, known));
        fit += if met { rule.weight } else { 0.0 };
    }
    if let (Some(rule), Some(count)) = (&rules.employees, crm.employee_count) {
        fit += if (rule.from..=rule.to).contains(&count) { rule.weight } else { 0.0 };
    }
    share(fit)
}

fn partner(definitions: &Definitions, state: &AccountState, now: DateTime) -> PartnerSignals {
    let mut newest = Newest::default();
    newest.sync(state, SyncSource::Partner);
    let mut overlaps = Vec::new();
    for (partner_id, kinds) in &state.overlaps {
        let from = overlaps.len();
        for (kind, fact) in kinds {
            newest.stamp(&fact.stamp);
            if fact.value.active {
                let strength = share(fact.value.strength);
                overlaps.push(PartnerOverlap {
                    partner_id: partner_id.clone(),
                    overlap_type: *kind,
                    strength,
                });
            }
        }
        overlaps[from..]
            .sort_by(|a, b| b.strength.total_cmp(&a.strength).then(a.overlap_type.cmp(&b.overlap_type)));
    }
    let mut referrals = Vec::new();
    for (partner_id, fact) in &state.referrals {
        newest.stamp(&fact.stamp);
        if now - fact.value <= definitions.referral_window {
            referrals.push((Reverse(fact.value), partner_id));
        }
    }
    referrals.sort();
    PartnerSignals {
        overlaps,
        referrals: referrals.into_iter().map(|(_, partner_id)| partner_id.clone()).collect(),
        synced_at: state.syncs.get(&SyncSource::Partner).map(|fact| fact.value),
        provenance: newest.provenance(),
    }
}

fn intent(definitions: &Definitions, state: &AccountState, now: DateTime) -> IntentSignals {
    let mut newest = Newest::default();
    let mut kinds = BTreeMap::new();
    for (kind, fact) in &state.intents {
        if now - fact.stamp.as_of <= definitions.intent_window {
            newest.stamp(&fact.stamp);
            kinds.insert(kind.clone(), share(fact.value.strength));
        }
    }
    IntentSignals { kinds, provenance: newest.provenance() }
}
