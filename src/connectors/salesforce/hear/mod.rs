//! What Salesforce tells us by itself: Outbound Messages as XML, and change events as JSON that a relay posts.
//!
//! Promises: where the organisation can be asked, a call only names what changed, so that order and age of calls mean
//! nothing; where it cannot, what the call itself holds is said, under the notification's own id.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};

use super::say::{self, Origin, Record};
use super::soap::{self, Message};
use super::{Mapping, ids};
use crate::connectors::inbound::{Call, Inbound, ObjectRef, Reading, Received, Refusal, Reply, Statement};
use crate::connectors::sign;
use crate::kernel::clock::DateTime;

/// The kinds of objects that mean something here, in the order of a reading from the beginning.
pub(super) const OBJECTS: [&str; 3] = ["Account", "Contact", "Opportunity"];

/// Hears the organisation.
pub(super) struct Listener {
    pub(super) secret: SecretString,
    /// The organisation's id in 18 characters.
    pub(super) organisation: String,
    pub(super) mapping: Arc<Mapping>,
    /// Whether what changed can be asked for.
    pub(super) asks: bool,
}

impl Inbound for Listener {
    fn address(&self, name: &str) -> String {
        format!(
            "It is to call /v1/webhooks/{name}/SECRET of this service, with connectors.salesforce.webhook_secret as the last step."
        )
    }

    fn verify(&self, call: &Call<'_>) -> Result<(), Refusal> {
        let Some(sent) = call.path_secret else { return Err(Refusal::Unsigned) };
        if !sign::same(self.secret.expose_secret().as_bytes(), sent.as_bytes()) {
            return Err(Refusal::Forged);
        }
        // A message that cannot be read says nothing; it is kept, so that somebody can see why.
        let organisation = is_xml(call.body).then(|| soap::parse(call.body).ok()).flatten();
        match organisation {
            Some(message) if !self.is_ours(&message) => Err(Refusal::Forged),
            _ => Ok(()),
        }
    }

    fn reply(&self, call: &Call<'_>) -> Reply {
        if is_xml(call.body) { Reply::xml(soap::ACK) } else { Reply::json(&json!({})) }
    }

    fn read(&self, received: &Received<'_>) -> Reading {
        if is_xml(received.body) {
            match soap::parse(received.body) {
                Ok(message) if !self.is_ours(&message) => {
                    Reading::fault("/notifications/OrganizationId", "is another organisation")
                }
                Ok(message) => self.read_message(&message),
                Err(fault) => Reading::fault("", fault),
            }
        } else {
            match serde_json::from_slice(received.body) {
                Ok(body) => self.read_events(&body),
                Err(error) => {
                    Reading::fault("", format!("the body is neither an Outbound Message nor JSON: {error}"))
                }
            }
        }
    }
}

/// Whether a body is meant as XML.
fn is_xml(body: &[u8]) -> bool {
    let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
    body.trim_ascii_start().first() == Some(&b'<')
}

/// One object that a call is about.
struct About<'a> {
    object: &'a str,
    id: &'a str,
    fields: &'a Map<String, Value>,
    origin: Origin<'a>,
    /// Whether only some fields are told, as of a change.
    partial: bool,
}

impl Listener {
    fn is_ours(&self, message: &Message) -> bool {
        let sent = message.organisation.as_deref().and_then(ids::full).unwrap_or_default();
        sign::same(self.organisation.as_bytes(), sent.as_bytes())
    }

    fn read_message(&self, message: &Message) -> Reading {
        let mut reading = Reading::default();
        for (at, one) in message.notifications.iter().enumerate() {
            let place = format!("/notifications/{at}");
            let Some(notification) = one.id.as_deref().filter(|id| !id.is_empty()) else {
                reading.misread(format!("{place}/Id"), "is missing");
                continue;
            };
            let id = one.record.get("Id").and_then(Value::as_str).unwrap_or_default();
            let origin = Origin::Sent { id: notification, time: None };
            let about = About { object: &one.object, id, fields: &one.record, origin, partial: false };
            self.say(&about, &place, &mut reading);
        }
        reading
    }

    fn read_events(&self, body: &Value) -> Reading {
        let mut reading = Reading::default();
        match body {
            Value::Array(events) => {
                for (at, event) in events.iter().enumerate() {
                    self.read_event(event, &format!("/{at}"), &mut reading);
                }
            }
            event => self.read_event(event, "", &mut reading),
        }
        reading
    }

    /// A change event, whole or without what its channel put around it.
    fn read_event(&self, event: &Value, place: &str, reading: &mut Reading) {
        let places = ["/data/payload", "/payload", ""];
        let payloads = places.iter().find_map(|at| Some((at, event.pointer(at)?.as_object()?)));
        let Some((at, payload)) = payloads else {
            reading.misread(place, "is no event: it has to be an object");
            return;
        };
        let place = format!("{place}{at}");
        let Some(header) = payload.get("ChangeEventHeader") else {
            // A platform event, which means whatever its makers agreed on.
            reading.ignored += 1;
            return;
        };
        let object = header["entityName"].as_str().unwrap_or_default();
        let kind = header["changeType"].as_str().unwrap_or_default();
        if !OBJECTS.contains(&object) || (kind.ends_with("DELETE") && !kind.ends_with("UNDELETE")) {
            reading.ignored += 1;
            return;
        }
        let time = header["commitTimestamp"].as_i64().and_then(DateTime::from_timestamp_millis);
        let fields = flat(payload);
        let record_ids = header["recordIds"].as_array().into_iter().flatten();
        for (nth, id) in record_ids.enumerate() {
            let id = id.as_str().unwrap_or_default();
            let mut fields = fields.clone();
            fields.insert("Id".to_owned(), id.into());
            let key = header["transactionKey"].as_str().unwrap_or_default();
            let own = format!("{key}/{}/{id}", header["sequenceNumber"]);
            let origin = Origin::Sent { id: &own, time };
            let partial = kind != "CREATE";
            let about = About { object, id, fields: &fields, origin, partial };
            self.say(&about, &format!("{place}/ChangeEventHeader/recordIds/{nth}"), reading);
        }
    }

    /// What a call says of one object.
    fn say(&self, about: &About<'_>, place: &str, reading: &mut Reading) {
        if !OBJECTS.contains(&about.object) {
            reading.ignored += 1;
            return;
        }
        let Some(id) = ids::full(about.id) else {
            reading.misread(format!("{place}/Id"), "is no id of Salesforce; add the field Id to the message");
            return;
        };
        if self.asks {
            let changed = ObjectRef { object: about.object.to_owned(), id };
            reading.say(place, Statement::Changed(changed));
            return;
        }
        let record =
            Record { object: about.object, fields: about.fields, origin: about.origin, subject: None };
        match say::said(record, &self.mapping) {
            Ok(said) => {
                for unknown in said.unknown {
                    tracing::warn!(unknown, object = about.object, id, "no mapping knows this; it is passed on by name");
                }
                for saying in said.sayings {
                    reading.say(place, Statement::Event(saying));
                }
            }
            // A change tells only what changed.
            Err(_) if about.partial => reading.ignored += 1,
            Err(lacks) => reading.misread(
                format!("{place}/{lacks}"),
                "is missing or not mapped: add the field to the Outbound Message, or set up `client_id`, so that the \
                 object can be read",
            ),
        }
    }
}

/// The fields of a change event as a record has them: compound ones opened.
fn flat(payload: &Map<String, Value>) -> Map<String, Value> {
    let mut fields = payload.clone();
    fields.remove("ChangeEventHeader");
    if let Some(Value::Object(name)) = payload.get("Name") {
        fields.remove("Name");
        fields.extend(name.clone());
    }
    if let Some(Value::Object(address)) = payload.get("BillingAddress") {
        fields.extend(address.iter().map(|(name, value)| (format!("Billing{name}"), value.clone())));
    }
    fields
}
