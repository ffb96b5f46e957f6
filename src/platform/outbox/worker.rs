//! Sending: one lane per destination, attempts side by side, breaker and back-off.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use futures_util::future::join_all;
use rand::RngExt;
use sqlx::PgPool;

use super::sender::{Next, Outgoing, Sender, Unsent};
use super::store::{self, Claimed, Ended};
use super::webhook::Webhook;
use super::{OutboxSettings, SecretError, people};
use crate::kernel::clock::{Clock, DateTime};

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
    failures: AtomicU32,
    /// Microseconds since the epoch.
    open_until: AtomicI64,
}

impl Lane {
    fn new(sender: Arc<dyn Sender>) -> Self {
        Self { sender, failures: AtomicU32::new(0), open_until: AtomicI64::new(0) }
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
            if self.lane(&destination).is_none() && self.settings.is_local(&destination) {
                done += store::keep_here(&self.pool, &destination, self.clock.now()).await?;
            }
        }
        Ok(done)
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
            if self.settings.is_local(destination) {
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
        let claimed = store::claim(&self.pool, destination, now, limit, lease_secs).await?;
        let attempts = claimed.iter().map(|delivery| self.attempt(destination, lane, delivery));
        for ended in join_all(attempts).await {
            ended?;
        }
        Ok(claimed.len())
    }

    async fn attempt(&self, destination: &str, lane: &Lane, delivery: &Claimed) -> Result<(), sqlx::Error> {
        let now = self.clock.now();
        let outgoing = Outgoing {
            id: delivery.id,
            account_id: &delivery.account_id,
            destination,
            payload: &delivery.payload,
            attempts: delivery.attempts,
            now,
        };
        let limit = Duration::from_millis(self.settings.timeout_ms);
        // A sender may need several calls, which share the time of one attempt.
        let outcome = tokio::time::timeout(limit, lane.sender.send(outgoing)).await.unwrap_or_else(|_| {
            Err(Unsent { status: None, error: "no answer in time".to_owned(), next: Next::Planned })
        });
        let ended = match outcome {
            Ok(sent) => {
                lane.failures.store(0, Ordering::Relaxed);
                Ended {
                    status: "delivered",
                    due_at: now,
                    last_status: sent.status.map(i32::from),
                    last_error: None,
                    delivered_at: Some(now),
                }
            }
            Err(unsent) => self.failed(lane, delivery, unsent, now),
        };
        metrics::counter!("gtm_deliveries_total", "destination" => destination.to_owned(), "status" => ended.status)
            .increment(1);
        if ended.status == "dead" {
            tracing::warn!(delivery = %delivery.id, destination, error = ended.last_error, "delivery is dead: see /v1/deliveries");
        }
        if !store::finish(&self.pool, delivery, &ended, lane.sender.provider()).await? {
            tracing::warn!(delivery = %delivery.id, destination, "the lease ran out before the attempt ended");
        }
        Ok(())
    }

    /// What follows from a failed attempt: another one later, or the end.
    fn failed(&self, lane: &Lane, delivery: &Claimed, unsent: Unsent, now: DateTime) -> Ended<'static> {
        let in_a_row = lane.failures.fetch_add(1, Ordering::Relaxed) + 1;
        // What would be refused every time says nothing of how the receiver is.
        if in_a_row >= self.settings.breaker_failures && unsent.next != Next::Never {
            lane.rest_until(now + seconds(self.settings.breaker_open_secs));
        }
        let asked = match unsent.next {
            Next::After(wait) => wait,
            Next::Rest(wait) => {
                lane.rest_until(now + wait);
                wait
            }
            Next::Planned | Next::Never => TimeDelta::zero(),
        };
        let planned = self.settings.wait_after(delivery.attempts).filter(|_| unsent.next != Next::Never);
        let (status, due_at) = match planned {
            None => ("dead", now),
            Some(wait) => {
                // Up to a tenth more, so that what failed together does not come back together.
                let jitter = rand::rng().random_range(1.0..1.1);
                let wait = TimeDelta::from_std(wait.mul_f64(jitter)).unwrap_or_default();
                ("retrying", now + wait.max(asked))
            }
        };
        Ended {
            status,
            due_at,
            last_status: unsent.status.map(i32::from),
            last_error: Some(unsent.error),
            delivered_at: None,
        }
    }
}

fn seconds(secs: u64) -> TimeDelta {
    TimeDelta::seconds(i64::try_from(secs).unwrap_or(i64::MAX / 1_000_000))
}
