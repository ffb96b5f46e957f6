//! A renewal as its documents tell it: what they all need, gathered once.
//!
//! Promises: packet, table and calendar are made from the same value and agree on every date and name.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use uuid::Uuid;

use super::context::Context;
use super::model::Terms;
use super::plays::Plays;
use super::rating::Rating;
use super::tracker::{Checkpoint, CheckpointStatus, Firing};
use crate::kernel::calendar::Zone;
use crate::kernel::clock::DateTime;
use crate::plans::model::{Holder, Plan, Role, Task, TaskId};
use crate::plans::schedule::{Schedule, Slot};

/// How far a task has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// As the API names it, such as `ready`.
    pub status: String,
    pub done_at: Option<DateTime>,
}

/// A checkpoint as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    pub checkpoint: Checkpoint,
    pub status: CheckpointStatus,
}

/// Somebody at the customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counterpart {
    pub name: String,
    pub title: Option<String>,
}

/// All that documents tell.
#[derive(Debug, Clone, Copy)]
pub struct Telling<'a> {
    pub id: Uuid,
    pub account_id: &'a str,
    pub account: &'a str,
    pub domain: Option<&'a str>,
    pub version: u32,
    /// When this version was made.
    pub made_at: DateTime,
    pub status: &'a str,
    pub terms: &'a Terms,
    pub plays: &'a Plays,
    pub plan: &'a Plan,
    pub schedule: &'a Schedule,
    pub rating: &'a Rating,
    pub context: Option<&'a Context>,
    pub facts: &'a BTreeMap<String, String>,
    pub progress: &'a BTreeMap<TaskId, Progress>,
    pub checkpoints: &'a [Standing],
    pub fired: &'a [Firing],
    /// Tasks of earlier versions that this one does not have.
    pub removed: &'a [Removed],
    /// By persona; only those who may be contacted.
    pub counterparts: &'a BTreeMap<String, Vec<Counterpart>>,
}

/// A task that is no longer in the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    pub id: TaskId,
    pub title: String,
    pub on: NaiveDate,
}

impl Telling<'_> {
    /// The zone in which instants are told.
    pub fn zone(&self) -> &Zone {
        self.plays.calendar().zone()
    }

    pub fn slot(&self, task: &TaskId) -> Option<&Slot> {
        self.schedule.slot(task)
    }

    /// The day on which a task ends.
    pub fn ends_on(&self, task: &Task) -> NaiveDate {
        let at = self.slot(&task.id).map(|slot| slot.end_at).or(task.due).unwrap_or(self.made_at);
        // What ends at midnight ends on the day before.
        self.plays.calendar().local_date(at - chrono::TimeDelta::microseconds(1))
    }

    /// The day on which a task begins.
    pub fn begins_on(&self, task: &Task) -> NaiveDate {
        let at = self.slot(&task.id).map(|slot| slot.start_at).or(task.due).unwrap_or(self.made_at);
        self.plays.calendar().local_date(at)
    }

    pub fn holder(&self, role: &Role) -> Option<&Holder> {
        self.plan.roles.get(role)
    }

    /// The person of a role, or the name of the role where nobody is known.
    pub fn who(&self, role: &Role) -> String {
        let Some(holder) = self.holder(role) else { return role.0.clone() };
        match &holder.name {
            Some(name) => format!("{name} ({})", holder.title),
            None => holder.title.clone(),
        }
    }

    /// Whether a task is done.
    pub fn is_done(&self, task: &TaskId) -> bool {
        self.progress.get(task).is_some_and(|progress| progress.done_at.is_some())
    }

    /// The tasks in the order of their dates, checkpoints among them.
    pub fn by_date(&self) -> Vec<&Task> {
        let mut tasks: Vec<&Task> = self.plan.tasks.iter().collect();
        tasks.sort_by_key(|task| (self.ends_on(task), self.begins_on(task)));
        tasks
    }
}
