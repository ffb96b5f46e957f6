//! Sending: one lane per destination, attempts side by side, breaker and back-off.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use futures_util::future::join_all;
use rand::RngExt;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use sqlx::PgPool;

use super::store::{self, Claimed, Ended};
use super::{OutboxSettings, Secret, SecretError, people};
use crate::kernel::clock::{Clock, DateTime};

/// How much of a receiver's answer is kept with a failure.
const ERROR_TEXT_MAX: usize = 300;

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
    client: reqwest::Client,
    lanes: BTreeMap<String, Endpoint>,
}

/// A destination that can be reached, and how it has been doing.
struct Endpoint {
    url: String,
    secret: Secret,
    failures: AtomicU32,
    /// Microseconds since the epoch.
    open_until: AtomicI64,
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
    /// Checks the endpoints and makes the client.
    pub fn new(pool: PgPool, clock: Clock, settings: OutboxSettings) -> Result<Self, OutboxError> {
        let mut lanes = BTreeMap::new();
        for (destination, endpoint) in &settings.endpoints {
            let secret = Secret::parse(&endpoint.secret)
                .map_err(|error| OutboxError::Secret { destination: destination.clone(), error })?;
            let usable =
                reqwest::Url::parse(&endpoint.url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
            if !usable {
                return Err(OutboxError::Url { destination: destination.clone(), url: endpoint.url.clone() });
            }
            lanes.insert(
                destination.clone(),
                Endpoint {
                    url: endpoint.url.clone(),
                    secret,
                    failures: AtomicU32::new(0),
                    open_until: AtomicI64::new(0),
                },
            );
        }
        let client = client(Duration::from_millis(settings.timeout_ms))?;
        Ok(Self { pool, clock, settings, client, lanes })
    }

    /// Destinations that something is due for.
    pub(super) async fn due(&self) -> Result<Vec<String>, sqlx::Error> {
        store::due_destinations(&self.pool, self.clock.now()).await
    }

    /// Ends what is due and does not leave the process: for a sandbox, from which nothing leaves.
    pub async fn settle_here(&self) -> Result<u64, sqlx::Error> {
        let mut done = 0;
        for destination in self.due().await? {
            if self.endpoint(&destination).is_none() && self.settings.is_local(&destination) {
                done += store::keep_here(&self.pool, &destination, self.clock.now()).await?;
            }
        }
        Ok(done)
    }

    /// Where a destination is. A command about people goes to its recipient, unless it has an endpoint of its own.
    fn endpoint(&self, destination: &str) -> Option<&Endpoint> {
        self.lanes.get(destination).or_else(|| self.lanes.get(people::recipient(destination)))
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
        let Some(endpoint) = self.endpoint(destination) else {
            if self.settings.is_local(destination) {
                store::keep_here(&self.pool, destination, now).await?;
            } else {
                store::record_unsent(&self.pool, destination, now).await?;
            }
            return Ok(0);
        };
        if endpoint.open_until.load(Ordering::Relaxed) > now.timestamp_micros() {
            return Ok(0);
        }
        // Twice the time an attempt may take: whoever holds a lease longer than that is gone.
        #[expect(clippy::cast_precision_loss, reason = "a time-out in milliseconds")]
        let lease_secs = self.settings.timeout_ms as f64 / 500.0;
        let limit = i64::try_from(self.settings.concurrency).unwrap_or(1);
        let claimed = store::claim(&self.pool, destination, now, limit, lease_secs).await?;
        let attempts = claimed.iter().map(|delivery| self.attempt(destination, endpoint, delivery));
        for ended in join_all(attempts).await {
            ended?;
        }
        Ok(claimed.len())
    }

    async fn attempt(
        &self,
        destination: &str,
        endpoint: &Endpoint,
        delivery: &Claimed,
    ) -> Result<(), sqlx::Error> {
        let now = self.clock.now();
        let id = delivery.id.to_string();
        let signature = endpoint.secret.sign(&id, now.timestamp(), delivery.payload.as_bytes());
        let sent = self
            .client
            .post(&endpoint.url)
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", &id)
            .header("webhook-timestamp", now.timestamp())
            .header("webhook-signature", signature)
            .header("idempotency-key", &id)
            .body(delivery.payload.clone())
            .send()
            .await;
        let ended = match sent {
            Ok(answer) if answer.status().is_success() => {
                endpoint.failures.store(0, Ordering::Relaxed);
                Ended {
                    status: "delivered",
                    due_at: now,
                    last_status: Some(i32::from(answer.status().as_u16())),
                    last_error: None,
                    delivered_at: Some(now),
                }
            }
            Ok(answer) => {
                let status = answer.status().as_u16();
                let asked = retry_after(answer.headers(), now);
                let text = beginning(answer).await;
                self.failed(endpoint, delivery, Some(status), format!("HTTP {status}: {text}"), asked, now)
            }
            Err(error) => self.failed(endpoint, delivery, None, transport_error(&error), None, now),
        };
        metrics::counter!("gtm_deliveries_total", "destination" => destination.to_owned(), "status" => ended.status)
            .increment(1);
        if ended.status == "dead" {
            tracing::warn!(delivery = %id, destination, error = ended.last_error, "delivery is dead: see /v1/deliveries");
        }
        if !store::finish(&self.pool, delivery, &ended).await? {
            tracing::warn!(delivery = %id, destination, "the lease ran out before the attempt ended");
        }
        Ok(())
    }

    /// What follows from a failed attempt: another one later, or the end.
    fn failed(
        &self,
        endpoint: &Endpoint,
        delivery: &Claimed,
        status: Option<u16>,
        error: String,
        asked: Option<TimeDelta>,
        now: DateTime,
    ) -> Ended<'static> {
        let in_a_row = endpoint.failures.fetch_add(1, Ordering::Relaxed) + 1;
        if in_a_row >= self.settings.breaker_failures {
            let open = now + seconds(self.settings.breaker_open_secs);
            endpoint.open_until.store(open.timestamp_micros(), Ordering::Relaxed);
        }
        // 410 says that the receiver is gone for good.
        let wait = if status == Some(410) { None } else { self.settings.wait_after(delivery.attempts) };
        let last_status = status.map(i32::from);
        match wait {
            None => Ended {
                status: "dead",
                due_at: now,
                last_status,
                last_error: Some(error),
                delivered_at: None,
            },
            Some(wait) => {
                // Up to a tenth more, so that what failed together does not come back together.
                let jitter = rand::rng().random_range(1.0..1.1);
                let wait = TimeDelta::from_std(wait.mul_f64(jitter)).unwrap_or_default();
                Ended {
                    status: "retrying",
                    due_at: now + wait.max(asked.unwrap_or_default()),
                    last_status,
                    last_error: Some(error),
                    delivered_at: None,
                }
            }
        }
    }
}

/// The beginning of what a receiver says of its failure, as text that a database takes: however much it sends.
async fn beginning(mut answer: reqwest::Response) -> String {
    let mut bytes = Vec::new();
    while bytes.len() < 4 * ERROR_TEXT_MAX
        && let Ok(Some(chunk)) = answer.chunk().await
    {
        bytes.extend_from_slice(&chunk);
    }
    let text = String::from_utf8_lossy(&bytes);
    text.chars().map(|c| if c == '\0' { '\u{fffd}' } else { c }).take(ERROR_TEXT_MAX).collect()
}

/// What went wrong below HTTP, without the address (it can hold credentials).
fn transport_error(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        "no answer in time".to_owned()
    } else if error.is_connect() {
        "no connection to the receiver".to_owned()
    } else {
        "the connection broke before an answer came".to_owned()
    }
}

/// `Retry-After` in seconds or as an HTTP date, at most a day.
fn retry_after(headers: &reqwest::header::HeaderMap, now: DateTime) -> Option<TimeDelta> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?;
    let wait = match text.parse::<u64>() {
        Ok(secs) => seconds(secs),
        Err(_) => chrono::DateTime::parse_from_rfc2822(text).ok()?.to_utc() - now,
    };
    Some(wait.clamp(TimeDelta::zero(), TimeDelta::days(1)))
}

fn seconds(secs: u64) -> TimeDelta {
    TimeDelta::seconds(i64::try_from(secs).unwrap_or(i64::MAX / 1_000_000))
}
