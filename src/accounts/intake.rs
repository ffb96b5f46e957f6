//! Intake: makes validated events durable before anybody is told that they were accepted.
//!
//! Promises: an answer of "accepted" means committed; an event is taken once by its (source, id), however
//! often, in whatever batch and on whatever replica it is sent; requests that arrive together share one
//! transaction, so that the cost of a commit is paid once for many of them; when the queue is full the
//! caller is told to come back, nothing is dropped.
//! Leaves out: validation (done before) and what an event means (done after, in the fold).

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sqlx::pool::PoolConnection;
use sqlx::{PgPool, Postgres};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::events::Event;
use super::store;
use super::suppressions::Suppressions;
use crate::kernel::clock::{Clock, DateTime};
use crate::kernel::ids::new_id;
use crate::kernel::json::sha256;
use crate::platform::jobs::Lane;

/// How many events one transaction takes at the most: enough to spread a commit over a full house of
/// connections, small enough that the first of them does not wait.
const GROUP_EVENTS_MAX: usize = 1_024;
/// How many requests may wait for the next group before callers are told to come back.
pub const QUEUE_REQUESTS_MAX: usize = 8_192;
/// So many requests or events in one group, and so many such groups on end, make a crowd, for so long after the last was
/// stored. One full group is a burst, which is over before anybody could make way for it.
const CROWD_REQUESTS: usize = 24;
const CROWD_EVENTS: usize = 192;
const CROWD_GROUPS: u64 = 4;
const CROWD_LASTS: Duration = Duration::from_millis(20);
/// Background work lets a crowd pass, looking again after each step, for so long at the most.
const LET_PASS_STEP: Duration = Duration::from_millis(5);
const LET_PASS_MAX: Duration = Duration::from_secs(1);
/// How often a worker with nothing to do shows that it lives.
const IDLE_BEAT: Duration = Duration::from_secs(10);

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
    crowd: Arc<Crowd>,
    suppressions: Suppressions,
}

/// Whether requests come faster than they can be stored one by one.
struct Crowd {
    opened: Instant,
    /// When the last full group of a crowd was taken up, in milliseconds since the opening; 0 when there was none.
    last_ms: AtomicU64,
    /// Full groups on end.
    full: AtomicU64,
}

impl Crowd {
    fn new() -> Self {
        Self { opened: Instant::now(), last_ms: AtomicU64::new(0), full: AtomicU64::new(0) }
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn note(&self, requests: usize, events: usize) {
        let is_full = requests > CROWD_REQUESTS || events > CROWD_EVENTS;
        let full = if is_full { self.full.load(Ordering::Relaxed) + 1 } else { 0 };
        self.full.store(full, Ordering::Relaxed);
        // A crowd that is there stays with every full group, whatever came between.
        if full >= CROWD_GROUPS || (is_full && self.is_there()) {
            self.last_ms.store(self.now_ms().max(1), Ordering::Relaxed);
        }
    }

    fn is_there(&self) -> bool {
        let last = self.last_ms.load(Ordering::Relaxed);
        last > 0 && u128::from(self.now_ms().saturating_sub(last)) < CROWD_LASTS.as_millis()
    }
}

/// The part of the intake that a background task runs.
pub struct IntakeWorker {
    queue: mpsc::Receiver<Submission>,
    arrived: Arc<Notify>,
    crowd: Arc<Crowd>,
    pool: PgPool,
    /// The worker's own connection, while it is well: a server process that does one thing does it with warm caches.
    connection: Option<PoolConnection<Postgres>>,
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

/// The door and the worker behind it. One worker: while it commits a group the next one fills up, and fuller groups
/// cost less per event than a second one in flight gains.
pub fn open(pool: PgPool, clock: Clock, suppressions: Suppressions) -> (Intake, IntakeWorker) {
    let (sender, receiver) = mpsc::channel(QUEUE_REQUESTS_MAX);
    let arrived = Arc::new(Notify::new());
    let crowd = Arc::new(Crowd::new());
    let worker = IntakeWorker {
        queue: receiver,
        arrived: arrived.clone(),
        crowd: crowd.clone(),
        pool,
        connection: None,
        clock,
    };
    (Intake { queue: sender, last_arrival: Arc::default(), arrived, crowd, suppressions }, worker)
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

    /// Requests whose events wait to be stored.
    pub fn waiting(&self) -> usize {
        QUEUE_REQUESTS_MAX - self.queue.capacity()
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

    /// Waits while requests come in crowds, for [`LET_PASS_MAX`] at most: work that nobody waits for lets them pass,
    /// and then finds more to do in one go.
    pub async fn let_pass(&self) {
        for _ in 0..LET_PASS_MAX.as_millis() / LET_PASS_STEP.as_millis() {
            if !self.crowd.is_there() {
                return;
            }
            tokio::time::sleep(LET_PASS_STEP).await;
        }
    }

    /// Stores events and answers, in their order, once they are durable. What they say of people who were erased is not
    /// stored.
    pub async fn take(&self, mut events: Vec<Event>, lane: Lane) -> Result<Vec<Taken>, IntakeError> {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        for event in &mut events {
            self.suppressions.blank(event);
        }
        let (reply, answer) = oneshot::channel();
        self.queue.try_send(Submission { events, lane, reply }).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => IntakeError::Full,
            mpsc::error::TrySendError::Closed(_) => IntakeError::Stopping,
        })?;
        answer.await.unwrap_or(Err(IntakeError::Stopping))
    }
}

impl IntakeWorker {
    /// Stores group after group until told to stop; what was handed in by then is still stored. `beat` is called
    /// after each group with whether the database took it, and every [`IDLE_BEAT`] while there is nothing to do: a
    /// worker that hangs in a group is silent.
    pub async fn run(mut self, stop: CancellationToken, beat: impl Fn(bool)) {
        loop {
            // Given up while waiting, its turn at the queue and nothing else is lost.
            match tokio::time::timeout(IDLE_BEAT, self.next_group(&stop)).await {
                Ok(Some(group)) => beat(self.store_group(group).await),
                Ok(None) => return,
                Err(_) => beat(true),
            }
        }
    }

    /// The next request and all that have queued up behind it, up to the limit of one transaction.
    async fn next_group(&mut self, stop: &CancellationToken) -> Option<Vec<Submission>> {
        let first = tokio::select! {
            biased;
            first = self.queue.recv() => first?,
            () = stop.cancelled() => {
                self.queue.close();
                self.queue.recv().await?
            }
        };
        let mut count = first.events.len();
        let mut group = vec![first];
        while count < GROUP_EVENTS_MAX
            && let Ok(next) = self.queue.try_recv()
        {
            count += next.events.len();
            group.push(next);
        }
        self.crowd.note(group.len(), count);
        Some(group)
    }

    /// Stores a group and answers its requests. False when the database would not take it, whatever it holds.
    async fn store_group(&mut self, group: Vec<Submission>) -> bool {
        match self.insert(&group).await {
            Ok(fresh) => {
                self.arrived.notify_one();
                answer(group, fresh);
                true
            }
            // One request must not fail for what another sent: store them one by one.
            Err(error) if group.len() > 1 && error.as_database_error().is_some() => {
                let mut well = true;
                for submission in group {
                    well &= Box::pin(self.store_group(vec![submission])).await;
                }
                well
            }
            Err(error) => {
                let well = is_of_the_events(&error);
                tracing::error!(%error, requests = group.len(), "events could not be stored");
                let error = Arc::new(error);
                for submission in group {
                    // A caller who has gone away has no use for the answer.
                    let _ = submission.reply.send(Err(IntakeError::Database(error.clone())));
                }
                well
            }
        }
    }

    /// Inserts the group in one statement; gives the keys that were new.
    async fn insert(&mut self, group: &[Submission]) -> Result<HashSet<Uuid>, sqlx::Error> {
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
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.pool.acquire().await?,
        };
        let mut outcome = store::insert_events(&mut connection, &rows, now).await;
        if let Err(error) = &outcome
            && is_missing_partition(error)
        {
            store::ensure_event_partitions(&self.pool, now).await?;
            outcome = store::insert_events(&mut connection, &rows, now).await;
        }
        // Any other failure may mean that the connection is broken: the next group takes another.
        if outcome.as_ref().err().is_none_or(is_of_the_events) {
            self.connection = Some(connection);
        }
        outcome
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

/// The database refused what the events hold (SQLSTATE classes 22 and 23), and is well itself.
fn is_of_the_events(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| code.starts_with("22") || code.starts_with("23"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::events::Parts;
    use crate::platform::lifecycle::Lifecycle;
    use crate::testing;

    fn event(now: DateTime) -> Event {
        let parts = Parts {
            source: Some("/crm"),
            id: Some("e1"),
            event_type: Some("gtm.lifecycle.changed"),
            subject: Some("acc_1"),
            data: Some(r#"{"stage": "customer"}"#),
            ..Parts::default()
        };
        Event::parse(parts, now).unwrap()
    }

    #[test]
    fn a_burst_is_no_crowd_and_full_groups_on_end_are_one() {
        let crowd = Crowd::new();
        for _ in 1..CROWD_GROUPS {
            crowd.note(CROWD_REQUESTS + 1, CROWD_REQUESTS + 1);
            assert!(!crowd.is_there());
        }
        crowd.note(1, 1);
        for number in 1..=CROWD_GROUPS {
            // A few requests with many events each count like many requests.
            crowd.note(1, CROWD_EVENTS + 1);
            assert_eq!(crowd.is_there(), number == CROWD_GROUPS, "group {number}");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_worker_that_hangs_is_silent_and_one_whose_database_fails_says_so() {
        let database = testing::database().await;
        let clock = Clock::System;
        let (intake, worker) = open(database.pool.clone(), clock.clone(), Suppressions::default());
        let life = Lifecycle::new();
        let (stop, (beats, mut seen)) = (life.soft().clone(), mpsc::unbounded_channel());
        let running = life.run(worker.run(stop, move |well| beats.send(well).unwrap()));

        let mut lock = database.pool.acquire().await.unwrap();
        sqlx::raw_sql("BEGIN; LOCK TABLE event_key").execute(&mut *lock).await.unwrap();
        let taken = intake.take(vec![event(clock.now())], Lane::Normal);
        let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'event_key'::regclass
                       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
        let watch = async {
            while sqlx::query_scalar::<_, i64>(waiting).fetch_one(&database.pool).await.unwrap() == 0 {
                tokio::task::yield_now().await;
            }
            assert!(seen.try_recv().is_err(), "it hangs and shows no sign of life");
            sqlx::raw_sql("COMMIT").execute(&mut *lock).await.unwrap();
        };
        let (taken, ()) = tokio::join!(taken, watch);
        assert_eq!(taken.unwrap(), [Taken::Accepted]);
        assert_eq!(seen.recv().await, Some(true));

        sqlx::raw_sql("DROP TABLE event_key").execute(&database.pool).await.unwrap();
        assert!(intake.take(vec![event(clock.now())], Lane::Normal).await.is_err());
        assert_eq!(seen.recv().await, Some(false));
        life.soft().cancel();
        running.await.unwrap();
    }
}
