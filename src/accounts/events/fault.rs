//! What is wrong with an event, said so that its sender can mend it.
//!
//! Promises: all faults of an event are found at once; each points at the place (a JSON pointer into the
//! event) and carries a stable code; a sender's text is quoted only in part, so that an answer stays small.

use std::fmt;

use serde::Serialize;

/// The stable codes of faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = EventFaultCode)]
pub enum FaultCode {
    /// The text is no JSON, or the event is no JSON object.
    MalformedJson,
    /// A required value is absent or null.
    Required,
    /// Another JSON type is expected here.
    WrongType,
    /// The right type in the wrong form: a date, an id, a domain.
    InvalidFormat,
    /// A number, date or instant beyond what is accepted.
    OutOfRange,
    /// Not one of the values that exist.
    UnknownValue,
    /// A text longer than is kept.
    TooLong,
    /// A list, map or event larger than is kept.
    TooMany,
    /// Two statements of one event that exclude each other.
    Contradiction,
    /// The same attribute twice.
    Duplicate,
    /// Bytes that are no UTF-8, base64 or storable text.
    InvalidEncoding,
    /// `specversion` is not `1.0`.
    UnsupportedSpecversion,
    /// The data are declared as something other than JSON.
    UnsupportedDataContentType,
    /// `type` names no event of the catalogue.
    UnknownEventType,
    /// Several faults with different codes; only on an event as a whole, never on a single place.
    InvalidEvent,
}

impl FaultCode {
    /// The code as clients see it.
    pub fn name(self) -> &'static str {
        match self {
            Self::MalformedJson => "malformed_json",
            Self::Required => "required",
            Self::WrongType => "wrong_type",
            Self::InvalidFormat => "invalid_format",
            Self::OutOfRange => "out_of_range",
            Self::UnknownValue => "unknown_value",
            Self::TooLong => "too_long",
            Self::TooMany => "too_many",
            Self::Contradiction => "contradiction",
            Self::Duplicate => "duplicate",
            Self::InvalidEncoding => "invalid_encoding",
            Self::UnsupportedSpecversion => "unsupported_specversion",
            Self::UnsupportedDataContentType => "unsupported_data_content_type",
            Self::UnknownEventType => "unknown_event_type",
            Self::InvalidEvent => "invalid_event",
        }
    }
}

impl fmt::Display for FaultCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One thing wrong with an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = EventDataFault)]
pub struct Fault {
    /// JSON pointer (RFC 6901) into the event as its structured mode has it: `/subject`, `/data/seats`.
    pub pointer: String,
    pub code: FaultCode,
    /// A sentence for the sender.
    pub detail: String,
}

/// An event that was refused, with everything that is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// Place in the batch; 0 outside one.
    pub index: usize,
    /// The event's `id`, where it could be read.
    pub id: Option<String>,
    /// Never empty; in the order of the event's parts.
    pub faults: Vec<Fault>,
}

impl Rejected {
    /// The code for the event as a whole: that of its faults when they agree, else `invalid_event`.
    pub fn code(&self) -> FaultCode {
        match self.faults.split_first() {
            Some((first, rest)) if rest.iter().all(|fault| fault.code == first.code) => first.code,
            _ => FaultCode::InvalidEvent,
        }
    }

    /// All faults in one line.
    pub fn detail(&self) -> String {
        let lines: Vec<String> = self
            .faults
            .iter()
            .map(|fault| match fault.pointer.as_str() {
                "" => fault.detail.clone(),
                pointer => format!("{pointer}: {}", fault.detail),
            })
            .collect();
        lines.join("; ")
    }
}

/// A sender's text as an answer quotes it: in quotation marks, cut after 60 characters.
pub(super) fn quoted(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((cut, _)) => format!("{:?}…", &text[..cut]),
        None => format!("{text:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(code: FaultCode) -> Fault {
        Fault { pointer: "/data/x".to_owned(), code, detail: "is wrong".to_owned() }
    }

    #[test]
    fn an_event_with_faults_of_one_kind_carries_their_code() {
        let of = |codes: &[FaultCode]| {
            Rejected { index: 0, id: None, faults: codes.iter().copied().map(fault).collect() }.code()
        };
        assert_eq!(of(&[FaultCode::Required]), FaultCode::Required);
        assert_eq!(of(&[FaultCode::Required, FaultCode::Required]), FaultCode::Required);
        assert_eq!(of(&[FaultCode::Required, FaultCode::WrongType]), FaultCode::InvalidEvent);
    }

    #[test]
    fn the_name_of_a_code_is_its_serialised_form() {
        for code in [FaultCode::MalformedJson, FaultCode::UnsupportedDataContentType, FaultCode::TooMany] {
            assert_eq!(serde_json::to_value(code).unwrap(), code.name());
        }
    }

    #[test]
    fn quotations_are_short() {
        assert_eq!(quoted("ab"), "\"ab\"");
        assert!(quoted(&"é".repeat(5_000)).chars().count() < 70);
    }
}
