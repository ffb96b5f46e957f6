//! Kinds of text: free text, vocabularies, ids, addresses.
//!
//! Promises: a text is trimmed, not empty, within its limit and free of NUL, which Postgres cannot hold.
//! Open vocabularies come out in `lower_snake`, so that `Mid-Market` and `mid_market` are one; country and
//! currency codes come out in capitals, names as they were written.

use std::borrow::Cow;
use std::marker::PhantomData;

use uuid::Uuid;

use super::super::fault::{FaultCode, quoted};
use super::super::shape::Shape;
use super::{Kind, Place, Reading};
use crate::accounts::matching;
use crate::accounts::model::{OverlapKind, SyncSource};
use crate::kernel::ids::check_caller_id;
use crate::kernel::text::nearest;

/// The text of a JSON string, borrowed where it holds no escapes.
pub fn string<'a>(raw: &'a str, place: &Place<'_>, reading: &mut Reading) -> Option<Cow<'a, str>> {
    let Some(inner) = raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return reading.expected(place, "a string", raw);
    };
    if !inner.contains('\\') {
        return Some(Cow::Borrowed(inner));
    }
    match serde_json::from_str::<String>(raw) {
        Ok(text) => Some(Cow::Owned(text)),
        Err(error) => reading.refuse(place, FaultCode::InvalidEncoding, error.to_string()),
    }
}

/// A trimmed string of 1 to `max` characters without NUL.
fn bounded<'a>(raw: &'a str, max: usize, place: &Place<'_>, reading: &mut Reading) -> Option<Cow<'a, str>> {
    let text = match string(raw, place, reading)? {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
    };
    if text.is_empty() {
        return reading.refuse(
            place,
            FaultCode::InvalidFormat,
            "must not be empty; leave it out or send null",
        );
    }
    if text.contains('\0') {
        return reading.refuse(place, FaultCode::InvalidEncoding, "must not hold the NUL character");
    }
    // Bytes bound characters from above: counting is needed only for long texts.
    if text.len() > max {
        let length = text.chars().count();
        if length > max {
            let detail = format!("has {length} characters, at most {max} are kept");
            return reading.refuse(place, FaultCode::TooLong, detail);
        }
    }
    Some(text)
}

/// A short text, as written.
pub struct Text<const MAX: usize = 256>;

impl<const MAX: usize> Kind for Text<MAX> {
    type Value = String;
    const SHAPE: Shape = Shape::Text { max: MAX };

    fn read(raw: &str, place: &Place<'_>, reading: &mut Reading) -> Option<String> {
        bounded(raw, MAX, place, reading).map(Cow::into_owned)
    }
}

/// Characters of a note or a message that are kept.
const PROSE_MAX: usize = 20_000;

/// A long text: a note, the content of a message.
pub type Prose = Text<PROSE_MAX>;

/// A word of an open vocabulary, in `lower_snake`.
pub struct Word;

impl Kind for Word {
    type Value = String;
    const SHAPE: Shape = Shape::Text { max: 64 };

    fn read(raw: &str, place: &Place<'_>, reading: &mut Reading) -> Option<String> {
        bounded(raw, 64, place, reading).map(|text| lower_snake(&text))
    }
}

/// Lower case, with spaces and hyphens as underscores.
fn lower_snake(text: &str) -> String {
    text.chars()
        .flat_map(char::to_lowercase)
        .map(|c| if c == '-' || c.is_whitespace() { '_' } else { c })
        .collect()
}

/// A caller's id, in the shape that the HTTP contract gives to such ids.
pub struct CallerId;

impl Kind for CallerId {
    type Value = String;
    const SHAPE: Shape = Shape::Pattern { max: 128, pattern: r"^[A-Za-z0-9_.:-]+$" };

    fn read(raw: &str, place: &Place<'_>, reading: &mut Reading) -> Option<String> {
        let text = string(raw, place, reading)?;
        match check_caller_id(&text) {
            Ok(()) => Some(text.into_owned()),
            Err(error) => reading.refuse(place, FaultCode::InvalidFormat, error.to_string()),
        }
    }
}

/// An id that the service made.
pub struct UniqueId;

impl Kind for UniqueId {
    type Value = Uuid;
    const SHAPE: Shape = Shape::Formatted { max: 36, format: "uuid" };

    fn read(raw: &str, place: &Place<'_>, reading: &mut Reading) -> Option<Uuid> {
        let text = string(raw, place, reading)?;
        match Uuid::parse_str(&text) {
            Ok(id) if text.len() == 36 => Some(id),
            _ => {
                let detail = format!("{} is no UUID", quoted(&text));
                reading.refuse(place, FaultCode::InvalidFormat, detail)
            }
        }
    }
}

/// A closed list of names for the values of a type.
pub trait Vocabulary: Copy + 'static {
    const NAMES: &'static [(&'static str, Self)];
}

impl Vocabulary for OverlapKind {
    const NAMES: &'static [(&'static str, Self)] = &[
        ("customer", Self::Customer),
        ("prospect", Self::Prospect),
        ("opportunity", Self::Opportunity),
        ("tech_stack", Self::TechStack),
    ];
}

impl Vocabulary for SyncSource {
    const NAMES: &'static [(&'static str, Self)] = &[
        ("crm", Self::Crm),
        ("partner", Self::Partner),
        ("analytics", Self::Analytics),
        ("lifecycle", Self::Lifecycle),
    ];
}

/// One of a closed list, whatever its letter case.
pub struct OneOf<V>(PhantomData<V>);

impl<V: Vocabulary> Kind for OneOf<V> {
    type Value = V;
    const SHAPE: Shape = Shape::Choice(|| V::NAMES.iter().map(|(name, _)| *name).collect());

    fn read(raw: &str, place: &Place<'_>, reading: &mut Reading) -> Option<V> {
        let text = bounded(raw, 64, place, reading)?;
        let find = |word: &str| V::NAMES.iter().find(|(name, _)| *name == word).map(|(_, value)| *value);
        if let Some(value) = find(&text).or_else(|| find(&lower_snake(&text))) {
            return Some(value);
        }
        let names: Vec<&str> = V::NAMES.iter().map(|(name, _)| *name).collect();
        let detail = match nearest(&lower_snake(&text), names.iter().copied()) {
            Some(near) => format!("{} is unknown; did you mean {near:?}?", quoted(&text)),
            None => format!("{} is unknown; known are {}", quoted(&text), names.join(", ")),
        };
        reading.refuse(place, FaultCode::UnknownValue, detail)
    }
}

/// An e-mail address; its domain comes out in lower case.
pub struct Email;

impl Kind for Email {
    type Value = String;
    const SHAPE: Shape = Shape::Formatted { max: 254, format: "email" };

    fn read(raw: &str, place: &Place<'_>, reading: &mut Reading) -> Option<String> {
        let text = bounded(raw, 254, place, reading)?;
        let parts = text.rsplit_once('@').filter(|(local, domain)| {
            let plain = |part: &str| !part.is_empty() && !part.contains(|c: char| c.is_whitespace());
            plain(local) && plain(domain) && !local.contains('@')
        });
        if let Some((local, domain)) = parts {
            return Some(format!("{local}@{}", domain.to_lowercase()));
        }
        let detail = "is no e-mail address: it needs a name, one @ and a domain";
        reading.refuse(place, FaultCode::InvalidFormat, detail)
    }
}

/// A company's domain, brought to its bare form: no scheme, no `www`, no path, lower case.
pub struct Domain;

impl Kind for Domain {
    type Value = String;
    const SHAPE: Shape = Shape::Pattern { max: 512, pattern: r"[^.\s]\.[^.\s]" };

    fn read(raw: &str, place: &Place<'_>, reading: &mut Reading) -> Option<String> {
        let text = bounded(raw, 512, place, reading)?;
        matching::domain_of(&text).or_else(|| {
            let detail = format!("{} is no domain; expected one like \"acme.com\"", quoted(&text));
            reading.refuse(place, FaultCode::InvalidFormat, detail)
        })
    }
}

/// A country: a two- or three-letter code in capitals, any other name as written.
pub struct Country;

impl Kind for Country {
    type Value = String;
    const SHAPE: Shape = Shape::Text { max: 64 };

    fn read(raw: &str, place: &Place<'_>, reading: &mut Reading) -> Option<String> {
        let text = bounded(raw, 64, place, reading)?;
        let is_code = matches!(text.len(), 2 | 3) && text.bytes().all(|b| b.is_ascii_alphabetic());
        Some(if is_code { text.to_ascii_uppercase() } else { text.into_owned() })
    }
}

/// A currency code of three letters, in capitals.
pub struct Currency;

impl Kind for Currency {
    type Value = String;
    const SHAPE: Shape = Shape::Pattern { max: 3, pattern: "^[A-Za-z]{3}$" };

    fn read(raw: &str, place: &Place<'_>, reading: &mut Reading) -> Option<String> {
        let text = bounded(raw, 64, place, reading)?;
        if text.len() == 3 && text.bytes().all(|b| b.is_ascii_alphabetic()) {
            return Some(text.to_ascii_uppercase());
        }
        let detail = format!("{} is no currency code; expected three letters like \"USD\"", quoted(&text));
        reading.refuse(place, FaultCode::InvalidFormat, detail)
    }
}

#[cfg(test)]
mod tests {
    use super::super::probe::{read, refusal};
    use super::*;

    #[test]
    fn texts_are_trimmed_bounded_and_never_empty() {
        assert_eq!(read::<Text<5>>(r#""  ab ""#), Ok("ab".to_owned()));
        assert_eq!(read::<Text<5>>(r#""\u00fcbel""#), Ok("übel".to_owned()));
        assert_eq!(read::<Text<5>>(r#""äöüäö""#), Ok("äöüäö".to_owned()));
        assert_eq!(refusal::<Text<5>>(r#""abcdef""#), Some(FaultCode::TooLong));
        assert_eq!(refusal::<Text<5>>(r#""  ""#), Some(FaultCode::InvalidFormat));
        assert_eq!(refusal::<Text<5>>(r#""a\u0000b""#), Some(FaultCode::InvalidEncoding));
        assert_eq!(refusal::<Text<5>>(r#""\ud800""#), Some(FaultCode::InvalidEncoding));
        assert_eq!(refusal::<Text<5>>("12"), Some(FaultCode::WrongType));
    }

    #[test]
    fn open_vocabularies_ignore_case_and_hyphens() {
        assert_eq!(read::<Word>(r#""Mid-Market""#), Ok("mid_market".to_owned()));
        assert_eq!(read::<Word>(r#""Pain Point""#), Ok("pain_point".to_owned()));
    }

    #[test]
    fn closed_vocabularies_suggest_the_nearest() {
        assert_eq!(read::<OneOf<OverlapKind>>(r#""Tech-Stack""#), Ok(OverlapKind::TechStack));
        let faults = read::<OneOf<OverlapKind>>(r#""custommer""#).unwrap_err();
        assert_eq!(faults[0].0, FaultCode::UnknownValue);
        assert!(faults[0].1.contains("did you mean \"customer\"?"), "{}", faults[0].1);
        let faults = read::<OneOf<SyncSource>>(r#""weather""#).unwrap_err();
        assert!(faults[0].1.contains("known are crm, partner, analytics, lifecycle"), "{}", faults[0].1);
    }

    #[test]
    fn ids_keep_to_their_shape() {
        assert_eq!(read::<CallerId>(r#""d-1:x""#), Ok("d-1:x".to_owned()));
        assert_eq!(refusal::<CallerId>(r#""d 1""#), Some(FaultCode::InvalidFormat));
        assert!(read::<UniqueId>(r#""0193d2a0-7c00-7000-8000-000000000001""#).is_ok());
        assert_eq!(
            refusal::<UniqueId>(r#""0193d2a07c0070008000000000000001""#),
            Some(FaultCode::InvalidFormat)
        );
    }

    #[test]
    fn addresses_and_codes_are_normalised() {
        assert_eq!(read::<Email>(r#""Ana.B@Acme.COM""#), Ok("Ana.B@acme.com".to_owned()));
        assert_eq!(refusal::<Email>(r#""ana""#), Some(FaultCode::InvalidFormat));
        assert_eq!(refusal::<Email>(r#""a@b@c""#), Some(FaultCode::InvalidFormat));
        assert_eq!(read::<Domain>(r#""https://www.Acme.com/x""#), Ok("acme.com".to_owned()));
        assert_eq!(refusal::<Domain>(r#""n/a""#), Some(FaultCode::InvalidFormat));
        assert_eq!(read::<Country>(r#""de""#), Ok("DE".to_owned()));
        assert_eq!(read::<Country>(r#""Germany""#), Ok("Germany".to_owned()));
        assert_eq!(read::<Currency>(r#""eur""#), Ok("EUR".to_owned()));
        assert_eq!(refusal::<Currency>(r#""euro""#), Some(FaultCode::InvalidFormat));
    }
}
