//! The watch over what was promised: who keeps it, why not where they do not, what to do, and when leadership is told.
//!
//! In reading order: [`compliance`] (shares by segment, team and owner), [`cause`] (why handoffs were late), [`rule`] (when
//! it is escalated).
//!
//! Promises: pure functions of measured handoffs; a share of few says how unsure it is; every late handoff has one cause and
//! every cause its evidence.

pub mod cause;
pub mod compliance;
pub mod rule;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::kernel::calendar::Length;

/// What the watch goes by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WatchTerms {
    /// How long one window is.
    pub window: Length,
    /// The share that is to be in time.
    pub threshold: f64,
    /// A window with fewer measured handoffs says nothing.
    pub least: u32,
    /// How often it looks, in minutes.
    pub every_minutes: u32,
    /// Two breaches of the guardrail within this time are told at once.
    pub guardrail_within: Length,
    /// A late handoff breaches the guardrail when, over this time before it, too few were in time.
    pub guardrail_over: Length,
}

impl Default for WatchTerms {
    fn default() -> Self {
        Self {
            window: Length::hours(168),
            threshold: 0.9,
            least: 5,
            every_minutes: 5,
            guardrail_within: Length::hours(48),
            guardrail_over: Length::hours(24),
        }
    }
}

impl WatchTerms {
    /// What is wrong with them, by key.
    pub fn faults(&self) -> Vec<(&'static str, &'static str)> {
        let hours = |length: Length| length.total_seconds() / 3_600;
        let faults = [
            (!(1..=31 * 24).contains(&hours(self.window)), "watch.window", "must be from an hour to 31 days"),
            (!(0.01..=1.0).contains(&self.threshold), "watch.threshold", "must be a share from 0.01 to 1"),
            (self.least == 0, "watch.least", "must be at least 1"),
            (!(1..=1_440).contains(&self.every_minutes), "watch.every_minutes", "must be from 1 to 1440"),
            (
                !(1..=31 * 24).contains(&hours(self.guardrail_within)),
                "watch.guardrail_within",
                "must be from an hour to 31 days",
            ),
            (
                !(1..=31 * 24).contains(&hours(self.guardrail_over)),
                "watch.guardrail_over",
                "must be from an hour to 31 days",
            ),
        ];
        faults.into_iter().filter(|(wrong, ..)| *wrong).map(|(_, key, fault)| (key, fault)).collect()
    }
}

/// What handoffs are looked at by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = WatchScopeKind)]
pub enum ScopeKind {
    Segment,
    Team,
    Owner,
}

impl ScopeKind {
    pub const ALL: [Self; 3] = [Self::Segment, Self::Team, Self::Owner];

    /// The name in the API and in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Segment => "segment",
            Self::Team => "team",
            Self::Owner => "owner",
        }
    }
}

/// Some of the handoffs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WatchScope)]
pub struct Scope {
    pub kind: ScopeKind,
    /// Such as `enterprise`.
    pub name: String,
}

impl Scope {
    /// In a sentence.
    pub fn words(&self) -> String {
        format!("{} {}", self.kind.name(), self.name)
    }
}
