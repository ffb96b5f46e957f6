//! Who delivers: one way out of the process, for the destinations that are its own.
//!
//! Promises: a [`Sender`] is handed one delivery at a time and says how it ended in words that the outbox acts on; it
//! keeps no state that a delivery depends on, because the next attempt may be made by another replica.
//! Leaves out: when to try again, which is the outbox's plan; a sender only says what its receiver asked for.

use chrono::TimeDelta;
use futures_util::future::BoxFuture;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::kernel::clock::DateTime;

/// Most that a receiver's own wish to wait is heeded.
const WAIT_MAX: TimeDelta = TimeDelta::days(1);
/// How much of a receiver's answer is kept with a failure, in characters.
const ERROR_TEXT_MAX: usize = 300;

/// One delivery on its way.
#[derive(Debug, Clone, Copy)]
pub struct Outgoing<'a> {
    /// The same over all attempts: a receiver that honours it acts once.
    pub id: Uuid,
    pub account_id: &'a str,
    pub destination: &'a str,
    /// JSON, the same over all attempts.
    pub payload: &'a str,
    /// This attempt included.
    pub attempts: i32,
    /// An earlier attempt ended without anybody knowing whether it arrived.
    pub unsure: bool,
    pub now: DateTime,
}

impl Outgoing<'_> {
    /// What is to be done, as the destination's own type; what cannot be read is never tried again.
    pub fn data<T: DeserializeOwned>(&self) -> Result<T, Unsent> {
        #[derive(Deserialize)]
        struct Envelope<T> {
            data: T,
        }
        serde_json::from_str::<Envelope<T>>(self.payload)
            .map(|envelope| envelope.data)
            .map_err(|error| Unsent::never(format!("the delivery is not what this version writes: {error}")))
    }
}

/// It arrived.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sent {
    /// The status of the answer, where there was one.
    pub status: Option<u16>,
    /// Who made the delivery, where that is not the sender that was asked.
    pub by: Option<&'static str>,
}

impl Sent {
    /// It was answered like this.
    pub fn of(status: u16) -> Self {
        Self { status: Some(status), by: None }
    }
}

/// It did not arrive, as far as we know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsent {
    pub status: Option<u16>,
    /// What went wrong and what can be done about it, in a sentence for an operator; no secret in it.
    pub error: String,
    pub next: Next,
    /// The receiver was not well, and any other delivery would have failed as well.
    pub down: bool,
    /// Whether it arrived is not known: an answer got lost.
    pub unsure: bool,
}

/// What a failure means for the next attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// By the outbox's plan.
    Planned,
    /// By the plan, and not before so long.
    After(TimeDelta),
    /// The receiver takes nothing at all for so long: the whole destination rests.
    Rest(TimeDelta),
    /// Never by itself: the same would happen again. It is dead, and can be sent again once the cause is mended.
    Never,
}

/// One way out.
pub trait Sender: Send + Sync {
    /// The name under which it is told who made a delivery.
    fn provider(&self) -> &'static str;

    /// Whether it also serves a destination that was made for its own: commands about people (`privacy/…`). What it does
    /// not serve is recorded, for a person to see to.
    fn serves(&self, _destination: &str) -> bool {
        false
    }

    /// Whether an account's deliveries arrive in the order in which they were made: each waits until those before it
    /// have arrived or were given up. Otherwise one that fails holds up no other.
    fn in_order(&self) -> bool {
        true
    }

    /// Makes one attempt.
    fn send<'a>(&'a self, outgoing: Outgoing<'a>) -> BoxFuture<'a, Result<Sent, Unsent>>;
}

impl Unsent {
    /// Nothing was heard of the receiver.
    pub fn of_transport(error: &reqwest::Error) -> Self {
        Self { unsure: !error.is_connect(), ..Self::unanswered(transport_error(error)) }
    }

    /// The receiver would refuse it every time.
    pub fn never(error: impl Into<String>) -> Self {
        Self { status: None, error: error.into(), next: Next::Never, down: false, unsure: false }
    }

    /// Nothing was heard of the receiver, in words.
    pub fn unanswered(error: impl Into<String>) -> Self {
        Self { status: None, error: error.into(), next: Next::Planned, down: true, unsure: true }
    }
}

/// Whether an HTTP status speaks of the receiver and not of what it was brought.
pub fn is_down(status: u16) -> bool {
    status >= 500 || [401, 408, 423, 425, 429].contains(&status)
}

/// Nothing was sent at all.
pub const NO_CONNECTION: &str = "no connection to the receiver";

/// What went wrong below HTTP, without the address (it can hold credentials).
pub fn transport_error(error: &reqwest::Error) -> &'static str {
    if error.is_connect() {
        NO_CONNECTION
    } else if error.is_timeout() {
        "no answer in time"
    } else {
        "the connection broke before an answer came"
    }
}

/// `Retry-After` in seconds or as an HTTP date, at most a day.
pub fn retry_after(headers: &HeaderMap, now: DateTime) -> Option<TimeDelta> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?;
    let wait = match text.parse::<u64>() {
        Ok(secs) => TimeDelta::seconds(i64::try_from(secs).unwrap_or(i64::MAX).min(WAIT_MAX.num_seconds())),
        Err(_) => chrono::DateTime::parse_from_rfc2822(text).ok()?.to_utc() - now,
    };
    Some(wait.clamp(TimeDelta::zero(), WAIT_MAX))
}

/// The beginning of what a receiver says of its failure, as text that a database takes: however much it sends.
pub async fn beginning(mut answer: reqwest::Response) -> String {
    let mut bytes = Vec::new();
    while bytes.len() < 4 * ERROR_TEXT_MAX
        && let Ok(Some(chunk)) = answer.chunk().await
    {
        bytes.extend_from_slice(&chunk);
    }
    printable(&bytes)
}

/// The same of bytes in hand.
pub fn printable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.chars().map(|c| if c == '\0' { '\u{fffd}' } else { c }).take(ERROR_TEXT_MAX).collect()
}
