//! How far a task has come.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::kernel::clock::DateTime;

/// The states of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TaskStatus {
    /// For what is before it, a gate or its date.
    Waiting,
    /// Whoever can may take it.
    Ready,
    /// Somebody works on it, under a lease.
    Claimed,
    /// The retries are used up and people have been told.
    Escalated,
    Done,
    /// It need not be done.
    Skipped,
    /// It was given up.
    Failed,
}

impl TaskStatus {
    pub const ALL: [Self; 7] =
        [Self::Waiting, Self::Ready, Self::Claimed, Self::Escalated, Self::Done, Self::Skipped, Self::Failed];

    /// The name in the API and in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Ready => "ready",
            Self::Claimed => "claimed",
            Self::Escalated => "escalated",
            Self::Done => "done",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
        }
    }

    /// The status of a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }

    /// Whether nothing can happen to it any more.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Done | Self::Skipped | Self::Failed)
    }

    /// Whether what waits for it goes on.
    pub fn lets_go_on(self) -> bool {
        matches!(self, Self::Done | Self::Skipped)
    }
}

/// One task as far as it has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskState {
    pub status: TaskStatus,
    /// Whose it is now; there exactly while it is claimed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<Lease>,
    /// Of the last claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<i64>,
    /// Since it was made ready or opened again.
    #[serde(default)]
    pub failures: u8,
    /// How often its ladder was begun.
    #[serde(default)]
    pub climbs: u16,
    /// The one that goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub climb: Option<Climb>,
    /// The date of a checkpoint that was missed last, and how often it was looked at since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missed_date: Option<DateTime>,
    #[serde(default)]
    pub looks: u8,
}

impl Default for TaskState {
    fn default() -> Self {
        Self {
            status: TaskStatus::Waiting,
            lease: None,
            token: None,
            failures: 0,
            climbs: 0,
            climb: None,
            missed_date: None,
            looks: 0,
        }
    }
}

/// Somebody's for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Lease {
    pub by: String,
    /// Tells this claim from all others.
    pub token: i64,
    pub until: DateTime,
}

/// The ladder as far as it has been climbed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Climb {
    /// The first of a task is 1.
    pub number: u16,
    pub began_at: DateTime,
    /// How many rungs were told.
    pub told: u8,
    pub because: Because,
}

/// Why a ladder is climbed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// The retries of a task are used up.
    Failed,
    /// A checkpoint was missed as often as it is looked at again.
    Missed,
}
