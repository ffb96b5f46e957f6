//! Webhooks: believed by their signature, then read for the objects that they name.
//!
//! Promises: what a webhook says of an object's values is not used, because calls come late, twice and out of order;
//! each object is asked for once however many events name it.

use std::collections::BTreeSet;
use std::sync::Arc;

use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::Value;

use super::deal::is_object_id;
use super::fields::Kind;
use super::settings::Settings;
use super::signature::{self, Signed};
use crate::connectors::inbound::{
    Call, Forgotten, Inbound, ObjectRef, Reading, Received, Refusal, Statement,
};

/// What calls us.
pub(super) struct Webhooks {
    settings: Arc<Settings>,
}

/// One event of a call; ids are numbers, and text in some versions.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    #[serde(default, alias = "eventType")]
    subscription_type: Option<String>,
    #[serde(default)]
    portal_id: Option<Value>,
    #[serde(default)]
    object_id: Option<Value>,
    #[serde(default)]
    object_type_id: Option<String>,
    #[serde(default)]
    primary_object_id: Option<Value>,
    #[serde(default)]
    new_object_id: Option<Value>,
    #[serde(default)]
    merged_object_ids: Vec<Value>,
    #[serde(default)]
    association_type: Option<String>,
    #[serde(default)]
    from_object_id: Option<Value>,
    #[serde(default)]
    to_object_id: Option<Value>,
}

/// What an event means.
#[derive(Debug, PartialEq, Eq)]
enum Meaning {
    /// These are to be read.
    Changed(Vec<(Kind, String)>),
    /// This contact is to be forgotten.
    Erased(String),
    /// These are to be read, and somebody has to do the rest.
    Person(Vec<(Kind, String)>, String),
    Ignored,
    Malformed(&'static str, &'static str),
}

impl Webhooks {
    pub(super) fn new(settings: Arc<Settings>) -> Self {
        Self { settings }
    }

    fn other_portal(&self, event: &Event) -> Option<String> {
        let (ours, theirs) = (self.settings.portal_id?.to_string(), text(event.portal_id.as_ref())?);
        (ours != theirs).then(|| {
            format!("comes from portal {theirs}; the settings name {ours} (connectors.hubspot.portal_id)")
        })
    }
}

impl Inbound for Webhooks {
    fn verify(&self, call: &Call<'_>) -> Result<(), Refusal> {
        let secret = self.settings.client_secret.as_ref().ok_or(Refusal::Unsigned)?;
        let signed = Signed {
            secret: secret.0.expose_secret().as_bytes(),
            method: "POST",
            url: self.settings.public_url.as_deref().unwrap_or_default(),
            body: call.body,
        };
        signature::verify(call, &signed, &self.settings.signatures)
    }

    fn read(&self, received: &Received<'_>) -> Reading {
        let (items, alone): (Vec<Value>, bool) = match serde_json::from_slice(received.body) {
            Ok(Value::Array(items)) => (items, false),
            Ok(item @ Value::Object(_)) => (vec![item], true),
            Ok(_) => return Reading::fault("", "is neither a list of events nor an event"),
            Err(error) => return Reading::fault("", format!("the body is not JSON: {error}")),
        };
        let (mut reading, mut seen) = (Reading::default(), BTreeSet::new());
        for (at, item) in items.iter().enumerate() {
            let place = if alone { String::new() } else { format!("/{at}") };
            let event = match Event::deserialize(item) {
                Ok(event) => event,
                Err(error) => {
                    reading.misread(place, format!("is no event: {error}"));
                    continue;
                }
            };
            if let Some(fault) = self.other_portal(&event) {
                reading.misread(format!("{place}/portalId"), fault);
                continue;
            }
            let objects = match event.meaning() {
                Meaning::Ignored => {
                    reading.ignored += 1;
                    continue;
                }
                Meaning::Malformed(field, detail) => {
                    reading.misread(format!("{place}/{field}"), detail);
                    continue;
                }
                Meaning::Erased(id) => {
                    reading.say(place, Statement::Erase(Forgotten::Contact(id)));
                    continue;
                }
                Meaning::Changed(objects) => objects,
                Meaning::Person(objects, what) => {
                    reading.misread(place.clone(), what);
                    objects
                }
            };
            for (kind, id) in objects {
                let object = ObjectRef { object: kind.collection().to_owned(), id };
                if !seen.insert(object.clone()) {
                    continue;
                }
                if self.settings.token.is_some() {
                    reading.say(place.clone(), Statement::Changed(object));
                } else {
                    reading.misread(
                        place.clone(),
                        format!(
                            "{} {} has changed, and it cannot be read without a token: set connectors.hubspot.token, \
                             then put this call back",
                            kind.one(),
                            object.id
                        ),
                    );
                }
            }
        }
        reading
    }
}

impl Event {
    fn meaning(&self) -> Meaning {
        let Some(said) = self.subscription_type.as_deref() else {
            return Meaning::Malformed("subscriptionType", "is missing: it says what has happened");
        };
        let Some((object, what)) = said.split_once('.') else { return Meaning::Ignored };
        let kind = if object == "object" {
            self.object_type_id.as_deref().and_then(kind_of_type_id)
        } else {
            Kind::ALL.into_iter().find(|kind| kind.one() == object)
        };
        let Some(kind) = kind else { return Meaning::Ignored };
        match what {
            "creation" | "propertyChange" | "deletion" | "restore" => match text(self.object_id.as_ref()) {
                Some(id) => Meaning::Changed(vec![(kind, id)]),
                None => Meaning::Malformed("objectId", "is missing: it says which object has changed"),
            },
            "merge" => self.merge(kind),
            "associationChange" => self.association(),
            "privacyDeletion" => match (kind, text(self.object_id.as_ref())) {
                (Kind::Contact, Some(id)) => Meaning::Erased(id),
                (_, Some(_)) => Meaning::Ignored,
                (_, None) => Meaning::Malformed("objectId", "is missing: it says who is to be forgotten"),
            },
            _ => Meaning::Ignored,
        }
    }

    fn merge(&self, kind: Kind) -> Meaning {
        let survivor = [&self.new_object_id, &self.primary_object_id, &self.object_id];
        let Some(survivor) = survivor.into_iter().find_map(|id| text(id.as_ref())) else {
            return Meaning::Malformed(
                "primaryObjectId",
                "is missing: it says what the objects were merged into",
            );
        };
        let mut ids: Vec<String> = self.merged_object_ids.iter().filter_map(|id| text(Some(id))).collect();
        ids.extend(text(self.primary_object_id.as_ref()));
        ids.retain(|id| *id != survivor);
        ids.sort_unstable();
        ids.dedup();
        let changed = vec![(kind, survivor.clone())];
        if kind == Kind::Company && !ids.is_empty() {
            let what = format!(
                "companies {} were merged into {survivor} in HubSpot. Their accounts here stay apart: correct the match \
                 of what came to them if the history is to be one",
                ids.join(", ")
            );
            return Meaning::Person(changed, what);
        }
        Meaning::Changed(changed.into_iter().chain(ids.into_iter().map(|id| (kind, id))).collect())
    }

    /// Contacts and deals say whose they are; companies do not say what is theirs.
    fn association(&self) -> Meaning {
        let Some((from, to)) = self.association_type.as_deref().and_then(|pair| pair.split_once("_TO_"))
        else {
            return Meaning::Ignored;
        };
        let end = |name: &str, id: Option<&Value>| {
            let kind = Kind::ALL.into_iter().find(|kind| kind.one().eq_ignore_ascii_case(name))?;
            Some((kind, text(id)?))
        };
        let ends = [end(from, self.from_object_id.as_ref()), end(to, self.to_object_id.as_ref())];
        let with_company = ends.iter().flatten().any(|(kind, _)| *kind == Kind::Company);
        let others: Vec<_> = ends.into_iter().flatten().filter(|(kind, _)| *kind != Kind::Company).collect();
        if with_company && !others.is_empty() { Meaning::Changed(others) } else { Meaning::Ignored }
    }
}

fn kind_of_type_id(id: &str) -> Option<Kind> {
    match id {
        "0-1" => Some(Kind::Contact),
        "0-2" => Some(Kind::Company),
        "0-3" => Some(Kind::Deal),
        _ => None,
    }
}

/// An id; what is none would end up in an address.
fn text(value: Option<&Value>) -> Option<String> {
    let text = match value? {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        _ => return None,
    };
    is_object_id(&text).then_some(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::connectors::inbound::About;

    fn read(settings: Value, body: &[u8]) -> Reading {
        let webhooks = Webhooks::new(Arc::new(serde_json::from_value(settings).unwrap()));
        let received_at = chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        webhooks.read(&Received { id: Uuid::nil(), received_at, about: &About::new(), body })
    }

    /// With a token, of portal 33.
    fn read_events(events: &Value) -> Reading {
        read(json!({"token": "t", "client_secret": "s", "portal_id": 33}), events.to_string().as_bytes())
    }

    /// What is to be read, as `companies/1`.
    fn asked(reading: &Reading) -> Vec<String> {
        let object = |statement: &Statement| match statement {
            Statement::Changed(object) => Some(format!("{}/{}", object.object, object.id)),
            _ => None,
        };
        reading.said.iter().filter_map(|(_, statement)| object(statement)).collect()
    }

    fn event(kind: &str, id: u64) -> Value {
        json!({"eventId": 1, "subscriptionId": 25, "portalId": 33, "appId": 1, "occurredAt": 1_462_216_307_945_i64,
            "subscriptionType": kind, "attemptNumber": 0, "objectId": id, "changeSource": "CRM_UI"})
    }

    #[test]
    fn a_hundred_events_in_any_order_and_twice_ask_for_each_object_once() {
        let mut events: Vec<Value> = (0..50).map(|id| event("company.propertyChange", id % 10)).collect();
        events.extend((0..50).map(|id| event("deal.creation", id % 5)).rev());
        let reading = read_events(&json!(events));
        assert_eq!((asked(&reading).len(), reading.faults.len(), reading.ignored), (15, 0, 0));
        assert_eq!(reading.said[0].0, "/0");
    }

    #[test]
    fn both_names_of_the_type_and_generic_objects_are_understood_and_others_ignored() {
        let reading = read_events(&json!([
            {"eventType": "contact.propertyChange", "objectId": 7, "portalId": 33, "propertyValue": "REDACTED", "isSensitive": true},
            {"subscriptionType": "object.propertyChange", "objectTypeId": "0-3", "objectId": "9"},
            {"subscriptionType": "object.propertyChange", "objectTypeId": "2-4711", "objectId": 9},
            {"subscriptionType": "contact.deletion", "objectId": 8},
            {"subscriptionType": "ticket.creation", "objectId": 1},
            {"subscriptionType": "conversation.newMessage", "objectId": 1},
            {"subscriptionType": "company.somethingNew", "objectId": 1},
        ]));
        assert_eq!(asked(&reading), ["contacts/7", "deals/9", "contacts/8"]);
        assert_eq!((reading.ignored, reading.faults.len()), (4, 0));
        let alone = read_events(&event("company.restore", 4));
        assert_eq!((asked(&alone), alone.said[0].0.as_str()), (vec!["companies/4".to_owned()], ""));
    }

    #[test]
    fn an_association_asks_for_whatever_says_whose_it_is() {
        let change = |pair: &str| json!({"subscriptionType": "company.associationChange", "associationType": pair, "fromObjectId": 1, "toObjectId": 2});
        let reading = read_events(&json!([
            change("COMPANY_TO_DEAL"),
            change("CONTACT_TO_COMPANY"),
            change("CONTACT_TO_DEAL"),
            change("COMPANY_TO_COMPANY"),
        ]));
        assert_eq!(asked(&reading), ["deals/2", "contacts/1"]);
        assert_eq!(reading.ignored, 2);
    }

    #[test]
    fn who_is_forgotten_there_is_erased_here_and_a_merge_of_companies_is_kept_for_a_person() {
        let merge = |kind: &str| json!({"subscriptionType": format!("{kind}.merge"), "primaryObjectId": 1, "mergedObjectIds": [1, 2], "newObjectId": 3});
        let reading =
            read_events(&json!([event("contact.privacyDeletion", 5), merge("company"), merge("contact")]));
        let forget = Statement::Erase(Forgotten::Contact("5".to_owned()));
        assert!(reading.said.iter().any(|(_, said)| *said == forget), "{:?}", reading.said);
        let details: Vec<&str> = reading.faults.iter().map(|fault| fault.detail.as_str()).collect();
        assert_eq!(details.len(), 1, "{details:?}");
        assert!(details[0].contains("companies 1, 2 were merged into 3"), "{}", details[0]);
        assert_eq!(asked(&reading), ["companies/3", "contacts/3", "contacts/1", "contacts/2"]);
    }

    #[test]
    fn without_a_token_changes_are_set_aside_with_the_advice_to_set_one() {
        let reading = read(
            json!({"client_secret": "s"}),
            json!([event("deal.propertyChange", 6)]).to_string().as_bytes(),
        );
        assert!(reading.said.is_empty());
        assert!(
            reading.faults[0].detail.contains("deal 6")
                && reading.faults[0].detail.contains("connectors.hubspot.token")
        );
    }

    #[test]
    fn what_is_malformed_or_of_another_portal_is_a_fault_of_its_own_place_and_costs_the_rest_nothing() {
        let reading = read_events(&json!([
            {"subscriptionType": "deal.creation", "objectId": "../owners"}, {"objectId": 1}, 7,
            {"subscriptionType": "deal.creation", "objectId": 1, "portalId": 34},
            event("deal.creation", 2),
        ]));
        let places: Vec<&str> = reading.faults.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(places, ["/0/objectId", "/1/subscriptionType", "/2", "/3/portalId"]);
        assert_eq!(asked(&reading), ["deals/2"]);
        assert_eq!(read(json!({"token": "t"}), b"<html>").faults.len(), 1);
        assert_eq!(read(json!({"token": "t"}), b"42").faults.len(), 1);
        assert_eq!(read_events(&json!([])).faults.len(), 0);
    }
}
