//! Accounts: what comes in about a company and what is known of it.
//!
//! [`events`] decodes and checks, [`intake`] makes durable, [`fold`] turns events into facts, [`commands`]
//! applies them exactly once each, [`matching`] finds the account that a person or company belongs to, [`privacy`] finds a
//! person in what is stored, for whoever asks what is held of them or wants it erased ([`custody`], [`suppressions`]).
//! Owns the tables `event`, `event_key`, `inbox`, `inbox_dead`, `account`, `contact`, `note`,
//! `account_identity`, `match_pin`, `match_exclusion`, `match_news`, `unmatched_event`, `unmatched_key`,
//! `matched_event`, `privacy_head`, `suppression` and `erasure`.

pub mod api;
pub mod commands;
pub mod custody;
pub mod events;
pub mod fold;
pub mod intake;
pub mod jobs;
pub mod matching;
pub mod model;
pub mod privacy;
pub mod store;
pub mod suppressions;

use std::sync::Arc;

use sqlx::PgPool;
use tokio::sync::Notify;

use crate::kernel::clock::Clock;

pub use commands::{AppliedEvent, Batch, Current, Folded, Follower, Occasion};
pub use custody::{Changed, Custodian, Erasing, Holding};
// An event in the making, for those that bring events by other ways.
pub use events::{Arrived, COUNT_MAX, EventType, Fault as EventFault, Parts as EventParts, Rejected};
pub use events::{Direction, Outcome as ReportedOutcome};
pub use fold::{News, Turn};
pub use intake::IntakeError;
pub use privacy::Subject;
pub use suppressions::Suppressions;

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
    /// Those who must not come back.
    pub suppressions: Suppressions,
    /// Whoever else keeps something about people.
    pub custodians: Arc<[Box<dyn Custodian>]>,
}
