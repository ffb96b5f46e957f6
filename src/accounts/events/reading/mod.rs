//! Reading typed values out of the raw JSON text of an event's data.
//!
//! Promises: each field is read from its own piece of the sender's text, so a decimal number never passes
//! through a float; every fault is recorded with its place and reading goes on; a kind of value reads and
//! describes itself, so that what is checked and what is documented are one thing.
//! Leaves out: which fields an event has (the rooms of `data`).

mod collections;
mod numbers;
pub(super) mod times;
mod words;

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::fault::{Fault, FaultCode};
use super::shape::Shape;
use crate::kernel::clock::DateTime;

pub use collections::{Counts, List};
pub use numbers::{COUNT_MAX, Count, Flag, Fraction, Money, Score};
pub use times::{Day, Instant, Past, UsageDate};
pub use words::{
    CallerId, Country, Currency, Domain, Email, OneOf, Prose, Text, UniqueId, Vocabulary, Word, string,
};

/// What an event says of an optional field.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Said<T> {
    /// Nothing: what is known stands.
    #[default]
    Nothing,
    /// An explicit null: the value is cleared.
    Cleared,
    Value(T),
}

impl<T> Said<T> {
    /// The value, when one was said.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Nothing | Self::Cleared => None,
        }
    }
}

/// Where in the event the reading is: a chain back to the root, made into a pointer only for a fault.
#[derive(Debug, Clone, Copy)]
pub enum Place<'p> {
    Root,
    Key(&'p Place<'p>, &'p str),
    Index(&'p Place<'p>, usize),
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Key(parent, key) => {
                write!(f, "{parent}/{}", key.replace('~', "~0").replace('/', "~1"))
            }
            Self::Index(parent, index) => write!(f, "{parent}/{index}"),
        }
    }
}

/// Faults of one event that are listed: keeps the answer small however broken the event is.
const FAULTS_MAX: usize = 50;

/// One event being read: the instant it arrived and the faults found so far.
#[derive(Debug)]
pub struct Reading {
    pub received_at: DateTime,
    pub faults: Vec<Fault>,
}

impl Reading {
    pub fn new(received_at: DateTime) -> Self {
        Self { received_at, faults: Vec::new() }
    }

    /// Records a fault and gives nothing, so that a reader can end with it. Beyond [`FAULTS_MAX`] an event is
    /// broken as a whole and more is not recorded.
    pub fn refuse<T>(&mut self, place: &Place<'_>, code: FaultCode, detail: impl Into<String>) -> Option<T> {
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(Fault { pointer: place.to_string(), code, detail: detail.into() });
        }
        None
    }

    /// Refuses a value of another JSON type.
    pub fn expected<T>(&mut self, place: &Place<'_>, what: &str, raw: &str) -> Option<T> {
        let detail = format!("expected {what}, found {}", json_type(raw));
        self.refuse(place, FaultCode::WrongType, detail)
    }
}

/// The JSON type of a value, by its text, with its article.
fn json_type(raw: &str) -> &'static str {
    match raw.as_bytes().first() {
        Some(b'"') => "a string",
        Some(b'{') => "an object",
        Some(b'[') => "a list",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        Some(_) => "a number",
        None => "nothing",
    }
}

/// A kind of value: how it is read from JSON text and how it is documented.
pub trait Kind {
    type Value;
    const SHAPE: Shape;

    /// Reads the value; nothing when it was refused, and then a fault says why.
    fn read(raw: &str, place: &Place<'_>, reading: &mut Reading) -> Option<Self::Value>;
}

/// The members of a JSON object, each with its text. Of repeated keys the last counts, as in most parsers.
pub struct Fields<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

/// More members than this in one object are no business data.
const MEMBERS_MAX: usize = 1_000;

impl<'a> Fields<'a> {
    /// Splits an object into its members.
    pub fn split(raw: &'a str, place: &Place<'_>, reading: &mut Reading) -> Option<Self> {
        if !raw.starts_with('{') {
            return reading.expected(place, "an object", raw);
        }
        let mut json = serde_json::Deserializer::from_str(raw);
        let members = json.deserialize_map(Members).and_then(|members| json.end().map(|()| members));
        match members {
            Ok(members) if members.len() > MEMBERS_MAX => reading.refuse(
                place,
                FaultCode::TooMany,
                format!("at most {MEMBERS_MAX} members are accepted, this has {}", members.len()),
            ),
            Ok(members) => Some(Self(members)),
            Err(error) => reading.refuse(place, FaultCode::MalformedJson, error.to_string()),
        }
    }

    /// The text of a member; nothing when it is absent.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.0.iter().rev().find(|(key, _)| key == name).map(|(_, raw)| raw.get())
    }

    /// All members in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &'a str)> {
        self.0.iter().map(|(key, raw)| (key.as_ref(), raw.get()))
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// A value that must be there.
    pub fn required<K: Kind>(
        &self,
        name: &str,
        place: &Place<'_>,
        reading: &mut Reading,
    ) -> Option<K::Value> {
        let place = Place::Key(place, name);
        match self.get(name) {
            None => reading.refuse(&place, FaultCode::Required, "is required"),
            Some("null") => reading.refuse(&place, FaultCode::Required, "is required and must not be null"),
            Some(raw) => K::read(raw, &place, reading),
        }
    }

    /// A value that may be absent, or null to clear it.
    pub fn optional<K: Kind>(&self, name: &str, place: &Place<'_>, reading: &mut Reading) -> Said<K::Value> {
        match self.get(name) {
            None => Said::Nothing,
            Some("null") => Said::Cleared,
            Some(raw) => K::read(raw, &Place::Key(place, name), reading).map_or(Said::Nothing, Said::Value),
        }
    }
}

/// Collects the members of an object without copying what needs no copy.
struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Vec<(Cow<'de, str>, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::with_capacity(8);
        while let Some(Name(name)) = map.next_key()? {
            let value = map.next_value()?;
            // One beyond the limit is kept, so that the caller sees that it was passed.
            if members.len() <= MEMBERS_MAX {
                members.push((name, value));
            }
        }
        Ok(members)
    }
}

/// A member's name, borrowed where it holds no escapes.
struct Name<'a>(Cow<'a, str>);

impl<'de> serde::Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Name<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

#[cfg(test)]
pub(super) mod probe {
    //! What the tests of this folder read a single value with.

    use super::*;

    /// Reads one value of a kind; a refusal gives its codes and details.
    pub(crate) fn read<K: Kind>(raw: &str) -> Result<K::Value, Vec<(FaultCode, String)>> {
        let at = chrono::DateTime::parse_from_rfc3339("2026-11-20T12:00:00Z").unwrap().to_utc();
        let mut reading = Reading::new(at);
        let value = K::read(raw, &Place::Key(&Place::Root, "v"), &mut reading);
        let faults: Vec<_> = reading.faults.into_iter().map(|f| (f.code, f.detail)).collect();
        match value {
            Some(value) if faults.is_empty() => Ok(value),
            _ => Err(faults),
        }
    }

    /// The one code that a value is refused with.
    pub(crate) fn refusal<K: Kind>(raw: &str) -> Option<FaultCode> {
        read::<K>(raw).err().map(|faults| faults[0].0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_become_pointers_with_their_escapes() {
        let root = Place::Root;
        let data = Place::Key(&root, "data");
        let features = Place::Key(&data, "a/b~c");
        assert_eq!(Place::Index(&features, 3).to_string(), "/data/a~1b~0c/3");
    }

    #[test]
    fn of_repeated_members_the_last_counts_and_escaped_names_are_found() {
        let mut reading = Reading::new(chrono::DateTime::UNIX_EPOCH);
        let fields = Fields::split(r#"{"a":1,"\u0062":2, "a" : [3] }"#, &Place::Root, &mut reading).unwrap();
        assert_eq!((fields.get("a"), fields.get("b"), fields.get("c")), (Some("[3]"), Some("2"), None));
    }

    #[test]
    fn an_object_with_too_many_members_is_refused() {
        let raw = format!("{{{}}}", vec!["\"a\":1"; MEMBERS_MAX + 2].join(","));
        let mut reading = Reading::new(chrono::DateTime::UNIX_EPOCH);
        assert!(Fields::split(&raw, &Place::Root, &mut reading).is_none());
        assert_eq!(reading.faults[0].code, FaultCode::TooMany);
    }

    #[test]
    fn the_list_of_faults_ends_somewhere() {
        let raw = format!("[{}]", vec!["1"; 200].join(","));
        let mut reading = Reading::new(chrono::DateTime::UNIX_EPOCH);
        assert!(List::<Text>::read(&raw, &Place::Root, &mut reading).is_none());
        assert_eq!(reading.faults.len(), FAULTS_MAX);
    }
}
