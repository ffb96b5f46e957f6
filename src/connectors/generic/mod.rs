//! Systems without a connector of their own: JSON webhooks that a mapping in the settings turns into events.
//!
//! Promises: every mapping is checked at the start, with the rule that is wrong; a call that no rule fits is counted as
//! ignored, one that a rule fits and cannot be filled is dead and visible, with the path that was missing.
//! Leaves out: signatures of every vendor there is. A call proves itself by an HMAC of its body in a header, or by a
//! secret in the address or in a header.

mod rule;

use std::sync::Arc;

use axum::http::HeaderName;
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::Value;

use super::inbound::{Call, Inbound, Reading, Received, Refusal};
use super::settings::{Secret, Section, SetupFault};
use super::{Connector, Tools, sign};
use rule::{Rule, RuleSettings};

/// `[connectors.webhooks.NAME]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    proof: Proof,
    /// Where in the body the items are, as a JSON pointer, when a call brings several.
    #[serde(default)]
    items: Option<String>,
    rules: Vec<RuleSettings>,
}

/// How a call proves where it comes from.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, tag = "kind", rename_all = "snake_case")]
enum Proof {
    /// HMAC-SHA256 of the body, hexadecimal or base64, in a header, after `prefix`.
    Hmac {
        header: String,
        secret: Secret,
        #[serde(default)]
        prefix: String,
    },
    /// The secret itself in a header.
    Header { header: String, secret: Secret },
    /// The secret itself as the last step of the address.
    Path { secret: Secret },
}

/// A mapped webhook.
struct Generic {
    name: String,
    proof: Proof,
    items: Option<String>,
    rules: Vec<Rule>,
}

/// Makes a connector of each table below `[connectors.webhooks]`.
pub(super) fn connect(_: &Tools, section: &Section) -> Result<Vec<Connector>, SetupFault> {
    section.tables()?.iter().map(one).collect()
}

fn one(section: &Section) -> Result<Connector, SetupFault> {
    let settings: Settings = section.read()?;
    let name = section.name.rsplit('.').next().unwrap_or(&section.name).to_owned();
    if let Proof::Hmac { header, .. } | Proof::Header { header, .. } = &settings.proof
        && HeaderName::try_from(header.as_str()).is_err()
    {
        return Err(section.fault("proof.header", format!("`{header}` is no name of a header")));
    }
    let rules = settings.rules.into_iter().enumerate().map(|(at, rule)| {
        Rule::new(rule).map_err(|(key, fault)| section.fault(&format!("rules[{at}].{key}"), fault))
    });
    let rules: Vec<Rule> = rules.collect::<Result<_, _>>()?;
    if rules.is_empty() {
        return Err(section.fault("rules", "at least one rule says what a call means"));
    }
    let generic = Generic { name: name.clone(), proof: settings.proof, items: settings.items, rules };
    Ok(Connector { inbound: Some(Arc::new(generic)), ..Connector::named(name) })
}

impl Inbound for Generic {
    fn address(&self, name: &str) -> String {
        match &self.proof {
            Proof::Hmac { header, .. } => format!(
                "It is to call /v1/webhooks/{name} of this service, with the HMAC-SHA256 of the body in the header {header}."
            ),
            Proof::Header { header, .. } => format!(
                "It is to call /v1/webhooks/{name} of this service, with the secret of the settings in the header {header}."
            ),
            Proof::Path { .. } => format!(
                "It is to call /v1/webhooks/{name}/SECRET of this service, with the secret of the settings as the last step."
            ),
        }
    }

    fn verify(&self, call: &Call<'_>) -> Result<(), Refusal> {
        let (sent, fits) = match &self.proof {
            Proof::Hmac { header, secret, prefix } => {
                let digest = sign::hmac_sha256(secret.0.expose_secret().as_bytes(), &[call.body]);
                let sent = call.header(header).and_then(|text| text.strip_prefix(prefix.as_str()));
                (sent, sent.is_some_and(|sent| sign::is_hex(&digest, sent) | sign::is_base64(&digest, sent)))
            }
            Proof::Header { header, secret } => {
                let sent = call.header(header);
                (sent, sent.is_some_and(|sent| is(secret, sent)))
            }
            Proof::Path { secret } => {
                (call.path_secret, call.path_secret.is_some_and(|sent| is(secret, sent)))
            }
        };
        match (sent, fits) {
            (_, true) => Ok(()),
            (None, _) => Err(Refusal::Unsigned),
            (Some(_), false) => Err(Refusal::Forged),
        }
    }

    fn read(&self, received: &Received<'_>) -> Reading {
        let body: Value = match serde_json::from_slice(received.body) {
            Ok(body) => body,
            Err(error) => return Reading::fault("", format!("the body is not JSON: {error}")),
        };
        let mut reading = Reading::default();
        let base = self.items.as_deref().unwrap_or_default();
        let items = body.pointer(base);
        match items {
            Some(Value::Array(items)) => {
                for (at, item) in items.iter().enumerate() {
                    self.read_item(item, &format!("{base}/{at}"), received, &mut reading);
                }
            }
            Some(item) => self.read_item(item, base, received, &mut reading),
            None => reading.misread(base, "the settings say that items are here, and there is nothing"),
        }
        reading
    }
}

impl Generic {
    /// The first rule that fits says what an item means.
    fn read_item(&self, item: &Value, place: &str, received: &Received<'_>, reading: &mut Reading) {
        let Some(rule) = self.rules.iter().find(|rule| rule.fits(item)) else {
            reading.ignored += 1;
            return;
        };
        rule.say(&self.name, item, place, received.received_at, reading);
    }
}

fn is(secret: &Secret, sent: &str) -> bool {
    sign::same(secret.0.expose_secret().as_bytes(), sent.as_bytes())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::connectors::inbound::{About, Statement};
    use crate::connectors::settings::ConnectorSettings;
    use crate::kernel::clock::DateTime;

    fn now() -> DateTime {
        chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    fn settings(proof: &Value) -> Value {
        json!({ "proof": proof, "items": "/events", "rules": [{
            "when": { "/kind": "signup" }, "type": "gtm.lifecycle.changed", "id": "/id", "subject": "/org/id",
            "time": "/at", "data": { "stage": { "value": "trial" }, "segment": { "from": "/org/size", "map": { "S": "smb" } } },
        }] })
    }

    fn made(table: &Value) -> Result<Arc<dyn Inbound>, SetupFault> {
        let all: ConnectorSettings =
            serde_json::from_value(json!({ "webhooks": { "billing": table } })).unwrap();
        let section = all.sections().next().unwrap();
        let tools = Tools {
            clock: crate::kernel::clock::Clock::manual(now()),
            client: crate::platform::outbox::client(std::time::Duration::from_secs(1)).unwrap(),
        };
        Ok(connect(&tools, &section)?.pop().unwrap().inbound.unwrap())
    }

    fn generic(proof: &Value) -> Arc<dyn Inbound> {
        made(&settings(proof)).unwrap()
    }

    fn verified(
        inbound: &dyn Inbound,
        header: Option<&str>,
        path_secret: Option<&str>,
    ) -> Result<(), Refusal> {
        let mut headers = HeaderMap::new();
        if let Some(header) = header {
            headers.insert("x-proof", header.parse().unwrap());
        }
        let path = "/v1/webhooks/billing";
        inbound.verify(&Call { headers: &headers, body: b"{}", path_secret, path, now: now() })
    }

    fn read(body: &Value) -> Reading {
        let body = serde_json::to_vec(body).unwrap();
        let received = Received { id: Uuid::nil(), received_at: now(), about: &About::new(), body: &body };
        generic(&json!({"kind": "path", "secret": "s"})).read(&received)
    }

    #[test]
    fn a_call_is_believed_by_its_digest_its_header_or_its_address() {
        let digest = hex::encode(sign::hmac_sha256(b"key", &[b"{}"]));
        let hmac =
            generic(&json!({"kind": "hmac", "header": "X-Proof", "secret": "key", "prefix": "sha256="}));
        assert_eq!(verified(&*hmac, Some(&format!("sha256={digest}")), None), Ok(()));
        assert_eq!(verified(&*hmac, Some(&format!("sha256={}", "0".repeat(64))), None), Err(Refusal::Forged));
        assert_eq!(verified(&*hmac, None, None), Err(Refusal::Unsigned));
        let header = generic(&json!({"kind": "header", "header": "x-proof", "secret": "key"}));
        assert_eq!(verified(&*header, Some("key"), None), Ok(()));
        assert_eq!(verified(&*header, Some("kez"), None), Err(Refusal::Forged));
        let path = generic(&json!({"kind": "path", "secret": "key"}));
        assert_eq!(verified(&*path, None, Some("key")), Ok(()));
        assert_eq!(verified(&*path, None, Some("")), Err(Refusal::Forged));
        assert_eq!(verified(&*path, Some("key"), None), Err(Refusal::Unsigned));
    }

    #[test]
    fn items_become_events_by_the_first_rule_that_fits() {
        let reading = read(&json!({"events": [
            {"kind": "signup", "id": 7, "at": "2027-01-01T00:00:00Z", "org": {"id": "acc_1", "size": "S"}},
            {"kind": "logout", "id": 8},
        ]}));
        assert_eq!((reading.said.len(), reading.ignored, reading.faults.len()), (1, 1, 0));
        let (place, Statement::Event(saying)) = &reading.said[0] else { panic!("{:?}", reading.said) };
        assert_eq!(place, "/events/0");
        assert_eq!((saying.source.as_str(), saying.id.as_str()), ("billing", "7"));
        assert_eq!(saying.subject.as_deref(), Some("acc_1"));
        assert_eq!(saying.data, json!({"stage": "trial", "segment": "smb"}));
        assert_eq!(saying.time, Some("2027-01-01T00:00:00Z".parse().unwrap()));
    }

    #[test]
    fn what_a_rule_cannot_fill_is_a_fault_with_its_place() {
        let reading = read(&json!({"events": [
            {"kind": "signup", "at": "yesterday", "org": {"id": "acc_1", "size": "XXL"}},
        ]}));
        let places: Vec<&str> = reading.faults.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(places, ["/events/0/id", "/events/0/at", "/events/0/org/size"]);
        assert!(reading.said.is_empty());
    }

    #[test]
    fn wrong_settings_name_the_rule() {
        let mut table = settings(&json!({"kind": "path", "secret": "s"}));
        table["rules"][0]["type"] = json!("gtm.lifecycle.change");
        let fault = made(&table).err().unwrap().to_string();
        assert!(fault.starts_with("connectors.webhooks.billing.rules[0].type"), "{fault}");
        assert!(fault.contains("gtm.lifecycle.changed"), "{fault}");
        table["rules"] = json!([]);
        assert!(made(&table).err().unwrap().to_string().contains("at least one rule"));
    }
}
