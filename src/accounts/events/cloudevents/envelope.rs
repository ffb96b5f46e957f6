//! Structured mode: attributes and data as members of one JSON object.
//!
//! Promises: attributes are read where they lie in the body; `data` is never parsed into a tree; a null
//! attribute is an absent one; an attribute that is given twice is refused, because the two could mean
//! different events.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Deserializer as _, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::super::catalogue::EventType;
use super::super::event::{Extensions, Parts};
use super::super::fault::{FaultCode, Rejected, quoted};
use super::super::reading::{Fields, Place, Reading, string};
use super::{Arrived, BATCH_EVENTS_MAX, RequestFault, expect_json, finish, kept_type};
use crate::kernel::clock::DateTime;

/// Characters of an extension's name that are kept.
const EXTENSION_NAME_MAX: usize = 64;
/// Bytes of an extension's value that are kept.
pub(super) const EXTENSION_VALUE_BYTES_MAX: usize = 1_024;
/// Extensions of one event that are kept.
pub(super) const EXTENSIONS_MAX: usize = 32;

/// Splits a batch into its elements, without looking into them.
pub(super) fn batch(text: &str) -> Result<Vec<&RawValue>, RequestFault> {
    let mut json = serde_json::Deserializer::from_str(text);
    let malformed = |error: serde_json::Error| RequestFault::Malformed(error.to_string());
    match json.deserialize_seq(Elements).map_err(malformed)? {
        Some(elements) => json.end().map_err(malformed).map(|()| elements),
        None => Err(RequestFault::TooManyEvents),
    }
}

/// The elements of a list; nothing when there are too many.
struct Elements;

impl<'de> Visitor<'de> for Elements {
    type Value = Option<Vec<&'de RawValue>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON list of events")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut elements = Vec::new();
        let mut too_many = false;
        while let Some(element) = seq.next_element()? {
            // The rest is read on, so that the answer to broken JSON does not depend on where it breaks.
            if elements.len() < BATCH_EVENTS_MAX {
                elements.push(element);
            } else {
                too_many = true;
            }
        }
        Ok((!too_many).then_some(elements))
    }
}

/// The attributes of one structured event, as far as they could be read.
#[derive(Default)]
struct Envelope<'a> {
    specversion: Option<Cow<'a, str>>,
    id: Option<Cow<'a, str>>,
    source: Option<Cow<'a, str>>,
    event_type: Option<Cow<'a, str>>,
    subject: Option<Cow<'a, str>>,
    time: Option<Cow<'a, str>>,
    content_type: Option<Cow<'a, str>>,
    data: Option<&'a str>,
    data_base64: Option<Cow<'a, str>>,
    extensions: Extensions,
}

/// One structured event.
pub(super) fn event(raw: &RawValue, index: usize, now: DateTime) -> Result<Arrived, Rejected> {
    let mut reading = Reading::new(now);
    let Some(fields) = Fields::split(raw.get(), &Place::Root, &mut reading) else {
        return Err(Rejected { index, id: None, faults: reading.faults });
    };
    let envelope = Envelope::read(&fields, &mut reading);
    check_version(envelope.specversion.as_deref(), &mut reading);
    let decoded = envelope.decoded_data(&mut reading);
    let content_type = envelope.content_type.as_deref().and_then(kept_type);
    let parts = Parts {
        source: envelope.source.as_deref(),
        id: envelope.id.as_deref(),
        event_type: envelope.event_type.as_deref(),
        subject: envelope.subject.as_deref(),
        time: envelope.time.as_deref(),
        content_type: content_type.as_deref(),
        data: envelope.data.or(decoded.as_deref()),
    };
    finish(parts, envelope.extensions, index, reading)
}

/// Refuses every version but 1.0.
pub(super) fn check_version(version: Option<&str>, reading: &mut Reading) {
    let place = Place::Key(&Place::Root, "specversion");
    match version {
        Some("1.0") => {}
        Some(other) => {
            let detail = format!("{} is not read here; send \"1.0\"", quoted(other));
            reading.refuse::<()>(&place, FaultCode::UnsupportedSpecversion, detail);
        }
        None => {
            reading.refuse::<()>(&place, FaultCode::Required, "is required: \"1.0\"");
        }
    }
}

impl<'a> Envelope<'a> {
    fn read(fields: &Fields<'a>, reading: &mut Reading) -> Self {
        let mut envelope = Self::default();
        for (name, raw) in fields.iter().filter(|(_, raw)| *raw != "null") {
            let place = Place::Key(&Place::Root, name);
            if name == "data" {
                if envelope.data.replace(raw).is_some() {
                    twice(&place, reading);
                }
                continue;
            }
            let Some(slot) = envelope.attribute(name) else {
                envelope.extension(name, raw, reading);
                continue;
            };
            if slot.is_some() {
                twice(&place, reading);
            } else if let Some(text) = string(raw, &place, reading) {
                *slot = Some(text);
            }
        }
        envelope
    }

    /// The slot of an attribute that the service understands.
    fn attribute(&mut self, name: &str) -> Option<&mut Option<Cow<'a, str>>> {
        Some(match name {
            "specversion" => &mut self.specversion,
            "id" => &mut self.id,
            "source" => &mut self.source,
            "type" => &mut self.event_type,
            "subject" => &mut self.subject,
            "time" => &mut self.time,
            "datacontenttype" => &mut self.content_type,
            "data_base64" => &mut self.data_base64,
            _ => return None,
        })
    }

    /// Keeps an attribute that the service does not understand.
    fn extension(&mut self, name: &str, raw: &str, reading: &mut Reading) {
        let place = Place::Key(&Place::Root, name);
        if raw.starts_with(['{', '[']) {
            reading.expected::<()>(&place, "a string, a number or a boolean", raw);
        } else if name.len() > EXTENSION_NAME_MAX || raw.len() > EXTENSION_VALUE_BYTES_MAX {
            let detail = format!(
                "an extension has a name of at most {EXTENSION_NAME_MAX} and a value of at most \
                 {EXTENSION_VALUE_BYTES_MAX} bytes"
            );
            reading.refuse::<()>(&place, FaultCode::TooLong, detail);
        } else if let Some(reason) = super::super::storable::obstacle(raw) {
            reading.refuse::<()>(&place, FaultCode::InvalidEncoding, reason);
        } else if let Ok(value) = serde_json::from_str(raw) {
            keep_extension(&mut self.extensions, name, value, reading);
        }
    }

    /// The text of `data_base64`, when that is what the event has.
    fn decoded_data(&self, reading: &mut Reading) -> Option<String> {
        // Of an unknown type nothing can be said about the data; of other data nothing about the text.
        EventType::from_name(self.event_type.as_deref()?)?;
        let is_json = self.content_type.as_deref().map_or(Some(()), |name| expect_json(name, reading));
        let encoded = self.data_base64.as_deref()?;
        let place = Place::Key(&Place::Root, "data_base64");
        if self.data.is_some() {
            return reading.refuse(&place, FaultCode::Contradiction, "stands beside data; send one of them");
        }
        is_json?;
        match STANDARD.decode(encoded).map(String::from_utf8) {
            Ok(Ok(text)) => Some(text),
            Ok(Err(_)) => reading.refuse(&place, FaultCode::InvalidEncoding, "does not hold UTF-8"),
            Err(error) => {
                reading.refuse(&place, FaultCode::InvalidEncoding, format!("is no base64: {error}"))
            }
        }
    }
}

fn twice(place: &Place<'_>, reading: &mut Reading) {
    reading.refuse::<()>(place, FaultCode::Duplicate, "is given twice");
}

/// Keeps one extension, as long as there are not too many.
pub(super) fn keep_extension(
    extensions: &mut Extensions,
    name: &str,
    value: serde_json::Value,
    reading: &mut Reading,
) {
    let place = Place::Key(&Place::Root, name);
    if extensions.contains_key(name) {
        twice(&place, reading);
    } else if extensions.len() >= EXTENSIONS_MAX {
        let detail = format!("an event has at most {EXTENSIONS_MAX} extensions");
        reading.refuse::<()>(&place, FaultCode::TooMany, detail);
    } else {
        extensions.insert(name.to_owned(), value);
    }
}
