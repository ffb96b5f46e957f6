//! The use cases of handoffs.
//!
//! Promises: an edit of the roster and an absence are one transaction each, under the roster's lock, with the audit entry
//! that tells of them; nothing commits that does not hold together; the queue is looked at again afterwards, because
//! somebody may be able to take what waits.

mod absences;
mod act;
pub mod ahead;
mod alerts;
mod change;
mod custody;
mod follow;
mod measure;
mod metrics;
mod notice;
mod open;
mod pass;
mod preview;
mod recall;
mod roster;
mod telling;

use std::sync::Arc;

use sqlx::{PgConnection, PgPool};
use tokio::sync::Notify;
use uuid::Uuid;

use super::assign::check::RosterFault;
use super::assign::names::{RepId, TeamId};
use super::entries::{Entry, Kind, RosterChange};
use super::import::ImportFault;
use super::store;
use super::types::HandoffTypes;
use crate::accounts::Accounts;
use crate::handoffs::lifecycle::Refused;
use crate::kernel::calendar::CalendarError;
use crate::kernel::clock::{Clock, DateTime};
use crate::kernel::ids::IdError;
use crate::motions::commands::{HAND_OVER, MotionError, Motions};
use crate::platform::audit::AuditError;
use crate::platform::http::{Fault, Problem};
use crate::platform::jobs::{self, Lane, NewJob};

pub use absences::{Authority, NewAbsence, Noted};
pub use act::{Deed, OffBoarded};
pub use custody::HandoffCustodian;
pub use follow::HandoffFollower;
pub use measure::{MeasureFilter, Measured};
pub use notice::RoleHolders;
pub use open::{OpenAsk, Opened};
pub use preview::PreviewAsk;
pub use roster::{Edited, Held, Imported, Put, Rosters, read_rotations, write_rotations};
pub use telling::HandoffTimeline;

/// The kind of job that gives out what waits; there is one, with the key [`DRAIN_KEY`].
pub const DRAIN: &str = "handoff_drain";
/// The queue is one, because reps take handoffs for several teams.
pub const DRAIN_KEY: &str = "roster";

/// The kind of job that opens a handoff: its key is the cause.
pub const OPEN: &str = HAND_OVER;
/// The kinds of job about one handoff, whose id is the key: a step of its clock, a look at what holds it, a settlement
/// after its hours changed.
pub const STEP: &str = "handoff_step";
pub const RELEASE: &str = "handoff_release";
pub const HOURS: &str = "handoff_hours";
/// The kind of job that notes what an event reports of a handoff; its key is the event.
pub const OUTCOME: &str = "handoff_outcome";
/// The kind of job that sends a person the digest of what was held back; its key is the person.
pub const DIGEST: &str = "handoff_digest";
/// All of them, in the order in which they are done.
pub const KINDS: [&str; 7] = [STEP, OPEN, OUTCOME, RELEASE, HOURS, DRAIN, DIGEST];

/// Under whose name clocks run.
const SLA_WORKER: &str = "worker:sla";

/// Handoffs: a handle to the use cases of this slice.
#[derive(Clone)]
pub struct Handoffs {
    pub pool: PgPool,
    pub clock: Clock,
    pub accounts: Accounts,
    pub motions: Motions,
    pub types: Arc<HandoffTypes>,
    pub rosters: Rosters,
    /// Rung when something may be due: a step of a clock, a place for what waits.
    pub work: Arc<Notify>,
    /// Rung when something is to be delivered.
    pub deliver: Arc<Notify>,
}

/// Why a use case could not be done.
#[derive(Debug, thiserror::Error)]
pub enum HandoffError {
    #[error("there is no {} {id}", .kind.words())]
    NoEntry { kind: Kind, id: String },
    #[error("there is no handoff type {0}")]
    NoType(String),
    /// The caller may not do this to this rep.
    #[error("{0}")]
    NotAllowed(String),
    #[error("there is no absence {0}")]
    NoAbsence(Uuid),
    #[error("there is no account {0}")]
    NoAccount(String),
    #[error("there is no handoff {0}")]
    NoHandoff(Uuid),
    /// Whom a person chose cannot have it.
    #[error("{0}")]
    Owner(String),
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("a name is malformed: {0}")]
    Name(#[from] IdError),
    /// Somebody else changed the handoff in between; doing it again sees what they did.
    #[error("the handoff was changed meanwhile")]
    Moved,
    #[error(transparent)]
    Motion(#[from] MotionError),
    /// The state of things is not the one that the caller has seen.
    #[error(transparent)]
    Precondition(Problem),
    /// What was sent is wrong in itself.
    #[error("the request has {} faults", .0.len())]
    Invalid(Vec<Fault>),
    /// With the edit the roster would not hold together.
    #[error("the roster would have {} faults", .0.len())]
    Roster(Vec<Fault>),
    /// The edit takes away what others need.
    #[error("{}", .0.join("; "))]
    Needed(Vec<String>),
    #[error("the import has {} faults", .0.len())]
    Import(Vec<ImportFault>),
    /// The roster in the database was checked when it was written.
    #[error("the stored roster does not hold together: {0:?}")]
    StoredRoster(Vec<RosterFault>),
    #[error("a stored document cannot be read: {0}")]
    Stored(#[from] serde_json::Error),
    #[error(transparent)]
    Calendar(#[from] CalendarError),
    #[error(transparent)]
    Audit(#[from] AuditError),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl HandoffError {
    /// Somebody was faster, and doing it again sees what they did.
    fn is_race(&self) -> bool {
        matches!(self, Self::Moved | Self::Audit(AuditError::Moved(_)))
    }
}

impl From<HandoffError> for Problem {
    fn from(error: HandoffError) -> Self {
        match error {
            HandoffError::NoEntry { kind, id } => Self::not_found(kind.words(), id),
            HandoffError::NoType(name) => Self::not_found("handoff type", name),
            HandoffError::NotAllowed(detail) => Self::forbidden("not_your_team", detail),
            HandoffError::NoAbsence(id) => Self::not_found("absence", id),
            HandoffError::NoAccount(id) => Self::not_found("account", id),
            HandoffError::NoHandoff(id) => Self::not_found("handoff", id),
            HandoffError::Owner(detail) => Self::invalid(vec![Fault::new("#/ownerId", detail)]),
            HandoffError::Refused(refused) => refused_problem(&refused),
            HandoffError::Name(_) => Self::unprocessable("invalid_name", error.to_string()),
            HandoffError::Moved => {
                Self::unavailable("The handoff was changed meanwhile; do it again.", 1).because(error)
            }
            HandoffError::Motion(error) => error.into(),
            HandoffError::Precondition(problem) => problem,
            HandoffError::Invalid(faults) | HandoffError::Roster(faults) => Self::invalid(faults),
            HandoffError::Needed(reasons) => {
                let detail = format!("Something on the roster still needs it: {}.", reasons.join("; "));
                Self::conflict("still_needed", detail).member("reasons", reasons)
            }
            HandoffError::Import(faults) => {
                let places = faults.iter().map(|fault| Fault::new(fault.pointer.clone(), fault.to_string()));
                Self::invalid(places.collect())
                    .member("faults", serde_json::to_value(&faults).unwrap_or_default())
            }
            HandoffError::Calendar(error) => Self::unprocessable("no_working_time", error.to_string()),
            HandoffError::Audit(error) => error.into(),
            HandoffError::Database(error) => error.into(),
            HandoffError::StoredRoster(_) | HandoffError::Stored(_) => Self::internal(error),
        }
    }
}

fn refused_problem(refused: &Refused) -> Problem {
    match refused {
        Refused::Illegal { status, legal, .. } => {
            let legal: Vec<&str> = legal.iter().map(|action| action.name()).collect();
            Problem::conflict("illegal_transition", refused.to_string())
                .member("status", status.name())
                .member("legal", legal)
        }
        Refused::TooLate { .. } => Problem::conflict("rollback_too_late", refused.to_string()),
        Refused::Instant { .. } => Problem::invalid(vec![Fault::new("#/at", refused.to_string())]),
    }
}

/// Comes with each change of hours or absences, in its transaction and under the roster's lock: each handoff whose clock
/// counts working time is to be settled up to this instant by the hours that it keeps a copy of. Asks for the queue to be looked at, with
/// whom the change is about as the reason: who comes back or is new may take what waits.
async fn before_change(
    conn: &mut PgConnection,
    change: &RosterChange,
    now: DateTime,
) -> Result<(), HandoffError> {
    let (reps, teams): (Vec<&str>, Vec<&str>) =
        (change.reps.iter().map(RepId::as_str).collect(), change.teams.iter().map(TeamId::as_str).collect());
    let counting = store::counting_hours(conn, &reps, &teams).await?;
    let settled: Vec<NewJob> = counting
        .into_iter()
        .map(|(account_id, id)| follow::of_handoff(account_id, id, Some(now), now))
        .collect();
    jobs::enqueue(conn, HOURS, &settled, now).await?;
    let payload = serde_json::to_string(change)?;
    let job = NewJob { key: DRAIN_KEY.to_owned(), payload, lane: Lane::Normal, due_at: now };
    jobs::enqueue(conn, DRAIN, &[job], now).await?;
    Ok(())
}

/// The entry of a row.
fn read_entry(kind: &str, id: &str, doc: &str) -> Result<Entry, HandoffError> {
    let known = Kind::parse(kind).ok_or_else(|| {
        let error: serde_json::Error = serde::de::Error::custom(format!("{kind} {id} is of no known kind"));
        error
    })?;
    Ok(Entry::read(known, doc)?)
}
