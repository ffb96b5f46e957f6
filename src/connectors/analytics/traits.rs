//! Traits of people and companies as clients write them, read as far as they fit.
//!
//! Promises: what does not fit its field (a headcount of `"50-100"`, a birthday as creation date) is left out, and never
//! costs the rest; long texts are cut at what the field holds.

use serde_json::{Map, Value, json};

use crate::accounts::COUNT_MAX;
use crate::accounts::commands::domain_of;
use crate::kernel::ids::check_caller_id;
use crate::kernel::json::sha256;

/// Characters of a short text and of a word, as events hold them.
const TEXT_MAX: usize = 256;
const WORD_MAX: usize = 64;

/// Collects the fields of an event.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn put(&mut self, name: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.0.insert(name.to_owned(), value.into());
        }
    }
}

/// A text that holds something, cut at `max` characters.
pub(super) fn text(value: &Value, max: usize) -> Option<String> {
    let text: String = value.as_str()?.trim().chars().filter(|c| *c != '\0').take(max).collect();
    let text = text.trim().to_owned();
    (!text.is_empty()).then_some(text)
}

/// The first of several names that holds something.
fn first<'a>(traits: &'a Value, names: &[&str]) -> &'a Value {
    names.iter().map(|name| &traits[*name]).find(|value| !value.is_null()).unwrap_or(&Value::Null)
}

fn count(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
    .filter(|count| *count <= COUNT_MAX)
}

fn instant(value: &Value) -> Option<String> {
    let at = chrono::DateTime::parse_from_rfc3339(value.as_str()?).ok()?;
    (at.timestamp() >= 0).then(|| at.to_utc().to_rfc3339())
}

/// An e-mail address, when it looks like one.
pub(super) fn email(value: &Value) -> Option<String> {
    let text = text(value, 254)?;
    let (local, domain) = text.split_once('@')?;
    let plain = |part: &str| !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || c == '@');
    (plain(local) && plain(domain)).then_some(text)
}

/// A person's id as events take it: as it is where its characters allow that, else a digest of it. Products that use
/// e-mail addresses as ids thereby have stable contacts too.
pub fn contact_id(user: &str) -> String {
    if check_caller_id(user).is_ok() {
        return user.to_owned();
    }
    format!("u_{}", &hex::encode(sha256(user.as_bytes()))[..32])
}

/// The data of `gtm.account.upserted`; none without a name, which that event needs.
pub(super) fn account(traits: &Value) -> Option<Value> {
    let mut fields = Fields::default();
    fields.put("name", Some(text(&traits["name"], TEXT_MAX)?));
    let site = first(traits, &["domain", "website"]).as_str().and_then(domain_of);
    fields.put("domain", site);
    fields.put("industry", text(&traits["industry"], TEXT_MAX));
    fields.put(
        "employeeCount",
        count(first(traits, &["employees", "employee_count", "employeeCount", "company_size"])),
    );
    fields.put("country", text(first(traits, &["country"]), WORD_MAX));
    fields.put("region", text(first(traits, &["region", "state"]), TEXT_MAX));
    let address = &traits["address"];
    if !fields.0.contains_key("country") {
        fields.put("country", text(&address["country"], WORD_MAX));
    }
    if !fields.0.contains_key("region") {
        fields.put("region", text(&address["state"], TEXT_MAX));
    }
    fields.put("planTier", text(first(traits, &["plan", "planTier"]), WORD_MAX));
    fields.put("seats", count(&traits["seats"]));
    fields.put("createdAt", instant(first(traits, &["createdAt", "created_at"])));
    Some(Value::Object(fields.0))
}

/// The data of `gtm.contact.upserted`.
pub(super) fn contact(user: &str, traits: &Value) -> Value {
    let mut fields = Fields::default();
    fields.put("contactId", Some(contact_id(user)));
    let full = text(&traits["name"], TEXT_MAX);
    // Only a name of two parts and more says which part is which.
    let parts = full.as_deref().and_then(|full| full.rsplit_once(' '));
    let part = |own: &Value, other: Option<&str>| text(own, TEXT_MAX).or_else(|| other.map(str::to_owned));
    fields.put(
        "firstName",
        part(first(traits, &["firstName", "first_name"]), parts.map(|(first, _)| first.trim())),
    );
    fields.put("lastName", part(first(traits, &["lastName", "last_name"]), parts.map(|(_, last)| last)));
    fields.put("title", text(first(traits, &["title", "jobTitle", "job_title"]), TEXT_MAX));
    fields.put("email", email(&traits["email"]).or_else(|| email(&json!(user))));
    fields.put("phone", text(&traits["phone"], WORD_MAX));
    Value::Object(fields.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::accounts::{Arrived, EventParts, Rejected};

    fn arrives(event_type: &str, data: &Value) -> Result<Arrived, Rejected> {
        let data = data.to_string();
        let parts = EventParts {
            source: Some("segment"),
            id: Some("1"),
            event_type: Some(event_type),
            subject: Some("acc_1"),
            time: None,
            content_type: None,
            data: Some(&data),
        };
        Arrived::parse(parts, chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap())
    }

    #[test]
    fn traits_become_fields_and_what_does_not_fit_is_left_out() {
        let traits = json!({
            "name": "Acme", "website": "https://www.acme.com/", "employees": "120", "plan": "pro", "seats": -3,
            "createdAt": "last year", "address": {"country": "de", "state": "Berlin"},
        });
        let expected = json!({
            "name": "Acme", "domain": "acme.com", "employeeCount": 120, "planTier": "pro", "country": "de",
            "region": "Berlin",
        });
        assert_eq!(account(&traits), Some(expected));
        assert_eq!(account(&json!({"employees": 120})), None, "without a name it is no account");
        let person = contact("jane@acme.com", &json!({"name": "Jane van Doe", "phone": 7}));
        assert_eq!(
            (person["firstName"].as_str(), person["lastName"].as_str()),
            (Some("Jane van"), Some("Doe"))
        );
        assert_eq!(person["email"], "jane@acme.com", "an address as id is an address");
        assert_eq!(person["contactId"].as_str().map(str::len), Some(34));
        assert_eq!(contact_id("u_1"), "u_1");
    }

    fn anything() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            // The neighbourhood of the largest count.
            (0..1_u64 << 41).prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            "[a-z@. ]{0,300}".prop_map(Value::from),
            Just(json!([1])),
            Just(json!({"country": 1, "state": "x"})),
        ]
    }

    proptest! {
        #[test]
        fn whatever_the_traits_are_the_event_is_taken(
            values in proptest::collection::vec(anything(), 18), name in ".{1,300}", user in ".{1,200}",
        ) {
            let names = [
                "website", "industry", "employees", "address", "plan", "seats", "createdAt", "firstName", "email",
                "lastName", "title", "phone", "domain", "country", "region", "employee_count", "jobTitle", "state",
            ];
            let mut traits: Map<String, Value> =
                names.into_iter().map(str::to_owned).zip(values).collect();
            traits.insert("name".to_owned(), name.into());
            let traits = Value::Object(traits);
            if let Some(data) = account(&traits) {
                prop_assert!(arrives("gtm.account.upserted", &data).is_ok(), "{data}");
            }
            let data = contact(&user, &traits);
            prop_assert!(arrives("gtm.contact.upserted", &data).is_ok(), "{data}");
        }
    }
}
