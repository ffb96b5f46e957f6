//! When leadership is told: two windows in a row under the threshold, or two breaches of the guardrail in too short a time.
//!
//! What breaches the guardrail: a handoff that becomes late, or a routing failure, while over the time before it more of the
//! scope's handoffs went wrong than the threshold allows. So one late handoff of a hundred breaches nothing, and one of two does.
//! Promises: pure; told once for each second window, and after a guardrail not again before its time is over. Owners are told
//! of to their manager and not to leadership: these rules are for segments and teams.

use chrono::{DurationRound as _, TimeDelta};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Scope, ScopeKind, WatchTerms};
use crate::designs::watch::compliance::scopes;
use crate::handoffs::commands::Measured;
use crate::kernel::clock::DateTime;

/// So many breaches of the guardrail are told.
const BREACHES: usize = 2;

/// Why it is escalated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = WatchRule)]
pub enum Rule {
    TwoWindows,
    Guardrail,
}

impl Rule {
    /// The name in the API and in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::TwoWindows => "two_windows",
            Self::Guardrail => "guardrail",
        }
    }
}

/// Whether leadership is told of a scope.
pub fn concerns_leadership(scope: &Scope) -> bool {
    match scope.kind {
        ScopeKind::Segment | ScopeKind::Team => true,
        ScopeKind::Owner => false,
    }
}

/// Whether the newest of these windows, newest first, is to be told: the second, fourth … of a row that is under.
pub fn two_windows(newest_first: &[bool]) -> bool {
    let row = newest_first.iter().take_while(|under| **under).count();
    row > 0 && row.is_multiple_of(2)
}

/// The window that ends last by an instant. Windows follow each other from a Monday on.
pub fn last_window(now: DateTime, terms: &WatchTerms) -> (DateTime, DateTime) {
    let length = terms.window.as_delta();
    let monday = DateTime::from_timestamp(4 * 86_400, 0).unwrap_or_default();
    let since = now - monday;
    let count = since.num_seconds().div_euclid(length.num_seconds().max(1));
    let to = monday + TimeDelta::seconds(count * length.num_seconds());
    (to - length, to)
}

/// Something that went well or wrong with a handoff, at its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Event {
    at: DateTime,
    wrong: bool,
}

fn events(handoffs: &[Measured], scope: &Scope) -> Vec<Event> {
    let of = handoffs.iter().filter(|handoff| scopes(handoff).contains(scope));
    let mut events: Vec<Event> = of
        .filter_map(|handoff| {
            let late = handoff.late_at.map(|at| Event { at, wrong: true });
            let met = (handoff.in_time == Some(true)).then_some(handoff.contacted_at).flatten();
            let alarm = handoff.alarmed_at.map(|at| Event { at, wrong: true });
            let fell = handoff.assigned_at.filter(|_| handoff.fell_back).map(|at| Event { at, wrong: true });
            // A handoff that failed in several ways is one that went wrong, at the first of them.
            let wrong = [late, alarm, fell].into_iter().flatten().min();
            wrong.or_else(|| met.map(|at| Event { at, wrong: false }))
        })
        .collect();
    events.sort_unstable();
    events
}

/// The instants at which a scope breached the guardrail, in order.
pub fn breaches(handoffs: &[Measured], scope: &Scope, terms: &WatchTerms) -> Vec<DateTime> {
    let events = events(handoffs, scope);
    let over = terms.guardrail_over.as_delta();
    let allowed = 1.0 - terms.threshold;
    let breaching = events.iter().enumerate().filter(|(place, event)| {
        let since = event.at - over;
        let recent = events[..=*place].iter().rev().take_while(|other| other.at > since);
        let (wrong, all) =
            recent.fold((0_u64, 0_u64), |(wrong, all), other| (wrong + u64::from(other.wrong), all + 1));
        event.wrong && super::compliance::ratio(wrong, all) > allowed
    });
    breaching.map(|(_, event)| event.at).collect()
}

/// When the guardrail was breached for the second time within its time, after it was last told; none where it was not.
pub fn guardrail(breaches: &[DateTime], told_at: Option<DateTime>, terms: &WatchTerms) -> Option<DateTime> {
    let within = terms.guardrail_within.as_delta();
    let quiet_until = told_at.map(|at| at + within);
    let new: Vec<DateTime> =
        breaches.iter().copied().filter(|at| told_at.is_none_or(|told| *at > told)).collect();
    let pairs = new.windows(BREACHES).filter(|pair| pair[BREACHES - 1] - pair[0] <= within);
    pairs.map(|pair| pair[BREACHES - 1]).find(|at| quiet_until.is_none_or(|quiet| *at >= quiet))
}

/// The first whole step of so many minutes since the epoch after an instant: when the watch looks next.
pub fn next_look(after: DateTime, terms: &WatchTerms) -> DateTime {
    let step = TimeDelta::minutes(i64::from(terms.every_minutes.max(1)));
    after.duration_trunc(step).unwrap_or(after) + step
}
