//! Shares in time, by segment, team and owner, against the threshold.
//!
//! Promises: a handoff counts once in each of its scopes, when its deadline has come or the contact was made; what is still
//! open and what ended before its deadline does not count.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::cause::{Cause, Causes, causes};
use super::{Scope, ScopeKind, WatchTerms};
use crate::designs::service::statistics::{Between, share_with_confidence};
use crate::handoffs::commands::Measured;
use crate::kernel::clock::DateTime;

/// How one scope stands in a window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WatchFinding)]
pub struct Finding {
    pub scope: Scope,
    pub from: DateTime,
    /// Exclusive.
    pub to: DateTime,
    pub in_time: u64,
    pub late: u64,
    /// `inTime / (inTime + late)`.
    pub share: f64,
    /// Where the true share lies, with a confidence of 95 %.
    pub sure: Between,
    pub threshold: f64,
    /// Under the threshold, and not by so few that it says nothing.
    pub under: bool,
    /// Under the threshold and more so than chance explains.
    pub certain: bool,
    /// Why they were late, the commonest cause first; only where it is under the threshold.
    pub causes: Vec<Cause>,
}

/// The scopes that a handoff is in.
pub fn scopes(handoff: &Measured) -> Vec<Scope> {
    let scope = |kind, name: &str| Scope { kind, name: name.to_owned() };
    let mut scopes = vec![scope(ScopeKind::Segment, &handoff.segment), scope(ScopeKind::Team, &handoff.team)];
    scopes.extend(handoff.owner.as_deref().map(|owner| scope(ScopeKind::Owner, owner)));
    scopes
}

/// How every scope stands, in order.
pub fn findings(handoffs: &[Measured], (from, to): (DateTime, DateTime), terms: &WatchTerms) -> Vec<Finding> {
    let mut by_scope: BTreeMap<Scope, Vec<&Measured>> = BTreeMap::new();
    for handoff in handoffs.iter().filter(|handoff| handoff.in_time.is_some()) {
        for scope in scopes(handoff) {
            by_scope.entry(scope).or_default().push(handoff);
        }
    }
    let finding = |(scope, of): (Scope, Vec<&Measured>)| {
        let in_time = of.iter().filter(|handoff| handoff.in_time == Some(true)).count() as u64;
        let late = of.len() as u64 - in_time;
        let sure = share_with_confidence(in_time, in_time + late)?;
        let share = ratio(in_time, in_time + late);
        let under = in_time + late >= u64::from(terms.least) && share < terms.threshold;
        let Causes(causes) = if under { causes(&of) } else { Causes::default() };
        let certain = under && sure.high < terms.threshold;
        Some(Finding {
            scope,
            from,
            to,
            in_time,
            late,
            share,
            sure,
            threshold: terms.threshold,
            under,
            certain,
            causes,
        })
    };
    by_scope.into_iter().filter_map(finding).collect()
}

/// A share of counts.
pub fn ratio(part: u64, whole: u64) -> f64 {
    let number = |n: u64| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
    if whole == 0 { 0.0 } else { number(part) / number(whole) }
}
