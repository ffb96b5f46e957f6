//! Segment and what speaks like it (RudderStack): messages of product analytics, by its tracking API and its webhooks.
//!
//! Works without settings: clients send to `/v1/segment` with one of the service's own keys as their write key. With a
//! `shared_secret` Segment's webhook destination can send to `/v1/webhooks/segment` too; a message that comes by both
//! ways counts once.
//!
//! Promises: one message that cannot be understood costs the others of its call nothing; the account is found where
//! the settings say, in their order.
//! Leaves out: pages, screens and aliases, which say nothing of an account, and consent categories, which the sender
//! names as it likes.

mod read;

use std::collections::BTreeMap;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::analytics::{Meaning, Meanings};
use super::inbound::{About, Call, Inbound, Reading, Received, Refusal};
use super::settings::{Secret, Section, SetupFault};
use super::{Connector, Tools, sign};

/// The connector's name, and the source of all that it says.
pub const NAME: &str = "segment";
/// The calls of the tracking API, by the last step of their address.
pub const CALLS: [&str; 7] = ["identify", "track", "group", "page", "screen", "alias", "batch"];

/// `[connectors.segment]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Proves calls of the webhook destination; without it there is none.
    #[serde(default)]
    shared_secret: Option<Secret>,
    /// Where a message names its account, as JSON pointers, the first that holds something.
    #[serde(default = "account")]
    account: Vec<String>,
    /// Whether events that are not named below are use of the product.
    #[serde(default = "yes")]
    usage: bool,
    /// What events mean, by their names.
    #[serde(default)]
    events: BTreeMap<String, Meaning>,
}

fn account() -> Vec<String> {
    ["/groupId", "/context/groupId", "/traits/accountId", "/context/traits/accountId", "/traits/company/id"]
        .map(str::to_owned)
        .to_vec()
}

fn yes() -> bool {
    true
}

/// Makes the connector.
pub(super) fn connect(_: &Tools, section: &Section) -> Result<Vec<Connector>, SetupFault> {
    let settings: Settings = section.read()?;
    for (at, pointer) in settings.account.iter().enumerate() {
        if !pointer.starts_with('/') {
            let fault = format!("`{pointer}` is no JSON pointer; expected one like /context/groupId");
            return Err(section.fault(&format!("account[{at}]"), fault));
        }
    }
    let segment = Segment {
        secret: settings.shared_secret.map(|secret| secret.0),
        account: settings.account,
        meanings: Meanings::new(section, settings.events, settings.usage)?,
    };
    Ok(vec![Connector { inbound: Some(Arc::new(segment)), ..Connector::named(NAME) }])
}

/// Reads messages.
struct Segment {
    secret: Option<SecretString>,
    account: Vec<String>,
    meanings: Meanings,
}

impl Inbound for Segment {
    fn address(&self, name: &str) -> String {
        let clients = "Its clients send to /v1/segment of this service, with one of the service's keys with the scope events:write \
                       as their write key.";
        let hooks = match self.secret {
            Some(_) => format!("Its webhook destination is to call /v1/webhooks/{name}."),
            None => {
                format!("Its webhook destination needs connectors.{name}.shared_secret before it can call.")
            }
        };
        format!("{clients} {hooks}")
    }

    /// Segment signs one message as it is written, and of several the first alone.
    fn verify(&self, call: &Call<'_>) -> Result<(), Refusal> {
        let secret = self.secret.as_ref().ok_or(Refusal::Unsigned)?;
        let signature = call.header("x-signature").ok_or(Refusal::Unsigned)?;
        let several: Option<Vec<&RawValue>> = serde_json::from_slice(call.body).ok();
        let signed = match several.as_deref() {
            Some([first, ..]) => first.get().as_bytes(),
            _ => call.body,
        };
        let digest = sign::hmac_sha1(secret.expose_secret().as_bytes(), &[signed]);
        if sign::is_hex(&digest, signature) { Ok(()) } else { Err(Refusal::Forged) }
    }

    fn read(&self, received: &Received<'_>) -> Reading {
        match serde_json::from_slice::<Value>(received.body) {
            Ok(body) => self.messages(&body, received),
            Err(error) => Reading::fault("", format!("the body is not JSON: {error}")),
        }
    }
}

/// What is kept beside the body of a tracking call: which one it was, as the message need not say so.
pub fn about(call: &str) -> About {
    About::from([("call".to_owned(), call.to_owned())])
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;
    use serde_json::json;

    use super::*;
    use crate::connectors::settings::ConnectorSettings;
    use crate::kernel::clock::Clock;

    const VECTORS: &str = include_str!("../../../tests/fixtures/segment/signatures.json");

    pub(super) fn made(table: &Value) -> Result<Arc<dyn Inbound>, SetupFault> {
        let all: ConnectorSettings = serde_json::from_value(json!({ "segment": table })).unwrap();
        let section = all.sections().next().unwrap();
        let now = chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let client = crate::platform::outbox::client(std::time::Duration::from_secs(1)).unwrap();
        let mut made = connect(&Tools { clock: Clock::manual(now), client }, &section)?;
        Ok(made.pop().unwrap().inbound.unwrap())
    }

    fn verified(secret: &str, body: &str, signature: Option<&str>) -> Result<(), Refusal> {
        let mut headers = HeaderMap::new();
        if let Some(signature) = signature {
            headers.insert("x-signature", signature.parse().unwrap());
        }
        let now = chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let path = "/v1/webhooks/segment";
        made(&json!({ "shared_secret": secret })).unwrap().verify(&Call {
            headers: &headers,
            body: body.as_bytes(),
            path_secret: None,
            path,
            now,
        })
    }

    #[test]
    fn signatures_of_segment_are_believed_and_no_others() {
        let vectors: Value = serde_json::from_str(VECTORS).unwrap();
        let vectors = vectors["vectors"].as_array().unwrap();
        assert_eq!(vectors.len(), 3);
        for vector in vectors {
            let part = |name: &str| vector[name].as_str().unwrap();
            let (secret, body) = (part("shared_secret"), part("body"));
            assert_eq!(verified(secret, body, Some(part("x_signature"))), Ok(()));
            assert_eq!(verified(secret, body, Some(&"0".repeat(40))), Err(Refusal::Forged));
            assert_eq!(verified("another", body, Some(part("x_signature"))), Err(Refusal::Forged));
            assert_eq!(verified(secret, body, None), Err(Refusal::Unsigned));
        }
        let tampered = r#"[{"type":"track","event":"Another"}]"#;
        let first = vectors[2]["x_signature"].as_str();
        assert_eq!(verified("segment_shared_secret_1", tampered, first), Err(Refusal::Forged));
        assert_eq!(verified("segment_shared_secret_1", "[]", first), Err(Refusal::Forged));
    }

    #[test]
    fn without_a_secret_no_webhook_is_believed() {
        let path = "/v1/webhooks/segment";
        let now = chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let call = Call { headers: &HeaderMap::new(), body: b"{}", path_secret: None, path, now };
        assert_eq!(made(&json!({})).unwrap().verify(&call), Err(Refusal::Unsigned));
    }

    #[test]
    fn wrong_settings_name_the_key() {
        let fault = |table: Value| made(&table).err().unwrap().to_string();
        let strong = json!({"events": {"Pricing": {"means": "intent", "kind": "budget", "strength": 2}}});
        assert!(fault(strong).contains("events.Pricing.strength"));
        assert!(fault(json!({"account": ["groupId"]})).contains("account[0]"));
        assert!(fault(json!({"events": {"Pricing": {"means": "intend"}}})).contains("events.Pricing"));
    }
}
