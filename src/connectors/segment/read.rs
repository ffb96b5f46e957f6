//! Messages of Segment's specification, read one by one.

use serde_json::Value;

use super::{NAME, Segment};
use crate::connectors::analytics::{Message, Teller, contact_id, id_text, instant};
use crate::connectors::inbound::{Forgotten, Reading, Received, Statement};

/// Where the person's address is.
const EMAILS: [&str; 4] = ["/traits/email", "/context/traits/email", "/properties/email", "/userId"];

impl Segment {
    /// A call holds one message, a list of them, or an object with a list and what they share.
    pub(super) fn messages(&self, body: &Value, received: &Received<'_>) -> Reading {
        let mut teller = Teller::new(NAME);
        let (base, items) = match body {
            Value::Array(items) => ("", Some(items)),
            Value::Object(members) => ("/batch", members.get("batch").and_then(Value::as_array)),
            _ => return Reading::fault("", "the body is neither a message nor a list of messages"),
        };
        if let Some(items) = items {
            for (at, item) in items.iter().enumerate() {
                let number = at.to_string();
                let one = Placed { item, shared: body, place: &format!("{base}/{at}"), number: &number };
                self.message(&one, received, &mut teller);
            }
        } else {
            let one = Placed { item: body, shared: &Value::Null, place: "", number: "0" };
            self.message(&one, received, &mut teller);
        }
        teller.reading
    }

    fn message(&self, one: &Placed<'_>, received: &Received<'_>, teller: &mut Teller<'_>) {
        let said = one.item["type"].as_str().or_else(|| {
            let call = received.about.get("call").map(String::as_str);
            call.filter(|call| *call != "batch")
        });
        let Some(kind) = said else {
            teller
                .reading
                .misread(format!("{}/type", one.place), "the message does not say of what type it is");
            return;
        };
        let at = match instant(&one.item["timestamp"], received.received_at) {
            Ok(at) => at,
            Err(fault) => {
                teller.reading.misread(format!("{}/timestamp", one.place), fault);
                return;
            }
        };
        let message = Message {
            place: one.place,
            // A message without an id is known by the call that brought it.
            id: id_text(&one.item["messageId"]).unwrap_or_else(|| format!("{}/{}", received.id, one.number)),
            account: self.account.iter().find_map(|pointer| one.at(pointer).and_then(id_text)),
            user: id_text(&one.item["userId"]),
            email: EMAILS.iter().find_map(|pointer| one.at(pointer)?.as_str()).map(str::to_owned),
            at,
        };
        let traits = &one.item["traits"];
        match kind {
            "track" => match one.item["event"].as_str() {
                Some(name) => teller.event(&message, name, self.meanings.of(name)),
                None => teller.reading.misread(format!("{}/event", one.place), "the event has no name"),
            },
            "identify" if traits.is_object() => teller.contact(&message, traits),
            "identify" => teller.contact(&message, &one.item["context"]["traits"]),
            "group" => teller.account(&message, traits),
            "delete" => forget(one, &message, received, teller),
            _ => teller.reading.ignored += 1,
        }
    }
}

/// Somebody asks to be forgotten. Whoever has a write key may not erase people; Segment may, by what it has signed: one
/// message, or the first of several.
fn forget(one: &Placed<'_>, message: &Message<'_>, received: &Received<'_>, teller: &mut Teller<'_>) {
    let signed = !received.about.contains_key("call") && one.number == "0";
    match (signed, &message.user) {
        (true, Some(user)) => {
            teller.reading.say(one.place, Statement::Erase(Forgotten::Contact(contact_id(user))));
        }
        _ => teller.reading.misread(
            one.place,
            "somebody asks to be forgotten, and who asks it is not proven or not named. A write key may not erase: do it \
             with DELETE /v1/accounts/{accountId}/personal-data (gtm privacy erase)",
        ),
    }
}

/// A message at its place.
struct Placed<'a> {
    item: &'a Value,
    /// What the messages of a batch have in common.
    shared: &'a Value,
    place: &'a str,
    number: &'a str,
}

impl<'a> Placed<'a> {
    /// What stands at a pointer; the context of a batch is that of each of its messages.
    fn at(&self, pointer: &str) -> Option<&'a Value> {
        let shared = || self.shared.pointer(pointer).filter(|_| pointer.starts_with("/context/"));
        self.item.pointer(pointer).filter(|value| !value.is_null()).or_else(shared)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::super::{about, tests::made};
    use super::*;
    use crate::connectors::inbound::{About, Saying};

    fn read_as(table: &Value, about: &About, body: &Value) -> Reading {
        let received_at = "2026-11-20T00:00:00Z".parse().unwrap();
        let body = body.to_string();
        let received = Received { id: Uuid::nil(), received_at, about, body: body.as_bytes() };
        made(table).unwrap().read(&received)
    }

    fn read(body: &Value) -> Reading {
        read_as(&json!({}), &About::new(), body)
    }

    fn sayings(reading: &Reading) -> Vec<Saying> {
        let of = |(_, statement): &(String, Statement)| match statement {
            Statement::Event(saying) => saying.clone(),
            other => panic!("{other:?}"),
        };
        reading.said.iter().map(of).collect()
    }

    #[test]
    fn a_single_call_knows_its_type_by_its_address() {
        let body = json!({"event": "Exported", "userId": 7, "context": {"groupId": "acc_1"}});
        let reading = read_as(&json!({}), &about("track"), &body);
        let said = sayings(&reading);
        assert_eq!(said.len(), 2, "the use, and who used it: {reading:?}");
        assert_eq!(said[0].data["features"]["Exported"], 1);
        assert_eq!(said[0].id, format!("{}/0", Uuid::nil()), "without an id the call is the identity");
        assert!(read(&body).faults[0].pointer.ends_with("/type"));
    }

    #[test]
    fn events_mean_what_the_settings_say() {
        let table = json!({"usage": false, "account": ["/properties/workspace"], "events": {
            "Pricing Viewed": {"means": "intent", "kind": "evaluation", "strength": 0.4},
            "Trial Started": {"means": "lifecycle", "stage": "trial"}, "Opened": {"means": "usage"},
        }});
        let event = |name: &str| json!({"type": "track", "event": name, "messageId": name, "properties": {"workspace": "acc_1"}});
        let names = ["Pricing Viewed", "Trial Started", "Opened", "Scrolled"];
        let reading = read_as(&table, &About::new(), &Value::from(names.map(event).to_vec()));
        let types: Vec<&str> = sayings(&reading).iter().map(|one| one.event_type).collect();
        assert_eq!(types, ["gtm.intent.observed", "gtm.lifecycle.changed", "gtm.usage.recorded"]);
        assert_eq!(sayings(&reading)[0].data["strength"], 0.4);
        assert_eq!(reading.ignored, 1);
    }

    #[test]
    fn the_context_of_a_batch_is_that_of_its_messages() {
        let body = json!({"batch": [{"type": "track", "event": "Opened", "messageId": "m"}], "context": {"groupId": "acc_1"}});
        assert_eq!(sayings(&read(&body))[0].subject.as_deref(), Some("acc_1"));
    }

    #[test]
    fn a_message_that_cannot_be_understood_costs_the_others_nothing() {
        let good =
            json!({"type": "track", "event": "Opened", "messageId": "m", "context": {"groupId": "acc_1"}});
        let reading = read(&json!({"batch": [
            {"type": "track", "messageId": "a"}, good, {"type": "track", "event": "x", "timestamp": "soon"}, 7,
            {"type": "delete", "userId": "u_1"}, {"type": "page", "name": "Home"},
        ]}));
        let places: Vec<&str> = reading.faults.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(places, ["/batch/0/event", "/batch/2/timestamp", "/batch/3/type", "/batch/4"]);
        assert!(reading.faults[3].detail.contains("gtm privacy erase"));
        assert_eq!((sayings(&reading).len(), reading.ignored), (1, 1));
    }

    #[test]
    fn who_is_to_be_forgotten_is_erased_where_segment_has_signed_it_and_nowhere_else() {
        let delete = json!({"type": "delete", "userId": "jane@acme.com"});
        let erased = |reading: &Reading| match reading.said.as_slice() {
            [(_, Statement::Erase(Forgotten::Contact(id)))] => Some(id.clone()),
            _ => None,
        };
        assert_eq!(
            erased(&read(&delete)),
            Some(contact_id("jane@acme.com")),
            "the id by which contacts are told"
        );
        assert_eq!(erased(&read(&json!([delete, {"type": "page"}]))), Some(contact_id("jane@acme.com")));
        let second = read(&json!([{"type": "page"}, delete]));
        assert_eq!((erased(&second), second.faults.len()), (None, 1), "only the first of several is signed");
        let by_key = read_as(&json!({}), &about("batch"), &json!({"batch": [delete]}));
        assert_eq!((erased(&by_key), by_key.faults.len()), (None, 1));
    }

    #[test]
    fn a_clock_that_runs_ahead_puts_nothing_into_the_future() {
        let body = json!({"type": "track", "event": "Opened", "context": {"groupId": "a"}, "timestamp": "2031-01-01T00:00:00Z"});
        let said = sayings(&read(&body));
        assert_eq!(said[0].time, Some("2026-11-20T00:00:00Z".parse().unwrap()));
        assert_eq!(said[0].data["date"], "2026-11-20");
    }
}
