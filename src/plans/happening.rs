//! What happens to a plan, as the timeline, the audit log and those who follow it are told: pure.
//!
//! Promises: what must happen once has a name by which the database holds it to that; the audit log gets words that people
//! wrote by their digest, because they may name somebody.

use serde_json::{Value, json};
use uuid::Uuid;

use super::lifecycle::{Because, GateStatus, Happening};
use super::model::{PlanKind, Role, TaskId};
use crate::kernel::clock::DateTime;
use crate::kernel::json::sha256;

/// Something that happened to a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Happened {
    pub account_id: String,
    pub plan_id: Uuid,
    pub kind: PlanKind,
    /// The task or gate that it is about.
    pub name: Option<TaskId>,
    pub what: What,
    /// When it was so.
    pub at: DateTime,
}

/// What it was.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    Created {
        why: String,
    },
    Revised {
        version: i32,
        changes: usize,
        why: String,
    },
    Started {
        waived: Vec<String>,
    },
    Task(Happening),
    GateOpened,
    Reviewed {
        status: GateStatus,
        failed: Vec<String>,
    },
    /// Too much went wrong within the window of the guardrail; one for each role that is told.
    Alarm {
        number: i32,
        role: Role,
    },
    Done,
    Cancelled {
        why: String,
    },
    /// Nobody is given a task of it until it goes on.
    Paused {
        why: String,
    },
    Resumed {
        /// How long it was held.
        secs: i64,
    },
}

impl What {
    /// The name in the timeline, and behind `plan.` in the audit log.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Created { .. } => "created",
            Self::Revised { .. } => "revised",
            Self::Started { .. } => "started",
            Self::Task(happening) => match happening {
                Happening::Ready => "task_ready",
                Happening::Claimed { .. } => "task_claimed",
                Happening::LeaseEnded { .. } => "task_lease_ended",
                Happening::Retried { .. } => "task_retried",
                Happening::Escalated { .. } => "task_escalated",
                Happening::Missed { .. } => "checkpoint_missed",
                Happening::Told { .. } => "rung_told",
                Happening::Done => "task_done",
                Happening::Skipped => "task_skipped",
                Happening::Reopened => "task_reopened",
                Happening::Failed { .. } => "task_given_up",
            },
            Self::GateOpened => "gate_opened",
            Self::Reviewed { status: GateStatus::Passed, .. } => "gate_passed",
            Self::Reviewed { status: GateStatus::Failed, .. } => "gate_failed",
            Self::Reviewed { .. } => "gate_reviewed",
            Self::Alarm { .. } => "guardrail_exceeded",
            Self::Done => "done",
            Self::Cancelled { .. } => "cancelled",
            Self::Paused { .. } => "paused",
            Self::Resumed { .. } => "resumed",
        }
    }

    /// Whether it stands in the audit log. That a task became ready follows from what does.
    pub fn is_logged(&self) -> bool {
        !matches!(self, Self::Task(Happening::Ready) | Self::GateOpened)
    }

    /// What is told beside the name.
    pub fn details(&self) -> Value {
        match self {
            Self::Created { why } | Self::Cancelled { why } | Self::Paused { why } => {
                json!({ "reason": why })
            }
            Self::Resumed { secs } => json!({ "seconds": secs }),
            Self::Revised { version, changes, why } => {
                json!({ "version": version, "changes": changes, "reason": why })
            }
            Self::Started { waived } => json!({ "waived": waived }),
            Self::Reviewed { status, failed } => json!({ "status": status, "failed": failed }),
            Self::Alarm { number, role } => json!({ "number": number, "role": role }),
            Self::GateOpened | Self::Done => json!({}),
            Self::Task(happening) => match happening {
                Happening::Ready | Happening::Done | Happening::Skipped | Happening::Reopened => json!({}),
                Happening::Claimed { by, until } => json!({ "by": by, "until": until }),
                Happening::LeaseEnded { by, .. } => json!({ "by": by }),
                Happening::Retried { failures, reason, .. } => {
                    json!({ "failures": failures, "reason": reason })
                }
                Happening::Escalated { reason, .. } | Happening::Failed { reason } => {
                    json!({ "reason": reason })
                }
                Happening::Missed { date, looks, .. } => json!({ "date": date, "looks": looks }),
                Happening::Told { climb, rung, role, because, .. } => {
                    json!({ "climb": climb, "rung": rung, "role": role, "because": because })
                }
            },
        }
    }

    /// When it was so, where that is not when it is noted.
    pub fn at(&self) -> Option<DateTime> {
        match self {
            Self::Task(
                Happening::LeaseEnded { at, .. }
                | Happening::Retried { at, .. }
                | Happening::Escalated { at, .. }
                | Happening::Missed { at, .. }
                | Happening::Told { at, .. },
            ) => Some(*at),
            _ => None,
        }
    }

    /// Of what must happen once to a plan: which. `name` is the task that it is about.
    pub fn once(&self, name: Option<&TaskId>) -> Option<String> {
        let name = name.map_or("", |name| name.0.as_str());
        match self {
            Self::Task(Happening::Told { climb, rung, .. }) => Some(format!("rung:{name}:{climb}:{rung}")),
            Self::Task(Happening::Missed { date, looks, .. }) => {
                Some(format!("missed:{name}:{}:{looks}", date.timestamp_micros()))
            }
            Self::Alarm { number, role } => Some(format!("alarm:{number}:{role}")),
            Self::Created { .. } => Some("created".to_owned()),
            Self::Revised { version, .. } => Some(format!("version:{version}")),
            Self::Started { .. } => Some("started".to_owned()),
            Self::Done | Self::Cancelled { .. } => Some("ended".to_owned()),
            Self::Task(_)
            | Self::GateOpened
            | Self::Reviewed { .. }
            | Self::Paused { .. }
            | Self::Resumed { .. } => None,
        }
    }
}

impl Happened {
    /// What the audit log keeps of it.
    pub fn logged(&self) -> Value {
        let mut details = self.what.details();
        if let Some(name) = &self.name {
            details["name"] = json!(name);
        }
        if let Some(reason) = details.get("reason").and_then(Value::as_str) {
            details["reason"] = format!("sha256:{}", hex::encode(sha256(reason.as_bytes()))).into();
        }
        details
    }
}

/// Why a ladder is climbed, in words.
pub fn because(because: Because) -> &'static str {
    match because {
        Because::Failed => "it failed as often as it may be tried again",
        Because::Missed => "its date was missed and it is still not done",
    }
}
