//! Intake: makes validated events durable before anybody is told that they were accepted.
//!
//! Promises: an answer of "accepted" means committed; an event is taken once by its (source, id), however
//! often, in whatever batch and on whatever replica it is sent; requests that arrive together share one
//! transaction, so that the cost of a commit is paid once for many of them; when the queue is full the
//! caller is told to come back, nothing is dropped.
//! Leaves out: validation (done before) and what an event means (done after, in the fold).

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use sqlx::PgPool;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::events::Event;
use super::store;
use crate::kernel::clock::{Clock, DateTime};
use crate::kernel::ids::new_id;
use crate::kernel::json::sha256;
use crate::platform::jobs::Lane;

/// How many events one transaction takes at the most: enough to spread a commit over a full house of
/// connections, small enough that the first of them does not wait.
const GROUP_EVENTS_MAX: usize = 1_024;
/// How many requests may wait for the next group before callers are told to come back.
const QUEUE_REQUESTS_MAX: usize = 8_192;
/// So many waiting requests make a crowd, which background work lets pass, looking again after each step, for so
/// long at the most.
const CROWD_REQUESTS: usize = 8;
const LET_PASS_STEP: Duration = Duration::from_millis(5);
const LET_PASS_MAX: Duration = Duration::from_millis(250);
/// Groups in flight at once: while one waits for its commit the next is being filled.
pub const GROUPS_IN_FLIGHT: usize = 2;

/// What became of one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    Accepted,
    /// Its (source, id) was taken before.
    Duplicate,
}

/// Why events were not taken. Nothing of the request was kept.
#[derive(Debug, Clone, thiserror::Error)]
pub enum IntakeError {
    #[error("more events are waiting to be stored than there is room for")]
    Full,
    #[error("the service is stopping")]
    Stopping,
    #[error("the events could not be stored: {0}")]
    Database(Arc<sqlx::Error>),
}

struct Submission {
    events: Vec<Event>,
    lane: Lane,
    reply: oneshot::Sender<Result<Vec<Taken>, IntakeError>>,
}

/// The door that events come in by. Cloning gives another handle to the same door.
#[derive(Clone)]
pub struct Intake {
    queue: mpsc::Sender<Submission>,
    /// The last instant given to an event without a time of its own, in microseconds.
    last_arrival: Arc<AtomicI64>,
    /// Rung whenever events were stored, for whoever applies them.
    pub arrived: Arc<Notify>,
}

/// The part of the intake that a background task runs.
pub struct IntakeWorker {
    queue: Arc<tokio::sync::Mutex<mpsc::Receiver<Submission>>>,
    arrived: Arc<Notify>,
    pool: PgPool,
    clock: Clock,
}

/// The identity of an event: the first 128 bits of the digest of its source and id.
pub fn event_key(source: &str, id: &str) -> Uuid {
    let mut text = Vec::with_capacity(source.len() + id.len() + 8);
    // The length in front keeps ("a", "bc") and ("ab", "c") apart.
    text.extend_from_slice(&(source.len() as u64).to_be_bytes());
    text.extend_from_slice(source.as_bytes());
    text.extend_from_slice(id.as_bytes());
    let mut first = [0_u8; 16];
    first.copy_from_slice(&sha256(&text)[..16]);
    Uuid::from_bytes(first)
}

/// The door and the worker behind it; run [`GROUPS_IN_FLIGHT`] clones of the worker.
pub fn open(pool: PgPool, clock: Clock) -> (Intake, IntakeWorker) {
    let (sender, receiver) = mpsc::channel(QUEUE_REQUESTS_MAX);
    let arrived = Arc::new(Notify::new());
    let worker = IntakeWorker {
        queue: Arc::new(tokio::sync::Mutex::new(receiver)),
        arrived: arrived.clone(),
        pool,
        clock,
    };
    (Intake { queue: sender, last_arrival: Arc::default(), arrived }, worker)
}

impl Intake {
    /// Gives events that came without a time instants of their own, each later than all before it: what is said
    /// later is then also true later, even when several things are said within one tick of the clock.
    pub fn stamp_arrivals(&self, events: &mut [Event], now: DateTime) {
        let untimed = events.iter_mut().filter(|event| event.time == event.received_at);
        for event in untimed {
            event.time = self.next_arrival(now);
        }
    }

    /// An instant later than every one given before.
    pub fn next_arrival(&self, now: DateTime) -> DateTime {
        let present = now.timestamp_micros();
        let last = self
            .last_arrival
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(present.max(last + 1)))
            .unwrap_or_default();
        chrono::DateTime::from_timestamp_micros(present.max(last + 1)).unwrap_or(now)
    }

    /// Waits while requests are waiting for their answer, for [`LET_PASS_MAX`] at most: work that nobody waits for
    /// lets them pass, and then finds more to do in one go.
    pub async fn let_pass(&self) {
        let crowded = || QUEUE_REQUESTS_MAX - self.queue.capacity() > CROWD_REQUESTS;
        for _ in 0..LET_PASS_MAX.as_millis() / LET_PASS_STEP.as_millis() {
            if !crowded() {
                return;
            }
            tokio::time::sleep(LET_PASS_STEP).await;
        }
    }

    /// Stores events and answers, in their order, once they are durable.
    pub async fn take(&self, events: Vec<Event>, lane: Lane) -> Result<Vec<Taken>, IntakeError> {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let (reply, answer) = oneshot::channel();
        self.queue.try_send(Submission { events, lane, reply }).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => IntakeError::Full,
            mpsc::error::TrySendError::Closed(_) => IntakeError::Stopping,
        })?;
        answer.await.unwrap_or(Err(IntakeError::Stopping))
    }
}

impl Clone for IntakeWorker {
    fn clone(&self) -> Self {
        Self {
            queue: self.queue.clone(),
            arrived: self.arrived.clone(),
            pool: self.pool.clone(),
            clock: self.clock.clone(),
        }
    }
}

impl IntakeWorker {
    /// Stores group after group until told to stop; what was handed in by then is still stored.
    pub async fn run(self, stop: CancellationToken) {
        while let Some(group) = self.next_group(&stop).await {
            self.store_group(group).await;
        }
    }

    /// The next request and all that have queued up behind it, up to the limit of one transaction.
    async fn next_group(&self, stop: &CancellationToken) -> Option<Vec<Submission>> {
        let mut queue = self.queue.lock().await;
        let first = tokio::select! {
            biased;
            first = queue.recv() => first?,
            () = stop.cancelled() => {
                queue.close();
                queue.recv().await?
            }
        };
        let mut count = first.events.len();
        let mut group = vec![first];
        while count < GROUP_EVENTS_MAX
            && let Ok(next) = queue.try_recv()
        {
            count += next.events.len();
            group.push(next);
        }
        Some(group)
    }

    async fn store_group(&self, group: Vec<Submission>) {
        match self.insert(&group).await {
            Ok(fresh) => {
                self.arrived.notify_one();
                answer(group, fresh);
            }
            // One request must not fail for what another sent: store them one by one.
            Err(error) if group.len() > 1 && error.as_database_error().is_some() => {
                for submission in group {
                    Box::pin(self.store_group(vec![submission])).await;
                }
            }
            Err(error) => {
                tracing::error!(%error, requests = group.len(), "events could not be stored");
                let error = Arc::new(error);
                for submission in group {
                    // A caller who has gone away has no use for the answer.
                    let _ = submission.reply.send(Err(IntakeError::Database(error.clone())));
                }
            }
        }
    }

    /// Inserts the group in one statement; gives the keys that were new.
    async fn insert(&self, group: &[Submission]) -> Result<HashSet<Uuid>, sqlx::Error> {
        let now = self.clock.now();
        let mut rows = store::NewEvents::with_capacity(group.iter().map(|s| s.events.len()).sum());
        let mut seen = HashSet::new();
        for submission in group {
            for event in &submission.events {
                let key = event_key(&event.source, &event.id);
                if seen.insert(key) {
                    rows.push(key, new_id(now), event, submission.lane);
                }
            }
        }
        match store::insert_events(&self.pool, &rows, now).await {
            Err(error) if is_missing_partition(&error) => {
                store::ensure_event_partitions(&self.pool, now).await?;
                store::insert_events(&self.pool, &rows, now).await
            }
            outcome => outcome,
        }
    }
}

/// Answers each request: the first mention of a new key is accepted, everything else was there before.
fn answer(group: Vec<Submission>, mut fresh: HashSet<Uuid>) {
    for submission in group {
        let taken = submission
            .events
            .iter()
            .map(|event| {
                let new = fresh.remove(&event_key(&event.source, &event.id));
                if new { Taken::Accepted } else { Taken::Duplicate }
            })
            .collect();
        // A caller who has gone away has no use for the answer; its events are kept all the same.
        let _ = submission.reply.send(Ok(taken));
    }
}

/// No partition covers the instant: the first event after a week has turned, or after a clock was moved.
pub fn is_missing_partition(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|e| {
        e.code().as_deref() == Some("23514") && e.message().starts_with("no partition of relation")
    })
}
