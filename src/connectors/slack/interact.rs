//! What people press: Slack calls us with a signed form, and wants its answer within three seconds.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use uuid::Uuid;

use super::blocks::BUTTONS;
use super::post::Bot;
use crate::connectors::inbound::{
    Call, HandoffAct, Inbound, Reading, Received, Refusal, Reply, Statement, Wish,
};
use crate::connectors::sign;
use crate::connectors::vendor::{Trouble, TroubleKind};
use crate::handoffs::Action;

/// How old a signed call may be, and how far ahead.
const TOLERANCE_SECS: i64 = 300;

/// Hears what people press.
pub(super) struct Listener {
    pub(super) secret: SecretString,
    /// Finds out who pressed, and tells what became of it.
    pub(super) bot: Option<Arc<Bot>>,
    pub(super) client: reqwest::Client,
}

impl Inbound for Listener {
    fn verify(&self, call: &Call<'_>) -> Result<(), Refusal> {
        let signature = call.header("x-slack-signature").and_then(|text| text.strip_prefix("v0="));
        let (Some(signature), Some(stamp)) = (signature, call.header("x-slack-request-timestamp")) else {
            return Err(Refusal::Unsigned);
        };
        let key = self.secret.expose_secret().as_bytes();
        let digest = sign::hmac_sha256(key, &[b"v0:", stamp.as_bytes(), b":", call.body]);
        if !sign::is_hex(&digest, signature) {
            return Err(Refusal::Forged);
        }
        let at = stamp.parse().ok().and_then(|secs| chrono::DateTime::from_timestamp(secs, 0));
        match at {
            Some(at) if sign::is_recent(at, call.now, TOLERANCE_SECS) => Ok(()),
            _ => Err(Refusal::Stale),
        }
    }

    fn greeting(&self, call: &Call<'_>) -> Option<Reply> {
        let body: Value = serde_json::from_slice(call.body).ok()?;
        let challenge = body["challenge"].as_str().filter(|_| body["type"] == "url_verification")?;
        Some(Reply::text(challenge))
    }

    fn read(&self, received: &Received<'_>) -> Reading {
        let payload = form_urlencoded::parse(received.body).find(|(name, _)| name == "payload");
        let Some((_, text)) = payload else {
            return Reading::fault(
                "",
                "the form has no field `payload`; only Interactivity is to point here",
            );
        };
        let payload: Value = match serde_json::from_str(&text) {
            Ok(payload) => payload,
            Err(error) => return Reading::fault("/payload", format!("is not JSON: {error}")),
        };
        let mut reading = Reading::default();
        if payload["type"] != "block_actions" {
            reading.ignored = 1;
            return reading;
        }
        for (at, action) in payload["actions"].as_array().into_iter().flatten().enumerate() {
            read_action(&payload, action, &format!("/payload/actions/{at}"), &mut reading);
        }
        reading
    }

    fn email_of<'a>(&'a self, person: &'a str) -> BoxFuture<'a, Result<Option<String>, Trouble>> {
        Box::pin(async move {
            match &self.bot {
                Some(bot) => bot.email_of(person).await,
                None => Ok(None),
            }
        })
    }

    fn tell<'a>(&'a self, reply_to: &'a str, outcome: &'a str) -> BoxFuture<'a, Result<(), Trouble>> {
        Box::pin(async move {
            let Some(bot) = &self.bot else { return Ok(()) };
            // The address came in a signed call; anything but an address is no place to answer to.
            if reqwest::Url::parse(reply_to).is_err() {
                return Err(bot.vendor.trouble(TroubleKind::Malformed, "response_url is no address"));
            }
            let body = json!({"response_type": "ephemeral", "replace_original": false, "text": outcome});
            // Answers to this address are not those of the Web API; whether it worked shows in Slack.
            let sent = self.client.post(reply_to).json(&body).send().await;
            match sent {
                Ok(answer) if answer.status().is_success() => Ok(()),
                Ok(answer) => {
                    Err(bot.vendor.trouble(TroubleKind::Invalid, format!("HTTP {}", answer.status())))
                }
                Err(_) => Err(bot.vendor.trouble(TroubleKind::Unreached, "no answer")),
            }
        })
    }
}

/// One pressed button.
fn read_action(payload: &Value, action: &Value, place: &str, reading: &mut Reading) {
    let pressed = action["action_id"].as_str().unwrap_or_default();
    let Some((name, ..)) = BUTTONS.iter().find(|(_, id, ..)| *id == pressed) else {
        // A button that opens an address is reported as well.
        reading.ignored += 1;
        return;
    };
    let Some(handoff_id) = action["value"].as_str().and_then(|value| Uuid::parse_str(value).ok()) else {
        reading.misread(format!("{place}/value"), "is no id of a handoff");
        return;
    };
    let Some(person) = payload["user"]["id"].as_str() else {
        reading.misread("/payload/user/id", "is missing: who pressed it is not known");
        return;
    };
    let who = payload["user"]["username"].as_str().unwrap_or(person);
    let what = match *name {
        "acknowledge" => Wish::Do(Action::Acknowledge),
        "reject" => {
            let reason = format!("Given back in Slack by {who}");
            Wish::Do(Action::Reject { reason, reroute: true })
        }
        _ => Wish::TakeOver,
    };
    let act = HandoffAct {
        handoff_id,
        what,
        by: person.to_owned(),
        email: None,
        reply_to: payload["response_url"].as_str().map(str::to_owned),
    };
    reading.say(place, Statement::Act(act));
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;

    use super::*;
    use crate::connectors::inbound::About;
    use crate::kernel::clock::DateTime;

    /// Made with the official Python SDK (`slack_sdk` 3.47.0) and accepted by the official JavaScript one (bolt 5.1.0);
    /// the first is the example of Slack's documentation.
    const VECTORS: &str = include_str!("../../../tests/fixtures/slack/signatures.json");

    fn listener(secret: &str) -> Listener {
        let client = crate::platform::outbox::client(std::time::Duration::from_secs(1)).unwrap();
        Listener { secret: secret.to_owned().into(), bot: None, client }
    }

    fn verified(vector: &Value, signature: Option<&str>, secs_later: i64) -> Result<(), Refusal> {
        let text = |key: &str| vector[key].as_str().unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("x-slack-request-timestamp", text("timestamp").parse().unwrap());
        if let Some(signature) = signature {
            headers.insert("x-slack-signature", signature.parse().unwrap());
        }
        let at: i64 = text("timestamp").parse().unwrap();
        let now = DateTime::from_timestamp(at + secs_later, 0).unwrap();
        let (path, body) = ("/v1/webhooks/slack", text("raw_body").as_bytes());
        let call = Call { headers: &headers, body, path_secret: None, path, now };
        listener(text("signing_secret")).verify(&call)
    }

    fn vectors() -> Vec<Value> {
        serde_json::from_str::<Value>(VECTORS).unwrap()["vectors"].as_array().unwrap().clone()
    }

    fn read(body: &str) -> Reading {
        let (id, received_at) = (Uuid::nil(), DateTime::UNIX_EPOCH);
        listener("x").read(&Received { id, received_at, about: &About::new(), body: body.as_bytes() })
    }

    #[test]
    fn signatures_of_the_official_libraries_are_believed_and_no_others() {
        let vectors = vectors();
        assert_eq!(vectors.len(), 3);
        for vector in &vectors {
            let good = vector["signature"].as_str().unwrap();
            assert_eq!(verified(vector, Some(good), 0), Ok(()));
            assert_eq!(verified(vector, Some(good), 300), Ok(()));
            assert_eq!(verified(vector, Some(good), 301), Err(Refusal::Stale));
            assert_eq!(verified(vector, Some(good), -301), Err(Refusal::Stale));
            assert_eq!(verified(vector, Some(&good.replace("v0=", "v0=0")), 0), Err(Refusal::Forged));
            assert_eq!(verified(vector, Some(&good.replace("v0=", "")), 0), Err(Refusal::Unsigned));
            assert_eq!(verified(vector, None, 0), Err(Refusal::Unsigned));
        }
    }

    #[test]
    fn a_challenge_is_answered_and_not_kept() {
        let vectors = vectors();
        let (path, headers, now) = ("", HeaderMap::new(), DateTime::UNIX_EPOCH);
        let greeting = |vector: &Value| {
            let body = vector["raw_body"].as_str().unwrap().as_bytes();
            listener("x").greeting(&Call { headers: &headers, body, path_secret: None, path, now })
        };
        let reply = greeting(&vectors[2]).unwrap();
        assert_eq!(reply.body, "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P");
        assert_eq!(greeting(&vectors[1]), None);
    }

    #[test]
    fn a_pressed_button_is_a_wish_of_whoever_pressed_it() {
        let id = Uuid::now_v7();
        let press = |action: &str, value: &str| {
            let payload = json!({
                "type": "block_actions", "user": {"id": "U123", "username": "jane"}, "response_url": "https://x.example/r",
                "actions": [{"action_id": action, "value": value, "type": "button"}],
            });
            let form = form_urlencoded::Serializer::new(String::new())
                .append_pair("payload", &payload.to_string())
                .finish();
            read(&form)
        };
        let acts = |reading: Reading| -> Vec<HandoffAct> {
            let act = |(_, statement)| match statement {
                Statement::Act(act) => Some(act),
                _ => None,
            };
            reading.said.into_iter().filter_map(act).collect()
        };
        let [act] = acts(press("handoff_ack", &id.to_string())).try_into().unwrap();
        assert_eq!(
            (act.handoff_id, &act.what, act.by.as_str()),
            (id, &Wish::Do(Action::Acknowledge), "U123")
        );
        assert_eq!(act.reply_to.as_deref(), Some("https://x.example/r"));
        let [act] = acts(press("handoff_take", &id.to_string())).try_into().unwrap();
        assert_eq!(act.what, Wish::TakeOver);
        let [act] = acts(press("handoff_reject", &id.to_string())).try_into().unwrap();
        let reason = "Given back in Slack by jane".to_owned();
        assert_eq!(act.what, Wish::Do(Action::Reject { reason, reroute: true }));
        assert_eq!(press("open", "").ignored, 1);
        // The captured press carries an id of its own invention.
        assert_eq!(
            read(vectors()[1]["raw_body"].as_str().unwrap()).faults[0].pointer,
            "/payload/actions/0/value"
        );
        assert_eq!(read("nothing").faults.len(), 1);
    }
}
