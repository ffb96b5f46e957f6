//! Alerts to people, and how many of them a person gets at once: pure.
//!
//! Promises: of what is not urgent a person gets at most the budget in any window of time; what is urgent always passes
//! and counts. What would be too much is held and told in a digest, in the person's working time, unless there is no
//! point in telling it any more; then the reason is kept. A channel is not limited.
//! Leaves out: rows and locks, which whoever writes has; what is worth an alert.

mod budget;
mod digest;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::assign::Roster;
use super::assign::names::RepId;
use super::sla::Step;
use crate::kernel::calendar::Length;
use crate::motions::Urgency;

pub use budget::{Sent, split};
pub use digest::{Dropped, HeldAlert, command, digest_at, pointless};

/// The most alerts that a budget may allow.
const BUDGET_MAX: u16 = 1_000;
/// The longest window, and the longest wait for a digest: a week.
const LONGEST_SECS: i64 = 7 * 86_400;

/// How much a person is told at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AlertTerms {
    /// So many alerts that are not urgent in any [`window`](Self::window); with 0 all of them come in digests.
    pub budget: u16,
    pub window: Length,
    /// While the person works, a digest comes so long after the first alert that is held for it.
    pub digest_after: Length,
}

impl Default for AlertTerms {
    fn default() -> Self {
        Self { budget: 6, window: Length::hours(1), digest_after: Length::hours(1) }
    }
}

impl AlertTerms {
    /// All that is wrong with them, by key.
    pub fn faults(&self) -> Vec<(&'static str, String)> {
        let mut faults = Vec::new();
        if self.budget > BUDGET_MAX {
            faults
                .push(("budget", format!("`{}` is no limit any more: write 0 to {BUDGET_MAX}", self.budget)));
        }
        for (key, length) in [("window", self.window), ("digest_after", self.digest_after)] {
            if !(60..=LONGEST_SECS).contains(&length.total_seconds()) {
                faults.push((key, "must be from a minute to a week".to_owned()));
            }
        }
        faults
    }
}

/// Somebody who is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Person {
    pub rep_id: RepId,
    /// None for somebody who is not on the roster.
    pub name: Option<String>,
    pub email: Option<String>,
    /// Told for looking after others, and not for having the handoff or having had it.
    #[serde(skip)]
    pub looks_after: bool,
}

impl Person {
    pub fn of(roster: &Roster, id: &RepId) -> Self {
        let rep = roster.rep(id.as_str());
        let (name, email) = rep.map(|rep| (rep.name.clone(), rep.email.clone())).unzip();
        Self { rep_id: id.clone(), name, email, looks_after: false }
    }

    /// Somebody whom a role or a team leads to.
    pub fn looking_after(roster: &Roster, id: &RepId) -> Self {
        Self { looks_after: true, ..Self::of(roster, id) }
    }
}

/// As long as what is so an alert is worth telling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Matters {
    /// Its person has the handoff and has not said so.
    UntilAcknowledged,
    /// Its person has the handoff and has not contacted the customer.
    UntilContacted,
    /// Nobody has acknowledged the handoff, whoever has it.
    WhileUnanswered,
    /// It says that the handoff is no longer theirs.
    WhileNotOwner,
    Always,
}

impl Matters {
    fn actions(self) -> &'static [&'static str] {
        match self {
            Self::UntilAcknowledged => &["acknowledge", "take_over", "reject"],
            Self::UntilContacted => &["take_over", "reject"],
            Self::WhileUnanswered | Self::WhileNotOwner | Self::Always => &[],
        }
    }

    /// How long it matters to a certain person: who looks after others is not asked to do it.
    #[must_use]
    pub fn to(self, person: &Person) -> Self {
        match self {
            Self::UntilAcknowledged if person.looks_after => Self::WhileUnanswered,
            Self::UntilContacted | Self::WhileNotOwner if person.looks_after => Self::Always,
            matters => matters,
        }
    }
}

/// A message to people, a role or a channel about one handoff.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Alert {
    pub channel: Option<String>,
    pub to: Vec<Person>,
    pub role: Option<String>,
    pub title: String,
    pub body: String,
    pub priority: Urgency,
    pub account_id: String,
    pub account_name: String,
    pub handoff_id: Uuid,
    pub path: String,
    /// The step of the clock that it tells of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<Step>,
    #[serde(skip)]
    pub matters: Matters,
}

impl Alert {
    /// Whether it is for anybody at all.
    pub fn reaches_anybody(&self) -> bool {
        !self.to.is_empty() || self.role.is_some() || self.channel.is_some()
    }

    /// The data of the command; `actions` are what its readers can do about it from where they read it.
    pub fn data(&self) -> Value {
        let mut data = json!(self);
        data["actions"] = json!(self.matters.actions());
        data
    }
}

/// Where a handoff is read.
pub fn path_of(handoff_id: Uuid) -> String {
    format!("/v1/handoffs/{handoff_id}")
}
