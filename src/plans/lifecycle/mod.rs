//! What may happen to a task of a running plan, and what it then is: pure.
//!
//! ```text
//! waiting ──> ready <──> claimed ──> done
//!               ^           │
//!               └─ retry ── escalated ──> done | skipped | failed
//! ```
//!
//! A claim is a lease. Whoever lets it run out, or fails, gives the task back, as often as the plan allows retries; then it
//! is escalated and the plan's ladder is climbed: its roles are told one after the other until somebody does the task, has
//! it tried again, skips it or gives it up. A checkpoint that is not done by its date counts as missed and is looked at
//! again after the time of a rung, as often as there are retries; then the ladder is climbed as well. A task that uses up
//! its retries and a checkpoint that misses its date each count once against the plan's guardrail.
//!
//! Promises: an action that does not fit is refused with those that do; nothing happens after a final state; of one climb
//! each rung is told once and in order; what time brings happens at the instant at which it was due, however late somebody
//! looks, so that crashes and delays change nothing.
//! Leaves out: who holds a role, what leaves the service, when everything before a task is done.

mod gate;
mod guardrail;
#[cfg(test)]
mod laws;
mod progress;
mod state;
#[cfg(test)]
mod tests;

use super::model::{ErrorHandling, Role, Task};
use crate::kernel::clock::DateTime;

pub use gate::{GateRefused, GateState, GateStatus, Verdict, review};
pub use guardrail::Watch;
pub use progress::{Progress, progress};
pub use state::{Because, Climb, Lease, TaskState, TaskStatus};

/// What is done with a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Takes it under a lease; `token` is new with each claim.
    Claim { by: String, token: i64, until: DateTime },
    /// Keeps the lease.
    Heartbeat { token: i64, until: DateTime },
    /// It is done. Without a token by somebody who did it without claiming.
    Complete { token: Option<i64> },
    /// It did not work this time.
    Fail { token: Option<i64>, reason: String },
    /// It need not be done; what waits for it goes on.
    Skip,
    /// It is tried again from the beginning.
    Retry,
    /// It cannot be done; what waits for it goes on waiting.
    GiveUp { reason: String },
}

/// The names of actions, as the API has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActionKind {
    Claim,
    Heartbeat,
    Complete,
    Fail,
    Skip,
    Retry,
    GiveUp,
}

impl ActionKind {
    pub const ALL: [Self; 7] =
        [Self::Claim, Self::Heartbeat, Self::Complete, Self::Fail, Self::Skip, Self::Retry, Self::GiveUp];

    pub fn name(self) -> &'static str {
        match self {
            Self::Claim => "claim",
            Self::Heartbeat => "heartbeat",
            Self::Complete => "complete",
            Self::Fail => "fail",
            Self::Skip => "skip",
            Self::Retry => "retry",
            Self::GiveUp => "give_up",
        }
    }

    /// Whether it can be done with a task in this status.
    pub fn fits(self, status: TaskStatus) -> bool {
        use TaskStatus::{Claimed, Escalated, Ready, Waiting};
        match self {
            Self::Claim => status == Ready,
            Self::Heartbeat => status == Claimed,
            Self::Complete => matches!(status, Ready | Claimed | Escalated),
            Self::Fail => matches!(status, Ready | Claimed),
            Self::Skip | Self::GiveUp => matches!(status, Waiting | Ready | Claimed | Escalated),
            Self::Retry => status == Escalated,
        }
    }
}

impl Action {
    pub fn kind(&self) -> ActionKind {
        match self {
            Self::Claim { .. } => ActionKind::Claim,
            Self::Heartbeat { .. } => ActionKind::Heartbeat,
            Self::Complete { .. } => ActionKind::Complete,
            Self::Fail { .. } => ActionKind::Fail,
            Self::Skip => ActionKind::Skip,
            Self::Retry => ActionKind::Retry,
            Self::GiveUp { .. } => ActionKind::GiveUp,
        }
    }

    fn token(&self) -> Option<i64> {
        match self {
            Self::Heartbeat { token, .. } => Some(*token),
            Self::Complete { token } | Self::Fail { token, .. } => *token,
            Self::Claim { .. } | Self::Skip | Self::Retry | Self::GiveUp { .. } => None,
        }
    }
}

/// What happened to a task, in the order in which it happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happening {
    /// Everything before it is done.
    Ready,
    Claimed {
        by: String,
        until: DateTime,
    },
    /// Nobody was heard of in time; it counts as a failure.
    LeaseEnded {
        by: String,
        at: DateTime,
    },
    /// It goes back to the queue; `failures` so far.
    Retried {
        failures: u8,
        reason: String,
        at: DateTime,
    },
    /// The retries are used up; counts against the guardrail.
    Escalated {
        reason: String,
        at: DateTime,
    },
    /// A checkpoint is not done by its date. The first time of a date counts against the guardrail, and at each but the
    /// last its owner is reminded.
    Missed {
        date: DateTime,
        /// How often it was looked at, this time included.
        looks: u8,
        at: DateTime,
    },
    /// The ladder is climbed by a rung.
    Told {
        climb: u16,
        rung: u8,
        role: Role,
        because: Because,
        at: DateTime,
    },
    Done,
    Skipped,
    /// A person lets it be tried again.
    Reopened,
    /// It was given up.
    Failed {
        reason: String,
    },
}

impl Happening {
    /// The name in the timeline and in the audit log.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Claimed { .. } => "claimed",
            Self::LeaseEnded { .. } => "lease_ended",
            Self::Retried { .. } => "retried",
            Self::Escalated { .. } => "escalated",
            Self::Missed { .. } => "missed",
            Self::Told { .. } => "told",
            Self::Done => "done",
            Self::Skipped => "skipped",
            Self::Reopened => "reopened",
            Self::Failed { .. } => "failed",
        }
    }

    /// When it counts against the guardrail, if it does.
    pub fn counts_at(&self) -> Option<DateTime> {
        match self {
            Self::Escalated { at, .. } | Self::Missed { looks: 1, at, .. } => Some(*at),
            _ => None,
        }
    }
}

/// Why an action was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error(
        "a task that is {} cannot be given the action {}; possible now: {}",
        .status.name(),
        .action.name(),
        told(.legal)
    )]
    Illegal { status: TaskStatus, action: ActionKind, legal: Vec<ActionKind> },
    /// The lease is not, or no longer, the task's.
    #[error("this lease ended; the task went back to the queue or to somebody else, so claim it again")]
    LeaseLost { status: TaskStatus, legal: Vec<ActionKind> },
    /// Somebody else works on it.
    #[error("{by} works on this task until {until}; only whoever has the lease can do this meanwhile")]
    Held { by: String, until: DateTime },
}

fn told(legal: &[ActionKind]) -> String {
    if legal.is_empty() {
        return "nothing, this is final".to_owned();
    }
    legal.iter().map(|action| action.name()).collect::<Vec<_>>().join(", ")
}

/// What can be done with a task now.
pub fn legal(state: &TaskState) -> Vec<ActionKind> {
    ActionKind::ALL.into_iter().filter(|action| action.fits(state.status)).collect()
}

/// What a task's plan says about it.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'p> {
    pub rules: &'p ErrorHandling,
    /// When a checkpoint is to be done; none for other tasks.
    pub checkpoint: Option<DateTime>,
}

impl<'p> Terms<'p> {
    /// `end_at` is the planned end.
    pub fn of(rules: &'p ErrorHandling, task: &Task, end_at: DateTime) -> Self {
        Self { rules, checkpoint: task.checkpoint.then(|| task.due.unwrap_or(end_at)) }
    }
}

/// Everything before it is done and its time has come.
pub fn make_ready(state: &mut TaskState) -> Vec<Happening> {
    if state.status != TaskStatus::Waiting {
        return Vec::new();
    }
    state.status = TaskStatus::Ready;
    vec![Happening::Ready]
}

/// Does an action, after everything that time has brought by now. What time brought has happened also where the action is
/// refused.
pub fn act(
    state: &mut TaskState,
    action: &Action,
    terms: Terms<'_>,
    now: DateTime,
    happened: &mut Vec<Happening>,
) -> Result<(), Refused> {
    happened.extend(pass_time(state, terms, now));
    let kind = action.kind();
    if let Some(token) = action.token() {
        let repeated = kind == ActionKind::Complete && state.status == TaskStatus::Done;
        if repeated && state.token == Some(token) {
            return Ok(());
        }
        if state.lease.as_ref().is_none_or(|lease| lease.token != token) {
            return Err(Refused::LeaseLost { status: state.status, legal: legal(state) });
        }
    } else if let (Some(lease), ActionKind::Complete | ActionKind::Fail) = (&state.lease, kind) {
        return Err(Refused::Held { by: lease.by.clone(), until: lease.until });
    }
    if !kind.fits(state.status) {
        return Err(Refused::Illegal { status: state.status, action: kind, legal: legal(state) });
    }
    match action {
        Action::Claim { by, token, until } => {
            state.status = TaskStatus::Claimed;
            state.lease = Some(Lease { by: by.clone(), token: *token, until: *until });
            state.token = Some(*token);
            happened.push(Happening::Claimed { by: by.clone(), until: *until });
        }
        Action::Heartbeat { until, .. } => {
            if let Some(lease) = &mut state.lease {
                lease.until = lease.until.max(*until);
            }
        }
        Action::Complete { .. } => {
            end(state, TaskStatus::Done);
            happened.push(Happening::Done);
        }
        Action::Fail { reason, .. } => fail(state, reason, terms, now, happened),
        Action::Skip => {
            end(state, TaskStatus::Skipped);
            happened.push(Happening::Skipped);
        }
        Action::Retry => {
            state.status = TaskStatus::Ready;
            (state.failures, state.climb) = (0, None);
            happened.push(Happening::Reopened);
        }
        Action::GiveUp { reason } => {
            end(state, TaskStatus::Failed);
            happened.push(Happening::Failed { reason: reason.clone() });
        }
    }
    // A climb that began now tells its first rung now.
    happened.extend(pass_time(state, terms, now));
    Ok(())
}

fn end(state: &mut TaskState, status: TaskStatus) {
    state.status = status;
    state.lease = None;
    state.climb = None;
}

fn fail(state: &mut TaskState, reason: &str, terms: Terms<'_>, at: DateTime, happened: &mut Vec<Happening>) {
    state.lease = None;
    state.failures = state.failures.saturating_add(1);
    let reason = reason.to_owned();
    if state.failures <= terms.rules.retries {
        state.status = TaskStatus::Ready;
        happened.push(Happening::Retried { failures: state.failures, reason, at });
    } else {
        state.status = TaskStatus::Escalated;
        happened.push(Happening::Escalated { reason, at });
        begin_climb(state, Because::Failed, at);
    }
}

/// A climb that goes on is not begun again.
fn begin_climb(state: &mut TaskState, because: Because, at: DateTime) {
    if state.climb.is_none() {
        state.climbs = state.climbs.saturating_add(1);
        state.climb = Some(Climb { number: state.climbs, began_at: at, told: 0, because });
    }
}

/// What time brings next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    LeaseEnds,
    /// Of a checkpoint, so many looks before.
    Miss(u8),
    Rung(u8),
}

fn next_step(state: &TaskState, terms: Terms<'_>) -> Option<(DateTime, Step)> {
    if state.status.is_final() {
        return None;
    }
    let wait = terms.rules.rung_after.as_delta();
    let lease = state.lease.as_ref().map(|lease| (lease.until, Step::LeaseEnds));
    let miss = terms.checkpoint.and_then(|date| {
        // A new date is missed anew.
        let looks = if state.missed_date == Some(date) { state.looks } else { 0 };
        (looks <= terms.rules.retries).then(|| (date + wait * i32::from(looks), Step::Miss(looks)))
    });
    let rung = state.climb.as_ref().and_then(|climb| {
        let more = usize::from(climb.told) < terms.rules.ladder.len();
        more.then(|| (climb.began_at + wait * i32::from(climb.told), Step::Rung(climb.told)))
    });
    // Of what is due at one instant, the lease first: it decides whether the task is anybody's.
    [lease, miss, rung].into_iter().flatten().min_by_key(|(at, _)| *at)
}

/// When time brings something next.
pub fn next_at(state: &TaskState, terms: Terms<'_>) -> Option<DateTime> {
    next_step(state, terms).map(|(at, _)| at)
}

/// Everything that time has brought by now.
pub fn pass_time(state: &mut TaskState, terms: Terms<'_>, now: DateTime) -> Vec<Happening> {
    let mut happened = Vec::new();
    while let Some((at, step)) = next_step(state, terms).filter(|(at, _)| *at <= now) {
        match step {
            Step::LeaseEnds => {
                let by = state.lease.take().map_or_else(String::new, |lease| lease.by);
                happened.push(Happening::LeaseEnded { by: by.clone(), at });
                let reason = format!("nothing was heard of {by} in time");
                fail(state, &reason, terms, at, &mut happened);
            }
            Step::Miss(looks) => {
                let date = terms.checkpoint.unwrap_or(at);
                (state.missed_date, state.looks) = (Some(date), looks + 1);
                happened.push(Happening::Missed { date, looks: looks + 1, at });
                if state.looks > terms.rules.retries {
                    begin_climb(state, Because::Missed, at);
                }
            }
            Step::Rung(rung) => {
                if let Some(climb) = &mut state.climb
                    && let Some(role) = terms.rules.ladder.get(usize::from(rung))
                {
                    climb.told = rung + 1;
                    happened.push(Happening::Told {
                        climb: climb.number,
                        rung,
                        role: role.clone(),
                        because: climb.because,
                        at,
                    });
                }
            }
        }
    }
    happened
}
