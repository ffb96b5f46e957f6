//! Which step of a handoff comes next, and when.
//!
//! Promises: one step is next at a time, in the order of its marks; a step that was taken is not taken again,
//! whatever happens to the calendar; after contact, closure, reassignment or stop there is none. While an
//! open-ended pause lasts nothing is next.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::clock::{Done, SlaClock};
use crate::kernel::calendar::{CalendarError, Shift};
use crate::kernel::clock::DateTime;

/// What happens to a handoff by the passing of time; ordered as they come when they fall together.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[schema(as = SlaStepKind)]
pub enum StepKind {
    /// The owner did not acknowledge in time.
    AcknowledgeBreach,
    /// The deadline is near.
    Remind,
    /// The deadline is reached.
    Breach,
    AlertOwner,
    AlertManager,
    /// Somebody else gets it, with a clock of its own: [`SlaClock::restarted`].
    Reassign,
    /// It was reassigned as often as allowed: the fallback role decides.
    Stop,
}

impl StepKind {
    pub const ALL: [Self; 7] = [
        Self::AcknowledgeBreach,
        Self::Remind,
        Self::Breach,
        Self::AlertOwner,
        Self::AlertManager,
        Self::Reassign,
        Self::Stop,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::AcknowledgeBreach => "acknowledge_breach",
            Self::Remind => "remind",
            Self::Breach => "breach",
            Self::AlertOwner => "alert_owner",
            Self::AlertManager => "alert_manager",
            Self::Reassign => "reassign",
            Self::Stop => "stop",
        }
    }
}

/// A step and its time, which may have passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SlaStep)]
pub struct Step {
    pub kind: StepKind,
    pub at: DateTime,
}

impl SlaClock {
    /// The one step that comes next, and when; its time may have passed. A reminder whose deadline has passed is
    /// left out: the breach says more.
    pub fn next_step(&self, shift: &Shift, now: DateTime) -> Result<Option<Step>, CalendarError> {
        if self.ended().is_some() || self.has_taken(StepKind::Reassign) || self.has_taken(StepKind::Stop) {
            return Ok(None);
        }
        for (mark, kind) in self.terms().steps(self.reassignments()) {
            if !self.is_open_for(kind) {
                continue;
            }
            let Some(at) = self.reached_at(TimeDelta::seconds(mark), shift)? else { return Ok(None) };
            if kind == StepKind::Remind && self.due_at(shift)?.is_some_and(|due| due <= now) {
                continue;
            }
            return Ok(Some(Step { kind, at }));
        }
        Ok(None)
    }

    /// Takes the next step if its time has come, so that it does not come again. Call it until it gives nothing,
    /// and write the clock in the transaction that writes what the steps do.
    pub fn take_due(&mut self, shift: &Shift, now: DateTime) -> Result<Option<Step>, CalendarError> {
        self.take(shift, now, |at| at <= now)
    }

    /// As [`SlaClock::take_due`], of what fell due before an instant: what somebody does then comes before a step of the
    /// same moment, as the deadline itself is in time.
    pub fn take_due_before(
        &mut self,
        shift: &Shift,
        before: DateTime,
        now: DateTime,
    ) -> Result<Option<Step>, CalendarError> {
        self.take(shift, now, |at| at < before)
    }

    fn take(
        &mut self,
        shift: &Shift,
        now: DateTime,
        is_due: impl Fn(DateTime) -> bool,
    ) -> Result<Option<Step>, CalendarError> {
        let due = self.next_step(shift, now)?.filter(|step| is_due(step.at));
        if let Some(step) = due {
            self.note_taken(Done { kind: step.kind, at: step.at, taken_at: now });
        }
        Ok(due)
    }

    /// Whether a step may still come.
    fn is_open_for(&self, kind: StepKind) -> bool {
        let overtaken = match kind {
            StepKind::AcknowledgeBreach => self.acknowledged_at().is_some(),
            StepKind::Remind => self.has_taken(StepKind::Breach),
            _ => false,
        };
        !overtaken && !self.has_taken(kind)
    }
}
