//! Signals of Crossbeam: webhooks about what a partner does at an account.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::NAME;
use super::overlap::{Words, with_clues};
use crate::connectors::inbound::{Call, Inbound, Reading, Received, Refusal, Saying, Statement};
use crate::connectors::sign;
use crate::kernel::clock::DateTime;

/// How old a signature may be, in seconds, both ways.
const TOLERANCE_SECS: i64 = 300;

/// Hears signals.
pub(super) struct Listener {
    pub secret: SecretString,
    pub words: Arc<Words>,
}

impl Inbound for Listener {
    fn verify(&self, call: &Call<'_>) -> Result<(), Refusal> {
        let signature = call.header("x-crossbeam-signature-256").ok_or(Refusal::Unsigned)?;
        let stamp = call.header("x-crossbeam-timestamp").ok_or(Refusal::Unsigned)?;
        let key = self.secret.expose_secret().as_bytes();
        let digest = sign::hmac_sha256(key, &[call.body, stamp.as_bytes()]);
        if !sign::is_base64(&digest, signature) {
            return Err(Refusal::Forged);
        }
        let at = stamp.parse().ok().and_then(|secs| chrono::DateTime::from_timestamp(secs, 0));
        let recent = at.is_some_and(|at| sign::is_recent(at, call.now, TOLERANCE_SECS));
        if recent { Ok(()) } else { Err(Refusal::Stale) }
    }

    fn read(&self, received: &Received<'_>) -> Reading {
        let body: Value = match serde_json::from_slice(received.body) {
            Ok(body) => body,
            Err(error) => return Reading::fault("", format!("the body is not JSON: {error}")),
        };
        let mut reading = Reading::default();
        match &body {
            Value::Array(signals) => {
                for (at, signal) in signals.iter().enumerate() {
                    self.signal(signal, &format!("/{at}"), received, &mut reading);
                }
            }
            signal => self.signal(signal, "", received, &mut reading),
        }
        reading
    }
}

impl Listener {
    fn signal(&self, signal: &Value, place: &str, received: &Received<'_>, reading: &mut Reading) {
        let kind = signal["event_type"].as_str().unwrap_or_default();
        // A greeting, a lead, or one of our own deals, which the CRM tells.
        if kind.is_empty() || kind.starts_with("own_deal") || signal["record_type"].as_str() == Some("lead") {
            reading.ignored += 1;
            return;
        }
        let Some(partner) = self.words.partner(signal) else {
            reading.misread(format!("{place}/partner_id"), "the signal names no partner");
            return;
        };
        let (kinds, unknown) = self.words.kinds(&signal["partner_populations"]);
        for name in unknown {
            reading.misread(
                format!("{place}/partner_populations"),
                format!("the population `{name}` stands for no kind of overlap; name it under [connectors.crossbeam.populations]"),
            );
        }
        // A deal says more than the population, which follows it later.
        let mut relations: Vec<(&str, bool)> = match kind {
            "partner_deal_opened" => {
                vec![("opportunity", signal["partner_data"]["deal"]["is_closed"] != Value::Bool(true))]
            }
            "partner_deal_closed_won" => vec![("customer", true), ("opportunity", false)],
            _ => Vec::new(),
        };
        for kind in kinds {
            if relations.iter().all(|(known, _)| *known != kind) {
                relations.push((kind, true));
            }
        }
        let id = signal["event_id"].as_str().map_or_else(|| received.id.to_string(), str::to_owned);
        let at = triggered(signal, received.received_at);
        let say = |what: &str, event_type: &'static str, data: Value| {
            Statement::Event(Saying {
                source: NAME.to_owned(),
                id: format!("{id}/{what}"),
                event_type,
                subject: self.words.subject(signal),
                time: Some(at),
                data: with_clues(data, signal),
            })
        };
        for (relation, active) in &relations {
            let data = json!({ "partnerId": partner, "overlapType": relation, "active": active });
            reading.say(place, say(relation, "gtm.partner.overlap", data));
        }
        if self.words.referrals.contains(kind) {
            let data = json!({ "partnerId": partner, "referredAt": at });
            reading.say(place, say("referral", "gtm.partner.referral", data));
        } else if relations.is_empty() {
            reading.ignored += 1;
        }
    }
}

/// When the signal was triggered; as of its arrival where the date cannot be read, as in some documented examples.
fn triggered(signal: &Value, received_at: DateTime) -> DateTime {
    let at = signal["triggered_at"].as_str().and_then(|text| chrono::DateTime::parse_from_rfc3339(text).ok());
    at.map_or(received_at, |at| at.to_utc().min(received_at))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;
    use uuid::Uuid;

    use super::super::tests::made;
    use super::*;
    use crate::connectors::inbound::About;

    const VECTORS: &str = include_str!("../../../tests/fixtures/crossbeam/signatures.json");

    fn vectors() -> Vec<Value> {
        let file: Value = serde_json::from_str(VECTORS).unwrap();
        file["vectors"].as_array().unwrap().clone()
    }

    fn verified(secret: &str, body: &str, proof: [Option<&str>; 2], now: i64) -> Result<(), Refusal> {
        let mut headers = HeaderMap::new();
        for (name, value) in ["x-crossbeam-signature-256", "x-crossbeam-timestamp"].into_iter().zip(proof) {
            if let Some(value) = value {
                headers.insert(name, value.parse().unwrap());
            }
        }
        let now = chrono::DateTime::from_timestamp(now, 0).unwrap();
        let path = "/v1/webhooks/crossbeam";
        let call = Call { headers: &headers, body: body.as_bytes(), path_secret: None, path, now };
        made(&json!({ "webhook_secret": secret })).unwrap().inbound.unwrap().verify(&call)
    }

    fn read(table: &Value, body: &Value) -> Reading {
        let received_at = "2026-11-20T00:00:00Z".parse().unwrap();
        let (body, about) = (body.to_string(), About::new());
        let received = Received { id: Uuid::nil(), received_at, about: &about, body: body.as_bytes() };
        made(table).unwrap().inbound.unwrap().read(&received)
    }

    fn relations(reading: &Reading) -> Vec<(String, bool)> {
        let of = |(_, statement): &(String, Statement)| match statement {
            Statement::Event(saying) => (
                saying.data["overlapType"].as_str().unwrap_or(saying.event_type).to_owned(),
                saying.data["active"] == true,
            ),
            other => panic!("{other:?}"),
        };
        reading.said.iter().map(of).collect()
    }

    #[test]
    fn signatures_by_crossbeams_example_are_believed_and_no_others() {
        for vector in vectors() {
            let part = |name: &str| vector[name].as_str().unwrap();
            let (secret, body, signature) = (part("secret"), part("body"), part("signature"));
            let at = vector["timestamp"].as_i64().unwrap();
            let stamp = at.to_string();
            let proof = [Some(signature), Some(stamp.as_str())];
            assert_eq!(verified(secret, body, proof, at + 299), Ok(()));
            assert_eq!(verified(secret, body, proof, at + 301), Err(Refusal::Stale));
            assert_eq!(verified(secret, body, proof, at - 301), Err(Refusal::Stale));
            assert_eq!(verified("another", body, proof, at), Err(Refusal::Forged));
            assert_eq!(verified(secret, &format!("{body} "), proof, at), Err(Refusal::Forged));
            let later = (at + 1).to_string();
            assert_eq!(verified(secret, body, [Some(signature), Some(&later)], at), Err(Refusal::Forged));
            assert_eq!(verified(secret, body, [None, Some(&stamp)], at), Err(Refusal::Unsigned));
            assert_eq!(verified(secret, body, [Some(signature), None], at), Err(Refusal::Unsigned));
        }
    }

    #[test]
    fn a_partners_deal_says_what_the_partner_is_to_the_account() {
        let won: Value = serde_json::from_str(vectors()[0]["body"].as_str().unwrap()).unwrap();
        let table = json!({"webhook_secret": "s", "referrals": ["partner_deal_opened"]});
        let reading = read(&table, &won);
        assert_eq!(relations(&reading), [("customer".to_owned(), true), ("opportunity".to_owned(), false)]);
        let mut opened = won.clone();
        opened["event_type"] = "partner_deal_opened".into();
        opened["partner_data"]["deal"]["is_closed"] = false.into();
        let said = relations(&read(&table, &json!([opened])));
        assert_eq!(said[..2], [("opportunity".to_owned(), true), ("customer".to_owned(), true)]);
        assert_eq!(said[2].0, "gtm.partner.referral");
        let mut own = won.clone();
        own["event_type"] = "own_deal_closed_won".into();
        assert_eq!(read(&table, &own).ignored, 1);
        assert_eq!(read(&table, &json!({"ping": "hello"})).ignored, 1);
    }

    #[test]
    fn a_population_that_is_not_mapped_is_a_fault_and_the_rest_is_taken() {
        let signal = json!({
            "event_id": "e", "event_type": "partner_population_changed", "partner_id": "p", "record_id": "acc_1",
            "triggered_at": "2025-10-028T16:00:00.103+00:00",
            "partner_populations": [{"name": "VIP"}, {"name": "Prospects"}],
        });
        let reading = read(&json!({"webhook_secret": "s"}), &signal);
        assert!(reading.faults[0].detail.contains("`VIP`"), "{:?}", reading.faults);
        let (_, Statement::Event(said)) = &reading.said[0] else { panic!("{reading:?}") };
        assert_eq!((said.id.as_str(), said.subject.as_deref()), ("e/prospect", Some("acc_1")));
        assert_eq!(said.time, Some("2026-11-20T00:00:00Z".parse().unwrap()), "a date that is none");
        let mapped = json!({"webhook_secret": "s", "populations": {"VIP": "customer"}});
        assert_eq!(read(&mapped, &signal).faults, []);
    }

    #[test]
    fn every_signal_of_the_documented_examples_is_understood() {
        let answers: Value =
            serde_json::from_str(include_str!("../../../tests/fixtures/crossbeam/answers.json")).unwrap();
        let received_at: DateTime = "2026-11-20T00:00:00Z".parse().unwrap();
        let secret = json!({ "webhook_secret": "s" });
        let read = |path: &str| read(&secret, &answers["answers"][path]["data"]);
        let of_accounts = read("/v1/signals/accounts");
        assert_eq!((of_accounts.faults.len(), of_accounts.ignored), (0, 0), "{:?}", of_accounts.faults);
        for (_, statement) in &of_accounts.said {
            let Statement::Event(saying) = statement else { panic!("{statement:?}") };
            saying.arrived(received_at).unwrap();
        }
        // One of the examples has a date that is none: it counts as of its arrival.
        let Statement::Event(first) = &of_accounts.said[0].1 else { panic!() };
        assert_eq!(first.time, Some(received_at));
        assert_eq!((read("/v1/signals/leads").ignored, read("/v1/signals/own-deals").ignored), (1, 1));
    }
}
