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

use chrono::{NaiveWeek, Weekday};
use sqlx::pool::PoolConnection;
use sqlx::{PgPool, Postgres};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::crowd::Crowd;
use super::events::Event;
use super::store::{self, Fresh};
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
/// How often a worker with nothing to do shows that it lives.
const IDLE_BEAT: Duration = Duration::from_secs(10);
/// How often a group is tried again at once because another replica took the same events at the same time. Each time it was
/// ahead by at least one of them.
const RACES_MAX: usize = 3;

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
    /// The identity of each event.
    keys: Vec<Uuid>,
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
    /// Who goes first.
    pub crowd: Arc<Crowd>,
    suppressions: Suppressions,
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
    /// The week for which the partitions were last seen to.
    week: Option<NaiveWeek>,
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
        week: None,
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

    /// Stores events and answers, in their order, once they are durable. What they say of people who were erased is not
    /// stored. Where too much waits to be applied the caller waits too, or is told to come back.
    pub async fn take(&self, mut events: Vec<Event>, lane: Lane) -> Result<Vec<Taken>, IntakeError> {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        if !self.crowd.has_room(lane).await {
            return Err(IntakeError::Full);
        }
        for event in &mut events {
            self.suppressions.blank(event);
        }
        let keys = events.iter().map(|event| event_key(&event.source, &event.id)).collect();
        let (reply, answer) = oneshot::channel();
        self.queue.try_send(Submission { events, keys, lane, reply }).map_err(|refused| match refused {
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
                Ok(Some(group)) => beat(self.store_lanes(group).await),
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

    /// Stores a group lane by lane, the most urgent first: most groups have one.
    async fn store_lanes(&mut self, group: Vec<Submission>) -> bool {
        let mut lanes: [Vec<Submission>; 3] = Default::default();
        for submission in group {
            let lane = usize::try_from(submission.lane.number()).unwrap_or_default();
            lanes[lane].push(submission);
        }
        let mut well = true;
        for group in lanes.into_iter().filter(|group| !group.is_empty()) {
            well &= self.store_group(group).await;
        }
        well
    }

    /// Stores a group of one lane and answers its requests. False when the database would not take it, whatever it holds.
    async fn store_group(&mut self, group: Vec<Submission>) -> bool {
        match self.insert(&group).await {
            Ok(fresh) => {
                if let Some(first) = group.first() {
                    self.crowd
                        .stored(first.lane, group.iter().map(|submission| submission.events.len()).sum());
                }
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

    /// Inserts the group in one statement; says what of it was new.
    async fn insert(&mut self, group: &[Submission]) -> Result<Fresh, sqlx::Error> {
        let now = self.clock.now();
        let lane = group.first().map_or(Lane::Normal, |first| first.lane);
        let count = group.iter().map(|s| s.events.len()).sum();
        let (mut rows, mut seen) = (store::NewEvents::with_capacity(count), HashSet::with_capacity(count));
        for submission in group {
            for (event, key) in submission.events.iter().zip(&submission.keys) {
                if seen.insert(*key) {
                    rows.push(*key, new_id(now), event);
                }
            }
        }
        // What is stored today can be sorted whenever its turn comes.
        let week = now.date_naive().week(Weekday::Mon);
        if self.week != Some(week) {
            store::ensure_event_partitions(&self.pool, now).await?;
            self.week = Some(week);
        }
        for _ in 0..RACES_MAX {
            let outcome = self.insert_once(&rows, lane, now).await;
            if !outcome.as_ref().err().is_some_and(is_taken_elsewhere) {
                return outcome;
            }
        }
        self.insert_once(&rows, lane, now).await
    }

    async fn insert_once(
        &mut self,
        rows: &store::NewEvents<'_>,
        lane: Lane,
        now: DateTime,
    ) -> Result<Fresh, sqlx::Error> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.pool.acquire().await?,
        };
        let outcome = store::insert_events(&mut connection, rows, lane, now).await;
        // Any other failure may mean that the connection is broken: the next group takes another.
        if outcome.as_ref().err().is_none_or(is_of_the_events) {
            self.connection = Some(connection);
        }
        outcome
    }
}

/// Answers each request: the first mention of a new key is accepted, everything else was there before.
fn answer(group: Vec<Submission>, fresh: Fresh) {
    let mut answered = HashSet::with_capacity(group.len());
    for submission in group {
        let is_fresh = |key: &Uuid| match &fresh {
            Fresh::All => true,
            Fresh::Some(keys) => keys.contains(key),
        };
        let mut taken = Vec::with_capacity(submission.keys.len());
        for key in submission.keys {
            let new = is_fresh(&key) && answered.insert(key);
            taken.push(if new { Taken::Accepted } else { Taken::Duplicate });
        }
        // A caller who has gone away has no use for the answer; its events are kept all the same.
        let _ = submission.reply.send(Ok(taken));
    }
}

/// Another replica has taken one of the events since it was found to be new: asked again, it is found.
fn is_taken_elsewhere(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(sqlx::error::DatabaseError::constraint) == Some("event_key_pkey")
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
