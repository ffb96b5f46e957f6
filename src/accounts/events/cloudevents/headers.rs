//! Binary mode: attributes as headers, data as the body.
//!
//! Promises: a header's value is taken as the binding says (quotation marks around it taken off, then
//! percent-decoded once) and also as it should not be but is: plain UTF-8, a percent sign that begins no
//! escape. What is no UTF-8 afterwards is refused.

use std::borrow::Cow;

use axum::http::HeaderMap;

use super::super::catalogue::EventType;
use super::super::event::{Extensions, Parts};
use super::super::fault::{FaultCode, Rejected};
use super::super::reading::{Place, Reading};
use super::envelope::{EXTENSION_VALUE_BYTES_MAX, check_version, keep_extension};
use super::{Arrived, MediaType, expect_json, finish, kept_type, text};
use crate::kernel::clock::DateTime;

/// One event in binary mode.
pub(super) fn event(
    headers: &HeaderMap,
    content_type: &MediaType,
    body: &[u8],
    now: DateTime,
) -> Result<Arrived, Rejected> {
    let mut reading = Reading::new(now);
    let version = attribute(headers, "specversion", &mut reading);
    check_version(version.as_deref(), &mut reading);
    let id = attribute(headers, "id", &mut reading);
    let source = attribute(headers, "source", &mut reading);
    let event_type = attribute(headers, "type", &mut reading);
    let subject = attribute(headers, "subject", &mut reading);
    let time = attribute(headers, "time", &mut reading);
    let extensions = extensions(headers, &mut reading);
    // Of an unknown type nothing can be said about the data.
    let known = event_type.as_deref().and_then(EventType::from_name);
    let data = known.and_then(|_| data(content_type, body, &mut reading));
    let kept = kept_type(&content_type.name);
    let parts = Parts {
        source: source.as_deref(),
        id: id.as_deref(),
        event_type: event_type.as_deref(),
        subject: subject.as_deref(),
        time: time.as_deref(),
        content_type: kept.as_deref(),
        data,
    };
    finish(parts, extensions, 0, reading)
}

/// The body as JSON text; nothing when it is empty or no JSON.
fn data<'a>(content_type: &MediaType, body: &'a [u8], reading: &mut Reading) -> Option<&'a str> {
    expect_json(&content_type.name, reading)?;
    match text(body).map(str::trim_ascii) {
        Ok("") => None,
        Ok(text) => Some(text),
        Err(fault) => {
            let place = Place::Key(&Place::Root, "data");
            reading.refuse(&place, FaultCode::InvalidEncoding, fault.to_string())
        }
    }
}

/// The value of an attribute's header.
fn attribute<'a>(headers: &'a HeaderMap, name: &'static str, reading: &mut Reading) -> Option<Cow<'a, str>> {
    let header = match name {
        "specversion" => "ce-specversion",
        "id" => "ce-id",
        "source" => "ce-source",
        "type" => "ce-type",
        "subject" => "ce-subject",
        _ => "ce-time",
    };
    let place = Place::Key(&Place::Root, name);
    let mut values = headers.get_all(header).iter();
    let value = values.next()?;
    if values.next().is_some() {
        return reading.refuse(&place, FaultCode::Duplicate, "is given twice");
    }
    value_text(value.as_bytes(), &place, reading)
}

/// All `ce-` headers that are no attribute of the service's own.
fn extensions(headers: &HeaderMap, reading: &mut Reading) -> Extensions {
    let mut extensions = Extensions::new();
    for (header, value) in headers {
        let Some(name) = header.as_str().strip_prefix("ce-") else { continue };
        if matches!(name, "specversion" | "id" | "source" | "type" | "subject" | "time") {
            continue;
        }
        let place = Place::Key(&Place::Root, name);
        if value.len() > EXTENSION_VALUE_BYTES_MAX {
            let detail = format!("an extension has at most {EXTENSION_VALUE_BYTES_MAX} bytes");
            reading.refuse::<()>(&place, FaultCode::TooLong, detail);
        } else if let Some(text) = value_text(value.as_bytes(), &place, reading) {
            keep_extension(&mut extensions, name, text.into_owned().into(), reading);
        }
    }
    extensions
}

/// The text of a header's value.
fn value_text<'a>(value: &'a [u8], place: &Place<'_>, reading: &mut Reading) -> Option<Cow<'a, str>> {
    let decoded = match unquoted(value) {
        Cow::Borrowed(bytes) => percent_decoded(bytes),
        Cow::Owned(bytes) => Cow::Owned(percent_decoded(&bytes).into_owned()),
    };
    let text = match decoded {
        Cow::Borrowed(bytes) => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
        Cow::Owned(bytes) => String::from_utf8(bytes).ok().map(Cow::Owned),
    };
    match text {
        Some(text) if text.contains('\0') => {
            reading.refuse(place, FaultCode::InvalidEncoding, "must not hold the NUL character")
        }
        Some(text) => Some(text),
        None => reading.refuse(place, FaultCode::InvalidEncoding, "is no UTF-8, plain or percent-encoded"),
    }
}

/// A value without the quotation marks around it and the backslashes inside them.
fn unquoted(value: &[u8]) -> Cow<'_, [u8]> {
    let Some(inner) = value.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")) else {
        return Cow::Borrowed(value);
    };
    if !inner.contains(&b'\\') {
        return Cow::Borrowed(inner);
    }
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner.iter().copied();
    while let Some(byte) = rest.next() {
        bytes.push(if byte == b'\\' { rest.next().unwrap_or(byte) } else { byte });
    }
    Cow::Owned(bytes)
}

/// One round of percent-decoding; a percent sign without two hexadecimal digits stays.
fn percent_decoded(value: &[u8]) -> Cow<'_, [u8]> {
    if !value.contains(&b'%') {
        return Cow::Borrowed(value);
    }
    let digit = |at: usize| value.get(at).and_then(|b| char::from(*b).to_digit(16));
    let mut bytes = Vec::with_capacity(value.len());
    let mut at = 0;
    while let Some(&byte) = value.get(at) {
        if let (b'%', Some(high), Some(low)) = (byte, digit(at + 1), digit(at + 2)) {
            bytes.push(u8::try_from(high * 16 + low).unwrap_or(byte));
            at += 3;
        } else {
            bytes.push(byte);
            at += 1;
        }
    }
    Cow::Owned(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(value: &[u8]) -> Option<String> {
        let mut reading = Reading::new(chrono::DateTime::UNIX_EPOCH);
        value_text(value, &Place::Root, &mut reading).map(Cow::into_owned)
    }

    #[test]
    fn values_are_read_in_all_the_ways_that_clients_write_them() {
        assert_eq!(decoded(b"acc_12345").as_deref(), Some("acc_12345"));
        assert_eq!(decoded(b"Gr%C3%B6%C3%9Fe%20%25%20%22x%22").as_deref(), Some("Größe % \"x\""));
        assert_eq!(decoded("Größe \"x\" %".as_bytes()).as_deref(), Some("Größe \"x\" %"));
        assert_eq!(decoded(br#""a \"b\" \\c""#).as_deref(), Some(r#"a "b" \c"#));
        assert_eq!(decoded(b"50%2525").as_deref(), Some("50%25"), "decoded once only");
        assert_eq!(decoded(b"100%").as_deref(), Some("100%"));
        assert_eq!(decoded(b"%zz%4").as_deref(), Some("%zz%4"));
    }

    #[test]
    fn what_is_no_text_is_refused() {
        assert_eq!(decoded(b"%C3"), None);
        assert_eq!(decoded(b"Gr\xf6\xdfe"), None, "Latin-1");
        assert_eq!(decoded(b"a%00b"), None);
    }
}
