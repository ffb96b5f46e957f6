//! Events of `PostHog`'s clients, read one by one.

use serde_json::Value;

use super::{NAME, PostHog};
use crate::connectors::analytics::{Meaning, Message, Teller, id_text, instant};
use crate::connectors::inbound::{Reading, Received};

impl PostHog {
    /// A call holds one event, a list of them, or an object with a list.
    pub(super) fn events(&self, body: &Value, received: &Received<'_>) -> Reading {
        let mut teller = Teller::new(NAME);
        let (base, items) = match body {
            Value::Array(items) => ("", Some(items)),
            Value::Object(members) => ("/batch", members.get("batch").and_then(Value::as_array)),
            _ => return Reading::fault("", "the body is neither an event nor a list of events"),
        };
        match items {
            Some(items) => {
                for (at, item) in items.iter().enumerate() {
                    self.event(item, (&format!("{base}/{at}"), at), received, &mut teller);
                }
            }
            None => self.event(body, ("", 0), received, &mut teller),
        }
        teller.reading
    }

    fn event(
        &self,
        item: &Value,
        (place, number): (&str, usize),
        received: &Received<'_>,
        teller: &mut Teller<'_>,
    ) {
        let Some(name) = item["event"].as_str() else {
            teller.reading.misread(format!("{place}/event"), "the event has no name");
            return;
        };
        let at = match instant(&item["timestamp"], received.received_at) {
            Ok(at) => at,
            Err(fault) => {
                teller.reading.misread(format!("{place}/timestamp"), fault);
                return;
            }
        };
        let properties = &item["properties"];
        // Clients put what they set of a person beside the properties or among them.
        let set = [&item["$set"], &properties["$set"]].into_iter().find(|set| set.is_object());
        let set = set.unwrap_or(&Value::Null);
        let message = Message {
            place,
            // An event without an id is known by the call that brought it.
            id: id_text(&item["uuid"]).unwrap_or_else(|| format!("{}/{number}", received.id)),
            account: id_text(&properties["$groups"][self.group_type.as_str()]),
            user: person(item, properties),
            email: [&set["email"], &properties["email"], &item["distinct_id"]]
                .into_iter()
                .find_map(Value::as_str)
                .map(str::to_owned),
            at,
        };
        match name {
            "$identify" | "$set" => teller.contact(&message, set),
            "$groupidentify" => self.group(message, properties, teller),
            _ => {
                let meaning = match self.meanings.of(name) {
                    // What PostHog adds by itself is no feature of the product.
                    Meaning::Usage if name.starts_with('$') => &Meaning::Nothing,
                    meaning => meaning,
                };
                teller.event(&message, name, meaning);
            }
        }
    }

    fn group(&self, message: Message<'_>, properties: &Value, teller: &mut Teller<'_>) {
        if properties["$group_type"].as_str() != Some(&self.group_type) {
            teller.reading.ignored += 1;
            return;
        }
        // The id of the sender is that of the group here, or a random one: no person.
        let account = id_text(&properties["$group_key"]);
        teller.account(&Message { account, user: None, email: None, ..message }, &properties["$group_set"]);
    }
}

/// The person who did it; none before `PostHog` knows who it is, as one person would count under several ids.
fn person(item: &Value, properties: &Value) -> Option<String> {
    let user = id_text(&item["distinct_id"]).or_else(|| id_text(&properties["distinct_id"]))?;
    let device = properties["$device_id"].as_str() == Some(&user);
    let anonymous = device || properties["$process_person_profile"] == Value::Bool(false);
    (!anonymous).then_some(user)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::super::connect;
    use super::*;
    use crate::connectors::Tools;
    use crate::connectors::inbound::{About, Saying, Statement};
    use crate::connectors::settings::ConnectorSettings;
    use crate::kernel::clock::Clock;

    fn read(table: &Value, body: &Value) -> Reading {
        let all: ConnectorSettings = serde_json::from_value(json!({ "posthog": table })).unwrap();
        let section = all.sections().next().unwrap();
        let received_at = "2026-11-21T00:00:00Z".parse().unwrap();
        let client = crate::platform::outbox::client(std::time::Duration::from_secs(1)).unwrap();
        let made = connect(&Tools { clock: Clock::manual(received_at), client }, &section).unwrap().pop();
        let body = body.to_string();
        let about = About::new();
        let received = Received { id: Uuid::nil(), received_at, about: &about, body: body.as_bytes() };
        made.unwrap().inbound.unwrap().read(&received)
    }

    fn sayings(reading: &Reading) -> Vec<Saying> {
        let of = |(_, statement): &(String, Statement)| match statement {
            Statement::Event(saying) => saying.clone(),
            other => panic!("{other:?}"),
        };
        reading.said.iter().map(of).collect()
    }

    #[test]
    fn groups_of_one_type_are_accounts_and_others_are_not() {
        let group = |kind: &str| {
            let set = json!({"name": "Acme", "domain": "acme.com"});
            json!({"event": "$groupidentify", "distinct_id": "x", "uuid": kind,
                   "properties": {"$group_type": kind, "$group_key": "acc_1", "$group_set": set}})
        };
        let reading = read(
            &json!({"group_type": "organization"}),
            &json!({"batch": [group("company"), group("organization")]}),
        );
        let [one] = sayings(&reading).try_into().unwrap();
        assert_eq!((one.event_type, one.subject.as_deref()), ("gtm.account.upserted", Some("acc_1")));
        assert_eq!((one.id.as_str(), reading.ignored), ("organization", 1));
    }

    #[test]
    fn who_is_not_known_yet_and_what_posthog_adds_itself_count_nothing() {
        let event = |name: &str, who: &str, device: &str| {
            json!({"event": name, "uuid": format!("{name}{who}"), "distinct_id": who,
                   "properties": {"$groups": {"company": "acc_1"}, "$device_id": device}})
        };
        let reading = read(
            &json!({}),
            &json!([
                event("opened", "d1", "d1"),
                event("opened", "u_1", "d1"),
                event("$pageview", "u_1", "d1")
            ]),
        );
        let said = sayings(&reading);
        let people = said.iter().filter(|one| one.data.get("activeUsers").is_some()).count();
        assert_eq!((said.len(), people, reading.ignored), (3, 1, 1), "two uses, one person");
    }

    #[test]
    fn a_single_event_is_read_like_one_of_a_batch() {
        let reading = read(
            &json!({}),
            &json!({"event": "opened", "distinct_id": "u", "properties": {"$groups": {"company": 7}}}),
        );
        assert_eq!(sayings(&reading)[0].subject.as_deref(), Some("7"));
        let wrong =
            read(&json!({}), &json!({"batch": [{"distinct_id": "u"}, {"event": "x", "timestamp": []}]}));
        let places: Vec<&str> = wrong.faults.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(places, ["/batch/0/event", "/batch/1/timestamp"]);
    }
}
