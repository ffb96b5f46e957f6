//! The outbox: what leaves the process leaves from rows, signed, retried, and once to whoever honours the id.
//!
//! Promises: a delivery is written in the transaction that causes it and sent afterwards; its id and its body
//! never change over retries; each destination has a lane of its own, so that a dead one holds up no other;
//! a receiver's `Retry-After` is obeyed; what cannot be delivered is kept as dead, with the last answer, and
//! can be sent again; where no endpoint is configured the delivery is kept and visible, not lost: recorded, or done
//! where the service serves the destination itself.
//!
//! Owns the table `delivery`.

pub mod api;
pub mod people;
mod run;
pub mod sender;
mod sign;
mod store;
mod webhook;
mod worker;

use std::collections::BTreeMap;
use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;

pub use sender::{Next, Outgoing, Sender, Sent, Unsent};
pub use sign::{Secret, SecretError};
pub use store::{
    Cause, Delivery, DeliveryFilter, Gauge, Gauges, HeldBack, NewEffect, delivered_for, enqueue, find,
    gauges, held_back, list, note_undelivered, retry,
};
pub use worker::{Outbox, OutboxError, client};

/// How deliveries behave, from the settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OutboxSettings {
    /// Seconds to wait before the second, third … attempt. After the last one a delivery is dead. The default
    /// is the schedule that the Standard Webhooks specification recommends: ten attempts over three days.
    pub retry_schedule_secs: Vec<u64>,
    /// How long one attempt may take.
    pub timeout_ms: u64,
    /// How many attempts run at once to one destination.
    pub concurrency: usize,
    /// So many failures in a row open the circuit of a destination …
    pub breaker_failures: u32,
    /// … for so long.
    pub breaker_open_secs: u64,
    /// Destinations that begin like one of these are served by the service itself where they have no endpoint: what is
    /// sent there is kept, visible, and counts as delivered.
    pub local: Vec<String>,
    /// Endpoints by destination.
    pub endpoints: BTreeMap<String, EndpointSettings>,
}

/// Where a destination is and how we prove who we are.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndpointSettings {
    pub url: String,
    /// `whsec_` and 24–64 bytes in base64.
    pub secret: SecretString,
}

impl Default for OutboxSettings {
    fn default() -> Self {
        Self {
            retry_schedule_secs: vec![5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400],
            timeout_ms: 15_000,
            concurrency: 8,
            breaker_failures: 5,
            breaker_open_secs: 30,
            local: ["crm/", "messaging/", "email/"].map(str::to_owned).to_vec(),
            endpoints: BTreeMap::new(),
        }
    }
}

impl OutboxSettings {
    /// Whether the service serves a destination itself.
    fn is_local(&self, destination: &str) -> bool {
        let destination = people::recipient(destination);
        self.local.iter().any(|beginning| destination.starts_with(beginning.as_str()))
    }

    /// How long to wait after attempt number `attempts` failed; none when it was the last.
    pub fn wait_after(&self, attempts: i32) -> Option<Duration> {
        let index = usize::try_from(attempts).unwrap_or(0).saturating_sub(1);
        self.retry_schedule_secs.get(index).map(|secs| Duration::from_secs(*secs))
    }
}
