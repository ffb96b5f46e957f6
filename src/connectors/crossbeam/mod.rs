//! Crossbeam: which partners know an account, and what they do there.
//!
//! Two ways in: webhooks of signals (`webhook_secret`), and the API (`client_id`, `client_secret`, `refresh_token`,
//! `organization`), which is asked about one account by its domain when a decision needs to know, and for everything
//! when somebody begins a reading. Either is enough.
//!
//! Promises: the words of populations are mapped, never guessed: one that is not known is said by a check, in the log, or
//! as a fault of the call that has it.
//! Leaves out: our own deals, which the CRM tells; leads; and writing, which Crossbeam's API does not offer.

mod api;
mod hook;
mod overlap;
mod token;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use super::limits::Limits;
use super::settings::{Secret, Section, SetupFault};
use super::vendor::Vendor;
use super::{Connector, Tools};
use api::Api;
use overlap::Words;
use token::Credentials;

/// The connector's name, and the source of all that it says.
const NAME: &str = "crossbeam";
/// Crossbeam publishes no limit; this is far below what a person clicking around makes.
const PER_SECOND: f64 = 2.0;
const BURST: u32 = 5;

/// `[connectors.crossbeam]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Proves webhooks of Crossbeam to us.
    #[serde(default)]
    webhook_secret: Option<Secret>,
    #[serde(default)]
    client_id: Option<String>,
    #[serde(default)]
    client_secret: Option<Secret>,
    /// Of a person who gave `offline_access`; it must not rotate.
    #[serde(default)]
    refresh_token: Option<Secret>,
    /// The UUID of our organisation there.
    #[serde(default)]
    organization: Option<String>,
    /// Whether the id of a record there is our account's id; where it is not, accounts are sought by domain and name.
    #[serde(default = "yes")]
    record_is_account: bool,
    /// Our ids of partners, by their id or name there.
    #[serde(default)]
    partners: BTreeMap<String, String>,
    /// What further populations mean, by name: `customer`, `prospect`, `opportunity`, `tech_stack`.
    #[serde(default)]
    populations: BTreeMap<String, String>,
    /// Types of signals that mean that the partner referred the account.
    #[serde(default)]
    referrals: Vec<String>,
    #[serde(default = "base_url")]
    base_url: String,
    #[serde(default = "auth_url")]
    auth_url: String,
}

fn yes() -> bool {
    true
}

fn base_url() -> String {
    "https://api.crossbeam.com".to_owned()
}

fn auth_url() -> String {
    "https://auth.crossbeam.com".to_owned()
}

/// Makes the connector.
pub(super) fn connect(tools: &Tools, section: &Section) -> Result<Vec<Connector>, SetupFault> {
    let settings: Settings = section.read()?;
    let words =
        Words::new(settings.record_is_account, settings.partners, &settings.populations, settings.referrals)
            .map_err(|(name, fault)| section.fault(&format!("populations.{name}"), fault))?;
    let words = Arc::new(words);
    let mut connector = Connector::named(NAME);
    let listens = settings.webhook_secret.is_some();
    if let Some(secret) = settings.webhook_secret {
        connector.inbound = Some(Arc::new(hook::Listener { secret: secret.0, words: words.clone() }));
    }
    let given = [
        ("client_id", settings.client_id.is_some()),
        ("client_secret", settings.client_secret.is_some()),
        ("refresh_token", settings.refresh_token.is_some()),
        ("organization", settings.organization.is_some()),
    ];
    match (settings.client_id, settings.client_secret, settings.refresh_token, settings.organization) {
        (Some(client_id), Some(client_secret), Some(refresh_token), Some(organization)) => {
            let limits = Arc::new(Limits::new(NAME, PER_SECOND, BURST));
            let vendor = Vendor::new("Crossbeam", tools.clock.clone(), limits.clone(), token::complaint);
            let plain = |url: String| url.trim_end_matches('/').to_owned();
            let credentials = Credentials::new(
                tools,
                vendor.clone(),
                plain(settings.auth_url),
                client_id,
                client_secret.0,
                refresh_token.0,
            );
            let api = Arc::new(Api {
                vendor,
                client: tools.client.clone(),
                clock: tools.clock.clone(),
                base: plain(settings.base_url),
                organization,
                credentials,
                words,
                listens,
                bookmark: std::sync::Mutex::default(),
            });
            connector.limits = Some(limits);
            connector.source = Some(api.clone());
            connector.check = Some(api);
        }
        _ if given.iter().any(|(_, given)| *given) => {
            let missing: Vec<&str> =
                given.iter().filter(|(_, given)| !given).map(|(name, _)| *name).collect();
            let first = missing.first().copied().unwrap_or_default();
            return Err(section.fault(first, format!("is missing; the API needs {}", missing.join(", "))));
        }
        _ if listens => {}
        _ => {
            return Err(section.fault(
                "webhook_secret",
                "is missing; or set client_id, client_secret, refresh_token and organization for the API",
            ));
        }
    }
    Ok(vec![connector])
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::connectors::settings::ConnectorSettings;
    use crate::kernel::clock::Clock;

    pub(super) fn made(table: &Value) -> Result<Connector, SetupFault> {
        let all: ConnectorSettings = serde_json::from_value(json!({ "crossbeam": table })).unwrap();
        let section = all.sections().next().unwrap();
        let now = chrono::DateTime::from_timestamp(1_755_900_000, 0).unwrap();
        let client = crate::platform::outbox::client(std::time::Duration::from_secs(1)).unwrap();
        Ok(connect(&Tools { clock: Clock::manual(now), client }, &section)?.pop().unwrap())
    }

    #[test]
    fn either_way_in_is_enough_and_half_of_one_is_not() {
        let fault = |table: Value| made(&table).err().unwrap().to_string();
        assert!(fault(json!({})).contains("webhook_secret"));
        assert!(
            fault(json!({"client_id": "c", "organization": "o"})).contains("client_secret, refresh_token")
        );
        let strange = json!({"webhook_secret": "s", "populations": {"Users": "user"}});
        assert!(fault(strange).contains("populations.Users"));
        let api = json!({"client_id": "c", "client_secret": "s", "refresh_token": "r", "organization": "o"});
        let api = made(&api).unwrap();
        assert!(api.inbound.is_none() && api.source.is_some() && api.check.is_some());
        let hook = made(&json!({"webhook_secret": "s"})).unwrap();
        assert!(hook.inbound.is_some() && hook.source.is_none());
    }
}
