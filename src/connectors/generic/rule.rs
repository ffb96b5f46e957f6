//! A rule: which items of a call it is about, and the event that it makes of one. Pure.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::accounts::EventType;
use crate::connectors::inbound::{Reading, Saying, Statement};
use crate::kernel::clock::DateTime;

/// A rule as the settings have it. Places are JSON pointers into the item.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleSettings {
    /// What the item must hold, by place; without it every item fits.
    #[serde(default)]
    when: BTreeMap<String, Value>,
    /// The type of the event.
    r#type: String,
    /// What makes the item one of a kind: repeats of it count once.
    id: String,
    /// The account; without it the account is sought by what the data say.
    #[serde(default)]
    subject: Option<String>,
    /// When it was true: RFC 3339, or seconds or milliseconds since 1970.
    #[serde(default)]
    time: Option<String>,
    /// The event's data, by field.
    data: BTreeMap<String, Filling>,
}

/// Where a field of the data comes from.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Filling {
    /// A place in the item; what is not there leaves the field out.
    #[serde(default)]
    from: Option<String>,
    /// What values at that place mean; a value that is not named is a fault.
    #[serde(default)]
    map: Option<BTreeMap<String, Value>>,
    /// The same for every item.
    #[serde(default)]
    value: Option<Value>,
}

/// A checked rule.
pub(super) struct Rule {
    settings: RuleSettings,
    event_type: &'static str,
}

impl Rule {
    /// Checks what can be checked without an item; else the key and its fault.
    pub(super) fn new(settings: RuleSettings) -> Result<Self, (String, String)> {
        let Some(event_type) = EventType::from_name(&settings.r#type) else {
            let hint = EventType::nearest_name(&settings.r#type)
                .map_or_else(String::new, |near| format!("; did you mean {near}?"));
            return Err(("type".to_owned(), format!("there is no such event type{hint}")));
        };
        for (field, filling) in &settings.data {
            if filling.from.is_some() == filling.value.is_some() {
                return Err((format!("data.{field}"), "needs either `from` or `value`".to_owned()));
            }
        }
        let places = [Some(&settings.id), settings.subject.as_ref(), settings.time.as_ref()];
        let fields = settings.data.values().filter_map(|filling| filling.from.as_ref());
        let wrong = places.into_iter().flatten().chain(fields).chain(settings.when.keys());
        if let Some(place) = wrong.into_iter().find(|place| !place.is_empty() && !place.starts_with('/')) {
            return Err(("data".to_owned(), format!("`{place}` is no JSON pointer: it begins with /")));
        }
        Ok(Self { event_type: event_type.name(), settings })
    }

    /// Whether it is about an item.
    pub(super) fn fits(&self, item: &Value) -> bool {
        self.settings.when.iter().all(|(place, wanted)| item.pointer(place) == Some(wanted))
    }

    /// Makes the event, or notes every fault.
    pub(super) fn say(
        &self,
        source: &str,
        item: &Value,
        place: &str,
        received_at: DateTime,
        reading: &mut Reading,
    ) {
        let before = reading.faults.len();
        let id = text_at(item, &self.settings.id);
        if id.is_none() {
            reading.misread(format!("{place}{}", self.settings.id), "is missing: it tells items apart");
        }
        let time = self.settings.time.as_ref().map(|at| {
            let found = item.pointer(at).and_then(instant);
            if found.is_none() {
                reading.misread(
                    format!("{place}{at}"),
                    "is no instant: RFC 3339, or seconds or milliseconds since 1970",
                );
            }
            found
        });
        let mut data = Map::new();
        for (field, filling) in &self.settings.data {
            match filling.fill(item) {
                Ok(Some(value)) => drop(data.insert(field.clone(), value)),
                Ok(None) => {}
                Err(detail) => {
                    let from = filling.from.as_deref().unwrap_or_default();
                    reading.misread(format!("{place}{from}"), detail);
                }
            }
        }
        if reading.faults.len() > before {
            return;
        }
        let saying = Saying {
            source: source.to_owned(),
            id: id.unwrap_or_default(),
            event_type: self.event_type,
            subject: self.settings.subject.as_ref().and_then(|at| text_at(item, at)),
            time: time.flatten().or(Some(received_at)),
            data: Value::Object(data),
        };
        reading.say(place, Statement::Event(saying));
    }
}

impl Filling {
    fn fill(&self, item: &Value) -> Result<Option<Value>, String> {
        if let Some(value) = &self.value {
            return Ok(Some(value.clone()));
        }
        let found = self.from.as_ref().and_then(|place| item.pointer(place)).filter(|found| !found.is_null());
        let (Some(found), Some(map)) = (found, &self.map) else { return Ok(found.cloned()) };
        let name = text(found).unwrap_or_default();
        match map.get(&name) {
            Some(value) => Ok(Some(value.clone())),
            None => Err(format!("the mapping does not say what `{name}` means")),
        }
    }
}

/// A text or number as text.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

fn text_at(item: &Value, place: &str) -> Option<String> {
    text(item.pointer(place)?)
}

/// Seconds since 1970 have ten digits until the year 2286, milliseconds thirteen.
fn instant(value: &Value) -> Option<DateTime> {
    const MILLISECONDS_FROM: i64 = 100_000_000_000;
    match value {
        Value::String(text) => chrono::DateTime::parse_from_rfc3339(text).ok().map(|at| at.to_utc()),
        Value::Number(number) => match number.as_i64()? {
            ms if ms >= MILLISECONDS_FROM => chrono::DateTime::from_timestamp_millis(ms),
            secs => chrono::DateTime::from_timestamp(secs, 0),
        },
        _ => None,
    }
}
