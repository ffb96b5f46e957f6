//! The use cases of motion routing.
//!
//! Promises: a decision and everything that follows from it (claim, touch, conflict, deliveries, audit entry,
//! wake-up) is one transaction under the account's lock; asking again changes nothing that is already so; a policy comes
//! into force, and goes, in one transaction with the row of its activation and the audit entries.

mod conflicts;
mod consequences;
mod custody;
mod follow;
mod freshen;
mod handover;
mod orchestrate;
mod policies;
mod policy_changes;
mod quiet;
mod reason;
mod replay;
mod sweep;
mod tell;
mod timeline;
mod together;

use std::sync::Arc;

use sqlx::PgPool;
use tokio::sync::Notify;

use crate::accounts::Accounts;
use crate::kernel::clock::Clock;
use crate::platform::audit::AuditError;
use crate::platform::http::database::{Constraint, problem};
use crate::platform::http::{Fault, Problem};

pub use conflicts::{Resolution, Resolved, Resolving};
pub use custody::MotionCustodian;
pub use follow::MotionFollower;
pub use freshen::{Freshen, Stale};
pub use handover::{HAND_OVER, Sight};
pub use orchestrate::{Ask, Decided, Seen, Trigger};
pub use policies::{AddAsk, Policies, PolicyFaults};
pub use policy_changes::{ActivateAsk, PolicyView, ReviewAsk, RollBackAsk};
pub use reason::EVENT_TO_DECISION;
pub use replay::{Difference, Replayed};
pub use tell::{Notice, Tell};
pub use timeline::{TimelineLine, TimelineSource};
pub use together::{Desk, DeskWorker, open as open_desk};

pub use super::signals::Failing;

use super::policy::change::{Hindrance, ReviewRule};

/// The kind of job that looks at an account: its key is the account id, its payload the reason.
pub const EVALUATE: &str = "evaluate";
/// The kind of job that puts a policy in force at its instant; its key is the activation.
pub const ACTIVATE: &str = "policy_activate";
/// All kinds of job of this slice.
pub const KINDS: [&str; 2] = [ACTIVATE, EVALUATE];

/// Motion routing: a handle to the use cases of this slice.
#[derive(Clone)]
pub struct Motions {
    pub pool: PgPool,
    pub clock: Clock,
    pub accounts: Accounts,
    pub policies: Policies,
    /// Whether a policy needs the approval of a second person.
    pub review: ReviewRule,
    /// Rung when an account is to be evaluated.
    pub evaluate: Arc<Notify>,
    /// Rung when a policy may have to come into force.
    pub activate: Arc<Notify>,
    /// Rung when something is to be delivered.
    pub deliver: Arc<Notify>,
    /// Rung when a handoff is asked for.
    pub hand_over: Arc<Notify>,
    /// Who fetches newer facts when a decision waits for them, and knows which systems cannot be read.
    pub freshen: Arc<dyn Freshen>,
    /// Who knows the people of a role.
    pub tell: Arc<dyn Tell>,
    pub desk: Desk,
    /// Whoever else knows of things that happened to accounts.
    pub timelines: Arc<[Box<dyn TimelineSource>]>,
}

/// Why a use case could not be done.
#[derive(Debug, thiserror::Error)]
pub enum MotionError {
    #[error("there is no account {0}")]
    NoAccount(String),
    #[error("there is no policy version {0}")]
    NoPolicy(String),
    #[error("an account id is malformed: {0}")]
    AccountId(#[from] crate::kernel::ids::IdError),
    #[error("no policy is active")]
    NoneActive,
    #[error("there is no decision {0}")]
    NoDecision(uuid::Uuid),
    #[error("there is no conflict {0}")]
    NoConflict(uuid::Uuid),
    #[error("conflict {id} was resolved before, as {resolution}")]
    AlreadyResolved { id: uuid::Uuid, resolution: String },
    /// Another replica took a competing motion in between; asking again sees it.
    #[error("another motion took the account meanwhile")]
    Raced,
    #[error("the service is stopping")]
    Stopping,
    /// Whoever was to decide broke off: a panic, or a hard stop. The log says which.
    #[error("the decision was broken off")]
    Unanswered,
    #[error("the policy has {} faults", .0.0.len())]
    Policy(PolicyFaults),
    /// What stands in the way of a policy.
    #[error("{}", .0.iter().map(Hindrance::says).collect::<Vec<_>>().join(" "))]
    Hindered(Vec<Hindrance>),
    /// What was sent is wrong in itself.
    #[error("the request has {} faults", .0.len())]
    Invalid(Vec<Fault>),
    #[error("a stored document cannot be read: {0}")]
    Stored(#[from] serde_json::Error),
    /// The answer could not be kept under its idempotency key; nothing was decided.
    #[error(transparent)]
    Answer(Problem),
    #[error(transparent)]
    Audit(#[from] AuditError),
    #[error(transparent)]
    Database(sqlx::Error),
}

/// What it means to break a constraint.
const CONSTRAINTS: [Constraint; 2] = [
    Constraint::conflict(
        "policy_review_pkey",
        "already_reviewed",
        "This person has reviewed this version already; a change makes another version.",
    ),
    Constraint::conflict(
        "policy_review_second",
        "second_person_needed",
        "Whoever made a version does not review it: neither under the author's name nor with the key that stored it. Somebody \
         else reviews it, with a key of their own (gtm keys create).",
    ),
];

impl From<sqlx::Error> for MotionError {
    fn from(error: sqlx::Error) -> Self {
        let constraint = error.as_database_error().and_then(sqlx::error::DatabaseError::constraint);
        match constraint {
            Some("claim_exclusion_pkey" | "motion_claim_live" | "audit_entry_pkey") => Self::Raced,
            _ => Self::Database(error),
        }
    }
}

impl MotionError {
    /// Somebody was faster, and asking again sees what they did. Not everybody who writes to an account's audit
    /// chain holds the account: a delivery is sent again, a match is corrected.
    fn is_race(&self) -> bool {
        matches!(self, Self::Raced | Self::Audit(AuditError::Moved(_)))
    }
}

impl From<MotionError> for Problem {
    fn from(error: MotionError) -> Self {
        match error {
            MotionError::NoAccount(id) => Self::not_found("account", id),
            MotionError::NoPolicy(version) => Self::not_found("policy version", version),
            MotionError::NoDecision(id) => Self::not_found("decision", id),
            MotionError::NoConflict(id) => Self::not_found("conflict", id),
            MotionError::NoneActive => Self::conflict(
                "no_active_policy",
                "No policy is active: activate one with POST /v1/policies/{version}/activate.",
            ),
            MotionError::AlreadyResolved { .. } => Self::conflict("already_resolved", error.to_string()),
            MotionError::Raced => {
                Self::unavailable("Another motion took the account meanwhile; ask again.", 1).because(error)
            }
            MotionError::Stopping => {
                Self::unavailable("The service is stopping; ask again.", 1).because(error)
            }
            MotionError::Policy(faults) => faults.problem(),
            MotionError::Hindered(hindrances) => {
                let codes: Vec<&str> = hindrances.iter().map(Hindrance::code).collect();
                let says: Vec<String> = hindrances.iter().map(Hindrance::says).collect();
                let code = codes.first().copied().unwrap_or("hindered");
                Self::conflict(code, says.join(" ")).member("hindrances", codes)
            }
            MotionError::Invalid(faults) => Self::invalid(faults),
            MotionError::Answer(problem) => problem,
            MotionError::Audit(error) => error.into(),
            MotionError::Database(error) => problem(&error, &CONSTRAINTS),
            MotionError::AccountId(_) => Self::unprocessable("invalid_account_id", error.to_string()),
            MotionError::Stored(_) | MotionError::Unanswered => Self::internal(error),
        }
    }
}
