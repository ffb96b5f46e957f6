//! What is due to be told while a renewal runs: risk that stays red, milestones that slip; and how its checkpoints stand.
//!
//! How it counts. Red checkpoints count in a row, in the order of their numbers; those that were never held neither add to the
//! row nor break it. A milestone *slips* when its day passes without it, and when it is put off before that; being put off
//! together with the deadline is no slip. Missed checkpoints, retries and the ladder are those of every plan
//! ([`crate::plans::lifecycle`]).
//!
//! Promises: [`look`] is a function of the track, the rules and an instant: what fired once fires the same at any later look,
//! under the same key, so that whoever keeps the keys does each thing exactly once, whatever crashes in between. What a key
//! stands for never changes by what comes later.
//! Leaves out: sending anything.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::model::Risk;
use super::plays::Plays;
use crate::kernel::clock::DateTime;
use crate::kernel::text::sentence_list;
use crate::plans::lifecycle::TaskState;
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
pub struct Rules {
    pub red_checkpoints: u8,
    pub slipped_milestones: u8,
    pub tell: Vec<Role>,
}

impl Rules {
    /// Those of a file of plays.
    pub fn of(plays: &Plays) -> Self {
        let terms = &plays.file().terms;
        let tell = terms.tell.iter().map(|role| Role(role.get_ref().clone())).collect();
        Self { red_checkpoints: terms.red_checkpoints, slipped_milestones: terms.slipped_milestones, tell }
    }
}

/// Why something fired. The names are part of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = RenewalRuleCode)]
pub enum RuleCode {
    /// So many checkpoints in a row were red.
    RedAfterCheckpoints,
    /// So many milestones slipped.
    MilestonesSlipped,
}

impl RuleCode {
    pub fn name(self) -> &'static str {
        match self {
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
    /// Over without a rating: a later one was held, or its task was done without one.
    Skipped,
    /// Its date has passed, and it is looked at again.
    Missed,
    /// It was missed as often as it is looked at again: the ladder is climbed.
    Escalated,
}

/// All that has fired by `now`, and when to look again.
pub fn look(track: &Track, rules: &Rules, now: DateTime) -> Look {
    let mut all = Vec::new();
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

/// How a checkpoint stands, by the state of its task in the plan.
pub fn status(checkpoint: &Checkpoint, state: Option<&TaskState>) -> CheckpointStatus {
    if checkpoint.held.is_some() {
        return CheckpointStatus::Held;
    }
    match state {
        Some(state) if state.status.is_final() => CheckpointStatus::Skipped,
        Some(state) if state.climb.is_some() => CheckpointStatus::Escalated,
        Some(state) if state.looks > 0 => CheckpointStatus::Missed,
        _ => CheckpointStatus::Upcoming,
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
fn red(track: &Track, rules: &Rules, all: &mut Vec<Firing>) {
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
        let notes: Vec<String> = row
            .iter()
            .filter(|(_, held)| !held.note.is_empty())
            .map(|(n, held)| format!("{n}: {}", held.note))
            .collect();
        let why =
            if notes.is_empty() { String::new() } else { format!(" What was said: {}.", notes.join("; ")) };
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

fn slipped(track: &Track, rules: &Rules, all: &mut Vec<Firing>) {
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
