//! Why handoffs were late, and what to do about it.
//!
//! Promises: each late handoff has exactly one cause, the first that holds: nobody worked (hours), nobody had it in time
//! (routing), its owner had too many (capacity), one owner was late far more than the others (one rep), none of these. Each
//! cause tells its evidence and examples.
//! Leaves out blame: a cause is where to look first.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::compliance::ratio;
use crate::designs::words::{percent, span};
use crate::handoffs::commands::Measured;

/// More than this part of the time gone before somebody had it, the owner had no fair chance.
const GONE: f64 = 0.5;
/// Fewer open handoffs are no load that explains anything.
const LOAD_MIN: i64 = 5;
/// So many times the usual load is too much.
const LOAD_FACTOR: f64 = 1.5;
/// Somebody is late far more than others from so many late ones on.
const ONE_REP_MIN: u64 = 3;
/// Examples that are told.
const EXAMPLES: usize = 5;

/// Where to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = LateCause)]
pub enum CauseKind {
    Routing,
    Hours,
    Capacity,
    OneRep,
    Unexplained,
}

impl CauseKind {
    const ALL: [Self; 5] = [Self::Routing, Self::Hours, Self::Capacity, Self::OneRep, Self::Unexplained];

    /// The role that acts, and what it does.
    fn action(self) -> (&'static str, &'static str) {
        match self {
            Self::Routing => (
                "revops_director",
                "Mend the routing: shorten the wait for owners, name a fallback owner, look at the queue's alarms.",
            ),
            Self::Hours => (
                "revops_director",
                "Cover these hours, or let the SLA count working time; `gtm sla model` says what it takes.",
            ),
            Self::Capacity => (
                "sales_manager",
                "Take load off: more reps in the rotation, lower limits on open handoffs; `gtm sla model` says how many.",
            ),
            Self::OneRep => (
                "sales_manager",
                "Talk with them: load, leave, or a hand-over; lower their weight meanwhile.",
            ),
            Self::Unexplained => {
                ("sales_manager", "Ask the owners of the examples; they had it, were at work and had room.")
            }
        }
    }
}

/// A cause with what shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WatchCause)]
pub struct Cause {
    pub kind: CauseKind,
    pub count: u64,
    /// What shows it, in a sentence.
    pub evidence: String,
    /// The newest of them.
    pub examples: Vec<Uuid>,
    pub action: String,
    /// The role that acts.
    pub owner: String,
}

/// Causes, the commonest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Causes(pub Vec<Cause>);

/// Why the late ones of these were late.
pub fn causes(handoffs: &[&Measured]) -> Causes {
    let (late, kept): (Vec<&Measured>, Vec<&Measured>) =
        handoffs.iter().partition(|handoff| handoff.in_time == Some(false));
    let usual = usual_load(&kept);
    let outlier = outlier(handoffs);
    let mut by_kind: BTreeMap<CauseKind, Vec<&Measured>> = BTreeMap::new();
    for handoff in &late {
        by_kind.entry(cause(handoff, usual, outlier)).or_default().push(handoff);
    }
    let mut causes: Vec<Cause> = CauseKind::ALL
        .into_iter()
        .filter_map(|kind| {
            let of = by_kind.get(&kind)?;
            let (owner, action) = kind.action();
            let mut newest: Vec<&&Measured> = of.iter().collect();
            newest.sort_by_key(|handoff| std::cmp::Reverse((handoff.created_at, handoff.id)));
            Some(Cause {
                kind,
                count: of.len() as u64,
                evidence: evidence(kind, of, (late.len(), usual, outlier)),
                examples: newest.iter().take(EXAMPLES).map(|handoff| handoff.id).collect(),
                action: action.to_owned(),
                owner: owner.to_owned(),
            })
        })
        .collect();
    causes.sort_by_key(|cause| (std::cmp::Reverse(cause.count), cause.kind));
    Causes(causes)
}

/// The mean of what those in time had open.
fn usual_load(kept: &[&Measured]) -> f64 {
    let loads: Vec<u64> = kept.iter().filter_map(|handoff| u64::try_from(handoff.load?).ok()).collect();
    ratio(loads.iter().sum(), loads.len() as u64)
}

/// The owner who is late far more than all others: at least half of the late ones are theirs, at twice the rate.
fn outlier<'h>(handoffs: &[&'h Measured]) -> Option<&'h str> {
    let mut by_owner: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for handoff in handoffs {
        if let (Some(owner), Some(in_time)) = (handoff.owner.as_deref(), handoff.in_time) {
            let (late, all) = by_owner.entry(owner).or_default();
            *late += u64::from(!in_time);
            *all += 1;
        }
    }
    if by_owner.len() < 2 {
        return None;
    }
    let (late, all) = by_owner.values().fold((0, 0), |sum, of| (sum.0 + of.0, sum.1 + of.1));
    let (owner, (own_late, own_all)) = by_owner.into_iter().max_by_key(|(_, (late, _))| *late)?;
    let others = ratio(late - own_late, all - own_all);
    let far = own_late * 2 >= late && ratio(own_late, own_all) >= 2.0 * others && own_late >= ONE_REP_MIN;
    far.then_some(owner)
}

fn cause(handoff: &Measured, usual: f64, outlier: Option<&str>) -> CauseKind {
    let budget = handoff.due_at.map_or(0.0, |due| (due - handoff.created_at).as_seconds_f64());
    let waited = handoff.assigned_at.map_or(f64::INFINITY, |at| (at - handoff.created_at).as_seconds_f64());
    let passed_on = handoff.fell_back || handoff.reassigned || handoff.rejected;
    let closed = handoff.closed_secs > GONE * budget;
    let load = handoff.load.unwrap_or_default();
    let heavy = f64::from(i32::try_from(load).unwrap_or(i32::MAX)) >= LOAD_FACTOR * usual;
    // Nobody can be given what comes while nobody works: that is no fault of the routing.
    if closed {
        CauseKind::Hours
    } else if waited > GONE * budget || handoff.alarmed_at.is_some() || passed_on {
        CauseKind::Routing
    } else if load >= LOAD_MIN && heavy {
        CauseKind::Capacity
    } else if outlier.is_some() && handoff.owner.as_deref() == outlier {
        CauseKind::OneRep
    } else {
        CauseKind::Unexplained
    }
}

fn evidence(kind: CauseKind, of: &[&Measured], (late, usual, outlier): (usize, f64, Option<&str>)) -> String {
    let count = of.len();
    let mean = |value: fn(&Measured) -> Option<f64>| {
        let values: Vec<f64> = of.iter().filter_map(|handoff| value(handoff)).collect();
        values.iter().sum::<f64>() / crate::designs::service::statistics::count(values.len()).max(1.0)
    };
    let part = format!("{count} of {late} late ones");
    match kind {
        CauseKind::Routing => {
            let never = of.iter().filter(|handoff| handoff.assigned_at.is_none()).count();
            let passed = of.iter().filter(|handoff| handoff.reassigned || handoff.rejected).count();
            let waited = mean(|handoff| Some((handoff.assigned_at? - handoff.created_at).as_seconds_f64()));
            format!(
                "{part}: they waited {} for their first owner on average, {never} had none, {passed} were passed on",
                span(waited)
            )
        }
        CauseKind::Hours => {
            let closed = mean(|handoff| Some(handoff.closed_secs));
            format!("{part} came {} before the team next worked, on average", span(closed))
        }
        CauseKind::Capacity => {
            let load = mean(|handoff| Some(f64::from(i32::try_from(handoff.load?).ok()?)));
            format!("{part}: their owners had {load:.1} open, against {usual:.1} of those in time")
        }
        CauseKind::OneRep => {
            format!(
                "{part} were {}'s, at more than twice the rate of the others",
                outlier.unwrap_or("one rep")
            )
        }
        CauseKind::Unexplained => {
            format!(
                "{part} ({}) had an owner in time, who worked and had room",
                percent(ratio(count as u64, late as u64))
            )
        }
    }
}
