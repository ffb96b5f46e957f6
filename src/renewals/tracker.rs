//! What is due to be told while a renewal runs: missed checkpoints, the ladder, risk that stays red, milestones that slip.
//!
//! How it counts. A checkpoint that passes without being held is *missed*; its owner is reminded and has so many working days
//! until it counts as missed again. After the retries the ladder is climbed, one step after the other. A checkpoint that is
//! held, or a later one that is held, ends all of that. Red checkpoints count in a row, in the order of their numbers; those that were never held neither
//! add to the row nor break it. A milestone *slips* when its day passes without it, and when it is put off before that; being
//! put off together with the deadline is no slip.
//!
//! Promises: [`look`] is a function of the track, the rules and an instant: what fired once fires the same at any later look,
//! under the same key, so that whoever keeps the keys does each thing exactly once, whatever crashes in between. What a key
//! stands for never changes by what comes later.
//! Leaves out: sending anything.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::model::Risk;
use crate::kernel::calendar::{Length, WorkCalendar};
use crate::kernel::clock::DateTime;
use crate::kernel::text::sentence_list;
use crate::plans::model::{Role, TaskId};

/// How a checkpoint went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RenewalCheckpointHeld)]
pub struct Held {
    pub at: DateTime,
    pub rating: Risk,
    pub note: String,
    pub by: String,
}

/// A checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    pub n: u32,
    pub due_at: DateTime,
    pub owner: Role,
    pub held: Option<Held>,
}

/// A day that was set for a milestone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appointment {
    pub set_at: DateTime,
    pub due_at: DateTime,
    /// The deadline of the whole moved with it.
    pub with_deadline: bool,
}

/// A milestone with all days that were ever set for it, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Milestone {
    pub task: TaskId,
    pub title: String,
    pub appointments: Vec<Appointment>,
    pub done_at: Option<DateTime>,
    /// When it was taken out of the plan.
    pub dropped_at: Option<DateTime>,
}

/// What is watched.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Track {
    /// By number.
    pub checkpoints: Vec<Checkpoint>,
    pub milestones: Vec<Milestone>,
    /// When the renewal was closed: nothing fires after that.
    pub closed_at: Option<DateTime>,
}

/// By which rules.
#[derive(Debug, Clone)]
pub struct Rules<'a> {
    pub retries: u8,
    /// In working days.
    pub retry_after: u16,
    /// From the first to the last step.
    pub ladder: Vec<Role>,
    pub rung_after: Length,
    pub red_checkpoints: u8,
    pub slipped_milestones: u8,
    pub tell: Vec<Role>,
    pub calendar: &'a WorkCalendar,
}

/// Why something fired. The names are part of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = RenewalRuleCode)]
pub enum RuleCode {
    /// A checkpoint passed without being held, and is to be tried again.
    CheckpointMissed,
    /// A checkpoint was missed more often than it is tried again: the next step of the ladder.
    CheckpointEscalated,
    /// So many checkpoints in a row were red.
    RedAfterCheckpoints,
    /// So many milestones slipped.
    MilestonesSlipped,
}

impl RuleCode {
    pub fn name(self) -> &'static str {
        match self {
            Self::CheckpointMissed => "checkpoint_missed",
            Self::CheckpointEscalated => "checkpoint_escalated",
            Self::RedAfterCheckpoints => "red_after_checkpoints",
            Self::MilestonesSlipped => "milestones_slipped",
        }
    }
}

/// Something that is to be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RenewalEscalation)]
pub struct Firing {
    pub code: RuleCode,
    /// Names it within the renewal, once and for all.
    pub key: String,
    /// When it became so.
    pub at: DateTime,
    pub tell: Vec<Role>,
    pub title: String,
    pub body: String,
}

/// What a look found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// All that fired up to the instant, in the order of time.
    pub fired: Vec<Firing>,
    /// When something may fire next, as things stand.
    pub next_at: Option<DateTime>,
}

/// How a checkpoint stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = RenewalCheckpointStatus)]
pub enum CheckpointStatus {
    Upcoming,
    Held,
    /// Never held, and a later one was.
    Skipped,
    /// Missed, and to be held by a new date.
    Retrying,
    /// Missed as often as it is tried again: the ladder is climbed.
    Escalated,
}

/// All that has fired by `now`, and when to look again.
pub fn look(track: &Track, rules: &Rules<'_>, now: DateTime) -> Look {
    let mut all = Vec::new();
    for checkpoint in &track.checkpoints {
        missed(checkpoint, ended_at(track, checkpoint.n), rules, &mut all);
    }
    red(track, rules, &mut all);
    slipped(track, rules, &mut all);
    if let Some(closed) = track.closed_at {
        all.retain(|firing| firing.at <= closed);
    }
    all.sort_by(|a, b| (a.at, &a.key).cmp(&(b.at, &b.key)));
    let next_at = all.iter().map(|firing| firing.at).find(|at| *at > now);
    all.retain(|firing| firing.at <= now);
    Look { fired: all, next_at }
}

/// How a checkpoint stands, and by when it is to be held now.
pub fn status(
    track: &Track,
    checkpoint: &Checkpoint,
    rules: &Rules<'_>,
    now: DateTime,
) -> (CheckpointStatus, DateTime) {
    if checkpoint.held.is_some() {
        return (CheckpointStatus::Held, checkpoint.due_at);
    }
    if ended_at(track, checkpoint.n).is_some() {
        return (CheckpointStatus::Skipped, checkpoint.due_at);
    }
    let tries = tries(checkpoint, rules);
    let passed = tries.iter().filter(|at| **at <= now).count();
    match tries.get(passed) {
        Some(due) if passed == 0 => (CheckpointStatus::Upcoming, *due),
        Some(due) => (CheckpointStatus::Retrying, *due),
        None => (CheckpointStatus::Escalated, tries.last().copied().unwrap_or(checkpoint.due_at)),
    }
}

/// The instants by which a checkpoint is to be held: its own, and one for each retry.
fn tries(checkpoint: &Checkpoint, rules: &Rules<'_>) -> Vec<DateTime> {
    let mut tries = vec![checkpoint.due_at];
    for _ in 0..rules.retries {
        let last = tries.last().copied().unwrap_or(checkpoint.due_at);
        tries.push(working_days_later(rules, last));
    }
    tries
}

/// When the working day so many working days later closes; as many days of 24 hours where no working day comes.
fn working_days_later(rules: &Rules<'_>, at: DateTime) -> DateTime {
    let days = chrono::TimeDelta::days(rules.retry_after.into());
    let date = rules.calendar.local_date(at);
    let Ok(date) = rules.calendar.add_days(date, i32::from(rules.retry_after)) else { return at + days };
    let closes = super::build::hours(rules.calendar, date).1;
    if closes > at { closes } else { at + days }
}

/// When a checkpoint was held, or a later one was in its stead.
fn ended_at(track: &Track, n: u32) -> Option<DateTime> {
    let held = track.checkpoints.iter().filter(|one| one.n >= n).filter_map(|one| one.held.as_ref());
    held.map(|held| held.at).min()
}

fn missed(checkpoint: &Checkpoint, ended: Option<DateTime>, rules: &Rules<'_>, all: &mut Vec<Firing>) {
    // At the very instant it is late: somebody who looked in that instant has seen it missed.
    let open_at = |at: DateTime| ended.is_none_or(|ended| ended >= at);
    let n = checkpoint.n;
    let tries = tries(checkpoint, rules);
    for (turn, pair) in tries.windows(2).enumerate() {
        if open_at(pair[0]) {
            all.push(Firing {
                code: RuleCode::CheckpointMissed,
                key: format!("checkpoint:{n}:missed:{}", turn + 1),
                at: pair[0],
                tell: vec![checkpoint.owner.clone()],
                title: format!("Checkpoint {n} was missed"),
                body: format!("Hold it by {}: rate the risk and say why.", told(pair[1])),
            });
        }
    }
    let Some(last) = tries.last().copied() else { return };
    for (rung, role) in rules.ladder.iter().enumerate() {
        let steps = i32::try_from(rung).unwrap_or(i32::MAX);
        let Some(at) = rules.rung_after.as_delta().checked_mul(steps).and_then(|wait| last.checked_add_signed(wait)) else { continue };
        if open_at(at) {
            all.push(Firing {
                code: RuleCode::CheckpointEscalated,
                key: format!("checkpoint:{n}:rung:{}", rung + 1),
                at,
                tell: vec![role.clone()],
                title: format!("Checkpoint {n} was missed {} times", tries.len()),
                body: format!(
                    "It was due on {} and nobody has held it. Hold it, or say who does.",
                    told(checkpoint.due_at)
                ),
            });
        }
    }
}

/// Why a checkpoint cannot be reported on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("there is no checkpoint {n}; there are {count}")]
    NoSuch { n: u32, count: usize },
    #[error("checkpoint {n} was held on {}, as {}", told(held.at), held.rating)]
    Held { n: u32, held: Held },
    #[error("checkpoint {later} was held meanwhile; say it there, or at the next one")]
    Over { later: u32 },
    #[error("the renewal is closed")]
    Closed,
}

/// Whether a checkpoint may be reported on: once, and not after a later one, so that the past stays as it was told.
pub fn may_hold(track: &Track, n: u32) -> Result<(), Refused> {
    if track.closed_at.is_some() {
        return Err(Refused::Closed);
    }
    let found = track.checkpoints.iter().find(|one| one.n == n);
    let Some(found) = found else { return Err(Refused::NoSuch { n, count: track.checkpoints.len() }) };
    if let Some(held) = &found.held {
        return Err(Refused::Held { n, held: held.clone() });
    }
    match track.checkpoints.iter().rfind(|one| one.n > n && one.held.is_some()) {
        Some(later) => Err(Refused::Over { later: later.n }),
        None => Ok(()),
    }
}

/// Rows of red checkpoints, in the order of their numbers, which is that of the reports.
fn red(track: &Track, rules: &Rules<'_>, all: &mut Vec<Firing>) {
    let held: Vec<(u32, &Held)> =
        track.checkpoints.iter().filter_map(|one| Some((one.n, one.held.as_ref()?))).collect();
    let mut row: Vec<(u32, &Held)> = Vec::new();
    for (n, one) in held {
        if one.rating != Risk::Red {
            row.clear();
            continue;
        }
        row.push((n, one));
        if row.len() != usize::from(rules.red_checkpoints) {
            continue;
        }
        let numbers: Vec<String> = row.iter().map(|(n, _)| n.to_string()).collect();
        let notes: Vec<String> =
            row.iter().filter(|(_, held)| !held.note.is_empty()).map(|(n, held)| format!("{n}: {}", held.note)).collect();
        let why = if notes.is_empty() { String::new() } else { format!(" What was said: {}.", notes.join("; ")) };
        all.push(Firing {
            code: RuleCode::RedAfterCheckpoints,
            key: format!("red:{n}"),
            at: one.at,
            tell: rules.tell.clone(),
            title: "The renewal stays red".to_owned(),
            body: format!("Checkpoints {} were red.{why} Decide what else is done.", sentence_list(&numbers)),
        });
    }
}

/// A milestone that was not there on its day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slip {
    pub task: TaskId,
    pub title: String,
    pub at: DateTime,
}

/// All slips that the appointments make, in the order of time; those to come are those that come if nothing is done.
pub fn slips(track: &Track) -> Vec<Slip> {
    let mut slips = Vec::new();
    for milestone in &track.milestones {
        for (turn, now) in milestone.appointments.iter().enumerate() {
            let next = milestone.appointments.get(turn + 1);
            let ended = [milestone.done_at, milestone.dropped_at].into_iter().flatten().min();
            let put_off = next.filter(|next| next.due_at > now.due_at && !next.with_deadline);
            let replaced_at = next.map(|next| next.set_at);
            let slipped_at = if replaced_at.is_some_and(|at| at < now.due_at) {
                put_off.map(|next| next.set_at)
            } else {
                Some(now.due_at)
            };
            if let Some(at) = slipped_at.filter(|at| ended.is_none_or(|ended| ended >= *at)) {
                slips.push(Slip { task: milestone.task.clone(), title: milestone.title.clone(), at });
            }
        }
    }
    slips.sort_by(|a, b| (a.at, &a.task).cmp(&(b.at, &b.task)));
    slips
}

fn slipped(track: &Track, rules: &Rules<'_>, all: &mut Vec<Firing>) {
    let slips = slips(track);
    let size = usize::from(rules.slipped_milestones.max(1));
    for (turn, group) in slips.chunks(size).enumerate().filter(|(_, group)| group.len() == size) {
        let Some(last) = group.last() else { continue };
        let named: Vec<String> = group.iter().map(|slip| format!("\"{}\"", slip.title)).collect();
        all.push(Firing {
            code: RuleCode::MilestonesSlipped,
            key: format!("slipped:{}", (turn + 1) * size),
            at: last.at,
            tell: rules.tell.clone(),
            title: format!("Milestones of the renewal slipped {} times", (turn + 1) * size),
            body: format!("Not done on their day: {}. Decide what gives way.", sentence_list(&named)),
        });
    }
}

/// As people read an instant.
fn told(at: DateTime) -> String {
    at.format("%a %-d %b %Y, %H:%M UTC").to_string()
}
