//! Accounts: what comes in about a company and what is known of it.
//!
//! [`events`] decodes and checks, [`intake`] makes durable, [`fold`] turns events into facts, [`commands`]
//! applies them exactly once each, [`matching`] finds the account that a person or company belongs to.
//! Owns the tables `event`, `event_key`, `inbox`, `inbox_dead`, `account`, `contact`, `note`,
//! `account_identity`, `match_pin`, `match_exclusion`, `match_news`, `unmatched_event`, `unmatched_key` and
//! `matched_event`.

pub mod api;
pub mod commands;
pub mod events;
pub mod fold;
pub mod intake;
pub mod jobs;
pub mod matching;
pub mod model;
pub mod store;

use std::sync::Arc;

use sqlx::PgPool;
use tokio::sync::Notify;

use crate::kernel::clock::Clock;

pub use commands::{AppliedEvent, Batch, Current, Folded, Follower, Occasion};
// An event in the making, for those that bring events by other ways.
pub use events::{Arrived, EventType, Fault as EventFault, Parts as EventParts, Rejected};
pub use events::{Direction, Outcome as ReportedOutcome};
pub use fold::{News, Turn};
pub use intake::IntakeError;

/// The accounts of the service: a handle to the use cases of this slice.
#[derive(Clone)]
pub struct Accounts {
    pub pool: PgPool,
    pub clock: Clock,
    pub intake: intake::Intake,
    /// Rung when there may be an account for an unmatched event.
    pub matching: Arc<Notify>,
    /// Whoever acts on changes.
    pub follower: Arc<dyn Follower>,
}
