//! Whether the account is clear: what people said, then the ranking.
//!
//! Promises: a pin of the surest key decides, unless an exclusion of the same or a surer key denies it; an account
//! that is ruled out by any other key is never chosen; the best by rank is chosen only when its evidence reaches
//! [`CLEAR_SCORE_MIN`] and leads by [`CLEAR_LEAD_MIN`]. Tie-breaks order candidates for people; they never
//! choose, because an event in the wrong account does more harm than one that waits.

use std::collections::HashMap;

use serde::Serialize;

use super::rank::{Match, Query, ReasonKind};
use crate::kernel::ids::AccountId;

/// Evidence that an event is routed on: a domain alone, a parent domain alone, or a name with its country. A name
/// alone, or an address at which one of the account's people is known, is not enough.
pub const CLEAR_SCORE_MIN: u32 = 60;
/// How far the best must lead: the weight of a country, so that equal evidence is never decided by less.
pub const CLEAR_LEAD_MIN: u32 = 10;

/// What people said about keys.
#[derive(Debug, Clone, Default)]
pub struct Corrections {
    /// The account that has a key, by key.
    pub pins: HashMap<String, AccountId>,
    /// Accounts that a key does not belong to, by key.
    pub exclusions: HashMap<String, Vec<AccountId>>,
}

/// What came of looking for an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Clear(AccountId),
    Open(Why),
}

/// Why the account is not clear.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// No known account has anything in common with it.
    NoCandidate,
    /// What speaks for the best candidate is not enough.
    TooWeak,
    /// Another candidate is as likely, or nearly so.
    Ambiguous,
}

impl Corrections {
    /// Puts into a query what people said about its keys.
    pub fn apply(&self, query: Query) -> Query {
        let keys = query.keys();
        let excluded = |key: &String| self.exclusions.get(key).into_iter().flatten();
        let pinned = keys.iter().enumerate().find_map(|(at, key)| {
            let account_id = self.pins.get(key)?;
            let denied = keys[..=at].iter().flat_map(excluded).any(|denied| denied == account_id);
            (!denied).then(|| account_id.clone())
        });
        let ruled_out = keys.iter().flat_map(excluded).filter(|id| pinned.as_ref() != Some(*id)).cloned();
        Query { ruled_out: ruled_out.collect(), pinned, ..query }
    }
}

/// What a ranking (see [`rank`](super::rank())) says.
pub fn verdict(ranked: &[Match]) -> Verdict {
    let Some((best, rest)) = ranked.split_first() else { return Verdict::Open(Why::NoCandidate) };
    let pinned = best.reasons.iter().any(|reason| reason.kind == ReasonKind::Pinned);
    let lead = rest.first().map_or(u32::MAX, |next| best.score.saturating_sub(next.score));
    match () {
        () if pinned => Verdict::Clear(best.account_id.clone()),
        () if best.score < CLEAR_SCORE_MIN => Verdict::Open(Why::TooWeak),
        () if lead < CLEAR_LEAD_MIN => Verdict::Open(Why::Ambiguous),
        () => Verdict::Clear(best.account_id.clone()),
    }
}

#[cfg(test)]
mod laws;
