//! Sending: one lane per destination, attempts side by side, breaker and back-off.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use futures_util::future::join_all;
use rand::RngExt;
use sqlx::PgPool;

use super::sender::{Next, Outgoing, Sender, Unsent};
use super::store::{self, Claim, Claimed, Ended};
use super::webhook::Webhook;
use super::{OutboxSettings, SecretError, people};
use crate::kernel::clock::{Clock, DateTime};

/// How often it is tried out of turn whether a receiver that was unwell takes anything again, while deliveries wait for it.
const PROBE_EVERY: TimeDelta = TimeDelta::minutes(5);

/// The HTTP client for everything that leaves the process: no redirects, a limit on each attempt.
pub fn client(timeout: Duration) -> Result<reqwest::Client, reqwest::Error> {
    // The first call installs the provider; later ones find it there.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .user_agent(concat!("gtm-motion-orchestrator/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(timeout.min(Duration::from_secs(5)))
        .timeout(timeout)
        .build()
}

/// Sends what is due.
pub struct Outbox {
    pool: PgPool,
    clock: Clock,
    settings: OutboxSettings,
    lanes: BTreeMap<String, Lane>,
}

/// A destination that can be reached, and how it has been doing.
struct Lane {
    sender: Arc<dyn Sender>,
    /// Attempts in a row that found the receiver unwell.
    failures: AtomicU32,
    /// Something has arrived since the process began.
    arrived: AtomicBool,
    /// Microseconds since the epoch.
    open_until: AtomicI64,
    /// When it may be tried out of turn whether the receiver takes anything again, in microseconds since the epoch.
    probe_at: AtomicI64,
}

impl Lane {
    fn new(sender: Arc<dyn Sender>) -> Self {
        Self {
            sender,
            failures: AtomicU32::new(0),
            arrived: AtomicBool::new(false),
            open_until: AtomicI64::new(0),
            probe_at: AtomicI64::new(0),
        }
    }

    /// Notes that something arrived; gives whether it is the first after the receiver was unwell, as far as this process
    /// knows.
    fn arrives(&self, breaker_failures: u32) -> bool {
        let failures = self.failures.swap(0, Ordering::Relaxed);
        !self.arrived.swap(true, Ordering::Relaxed) || failures >= breaker_failures
    }

    /// Tries nothing out of turn until then.
    fn probe_after(&self, at: DateTime) {
        self.probe_at.fetch_max(at.timestamp_micros(), Ordering::Relaxed);
    }

    /// Whether it may be tried out of turn; the next time is later.
    fn may_probe(&self, now: DateTime) -> bool {
        let may = self.probe_at.load(Ordering::Relaxed) <= now.timestamp_micros();
        if may {
            self.probe_after(now + PROBE_EVERY);
        }
        may
    }

    /// Sends nothing until then.
    fn rest_until(&self, until: DateTime) {
        self.open_until.fetch_max(until.timestamp_micros(), Ordering::Relaxed);
    }
}

/// Why the outbox cannot start.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    #[error("endpoint `{destination}`: {error}")]
    Secret { destination: String, error: SecretError },
    #[error("endpoint `{destination}`: `{url}` is not an http(s) address")]
    Url { destination: String, url: String },
    #[error("the HTTP client could not be made: {0}")]
    Client(#[from] reqwest::Error),
}

impl Outbox {
    /// Checks the endpoints and makes the client. `senders` serve the destinations that have no endpoint.
    pub fn new(
        pool: PgPool,
        clock: Clock,
        settings: OutboxSettings,
        senders: impl IntoIterator<Item = (&'static str, Arc<dyn Sender>)>,
    ) -> Result<Self, OutboxError> {
        let own =
            senders.into_iter().map(|(destination, sender)| (destination.to_owned(), Lane::new(sender)));
        let mut lanes: BTreeMap<String, Lane> = own.collect();
        let client = client(Duration::from_millis(settings.timeout_ms))?;
        for (destination, endpoint) in &settings.endpoints {
            let sender = Webhook::new(destination, endpoint, client.clone())?;
            lanes.insert(destination.clone(), Lane::new(Arc::new(sender)));
        }
        Ok(Self { pool, clock, settings, lanes })
    }

    /// Destinations that something is due for.
    pub(super) async fn due(&self) -> Result<Vec<String>, sqlx::Error> {
        store::due_destinations(&self.pool, self.clock.now()).await
    }

    /// Ends what is due and does not leave the process: for a sandbox, from which nothing leaves.
    pub async fn settle_here(&self) -> Result<u64, sqlx::Error> {
        let mut done = 0;
        for destination in self.due().await? {
            if self.lane(&destination).is_none() && self.is_kept_here(&destination) {
                done += store::keep_here(&self.pool, &destination, self.clock.now()).await?;
            }
        }
        Ok(done)
    }

    /// Whether the service itself serves a destination that leads nowhere else. What a recipient outside was shown is not
    /// forgotten there because a command about it was kept here: that is recorded, for a person to see to.
    fn is_kept_here(&self, destination: &str) -> bool {
        !self.lanes.contains_key(people::recipient(destination)) && self.settings.is_local(destination)
    }

    /// Where a destination is. A command about people goes to its recipient, unless it has an endpoint of its own.
    fn lane(&self, destination: &str) -> Option<&Lane> {
        let of_recipient = || self.lanes.get(people::recipient(destination));
        self.lanes.get(destination).or_else(|| of_recipient().filter(|lane| lane.sender.serves(destination)))
    }

    /// Sends one round of what is due, all destinations side by side, and waits for the slowest; gives the number
    /// of attempts made.
    pub async fn step(&self) -> Result<usize, sqlx::Error> {
        let destinations = self.due().await?;
        let rounds = destinations.iter().map(|destination| self.round(destination));
        let mut attempts = 0;
        for round in join_all(rounds).await {
            attempts += round?;
        }
        Ok(attempts)
    }

    /// Sends what is due to one destination, as many side by side as it takes; gives the number of attempts made.
    pub(super) async fn round(&self, destination: &str) -> Result<usize, sqlx::Error> {
        let now = self.clock.now();
        let Some(lane) = self.lane(destination) else {
            if self.is_kept_here(destination) {
                store::keep_here(&self.pool, destination, now).await?;
            } else {
                store::record_unsent(&self.pool, destination, now).await?;
            }
            return Ok(0);
        };
        if lane.open_until.load(Ordering::Relaxed) > now.timestamp_micros() {
            return Ok(0);
        }
        // Twice the time an attempt may take: whoever holds a lease longer than that is gone.
        #[expect(clippy::cast_precision_loss, reason = "a time-out in milliseconds")]
        let lease_secs = self.settings.timeout_ms as f64 / 500.0;
        let limit = i64::try_from(self.settings.concurrency).unwrap_or(1);
        let claim = Claim { destination, limit, lease_secs, in_order: lane.sender.in_order() };
        let mut claimed = store::claim(&self.pool, &claim, now).await?;
        let probing = claimed.is_empty() && lane.may_probe(now);
        if probing {
            claimed = store::claim_probe(&self.pool, destination, lease_secs).await?;
        }
        let attempts = claimed.iter().map(|delivery| self.attempt(destination, lane, delivery, probing));
        for ended in join_all(attempts).await {
            ended?;
        }
        Ok(claimed.len())
    }

    async fn attempt(
        &self,
        destination: &str,
        lane: &Lane,
        delivery: &Claimed,
        probing: bool,
    ) -> Result<(), sqlx::Error> {
        let now = self.clock.now();
        let outgoing = Outgoing {
            id: delivery.id,
            account_id: &delivery.account_id,
            destination,
            payload: &delivery.payload,
            attempts: delivery.attempts,
            unsure: delivery.unsure,
            now,
        };
        let limit = Duration::from_millis(self.settings.timeout_ms);
        // A sender may need several calls, which share the time of one attempt.
        let mut provider = lane.sender.provider();
        let outcome = tokio::time::timeout(limit, lane.sender.send(outgoing))
            .await
            .unwrap_or_else(|_| Err(Unsent::unanswered("no answer in time")));
        let ended = match outcome {
            Ok(sent) => {
                provider = sent.by.unwrap_or(provider);
                if lane.arrives(self.settings.breaker_failures) || probing {
                    store::hasten(&self.pool, destination, now).await?;
                }
                Ended {
                    status: "delivered",
                    due_at: now,
                    last_status: sent.status.map(i32::from),
                    last_error: None,
                    delivered_at: Some(now),
                    rested: false,
                    held_up: false,
                    unsure: false,
                }
            }
            Err(unsent) => self.failed(lane, delivery, unsent, probing.then_some(delivery.due_at), now),
        };
        metrics::counter!("gtm_deliveries_total", "destination" => destination.to_owned(), "status" => ended.status)
            .increment(1);
        if ended.status == "dead" {
            tracing::warn!(delivery = %delivery.id, destination, error = ended.last_error, "delivery is dead: see /v1/deliveries");
        }
        if !store::finish(&self.pool, delivery, &ended, provider).await? {
            tracing::warn!(delivery = %delivery.id, destination, "the lease ran out before the attempt ended");
        }
        Ok(())
    }

    /// What follows from a failed attempt: another one later, or the end. One that was made out of turn, before its time
    /// `planned_at`, leaves that as it is where it found the receiver unwell.
    fn failed(
        &self,
        lane: &Lane,
        delivery: &Claimed,
        unsent: Unsent,
        planned_at: Option<DateTime>,
        now: DateTime,
    ) -> Ended<'static> {
        // What was refused for what it is says nothing of how the receiver is.
        let in_a_row = if unsent.down { lane.failures.fetch_add(1, Ordering::Relaxed) + 1 } else { 0 };
        if in_a_row >= self.settings.breaker_failures {
            lane.rest_until(now + seconds(self.settings.breaker_open_secs));
        }
        lane.probe_after(now + PROBE_EVERY);
        let out_of_turn = planned_at.filter(|_| unsent.down);
        let due_at = match unsent.next {
            Next::Never => None,
            Next::Planned if out_of_turn.is_some() => out_of_turn,
            // It was not this delivery's attempt: the schedule stays where it is.
            Next::Rest(wait) => {
                lane.rest_until(now + wait);
                Some(now + wait)
            }
            Next::Planned => self.planned(delivery, now, TimeDelta::zero()),
            Next::After(wait) => {
                lane.probe_after(now + wait);
                out_of_turn.map(|at| at.max(now + wait)).or_else(|| self.planned(delivery, now, wait))
            }
        };
        Ended {
            status: if due_at.is_some() { "retrying" } else { "dead" },
            due_at: due_at.unwrap_or(now),
            last_status: unsent.status.map(i32::from),
            last_error: Some(unsent.error),
            delivered_at: None,
            rested: matches!(unsent.next, Next::Rest(_)) || out_of_turn.is_some(),
            held_up: unsent.down,
            unsure: unsent.unsure,
        }
    }

    /// When the schedule tries it again, and not before `asked` is over; none after the last attempt.
    fn planned(&self, delivery: &Claimed, now: DateTime, asked: TimeDelta) -> Option<DateTime> {
        let wait = self.settings.wait_after(delivery.attempts - delivery.rests)?;
        // Up to a tenth more, so that what failed together does not come back together.
        let jitter = rand::rng().random_range(1.0..1.1);
        let wait = TimeDelta::from_std(wait.mul_f64(jitter)).unwrap_or_default();
        Some(now + wait.max(asked))
    }
}

fn seconds(secs: u64) -> TimeDelta {
    TimeDelta::seconds(i64::try_from(secs).unwrap_or(i64::MAX / 1_000_000))
}
