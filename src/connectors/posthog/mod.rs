//! `PostHog`: events of its clients, by the addresses that they send to.
//!
//! Works without settings: clients have the service as their host and one of its own keys as their project's key. The
//! account is a group of one type, `company` unless the settings say otherwise.
//!
//! Promises: as for all product analytics ([`super::analytics`]).
//! Leaves out: feature flags, session recordings, and events that `PostHog`'s own clients add (`$pageview` and other
//! names that begin with `$`), unless the settings name them.

mod read;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::analytics::{Meaning, Meanings};
use super::inbound::{Call, Inbound, Reading, Received, Refusal};
use super::settings::{Section, SetupFault};
use super::{Connector, Tools};

/// The connector's name, and the source of all that it says.
pub const NAME: &str = "posthog";

/// `[connectors.posthog]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// The type of group that is the account.
    #[serde(default = "company")]
    group_type: String,
    /// Whether events that are not named below are use of the product.
    #[serde(default = "yes")]
    usage: bool,
    /// What events mean, by their names.
    #[serde(default)]
    events: BTreeMap<String, Meaning>,
}

fn company() -> String {
    "company".to_owned()
}

fn yes() -> bool {
    true
}

/// Makes the connector.
pub(super) fn connect(_: &Tools, section: &Section) -> Result<Vec<Connector>, SetupFault> {
    let settings: Settings = section.read()?;
    let posthog = PostHog {
        meanings: Meanings::new(section, settings.events, settings.usage)?,
        group_type: settings.group_type,
    };
    Ok(vec![Connector { inbound: Some(Arc::new(posthog)), ..Connector::named(NAME) }])
}

/// Reads events.
struct PostHog {
    group_type: String,
    meanings: Meanings,
}

impl Inbound for PostHog {
    fn address(&self, _: &str) -> String {
        "Its clients have this service as their host, and one of the service's keys with the scope events:write as the key of \
         their project. Its own webhooks are not signed: they need a mapped one ([connectors.webhooks])."
            .to_owned()
    }

    /// Its webhooks are not signed; a mapped webhook with a secret takes them.
    fn verify(&self, _: &Call<'_>) -> Result<(), Refusal> {
        Err(Refusal::Unsigned)
    }

    fn read(&self, received: &Received<'_>) -> Reading {
        match serde_json::from_slice::<Value>(received.body) {
            Ok(body) => self.events(&body, received),
            Err(error) => Reading::fault("", format!("the body is not JSON: {error}")),
        }
    }
}
