//! `CloudEvents` 1.0 over HTTP: one request in, events or faults out.
//!
//! Promises: structured, batch and binary mode, told apart by the content type as the HTTP binding has it;
//! media types in any case and with parameters; a missing content type in binary mode means JSON; attribute
//! values in headers may be percent-encoded, quoted, or plain UTF-8, because the official clients differ.
//! Formats other than JSON, and bodies in other character sets, are refused with a sentence that says what
//! to send.
//! Leaves out: limits on the size of the request and its decompression, which the server has settled before.

mod envelope;
mod headers;

use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;

use super::event::{Arrived, check, named_or_sought};
use super::fault::{FaultCode, Rejected};
use super::reading::{Place, Reading};
use crate::kernel::clock::DateTime;

/// Events that one batch may hold.
pub const BATCH_EVENTS_MAX: usize = 1_000;

/// Bytes of a data content type that are kept.
const CONTENT_TYPE_BYTES_MAX: usize = 128;

/// What a request held.
#[derive(Debug, Clone, PartialEq)]
pub enum Decoded {
    /// One event, in structured or binary mode.
    Single(Box<Result<Arrived, Rejected>>),
    /// A batch, in order; it may be empty.
    Batch(Vec<Result<Arrived, Rejected>>),
    /// Nothing that could be taken apart into events.
    Refused(RequestFault),
}

/// Why a request as a whole was refused. The text is for the sender.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestFault {
    /// The body is no JSON of the form that the content type promises; answers to `400`.
    #[error("the body cannot be read: {0}")]
    Malformed(String),
    /// The content type is none that events come in; answers to `415`.
    #[error("{0}")]
    UnsupportedMediaType(String),
    /// More events than one request may hold; answers to `413`.
    #[error("a batch may hold {BATCH_EVENTS_MAX} events; send this one in parts")]
    TooManyEvents,
}

impl RequestFault {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed_json",
            Self::UnsupportedMediaType(_) => "unsupported_media_type",
            Self::TooManyEvents => "too_many_events",
        }
    }
}

/// Takes one request apart into events. `now` is the time of arrival.
pub fn decode(headers: &HeaderMap, body: &[u8], now: DateTime) -> Decoded {
    let content_type = match MediaType::of(headers) {
        Ok(content_type) => content_type,
        Err(fault) => return Decoded::Refused(fault),
    };
    match content_type.name.as_str() {
        "application/cloudevents+json" => match text(body) {
            Ok(text) => structured(text, now),
            Err(fault) => Decoded::Refused(fault),
        },
        "application/cloudevents-batch+json" => match text(body).and_then(envelope::batch) {
            Ok(items) => Decoded::Batch(
                items
                    .into_iter()
                    .enumerate()
                    .map(|(index, item)| envelope::event(item, index, now))
                    .collect(),
            ),
            Err(fault) => Decoded::Refused(fault),
        },
        name if name.starts_with("application/cloudevents") => unsupported(&format!(
            "{name:?} is a CloudEvents format that is not read here; send application/cloudevents+json or \
             application/cloudevents-batch+json"
        )),
        _ if headers.keys().any(|header| header.as_str().starts_with("ce-")) => {
            Decoded::Single(Box::new(headers::event(headers, &content_type, body, now)))
        }
        _ => unsupported(
            "this is no CloudEvent: send Content-Type application/cloudevents+json (one event) or \
             application/cloudevents-batch+json (a list), or the attributes as ce- headers",
        ),
    }
}

fn unsupported(detail: &str) -> Decoded {
    Decoded::Refused(RequestFault::UnsupportedMediaType(detail.to_owned()))
}

/// One structured event; a body that is no JSON at all is a fault of the request.
fn structured(text: &str, now: DateTime) -> Decoded {
    match serde_json::from_str::<&serde_json::value::RawValue>(text) {
        Ok(raw) => Decoded::Single(Box::new(envelope::event(raw, 0, now))),
        Err(error) => Decoded::Refused(RequestFault::Malformed(error.to_string())),
    }
}

/// The body as text, without a byte order mark.
fn text(body: &[u8]) -> Result<&str, RequestFault> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    std::str::from_utf8(body).map_err(|error| {
        RequestFault::Malformed(format!("it is no UTF-8 from byte {} on", error.valid_up_to()))
    })
}

/// A media type: its name in lower case, its character set checked.
#[derive(Debug)]
struct MediaType {
    /// Empty when the request names none.
    name: String,
}

impl MediaType {
    fn of(headers: &HeaderMap) -> Result<Self, RequestFault> {
        let value = headers.get(CONTENT_TYPE).map_or(&b""[..], |value| value.as_bytes());
        Self::parse(&String::from_utf8_lossy(value))
    }

    fn parse(text: &str) -> Result<Self, RequestFault> {
        let mut parts = text.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().to_ascii_lowercase();
        for (key, value) in parts.filter_map(|parameter| parameter.split_once('=')) {
            let value = value.trim().trim_matches('"');
            let is_utf8 = ["utf-8", "utf8", "us-ascii"].iter().any(|known| value.eq_ignore_ascii_case(known));
            if key.trim().eq_ignore_ascii_case("charset") && !is_utf8 {
                let detail = format!("the character set {value:?} is not read here; send UTF-8");
                return Err(RequestFault::UnsupportedMediaType(detail));
            }
        }
        Ok(Self { name })
    }

    /// Whether data of this type are JSON; nothing said means JSON.
    fn is_json(&self) -> bool {
        self.name.is_empty()
            || self.name == "text/json"
            || self.name == "application/json"
            || self.name.ends_with("+json")
    }
}

/// What is kept of a media type with the event: its name, when it is one.
fn kept_type(text: &str) -> Option<String> {
    let media_type = MediaType::parse(text).ok()?;
    let sane = (1..=CONTENT_TYPE_BYTES_MAX).contains(&media_type.name.len())
        && media_type.name.bytes().all(|byte| byte.is_ascii_graphic());
    sane.then_some(media_type.name)
}

/// Refuses data that are declared as something other than JSON.
fn expect_json(content_type: &str, reading: &mut Reading) -> Option<()> {
    let place = Place::Key(&Place::Root, "datacontenttype");
    match MediaType::parse(content_type) {
        Ok(media_type) if media_type.is_json() => Some(()),
        Ok(media_type) => {
            let detail = format!(
                "{} is not read here; the data of every event are JSON",
                super::fault::quoted(&media_type.name)
            );
            reading.refuse(&place, FaultCode::UnsupportedDataContentType, detail)
        }
        Err(fault) => reading.refuse(&place, FaultCode::UnsupportedDataContentType, fault.to_string()),
    }
}

/// Ends the decoding of one event: the event, when nothing is wrong with it.
fn finish(
    parts: super::event::Parts<'_>,
    extensions: super::event::Extensions,
    index: usize,
    mut reading: Reading,
) -> Result<Arrived, Rejected> {
    match check(parts, named_or_sought, extensions, &mut reading) {
        Some(event) if reading.faults.is_empty() => Ok(event),
        _ => Err(Rejected { index, id: parts.id.map(str::to_owned), faults: reading.faults }),
    }
}

#[cfg(test)]
mod tests;
