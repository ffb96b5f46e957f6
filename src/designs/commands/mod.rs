//! The use cases of designs and of the watch.
//!
//! Promises: a version is never changed; it becomes live with both sign-offs and on the base that it was made on, in one
//! transaction with the edit of the roster and the audit entries; what was told by the watch was told once.

mod apply;
mod facts;
mod follow;
mod make;
mod read;
mod sign;
mod watching;

use std::sync::Arc;

use sqlx::PgPool;
use tokio::sync::Notify;
use uuid::Uuid;

use super::brief::BriefFault;
use super::routing::Undrawn;
use super::watch::WatchTerms;
use crate::handoffs::commands::{HandoffError, Handoffs};
use crate::kernel::clock::Clock;
use crate::motions::commands::{MotionError, Motions};
use crate::plans::commands::{PlanError, Plans};
use crate::platform::audit::AuditError;
use crate::platform::http::database::{Constraint, problem};
use crate::platform::http::{Fault, Problem};

pub use apply::ApplyAsk;
pub use follow::DesignFollower;
pub use make::{MakeAsk, ReviseAsk};
pub use read::{Applied, DesignView, Signed, VersionView};
pub use sign::SignAsk;
pub use watching::{EscalationView, WatchAsk, WatchView};

/// The kind of job that applies a design at its instant; its key is the application.
pub const APPLY: &str = "design_apply";
/// All kinds of job of this slice.
pub const KINDS: [&str; 1] = [APPLY];

/// Designs: a handle to the use cases of this slice.
#[derive(Clone)]
pub struct Designs {
    pub pool: PgPool,
    pub clock: Clock,
    pub handoffs: Handoffs,
    pub motions: Motions,
    pub plans: Plans,
    pub terms: Arc<WatchTerms>,
    /// Of the simulation, for the figures that are told.
    pub runs: u32,
    /// Rung when something may be due.
    pub work: Arc<Notify>,
    /// Rung when something is to be delivered.
    pub deliver: Arc<Notify>,
}

/// Why a use case could not be done.
#[derive(Debug, thiserror::Error)]
pub enum DesignError {
    #[error("there is no handoff design {0}")]
    NoDesign(Uuid),
    #[error("design {0} has no version {1}")]
    NoVersion(Uuid, i32),
    #[error("the request has {} faults", .0.len())]
    Brief(Vec<BriefFault>),
    #[error(transparent)]
    Undrawn(#[from] Undrawn),
    #[error(transparent)]
    Precondition(Problem),
    /// The base of the version is not what is live.
    #[error("the base has changed: {}", .0.join("; "))]
    BaseChanged(Vec<String>),
    /// Not in this state.
    #[error("{0}")]
    NotNow(String),
    /// What was sent is wrong in itself.
    #[error("the request has {} faults", .0.len())]
    Invalid(Vec<Fault>),
    #[error("the model was interrupted")]
    Interrupted,
    #[error("a stored document cannot be read: {0}")]
    Stored(#[from] serde_json::Error),
    #[error(transparent)]
    Handoff(#[from] HandoffError),
    #[error(transparent)]
    Motion(#[from] MotionError),
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error(transparent)]
    Audit(#[from] AuditError),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// What it means to break a constraint.
const CONSTRAINTS: [Constraint; 3] = [
    Constraint::conflict(
        "design_approval_pkey",
        "already_signed",
        "This sign-off was given for this version already; a change makes a new version.",
    ),
    Constraint::conflict(
        "design_approval_person",
        "second_person_needed",
        "This person has signed this version already: the two sign-offs must come from two people.",
    ),
    Constraint::conflict(
        "design_application_live",
        "already_applied",
        "The design is live already; roll it back first.",
    ),
];

impl From<DesignError> for Problem {
    fn from(error: DesignError) -> Self {
        match error {
            DesignError::NoDesign(id) => Self::not_found("handoff design", id),
            DesignError::NoVersion(id, number) => {
                Self::not_found("version", format!("{number} of design {id}"))
            }
            DesignError::Brief(faults) => {
                let fault =
                    |fault: &BriefFault| Fault::new(format!("#{}", fault.pointer), fault.detail.clone());
                Self::invalid(faults.iter().map(fault).collect())
            }
            DesignError::Undrawn(undrawn) => Self::unprocessable("no_routing", undrawn.to_string()),
            DesignError::Precondition(problem) => problem,
            DesignError::BaseChanged(changed) => {
                let detail = format!(
                    "What the design was made on has changed since: {}. Change the design (PATCH) to make it anew on what is \
                     live, and have it signed again.",
                    changed.join("; ")
                );
                Self::conflict("base_changed", detail).member("changed", changed)
            }
            DesignError::NotNow(detail) => Self::conflict("not_now", detail),
            DesignError::Invalid(faults) => Self::invalid(faults),
            DesignError::Handoff(error) => error.into(),
            DesignError::Motion(error) => error.into(),
            DesignError::Plan(error) => error.into(),
            DesignError::Audit(error) => error.into(),
            DesignError::Database(error) => problem(&error, &CONSTRAINTS),
            DesignError::Interrupted | DesignError::Stored(_) => Self::internal(error),
        }
    }
}
