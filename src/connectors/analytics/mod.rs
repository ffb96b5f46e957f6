//! Product analytics, in the words that its systems share: a person did something, belongs to an account, is somebody.
//!
//! Systems differ in how they write that down; each has a folder of its own that reads its messages into a
//! [`Message`], and a [`Teller`] says what follows from one.
//!
//! Promises: a message says the same however often and by whatever way it comes, because its own id is the identity;
//! a person counts once a day, because so does the identity of what is said of it; what is no use here is counted as
//! ignored and never a fault, as clients of analytics send much that nobody asked for.
//! Leaves out: browsers' own peculiarities (forms, cross-origin calls), sessions, and joining anonymous visits.

pub mod door;
mod teller;
mod traits;

use std::collections::BTreeMap;

use serde::Deserialize;

use super::settings::{Section, SetupFault};
use crate::kernel::clock::DateTime;
pub use teller::Teller;
pub use traits::contact_id;

/// What an event of the product means, by its name in the settings.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, tag = "means", rename_all = "snake_case")]
pub enum Meaning {
    /// The product was used: `gtm.usage.recorded`.
    Usage,
    /// The account wants something: `gtm.intent.observed`.
    Intent {
        kind: String,
        /// Between 0 and 1.
        #[serde(default = "whole")]
        strength: f64,
    },
    /// The account is in another stage: `gtm.lifecycle.changed`.
    Lifecycle {
        stage: String,
        #[serde(default)]
        segment: Option<String>,
    },
    /// Of no use here.
    Nothing,
}

fn whole() -> f64 {
    1.0
}

/// What events mean that are named, and all others.
#[derive(Debug)]
pub struct Meanings {
    named: BTreeMap<String, Meaning>,
    others: Meaning,
}

impl Meanings {
    /// Those of a section; events that it does not name are use of the product, or nothing.
    pub fn new(
        section: &Section,
        named: BTreeMap<String, Meaning>,
        others_are_usage: bool,
    ) -> Result<Self, SetupFault> {
        for (name, meaning) in &named {
            let wrong = match meaning {
                Meaning::Intent { strength, .. } if !(0.0..=1.0).contains(strength) => {
                    Some(("strength", "must lie between 0 and 1"))
                }
                Meaning::Intent { kind: word, .. } | Meaning::Lifecycle { stage: word, .. }
                    if word.trim().is_empty() =>
                {
                    Some(("means", "needs a word that is not empty"))
                }
                _ => None,
            };
            if let Some((key, fault)) = wrong {
                return Err(section.fault(&format!("events.{name}.{key}"), fault));
            }
        }
        let others = if others_are_usage { Meaning::Usage } else { Meaning::Nothing };
        Ok(Self { named, others })
    }

    /// What an event of this name means.
    pub fn of(&self, name: &str) -> &Meaning {
        self.named.get(name).unwrap_or(&self.others)
    }
}

/// What every message says, whatever its kind.
#[derive(Debug, Clone)]
pub struct Message<'a> {
    /// Where it is in the call, as a JSON pointer.
    pub place: &'a str,
    /// The message's own id.
    pub id: String,
    pub account: Option<String>,
    /// The person, by the product's id; none for somebody anonymous.
    pub user: Option<String>,
    pub email: Option<String>,
    /// When it happened; never later than it arrived.
    pub at: DateTime,
}

/// The instant that a message gives: RFC 3339 text, or milliseconds. A client's clock that runs ahead does not put
/// facts into the future: they count as of their arrival.
pub fn instant(given: &serde_json::Value, received_at: DateTime) -> Result<DateTime, String> {
    use serde_json::Value;
    let at = match given {
        Value::Null => return Ok(received_at),
        Value::String(text) => chrono::DateTime::parse_from_rfc3339(text).ok().map(|at| at.to_utc()),
        Value::Number(number) => number.as_i64().and_then(chrono::DateTime::from_timestamp_millis),
        _ => None,
    };
    at.map(|at| at.min(received_at))
        .ok_or_else(|| format!("{given} is no instant; expected one like \"2026-01-31T09:30:00Z\""))
}

/// A text, or a number as text: ids come as either.
pub fn id_text(value: &serde_json::Value) -> Option<String> {
    match value {
        serde_json::Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        serde_json::Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
