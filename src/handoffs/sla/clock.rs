//! The clock of one handoff, as data, and what happens to it.
//!
//! Promises: time that was settled is never counted anew. Before a calendar, owner or absence changes,
//! [`SlaClock::settle`] writes what counted so far, by the hours that held until then, into the ledger, and fixes
//! the instants of the marks that were passed; what comes after is counted by the new hours. Pauses that overlap
//! count once. Calls come in the order of time, which is what a row lock and one clock give.
//! Leaves out: hours; every question takes the [`Shift`] that holds now.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::steps::{Step, StepKind};
use super::terms::{Basis, SlaTerms};
use crate::kernel::calendar::{CalendarError, Interval, OpenTime as _, Reach, Shift};
use crate::kernel::clock::DateTime;

/// The farthest that a mark is looked for: forty years from where the ledger ends.
const HORIZON: TimeDelta = TimeDelta::days(40 * 366);

/// Why the clock stands still.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SlaPauseReason)]
pub enum PauseReason {
    /// A guardrail holds the handoff.
    Held,
    /// The receiver asked for information.
    WaitingForInformation,
    /// The owner is away; for wall time, where absences do not count by themselves.
    RepAbsent,
    /// The customer asked to be contacted later.
    CustomerRequest,
}

/// A stretch in which time does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Pause {
    pub reason: PauseReason,
    pub from: DateTime,
    /// Exclusive; open-ended until the reason ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<DateTime>,
}

/// What changed when a part of the ledger was settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SlaChange)]
pub enum Change {
    Calendar,
    Owner,
    Absence,
}

/// A settled part: what counted from one instant to another, by the hours that held then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Segment {
    pub from: DateTime,
    pub to: DateTime,
    pub spent_micros: i64,
    pub ended_by: Change,
}

/// A mark that was passed in a settled part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Passed {
    mark_seconds: i64,
    at: DateTime,
}

/// A step that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Done {
    pub kind: StepKind,
    /// When its time had come.
    pub at: DateTime,
    pub taken_at: DateTime,
}

/// What ended the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SlaEndedBy)]
pub enum EndedBy {
    /// The first recorded contact: the terms are met, or met late.
    Contact,
    /// Cancelled, lost, or over in another way.
    Closure,
}

/// The end of the clock, fixed at that time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Ending {
    pub by: EndedBy,
    pub at: DateTime,
    pub spent_micros: i64,
    /// None where it was paused without an end, or no working time was left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<DateTime>,
}

impl Ending {
    /// Whether it ended by the deadline; at the deadline is in time.
    pub fn in_time(&self) -> bool {
        self.due_at.is_none_or(|due| self.at <= due)
    }
}

/// Whose decision a new clock is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restart {
    /// The service reassigned by itself: counts for the loop guard.
    Automatic,
    /// A person did; the loop guard starts anew.
    Manual,
}

/// A call that does not fit the clock.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClockError {
    #[error("the clock of this handoff has ended")]
    Over,
    #[error("the clock is already paused for this reason since {since}")]
    AlreadyPaused { since: DateTime },
    #[error("the clock is not paused for this reason")]
    NotPaused,
    #[error("{at} lies before {settled}, up to which time is settled")]
    Settled { at: DateTime, settled: DateTime },
    #[error("the pause would end before it begins, at {from}")]
    EndsBeforeStart { from: DateTime },
}

/// The clock of one owner's turn with a handoff.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SlaClock {
    terms: SlaTerms,
    started_at: DateTime,
    /// Automatic ones before this turn.
    reassignments: u8,
    ledger: Vec<Segment>,
    passed: Vec<Passed>,
    pauses: Vec<Pause>,
    done: Vec<Done>,
    acknowledged_at: Option<DateTime>,
    ended: Option<Ending>,
}

/// How the clock stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlaStatus {
    pub spent: TimeDelta,
    /// Of the budget; negative past the deadline. `spent + remaining` is the budget.
    pub remaining: TimeDelta,
    /// None while it is paused without an end.
    pub due_at: Option<DateTime>,
    /// Past the deadline without contact, or contact came late.
    pub breached: bool,
    /// Reasons in force, in the order in which they began.
    pub paused: Vec<PauseReason>,
    pub next: Option<Step>,
}

impl SlaClock {
    /// A clock that starts with a handoff.
    pub fn start(terms: SlaTerms, at: DateTime) -> Self {
        Self {
            terms,
            started_at: at,
            reassignments: 0,
            ledger: Vec::new(),
            passed: Vec::new(),
            pauses: Vec::new(),
            done: Vec::new(),
            acknowledged_at: None,
            ended: None,
        }
    }

    /// The clock of the next owner: the whole budget again, by the same terms. What the handoff waits for goes
    /// on; the absence of the previous owner does not.
    #[must_use]
    pub fn restarted(&self, at: DateTime, by: Restart) -> Self {
        let reassignments = match by {
            Restart::Automatic => self.reassignments.saturating_add(1),
            Restart::Manual => 0,
        };
        let goes_on =
            |pause: &&Pause| pause.reason != PauseReason::RepAbsent && pause.to.is_none_or(|to| to > at);
        let pauses = self.pauses.iter().filter(goes_on);
        let pauses = pauses.map(|pause| Pause { from: pause.from.max(at), ..*pause }).collect();
        Self { reassignments, pauses, ..Self::start(self.terms.clone(), at) }
    }

    pub fn terms(&self) -> &SlaTerms {
        &self.terms
    }

    pub fn started_at(&self) -> DateTime {
        self.started_at
    }

    /// Automatic reassignments before this turn.
    pub fn reassignments(&self) -> u8 {
        self.reassignments
    }

    /// The settled parts, in order, without gaps from the start on.
    pub fn ledger(&self) -> &[Segment] {
        &self.ledger
    }

    pub fn pauses(&self) -> &[Pause] {
        &self.pauses
    }

    pub fn acknowledged_at(&self) -> Option<DateTime> {
        self.acknowledged_at
    }

    /// How it ended.
    pub fn ended(&self) -> Option<&Ending> {
        self.ended.as_ref()
    }

    /// Whether a step was taken.
    pub fn has_taken(&self, kind: StepKind) -> bool {
        self.done.iter().any(|done| done.kind == kind)
    }

    pub(super) fn note_taken(&mut self, done: Done) {
        self.done.push(done);
    }

    /// Up to where time is settled.
    fn settled_until(&self) -> DateTime {
        self.ledger.last().map_or(self.started_at, |segment| segment.to)
    }

    /// The hours that count for these terms. In wall time every hour does; absences are then pauses.
    fn counting(&self, shift: &Shift) -> Shift {
        let pauses = self
            .pauses
            .iter()
            .map(|pause| Interval { from: pause.from, to: pause.to.unwrap_or(DateTime::MAX_UTC) });
        match self.terms.basis {
            Basis::Wall => Shift::always().without(pauses),
            Basis::Business => shift.clone().without(pauses),
        }
    }

    /// What counted up to `now`, which is not before the last change; as fixed at its end once it has ended.
    pub fn spent(&self, shift: &Shift, now: DateTime) -> TimeDelta {
        if let Some(ending) = &self.ended {
            return TimeDelta::microseconds(ending.spent_micros);
        }
        let from = self.settled_until();
        self.settled() + self.counting(shift).between(from, now.max(from))
    }

    fn settled(&self) -> TimeDelta {
        TimeDelta::microseconds(self.ledger.iter().map(|segment| segment.spent_micros).sum())
    }

    /// What is left of the budget; negative past the deadline.
    pub fn remaining(&self, shift: &Shift, now: DateTime) -> TimeDelta {
        self.terms.budget.as_delta() - self.spent(shift, now)
    }

    /// The deadline: the earliest instant at which the budget is spent, closing time rather than the next
    /// opening. None while it is paused without an end, and at the end of the clock as fixed then.
    pub fn due_at(&self, shift: &Shift) -> Result<Option<DateTime>, CalendarError> {
        match &self.ended {
            Some(ending) => Ok(ending.due_at),
            None => self.reached_at(self.terms.budget.as_delta(), shift),
        }
    }

    /// When the owner must have acknowledged, where the terms say so.
    pub fn acknowledge_due_at(&self, shift: &Shift) -> Result<Option<DateTime>, CalendarError> {
        match self.terms.acknowledge_within {
            Some(within) => self.reached_at(within.as_delta(), shift),
            None => Ok(None),
        }
    }

    /// When so much time has counted; none while it is paused without an end before that.
    pub(super) fn reached_at(
        &self,
        mark: TimeDelta,
        shift: &Shift,
    ) -> Result<Option<DateTime>, CalendarError> {
        if let Some(passed) = self.passed.iter().find(|passed| passed.mark_seconds == mark.num_seconds()) {
            return Ok(Some(passed.at));
        }
        let start = self.settled_until();
        let standstill = self.pauses.iter().filter(|pause| pause.to.is_none()).map(|pause| pause.from).min();
        let limit = standstill.unwrap_or(start + HORIZON).max(start);
        match self.counting(shift).reach(start, mark - self.settled(), limit)? {
            Reach::At(at) => Ok(Some(at)),
            Reach::NotBy(_) if standstill.is_some() => Ok(None),
            Reach::NotBy(limit) => Err(CalendarError::TooFar { start, limit }),
        }
    }

    /// How the clock stands at `now`.
    pub fn status(&self, shift: &Shift, now: DateTime) -> Result<SlaStatus, CalendarError> {
        let due_at = self.due_at(shift)?;
        let spent = self.spent(shift, now);
        let ended_or_now = self.ended.map_or(now, |ending| ending.at);
        let in_force = |pause: &&Pause| pause.from <= now && pause.to.is_none_or(|to| now < to);
        Ok(SlaStatus {
            spent,
            remaining: self.terms.budget.as_delta() - spent,
            due_at,
            breached: due_at.is_some_and(|due| match self.ended {
                Some(_) => ended_or_now > due,
                None => ended_or_now >= due,
            }),
            paused: self.pauses.iter().filter(in_force).map(|pause| pause.reason).collect(),
            next: self.next_step(shift, now)?,
        })
    }

    /// Writes into the ledger what counted up to `at` by the hours that held until then. Call it with the old
    /// hours before they change; with unchanged hours it changes no answer.
    pub fn settle(&mut self, old: &Shift, at: DateTime, change: Change) -> Result<(), ClockError> {
        if self.ended.is_some() {
            return Ok(());
        }
        let from = self.unsettled(at)?;
        if at == from {
            return Ok(());
        }
        let total = self.spent(old, at);
        let mut passed = Vec::new();
        for mark_seconds in self.unpassed_marks().filter(|mark| TimeDelta::seconds(*mark) <= total) {
            // All of it has counted by `at`, so the search ends there.
            if let Ok(Some(reached)) = self.reached_at(TimeDelta::seconds(mark_seconds), old) {
                passed.push(Passed { mark_seconds, at: reached });
            }
        }
        let spent_micros = micros(total - self.settled());
        self.passed.extend(passed);
        self.ledger.push(Segment { from, to: at, spent_micros, ended_by: change });
        Ok(())
    }

    /// The marks of the terms that no settled part has passed.
    fn unpassed_marks(&self) -> impl Iterator<Item = i64> {
        let mut marks: Vec<i64> =
            StepKind::ALL.into_iter().filter_map(|kind| self.terms.mark_seconds(kind)).collect();
        marks.sort_unstable();
        marks.dedup();
        marks.into_iter().filter(|mark| self.passed.iter().all(|passed| passed.mark_seconds != *mark))
    }

    /// The end of the ledger, when `at` does not lie before it.
    fn unsettled(&self, at: DateTime) -> Result<DateTime, ClockError> {
        let settled = self.settled_until();
        if at < settled { Err(ClockError::Settled { at, settled }) } else { Ok(settled) }
    }

    /// Stops counting from an instant on, up to another where that is known.
    pub fn pause(
        &mut self,
        reason: PauseReason,
        from: DateTime,
        to: Option<DateTime>,
    ) -> Result<(), ClockError> {
        if self.ended.is_some() {
            return Err(ClockError::Over);
        }
        self.unsettled(from)?;
        if to.is_some_and(|to| to <= from) {
            return Err(ClockError::EndsBeforeStart { from });
        }
        if let Some(running) = self.running(reason, from) {
            return Err(ClockError::AlreadyPaused { since: self.pauses[running].from });
        }
        self.pauses.push(Pause { reason, from, to });
        Ok(())
    }

    /// Counts again from an instant on, as far as this reason goes; a pause that was only planned is dropped.
    pub fn resume(&mut self, reason: PauseReason, at: DateTime) -> Result<(), ClockError> {
        if self.ended.is_some() {
            return Err(ClockError::Over);
        }
        self.unsettled(at)?;
        let running = self.running(reason, at).ok_or(ClockError::NotPaused)?;
        if at <= self.pauses[running].from {
            self.pauses.remove(running);
        } else {
            self.pauses[running].to = Some(at);
        }
        Ok(())
    }

    /// The pause for a reason that is in force at an instant, or will be.
    fn running(&self, reason: PauseReason, at: DateTime) -> Option<usize> {
        self.pauses.iter().position(|pause| pause.reason == reason && pause.to.is_none_or(|to| to > at))
    }

    /// Notes the first acknowledgement; whether it was the first.
    pub fn acknowledge(&mut self, at: DateTime) -> bool {
        let first = self.acknowledged_at.is_none() && self.ended.is_none();
        if first {
            self.acknowledged_at = Some(at);
        }
        first
    }

    /// Ends the clock by the first contact, which also acknowledges; whether it was this that ended it.
    pub fn contact(&mut self, shift: &Shift, at: DateTime) -> bool {
        self.acknowledge(at);
        self.end(EndedBy::Contact, shift, at)
    }

    /// Ends the clock without contact; whether it was this that ended it.
    pub fn close(&mut self, shift: &Shift, at: DateTime) -> bool {
        self.end(EndedBy::Closure, shift, at)
    }

    /// Fixes the deadline and what was spent, so that later calendars change neither. Without any working time
    /// left there is no deadline to miss.
    fn end(&mut self, by: EndedBy, shift: &Shift, at: DateTime) -> bool {
        if self.ended.is_some() {
            return false;
        }
        let due_at = self.due_at(shift).unwrap_or(None);
        let spent_micros = micros(self.spent_by(shift, at));
        self.ended = Some(Ending { by, at, spent_micros, due_at });
        true
    }

    /// What counted up to an instant that may lie in the settled past, because contacts are recorded late. Of
    /// the part it lies in no more counts than had passed.
    fn spent_by(&self, shift: &Shift, at: DateTime) -> TimeDelta {
        if at >= self.settled_until() {
            return self.spent(shift, at);
        }
        let before = self.ledger.iter().filter(|segment| segment.from < at);
        before
            .map(|segment| {
                let passed = (segment.to.min(at) - segment.from).max(TimeDelta::zero());
                TimeDelta::microseconds(segment.spent_micros).min(passed)
            })
            .sum()
    }
}

fn micros(length: TimeDelta) -> i64 {
    length.num_microseconds().unwrap_or(i64::MAX)
}
