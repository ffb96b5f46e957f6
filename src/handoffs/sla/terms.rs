//! What is promised for a handoff: within which time, by which clock, and what happens when it is not kept.
//!
//! Promises: checked terms have marks in order: the reminder before the deadline, the steps after it in the order
//! owner, manager, reassignment. A clock keeps the terms it began with, so that a change of configuration moves
//! no running deadline.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::steps::StepKind;
use crate::kernel::calendar::Length;

/// The most automatic reassignments that terms may allow.
const REASSIGNMENTS_MAX: u8 = 10;

/// The clock that time is counted by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Every hour counts.
    #[default]
    Wall,
    /// Hours count while the team and the owner work.
    Business,
}

/// The terms of a handoff.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SlaTerms {
    /// From the start to the first contact.
    #[schema(value_type = String, example = "4h")]
    pub budget: Length,
    /// Also of the times below.
    pub basis: Basis,
    /// A reminder to the owner so long before the deadline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "1h")]
    pub remind_before: Option<Length>,
    /// From the start to the owner's acknowledgement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "2h")]
    pub acknowledge_within: Option<Length>,
    /// From the deadline.
    #[schema(value_type = String, example = "1h")]
    pub owner_alert_after: Length,
    /// From the deadline.
    #[schema(value_type = String, example = "4h")]
    pub manager_alert_after: Length,
    /// From the deadline.
    #[schema(value_type = String, example = "24h")]
    pub reassign_after: Length,
    /// A question of the owner to those who handed over stops the clock until there is an answer, for so long at most and
    /// once in a turn. Always in wall time: those who are asked have other hours.
    #[serde(default = "SlaTerms::usual_wait_for_answer")]
    #[schema(value_type = String, example = "24h")]
    pub wait_for_answer: Length,
    /// How often the service may give the handoff to somebody else by itself. Then it stops and asks the fallback.
    pub max_reassignments: u8,
    /// The role that is alerted, such as `sales_manager`.
    pub escalate_to: String,
    /// The role that gets what nobody answered.
    pub fallback_to: String,
}

/// One thing wrong with terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TermsFault {
    /// As written in the file, such as `remind_before`.
    pub key: &'static str,
    pub message: String,
}

impl fmt::Display for TermsFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.message)
    }
}

impl SlaTerms {
    /// Where nobody says otherwise.
    pub fn usual_wait_for_answer() -> Length {
        Length::hours(24)
    }

    /// All that is wrong with the terms.
    pub fn faults(&self) -> Vec<TermsFault> {
        let mut faults = Vec::new();
        let mut wrong = |key, message| faults.push(TermsFault { key, message });
        if self.budget.is_zero() {
            wrong("budget", "nobody can answer in no time: give it at least a minute".to_owned());
        }
        for (key, length) in self.lengths() {
            if self.basis == Basis::Business && length.uses_days() {
                let hours = "a day of business time has no fixed length: write working hours, such as `16h`";
                wrong(key, format!("`{length}`: {hours}"));
            }
        }
        if self.remind_before.is_some_and(|before| before.is_zero() || before >= self.budget) {
            let message =
                format!("the reminder must come after the start and before the {} end", self.budget);
            wrong("remind_before", message);
        }
        if self.acknowledge_within.is_some_and(|within| within.is_zero() || within > self.budget) {
            let message = format!("must be more than nothing and at most the budget, {}", self.budget);
            wrong("acknowledge_within", message);
        }
        let order = [
            ("manager_alert_after", self.manager_alert_after, "owner_alert_after", self.owner_alert_after),
            ("reassign_after", self.reassign_after, "manager_alert_after", self.manager_alert_after),
        ];
        for (later_key, later, earlier_key, earlier) in order {
            if later < earlier {
                wrong(later_key, format!("`{later}` comes before `{earlier_key}`, `{earlier}`"));
            }
        }
        if self.max_reassignments > REASSIGNMENTS_MAX {
            wrong("max_reassignments", format!("at most {REASSIGNMENTS_MAX}"));
        }
        for (key, role) in [("escalate_to", &self.escalate_to), ("fallback_to", &self.fallback_to)] {
            if role.trim().is_empty() {
                wrong(key, "name a role, such as `sales_manager`".to_owned());
            }
        }
        faults
    }

    fn lengths(&self) -> impl Iterator<Item = (&'static str, Length)> {
        let optional =
            [("remind_before", self.remind_before), ("acknowledge_within", self.acknowledge_within)];
        let always = [
            ("budget", self.budget),
            ("owner_alert_after", self.owner_alert_after),
            ("manager_alert_after", self.manager_alert_after),
            ("reassign_after", self.reassign_after),
        ];
        always.into_iter().chain(optional.into_iter().filter_map(|(key, length)| Some((key, length?))))
    }

    /// How many seconds must have counted for a step; `None` where the terms have no such step.
    pub(super) fn mark_seconds(&self, kind: StepKind) -> Option<i64> {
        let budget = self.budget.total_seconds();
        match kind {
            StepKind::Remind => self.remind_before.map(|before| budget - before.total_seconds()),
            StepKind::AcknowledgeBreach => self.acknowledge_within.map(Length::total_seconds),
            StepKind::Breach => Some(budget),
            StepKind::AlertOwner => Some(budget + self.owner_alert_after.total_seconds()),
            StepKind::AlertManager => Some(budget + self.manager_alert_after.total_seconds()),
            StepKind::Reassign | StepKind::Stop => Some(budget + self.reassign_after.total_seconds()),
        }
    }

    /// The steps of these terms with their marks, in the order in which they come.
    pub(super) fn steps(&self, reassignments: u8) -> Vec<(i64, StepKind)> {
        let last = if reassignments < self.max_reassignments { StepKind::Reassign } else { StepKind::Stop };
        let kinds = [
            StepKind::AcknowledgeBreach,
            StepKind::Remind,
            StepKind::Breach,
            StepKind::AlertOwner,
            StepKind::AlertManager,
            last,
        ];
        let mut steps: Vec<(i64, StepKind)> =
            kinds.into_iter().filter_map(|kind| Some((self.mark_seconds(kind)?, kind))).collect();
        steps.sort_unstable();
        steps
    }
}
