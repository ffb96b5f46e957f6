//! What Resend tells us of mail that it had taken: signed as Svix does, which is the Standard Webhooks scheme.

use secrecy::SecretString;
use serde_json::Value;
use uuid::Uuid;

use crate::connectors::inbound::{Call, Inbound, Reading, Received, Refusal, Statement};
use crate::connectors::sign;
use crate::platform::outbox::Secret;

/// How old a signed call may be, and how far ahead.
const TOLERANCE_SECS: i64 = 300;
/// The events that say that a mail has not reached anybody.
const FAILED: [&str; 4] = ["email.bounced", "email.failed", "email.suppressed", "email.complained"];

/// Hears of bounces.
pub(super) struct Listener {
    secret: Secret,
}

impl Listener {
    pub(super) fn new(secret: &SecretString) -> Result<Self, String> {
        Secret::parse(secret).map(|secret| Self { secret }).map_err(|error| error.to_string())
    }
}

impl Inbound for Listener {
    fn verify(&self, call: &Call<'_>) -> Result<(), Refusal> {
        let header = |name| call.header(name).filter(|text| !text.is_empty());
        let (Some(id), Some(stamp), Some(sent)) =
            (header("svix-id"), header("svix-timestamp"), header("svix-signature"))
        else {
            return Err(Refusal::Unsigned);
        };
        let secs: i64 = stamp.parse().map_err(|_| Refusal::Forged)?;
        let ours = self.secret.sign(id, secs, call.body);
        // With an old and a new secret there are several; one that fits is enough.
        if !sent.split(' ').fold(false, |fits, one| fits | sign::same(ours.as_bytes(), one.as_bytes())) {
            return Err(Refusal::Forged);
        }
        match chrono::DateTime::from_timestamp(secs, 0) {
            Some(at) if sign::is_recent(at, call.now, TOLERANCE_SECS) => Ok(()),
            _ => Err(Refusal::Stale),
        }
    }

    fn read(&self, received: &Received<'_>) -> Reading {
        let body: Value = match serde_json::from_slice(received.body) {
            Ok(body) => body,
            Err(error) => return Reading::fault("", format!("the body is not JSON: {error}")),
        };
        let mut reading = Reading::default();
        let kind = body["type"].as_str().unwrap_or_default();
        // Mail of others leaves by the same account: only what carries our tag is ours.
        let tagged = body.pointer("/data/tags/delivery_id").and_then(Value::as_str);
        let delivery = tagged.and_then(|id| Uuid::parse_str(id).ok());
        let (true, Some(delivery_id)) = (FAILED.contains(&kind), delivery) else {
            reading.ignored = 1;
            return reading;
        };
        let said = |place: &str| body.pointer(place).and_then(Value::as_str);
        let why = said("/data/bounce/message").or_else(|| said("/data/failed/reason"));
        let server = body.pointer("/data/bounce/diagnosticCode/0").and_then(Value::as_str);
        let why = [Some(kind), why, server].into_iter().flatten().collect::<Vec<_>>().join(": ");
        reading.say("/data", Statement::Undelivered { delivery_id, why });
        reading
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;
    use serde_json::json;

    use super::*;
    use crate::connectors::inbound::About;
    use crate::kernel::clock::DateTime;

    /// Made with the official library (`svix` 2.9.1 for Python), and accepted by Resend's own.
    const VECTORS: &str = include_str!("../../../tests/fixtures/resend/signatures.json");

    fn vectors() -> Vec<Value> {
        serde_json::from_str::<Value>(VECTORS).unwrap()["vectors"].as_array().unwrap().clone()
    }

    fn listener(vector: &Value) -> Listener {
        Listener::new(&vector["secret"].as_str().unwrap().into()).unwrap()
    }

    fn verified(vector: &Value, signature: &str, secs_later: i64) -> Result<(), Refusal> {
        let at = vector["svix-timestamp"].as_i64().unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("svix-id", vector["svix-id"].as_str().unwrap().parse().unwrap());
        headers.insert("svix-timestamp", at.to_string().parse().unwrap());
        headers.insert("svix-signature", signature.parse().unwrap());
        let now = DateTime::from_timestamp(at + secs_later, 0).unwrap();
        let body = vector["body"].as_str().unwrap().as_bytes();
        listener(vector).verify(&Call { headers: &headers, body, path_secret: None, path: "", now })
    }

    #[test]
    fn signatures_of_the_official_library_are_believed_and_no_others() {
        for vector in vectors() {
            let good = vector["svix-signature"].as_str().unwrap();
            assert_eq!(verified(&vector, good, 0), Ok(()));
            assert_eq!(verified(&vector, &format!("v1,AAAA {good}"), 300), Ok(()));
            assert_eq!(verified(&vector, good, 301), Err(Refusal::Stale));
            assert_eq!(verified(&vector, "v1,AAAA", 0), Err(Refusal::Forged));
            assert_eq!(verified(&vector, "", 0), Err(Refusal::Unsigned));
        }
    }

    #[test]
    fn a_bounce_of_ours_is_told_with_its_reason_and_all_else_is_ignored() {
        let vectors = vectors();
        let read = |body: &str| {
            let (id, received_at) = (Uuid::nil(), DateTime::UNIX_EPOCH);
            listener(&vectors[0]).read(&Received {
                id,
                received_at,
                about: &About::new(),
                body: body.as_bytes(),
            })
        };
        assert_eq!(read(vectors[0]["body"].as_str().unwrap()).ignored, 1, "delivered is what it was before");
        let mut bounced: Value = serde_json::from_str(vectors[1]["body"].as_str().unwrap()).unwrap();
        assert_eq!(read(&bounced.to_string()).ignored, 1, "without our tag it is somebody else's mail");
        let delivery_id = Uuid::now_v7();
        bounced["data"]["tags"] = json!({"delivery_id": delivery_id});
        let why = "email.bounced: The recipient does not exist: smtp; 550 5.1.1 user unknown".to_owned();
        let said = read(&bounced.to_string()).said;
        assert_eq!(said, [("/data".to_owned(), Statement::Undelivered { delivery_id, why })]);
    }
}
