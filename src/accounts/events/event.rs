//! One event: its attributes and its data, well formed.
//!
//! Promises: an [`Event`] is made only by the checks of this file, from a request or from a stored row, so
//! both hold the same rules; the data keep the sender's own text.

use std::collections::BTreeMap;

use super::EventData;
use super::catalogue::EventType;
use super::fault::{FaultCode, Rejected, quoted};
use super::reading::{Place, Reading, times};
use super::storable;
use crate::accounts::matching::{self, Query};
use crate::accounts::model::Stamp;
use crate::kernel::clock::DateTime;
use crate::kernel::ids::AccountId;

/// Bytes of an event's `id` that are kept.
pub const ID_BYTES_MAX: usize = 256;
/// Bytes of an event's `source` that are kept.
pub const SOURCE_BYTES_MAX: usize = 512;
/// Bytes of an event's `data` that are kept; `CloudEvents` asks receivers for 64 KiB at least.
pub const DATA_BYTES_MAX: usize = 262_144;

/// Attributes beyond those that the service understands, by name, `dataschema` among them.
pub type Extensions = BTreeMap<String, serde_json::Value>;

/// An event about an account.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Who says it; with `id` the identity of the event.
    pub source: String,
    pub id: String,
    /// The id as it is kept where the sender's own names somebody who was erased.
    pub kept_id: Option<String>,
    pub event_type: EventType,
    /// From `subject`.
    pub account_id: AccountId,
    /// When it was true, by the sender; the time of arrival when the sender gave none.
    pub time: DateTime,
    pub received_at: DateTime,
    /// The media type that the sender named for the data.
    pub content_type: Option<String>,
    pub extensions: Extensions,
    /// The sender's `data`, as written, without the space around it.
    pub data_text: String,
    pub data: EventData,
}

/// An event that names no account, well formed in all other parts.
#[derive(Debug, Clone, PartialEq)]
pub struct Unaddressed {
    pub source: String,
    pub id: String,
    /// As [`Event::kept_id`].
    pub kept_id: Option<String>,
    pub event_type: EventType,
    /// As [`Event::time`].
    pub time: DateTime,
    pub received_at: DateTime,
    /// As [`Event::data_text`].
    pub data_text: String,
    /// As [`Event::attributes_text`].
    pub attributes_text: Option<String>,
    /// What its account can be found by; it has keys.
    pub clues: Query,
}

/// An event as it comes in: most name their account.
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all are of the large kind, which saves them a box each"
)]
#[derive(Debug, Clone, PartialEq)]
pub enum Arrived {
    Addressed(Event),
    Unaddressed(Box<Unaddressed>),
}

impl Arrived {
    /// The event, when it names its account.
    pub fn addressed(self) -> Option<Event> {
        match self {
            Self::Addressed(event) => Some(event),
            Self::Unaddressed(_) => None,
        }
    }
}

/// The parts of an event before they are checked. What is absent is `None`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Parts<'a> {
    pub source: Option<&'a str>,
    pub id: Option<&'a str>,
    pub event_type: Option<&'a str>,
    pub subject: Option<&'a str>,
    /// RFC 3339.
    pub time: Option<&'a str>,
    /// A media type.
    pub content_type: Option<&'a str>,
    /// JSON.
    pub data: Option<&'a str>,
}

impl Arrived {
    /// Makes an event of parts that came by another way than `CloudEvents` over HTTP, by the same rules.
    pub fn parse(parts: Parts<'_>, received_at: DateTime) -> Result<Self, Rejected> {
        let mut reading = Reading::new(received_at);
        match check(parts, named_or_sought, Extensions::new(), &mut reading) {
            Some(arrived) if reading.faults.is_empty() => Ok(arrived),
            _ => Err(Rejected { index: 0, id: parts.id.map(str::to_owned), faults: reading.faults }),
        }
    }
}

impl Event {
    /// The stamp of the facts that the event states.
    pub fn stamp(&self) -> Stamp {
        Stamp::of_event(self.time, &self.source, &self.id)
    }

    /// The attributes that are kept for whoever reads the event later and that nothing depends on, as JSON:
    /// `datacontenttype`, `dataschema`, extensions. Nothing when the sender gave none.
    pub fn attributes_text(&self) -> Option<String> {
        attributes_text(&self.extensions, self.content_type.as_deref())
    }

    /// Makes an event of parts that came by another way than `CloudEvents` over HTTP (a provider's webhook, a
    /// direct upsert), by the same rules.
    pub fn parse(parts: Parts<'_>, received_at: DateTime) -> Result<Self, Rejected> {
        let mut reading = Reading::new(received_at);
        match check(parts, named, Extensions::new(), &mut reading) {
            Some(Arrived::Addressed(event)) if reading.faults.is_empty() => Ok(event),
            _ => Err(Rejected { index: 0, id: parts.id.map(str::to_owned), faults: reading.faults }),
        }
    }

    /// Makes the event of a stored row again.
    ///
    /// # Errors
    /// When the row does not hold an event that this version accepts: then the row was changed by hand, or
    /// a rule was made stricter after it was stored.
    pub fn parse_stored(
        source: &str,
        id: &str,
        event_type: &str,
        subject: &str,
        time: DateTime,
        received_at: DateTime,
        data: &str,
    ) -> Result<Self, Rejected> {
        let parts = Parts {
            source: Some(source),
            id: Some(id),
            event_type: Some(event_type),
            subject: Some(subject),
            time: None,
            content_type: None,
            data: Some(data),
        };
        Self::parse(parts, received_at).map(|event| Self { time, ..event })
    }
}

/// Whom an event is about.
pub(super) enum Addressee {
    Account(AccountId),
    /// Nobody by name; this is what the account can be found by.
    Sought(Query),
}

/// The account that an event must name.
fn named(parts: &Parts<'_>, reading: &mut Reading) -> Option<Addressee> {
    account(parts.subject, reading).map(Addressee::Account)
}

/// The account that an event names, or else what it says of it.
pub(super) fn named_or_sought(parts: &Parts<'_>, reading: &mut Reading) -> Option<Addressee> {
    if parts.subject.is_some() {
        return named(parts, reading);
    }
    let clues = matching::clues(parts.event_type.unwrap_or_default(), parts.data.unwrap_or_default());
    if clues.keys().is_empty() {
        let detail = format!(
            "is required: the id of the account; without it, data must hold something to find the account by: {}",
            matching::CLUES
        );
        return reading.refuse(&Place::Key(&Place::Root, "subject"), FaultCode::Required, detail);
    }
    Some(Addressee::Sought(clues))
}

/// Checks all parts, noting every fault; nothing when one makes an event impossible.
pub(super) fn check(
    parts: Parts<'_>,
    addressee: fn(&Parts<'_>, &mut Reading) -> Option<Addressee>,
    extensions: Extensions,
    reading: &mut Reading,
) -> Option<Arrived> {
    let root = Place::Root;
    let id = name(parts.id, "id", ID_BYTES_MAX, reading);
    let source = name(parts.source, "source", SOURCE_BYTES_MAX, reading);
    let event_type = known_type(parts.event_type, reading);
    let addressee = addressee(&parts, reading);
    let time = instant(parts.time, reading);
    let data_place = Place::Key(&root, "data");
    let data = match (event_type, parts.data) {
        // Of an unknown type nothing can be said about the data.
        (None, _) => None,
        (Some(_), None | Some("null")) => reading.refuse(&data_place, FaultCode::Required, "is required"),
        (Some(event_type), Some(text)) => data(event_type, text.trim_ascii(), &data_place, reading),
    };
    let (source, id, event_type) = (source?.to_owned(), id?.to_owned(), event_type?);
    let (time, received_at, data) = (time?, reading.received_at, data?);
    let data_text = parts.data?.trim_ascii().to_owned();
    let content_type = parts.content_type.map(str::to_owned);
    Some(match addressee? {
        Addressee::Account(account_id) => Arrived::Addressed(Event {
            source,
            id,
            kept_id: None,
            event_type,
            account_id,
            time,
            received_at,
            content_type,
            extensions,
            data_text,
            data,
        }),
        Addressee::Sought(clues) => Arrived::Unaddressed(Box::new(Unaddressed {
            source,
            id,
            kept_id: None,
            event_type,
            time,
            received_at,
            attributes_text: attributes_text(&extensions, content_type.as_deref()),
            data_text,
            clues,
        })),
    })
}

/// An attribute that identifies: there, not empty, not too long, one word.
fn name<'a>(
    text: Option<&'a str>,
    attribute: &str,
    bytes_max: usize,
    reading: &mut Reading,
) -> Option<&'a str> {
    let place = Place::Key(&Place::Root, attribute);
    match text {
        None | Some("") => reading.refuse(&place, FaultCode::Required, "is required and must not be empty"),
        Some(text) if text.len() > bytes_max => {
            let detail = format!("has {} bytes, at most {bytes_max} are kept", text.len());
            reading.refuse(&place, FaultCode::TooLong, detail)
        }
        Some(text) if text.contains(|c: char| c.is_control()) => {
            reading.refuse(&place, FaultCode::InvalidFormat, "must not hold control characters")
        }
        Some(text) => Some(text),
    }
}

fn known_type(text: Option<&str>, reading: &mut Reading) -> Option<EventType> {
    let place = Place::Key(&Place::Root, "type");
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        return reading.refuse(&place, FaultCode::Required, "is required and must not be empty");
    };
    if let Some(event_type) = EventType::from_name(text) {
        return Some(event_type);
    }
    let detail = match EventType::nearest_name(text) {
        Some(near) => format!("{} is unknown; did you mean {near:?}?", quoted(text)),
        None => format!("{} is unknown; the known types begin with \"gtm.\"", quoted(text)),
    };
    reading.refuse(&place, FaultCode::UnknownEventType, detail)
}

fn account(subject: Option<&str>, reading: &mut Reading) -> Option<AccountId> {
    let place = Place::Key(&Place::Root, "subject");
    let Some(subject) = subject else {
        return reading.refuse(&place, FaultCode::Required, "is required: the id of the account");
    };
    match AccountId::parse(subject) {
        Ok(id) => Some(id),
        Err(error) => {
            let detail = format!("must be the id of an account: {error}");
            reading.refuse(&place, FaultCode::InvalidFormat, detail)
        }
    }
}

fn instant(time: Option<&str>, reading: &mut Reading) -> Option<DateTime> {
    let place = Place::Key(&Place::Root, "time");
    match time.map(times::instant) {
        None => Some(reading.received_at),
        Some(Ok(at)) => times::not_ahead(at, &place, reading),
        Some(Err((code, detail))) => reading.refuse(&place, code, detail),
    }
}

fn data(event_type: EventType, text: &str, place: &Place<'_>, reading: &mut Reading) -> Option<EventData> {
    if text.len() > DATA_BYTES_MAX {
        let detail = format!("has {} bytes, at most {DATA_BYTES_MAX} are kept", text.len());
        return reading.refuse(place, FaultCode::TooLong, detail);
    }
    let data = event_type.read(text, place, reading);
    if let Some(reason) = storable::obstacle(text) {
        return reading.refuse(place, FaultCode::InvalidEncoding, reason);
    }
    data
}

/// Extensions and content type as one JSON object, when there are any.
fn attributes_text(extensions: &Extensions, content_type: Option<&str>) -> Option<String> {
    let mut attributes = extensions.clone();
    if let Some(content_type) = content_type {
        attributes.insert("datacontenttype".to_owned(), content_type.into());
    }
    // Names and plain values are always JSON.
    (!attributes.is_empty()).then(|| serde_json::to_string(&attributes).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime {
        chrono::DateTime::parse_from_rfc3339(text).unwrap().to_utc()
    }

    fn parts() -> Parts<'static> {
        Parts {
            source: Some("/crm"),
            id: Some("e1"),
            event_type: Some("gtm.lifecycle.changed"),
            subject: Some("acc_1"),
            time: Some("2026-11-20T10:00:00Z"),
            content_type: None,
            data: Some(r#"{ "stage": "customer", "own": 1.50 }"#),
        }
    }

    fn faults(parts: Parts<'_>) -> Vec<(String, FaultCode)> {
        let rejected = Event::parse(parts, at("2026-11-20T12:00:00Z")).unwrap_err();
        rejected.faults.into_iter().map(|fault| (fault.pointer, fault.code)).collect()
    }

    #[test]
    fn an_event_keeps_its_data_as_written_and_comes_back_from_its_row() {
        let received_at = at("2026-11-20T12:00:00Z");
        let event = Event::parse(parts(), received_at).unwrap();
        assert_eq!(event.data_text, r#"{ "stage": "customer", "own": 1.50 }"#);
        assert_eq!(event.time, at("2026-11-20T10:00:00Z"));
        let again = Event::parse_stored(
            &event.source,
            &event.id,
            event.event_type.name(),
            event.account_id.as_str(),
            event.time,
            event.received_at,
            &event.data_text,
        );
        assert_eq!(again, Ok(event));
    }

    #[test]
    fn an_event_without_a_subject_needs_something_to_find_its_account_by() {
        let arrive = |data: &'static str| {
            let mut reading = Reading::new(at("2026-11-20T12:00:00Z"));
            let parts = Parts { subject: None, data: Some(data), ..parts() };
            let arrived = check(parts, named_or_sought, Extensions::new(), &mut reading);
            (arrived, reading.faults)
        };
        let (arrived, faults) = arrive(r#"{"stage": "customer", "website": "https://acme.com"}"#);
        assert_eq!(faults, []);
        assert!(
            matches!(arrived, Some(Arrived::Unaddressed(event)) if event.clues.keys() == ["domain:acme.com"])
        );
        let (arrived, faults) = arrive(r#"{"stage": "customer", "email": "ana@gmail.com"}"#);
        assert_eq!((arrived, faults[0].pointer.as_str()), (None, "/subject"));
        assert!(faults[0].detail.contains("website"), "{}", faults[0].detail);
    }

    #[test]
    fn the_time_of_arrival_stands_in_for_an_absent_time() {
        let received_at = at("2026-11-20T12:00:00Z");
        let event = Event::parse(Parts { time: None, ..parts() }, received_at).unwrap();
        assert_eq!(event.time, received_at);
    }

    #[test]
    fn all_faults_are_found_at_once() {
        let broken = Parts {
            source: Some(""),
            id: None,
            event_type: Some("gtm.deal.upserted"),
            subject: Some("a b"),
            time: Some("yesterday"),
            content_type: None,
            data: Some(
                r#"{"dealId":"d/1","amount":true,"closedAt":"soon","qualification":{"painPoints":[1]}}"#,
            ),
        };
        assert_eq!(
            faults(broken),
            [
                ("/id", FaultCode::Required),
                ("/source", FaultCode::Required),
                ("/subject", FaultCode::InvalidFormat),
                ("/time", FaultCode::InvalidFormat),
                ("/data/dealId", FaultCode::InvalidFormat),
                ("/data/amount", FaultCode::WrongType),
                ("/data/stage", FaultCode::Required),
                ("/data/closedAt", FaultCode::InvalidFormat),
                ("/data/qualification/painPoints/0", FaultCode::WrongType),
            ]
            .map(|(pointer, code)| (pointer.to_owned(), code))
        );
    }

    #[test]
    fn a_time_more_than_a_day_ahead_is_refused() {
        let ok = Parts { time: Some("2026-11-21T12:00:00Z"), ..parts() };
        assert!(Event::parse(ok, at("2026-11-20T12:00:00Z")).is_ok());
        let ahead = Parts { time: Some("2026-11-21T12:00:01Z"), ..parts() };
        assert_eq!(faults(ahead), [("/time".to_owned(), FaultCode::OutOfRange)]);
    }

    #[test]
    fn an_unknown_type_is_named_with_the_one_that_was_meant() {
        let typo = Parts { event_type: Some("gtm.lifecycle.change"), ..parts() };
        let rejected = Event::parse(typo, at("2026-11-20T12:00:00Z")).unwrap_err();
        assert_eq!(rejected.code(), FaultCode::UnknownEventType);
        assert!(rejected.detail().contains("gtm.lifecycle.changed"), "{}", rejected.detail());
    }

    #[test]
    fn data_that_cannot_be_stored_or_are_too_large_are_refused() {
        let nul = Parts { data: Some(r#"{"stage":"a","x":"\u0000"}"#), ..parts() };
        assert_eq!(faults(nul), [("/data".to_owned(), FaultCode::InvalidEncoding)]);
        let text = format!(r#"{{"stage":"a","x":"{}"}}"#, "x".repeat(DATA_BYTES_MAX));
        let large = Parts { data: Some(&text), ..parts() };
        assert_eq!(faults(large), [("/data".to_owned(), FaultCode::TooLong)]);
        assert_eq!(faults(Parts { data: None, ..parts() }), [("/data".to_owned(), FaultCode::Required)]);
    }
}
