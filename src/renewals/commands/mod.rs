//! The use cases of renewals.
//!
//! Promises: each is one transaction under the account's lock, with its plan, its audit entry and its alerts; what fires by
//! itself fires once, whatever crashes; a risk that people have set is changed by people alone.

mod change;
mod checkpoint;
mod create;
mod custody;
mod follow;
mod plan;
mod propose;
mod read;
mod sight;
mod upcoming;
mod work;

use std::sync::Arc;

use chrono::NaiveDate;
use sqlx::PgPool;
use tokio::sync::Notify;
use uuid::Uuid;

use super::plays::Plays;
use super::tracker::Refused;
use crate::accounts::Accounts;
use crate::handoffs::commands::{HandoffError, Handoffs};
use crate::kernel::clock::Clock;
use crate::motions::commands::{MotionError, Motions};
use crate::plans::Finding;
use crate::plans::commands::{PlanError, Plans};
use crate::platform::audit::AuditError;
use crate::platform::http::{Fault, Problem};

pub use change::{Closing, Revised, Revision, RiskChange};
pub use checkpoint::Report;
pub use create::{Ask, Made};
pub use custody::RenewalCustodian;
pub use follow::{RenewalFollower, RenewalPlanFollower};
pub use plan::{PlanState, Version};
pub use propose::{Choice, Proposal};
pub use read::{View, Whole};
pub use upcoming::Upcoming;

/// The kind of job that looks at what is due to be told of a renewal; its key is the renewal.
pub const LOOK: &str = "renewal_look";
/// The kind of job that rates the open renewals of an account; its key is the account.
pub const RATE: &str = "renewal_rate";
/// Both, in the order in which they are done.
pub const KINDS: [&str; 2] = [LOOK, RATE];

/// Renewals: a handle to the use cases of this slice.
#[derive(Clone)]
pub struct Renewals {
    pub pool: PgPool,
    pub clock: Clock,
    pub accounts: Accounts,
    pub motions: Motions,
    pub handoffs: Handoffs,
    pub plans: Plans,
    pub plays: Arc<Plays>,
    /// Rung when something may be due.
    pub work: Arc<Notify>,
    /// Rung when something is to be delivered.
    pub deliver: Arc<Notify>,
}

/// Why a use case could not be done.
#[derive(Debug, thiserror::Error)]
pub enum RenewalError {
    #[error("there is no account {0}")]
    NoAccount(String),
    #[error("there is no renewal {0}")]
    NoRenewal(Uuid),
    #[error("there is no play {0}")]
    NoPlay(String),
    /// Nothing of the account says when it renews.
    #[error("nothing says when the account renews")]
    NoDeadline,
    /// What was sent is wrong in itself.
    #[error("the request has {} faults", .0.len())]
    Invalid(Vec<Fault>),
    #[error("a renewal of this account by {deadline} is under way: {id}")]
    UnderWay { id: Uuid, deadline: NaiveDate },
    /// The state of things is not the one that the caller has seen.
    #[error(transparent)]
    Precondition(Problem),
    #[error("the renewal is {0}")]
    Status(&'static str),
    /// Something is missing, and nobody has waived it.
    #[error("{} things are missing", .0.len())]
    Preflight(Vec<Finding>),
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("the table could not be written: {0}")]
    Table(#[from] csv::Error),
    #[error("a stored document cannot be read: {0}")]
    Stored(#[from] serde_json::Error),
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error(transparent)]
    Motion(#[from] MotionError),
    #[error(transparent)]
    Handoff(#[from] HandoffError),
    #[error(transparent)]
    Audit(#[from] AuditError),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl RenewalError {
    /// Somebody was faster, and doing it again sees what they did.
    pub(super) fn is_race(&self) -> bool {
        matches!(self, Self::Audit(AuditError::Moved(_)))
    }
}

impl From<RenewalError> for Problem {
    fn from(error: RenewalError) -> Self {
        match error {
            RenewalError::NoAccount(id) => Self::not_found("account", id),
            RenewalError::NoRenewal(id) => Self::not_found("renewal", id),
            RenewalError::NoPlay(name) => Self::not_found("play", name),
            RenewalError::NoDeadline => Self::invalid(vec![Fault::new(
                "#/deadline",
                "is needed: no subscription and no renewal deal of the account says when it renews",
            )]),
            RenewalError::Invalid(faults) => Self::invalid(faults),
            RenewalError::UnderWay { id, .. } => {
                let detail = format!("{error}. Change it, or close it first.");
                Self::conflict("renewal_under_way", detail).member("renewalId", id.to_string())
            }
            RenewalError::Precondition(problem) => problem,
            RenewalError::Status(status) => Self::conflict(
                "illegal_transition",
                format!("The renewal is {status}; this is not possible any more."),
            )
            .member("status", status),
            RenewalError::Preflight(findings) => {
                let named: Vec<String> = findings.iter().map(|finding| finding.name.clone()).collect();
                let detail = format!(
                    "{} things are missing before the plan can run. Mend them, or waive them by name: {}.",
                    findings.len(),
                    named.join(", ")
                );
                let findings = serde_json::to_value(&findings).unwrap_or_default();
                Self::conflict("preflight", detail).member("findings", findings)
            }
            RenewalError::Refused(Refused::NoSuch { .. }) => Self::not_found("checkpoint", error.to_string()),
            RenewalError::Refused(refused) => Self::conflict("illegal_transition", format!("{refused}.")),
            RenewalError::Plan(error) => error.into(),
            RenewalError::Motion(error) => error.into(),
            RenewalError::Handoff(error) => error.into(),
            RenewalError::Audit(error) => error.into(),
            RenewalError::Database(error) => error.into(),
            RenewalError::Table(_) | RenewalError::Stored(_) => Self::internal(error),
        }
    }
}
