//! The use cases of plans.
//!
//! Promises: whatever happens to a plan is one transaction under the plan's row lock: the plan, its tasks and gates, the
//! lines of its timeline, what leaves, the audit entries, the timers, and whatever those who follow plans of its kind do.
//! A claim alone takes its tasks without that lock, so that many who look for work do not wait for each other; nobody
//! follows claims. Functions that take a connection join the caller's transaction; locks are taken in the order account
//! (by the caller, where it needs it), plan, tasks, jobs, audit log.

mod alone;
mod change;
mod custody;
mod hold;
mod make;
mod pass;
mod view;
mod work;

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use sqlx::{PgConnection, PgPool};
use tokio::sync::Notify;
use uuid::Uuid;

use super::check::Fault;
use super::happening::Happened;
use super::lifecycle::{GateRefused, Refused};
use super::model::PlanKind;
use super::preflight::Finding;
use super::store::Paused;
use crate::handoffs::commands::{HandoffError, Handoffs};
use crate::kernel::clock::{Clock, DateTime};
use crate::platform::audit::AuditError;
use crate::platform::http::{self, ETag, Problem};

pub use custody::PlanCustodian;
pub use make::{Created, NewPlan, Revised, Start};
pub use view::PlanView;
pub use work::{CLAIM_MAX, Claim, ClaimedTask, Deed};

/// The kind of job that brings a task what time has in store for it; its key is the task.
pub const TASK: &str = "plan_task";
/// The kind of job that makes tasks ready whose date has come; its key is the plan.
pub const READY: &str = "plan_ready";
/// All of them.
pub const KINDS: [&str; 2] = [TASK, READY];

/// Plans: a handle to the use cases of this slice.
#[derive(Clone)]
pub struct Plans {
    pub pool: PgPool,
    pub clock: Clock,
    /// Who of the roster is there.
    pub handoffs: Handoffs,
    pub followers: Arc<Followers>,
    /// Rung when something may be due.
    pub work: Arc<Notify>,
    /// Rung when something is to be delivered.
    pub deliver: Arc<Notify>,
}

/// Acts on what happens to plans of its kind, in the transaction in which it happens and under the plan's lock. It may
/// change the plan by the functions of [`Plans`] that take a connection; what happens by that it is told as well.
pub trait PlanFollower: Send + Sync {
    /// `happened` is in order and of one plan; claims are not told.
    fn after<'a>(
        &'a self,
        plans: &'a Plans,
        conn: &'a mut PgConnection,
        happened: &'a [Happened],
        now: DateTime,
    ) -> BoxFuture<'a, Result<(), PlanError>>;
}

/// Who follows plans of which kind.
#[derive(Default)]
pub struct Followers(pub BTreeMap<PlanKind, Vec<Box<dyn PlanFollower>>>);

/// Why a use case could not be done.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    #[error("there is no plan {0}")]
    NoPlan(Uuid),
    #[error("there is no task {0}")]
    NoTask(Uuid),
    #[error("plan {plan} has no gate `{gate}`")]
    NoGate { plan: Uuid, gate: String },
    #[error("plan {plan} has no version {version}")]
    NoVersion { plan: Uuid, version: i32 },
    /// The document cannot be meant.
    #[error("the plan has {} faults", .0.len())]
    Invalid(Vec<Fault>),
    /// What was sent beside the document is wrong.
    #[error("the request has {} faults", .0.len())]
    Request(Vec<http::Fault>),
    /// Somebody else made a version meanwhile.
    #[error(
        "the plan is at version {present} and not at {expected}: read it again, so that no change of others is lost"
    )]
    Version { plan: Uuid, expected: i32, present: i32 },
    /// What is asked does not fit where the plan stands.
    #[error("a plan that is {status} cannot be {asked}")]
    Status { status: String, asked: &'static str },
    /// It is held, and only what somebody has claimed is done meanwhile.
    #[error(
        "the plan is held since {} by {}: {}; let it go on first (resume), or do what was claimed before",
        .0.at.to_rfc3339(), .0.by, .0.why
    )]
    Paused(Paused),
    /// Something is missing, and nobody has said that it may be.
    #[error("the plan cannot run: {} things are missing; mend them, or waive them by name", .0.len())]
    NotReady(Vec<Finding>),
    /// The task is not part of the plan any more.
    #[error("the task was taken out of its plan by a later version; there is nothing more to do")]
    TakenOut,
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error(transparent)]
    Gate(#[from] GateRefused),
    /// Somebody who follows plans could not do their part.
    #[error("{0}")]
    Follower(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error(transparent)]
    Handoffs(#[from] HandoffError),
    #[error("a stored document cannot be read: {0}")]
    Stored(#[from] serde_json::Error),
    #[error(transparent)]
    Audit(#[from] AuditError),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl From<PlanError> for Problem {
    fn from(error: PlanError) -> Self {
        match error {
            PlanError::NoPlan(id) => Self::not_found("plan", id),
            PlanError::NoTask(id) => Self::not_found("task", id),
            PlanError::NoGate { gate, .. } => Self::not_found("gate", gate),
            PlanError::NoVersion { version, .. } => Self::not_found("version of the plan", version),
            PlanError::Invalid(faults) => {
                let places =
                    faults.iter().map(|fault| http::Fault::new(fault.pointer.clone(), fault.detail.clone()));
                Self::invalid(places.collect())
            }
            PlanError::Request(faults) => Self::invalid(faults),
            PlanError::Version { plan, present, .. } => {
                let tag = tag(plan, present).map(|tag| tag.as_str().to_owned()).unwrap_or_default();
                Self::new(
                    axum::http::StatusCode::PRECONDITION_FAILED,
                    "precondition_failed",
                    error.to_string(),
                )
                .member("version", present)
                .member("etag", tag)
            }
            PlanError::Status { ref status, .. } => {
                let status = status.clone();
                Self::conflict("illegal_transition", error.to_string()).member("status", status)
            }
            PlanError::Paused(ref paused) => {
                let since = paused.at.to_rfc3339();
                Self::conflict("plan_paused", error.to_string()).member("since", since)
            }
            PlanError::NotReady(ref findings) => {
                let findings = serde_json::to_value(findings).unwrap_or_default();
                Self::conflict("plan_not_ready", error.to_string()).member("findings", findings)
            }
            PlanError::TakenOut => Self::conflict("task_taken_out", error.to_string()),
            PlanError::Refused(refused) => refused_problem(&refused),
            PlanError::Gate(refused) => gate_problem(&refused),
            PlanError::Handoffs(error) => error.into(),
            PlanError::Audit(error) => error.into(),
            PlanError::Database(error) => error.into(),
            PlanError::Follower(_) | PlanError::Stored(_) => Self::internal(error),
        }
    }
}

fn refused_problem(refused: &Refused) -> Problem {
    match refused {
        Refused::Illegal { status, legal, .. } | Refused::LeaseLost { status, legal } => {
            let code = match refused {
                Refused::LeaseLost { .. } => "lease_lost",
                _ => "illegal_transition",
            };
            let legal: Vec<&str> = legal.iter().map(|action| action.name()).collect();
            Problem::conflict(code, refused.to_string())
                .member("status", status.name())
                .member("legal", legal)
        }
        Refused::Held { until, .. } => {
            Problem::conflict("task_held", refused.to_string()).member("until", until.to_rfc3339())
        }
    }
}

fn gate_problem(refused: &GateRefused) -> Problem {
    match refused {
        GateRefused::Closed { status, .. } => {
            Problem::conflict("illegal_transition", refused.to_string()).member("status", status.name())
        }
        GateRefused::Unknown { .. } | GateRefused::NotTheirs { .. } => {
            Problem::invalid(vec![http::Fault::new("#/verdicts", refused.to_string())])
        }
    }
}

/// The tag of a version of a plan.
///
/// # Errors
/// Never in practice: an id and a number can be written as JSON.
pub fn tag(plan: Uuid, version: i32) -> Result<ETag, Problem> {
    ETag::of(&serde_json::json!({ "plan": plan, "version": version }))
}
