//! Somebody in a JSON document: found with the place, or taken out, and all else left to the letter.
//!
//! An object is about the person when one of its members names them: a contact's id, an address, a whole name. Of such an
//! object what tells about a person is taken out; everywhere else sentences are.

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{ERASED_ID, Subject, names};
use crate::accounts::model::id_in_purpose;

/// Deeper than any document of ours; what lies deeper is taken out whole.
const DEPTH_MAX: usize = 64;
/// What stays of an event about a person: that it happened, and with which company.
const KEPT_OF_EVENTS: [&str; 13] = [
    "contactId",
    "activityType",
    "direction",
    "occurredAt",
    "isPrimary",
    "domain",
    "accountDomain",
    "companyDomain",
    "website",
    "accountName",
    "companyName",
    "company",
    "country",
];
/// Types of events that are about one person when they name one.
const ABOUT_PEOPLE: [&str; 2] = ["gtm.contact.upserted", "gtm.activity.logged"];

/// A place in a document that holds the person.
#[derive(Debug, Clone)]
pub struct Found {
    /// A JSON pointer.
    pub pointer: String,
    pub value: Box<RawValue>,
}

impl Subject {
    /// The document without the person; none when it does not hold them. Members of the outermost object that are named in
    /// `kept` stay as they are.
    pub fn redact_json(&self, text: &str, kept: &[&str]) -> Option<String> {
        let mut walk = Walk { subject: self, found: Vec::new() };
        walk.outermost(text, kept)
    }

    /// The places of a document that hold the person; an object that is about them is one place.
    pub fn find_in_json(&self, text: &str, kept: &[&str]) -> Vec<Found> {
        let mut walk = Walk { subject: self, found: Vec::new() };
        walk.outermost(text, kept);
        walk.found
    }

    /// The data of an event without the person, still acceptable to its type; none when it does not hold them.
    pub fn redact_event(&self, event_type: &str, data: &str) -> Option<String> {
        if event_type == "gtm.account.upserted" {
            return self.redact_json(data, &["name", "domain", "website"]);
        }
        let members = members(data)?;
        if !(ABOUT_PEOPLE.contains(&event_type) && self.is_about(&members)) {
            return self.redact_json(data, &[]);
        }
        let mut left = Vec::new();
        for (name, raw) in &members {
            if name == "contactId" {
                left.push((name.clone(), quoted(ERASED_ID)));
            } else if KEPT_OF_EVENTS.contains(&name.as_str()) {
                let kept = self.redact_json(raw.get(), &[]).unwrap_or_else(|| raw.get().to_owned());
                left.push((name.clone(), kept));
            }
        }
        let text = object(&left);
        (text != compact(&members)).then_some(text)
    }

    /// Whether the members of an object say that it is about the person.
    fn is_about(&self, members: &[(String, Box<RawValue>)]) -> bool {
        let is_person = members.iter().any(|(name, _)| names::marks_people(name));
        members.iter().any(|(name, raw)| {
            let Ok(text) = serde_json::from_str::<String>(raw.get()) else { return false };
            let by_id = names::is_contact_id(name) || (is_person && name == "id");
            (by_id && self.has_id(&text))
                || (names::is_address(name) && self.has_email(&text))
                || (names::is_name(name) && self.names.contains(&super::text::words_of(&text)))
        })
    }

    /// A text put together of ids without those of the person.
    fn redact_joined(&self, text: &str) -> Option<String> {
        let is_theirs =
            |part: &str| self.ids.iter().any(|id| id.eq_ignore_ascii_case(part) || id_in_purpose(id) == part);
        let separator = if text.contains(':') { ':' } else { '.' };
        let parts: Vec<&str> = text.split(separator).collect();
        if !parts.iter().any(|part| is_theirs(part)) {
            return None;
        }
        let left = parts.into_iter().map(|part| if is_theirs(part) { ERASED_ID } else { part });
        Some(left.collect::<Vec<_>>().join(&separator.to_string()))
    }
}

/// One way through a document.
struct Walk<'a> {
    subject: &'a Subject,
    found: Vec<Found>,
}

impl Walk<'_> {
    fn outermost(&mut self, text: &str, kept: &[&str]) -> Option<String> {
        let text = text.trim();
        let Some(members) = members(text).filter(|_| !kept.is_empty()) else {
            return self.value(text, "", String::new(), 0);
        };
        let (kept, rest): (Vec<_>, Vec<_>) =
            members.into_iter().partition(|(name, _)| kept.contains(&name.as_str()));
        let rest = self.members(&rest, "", 0)?;
        let kept = kept.into_iter().map(|(name, raw)| (name, raw.get().to_owned()));
        Some(object(&kept.chain(rest).collect::<Vec<_>>()))
    }

    /// The value without the person; none when it does not hold them.
    fn value(&mut self, raw: &str, name: &str, pointer: String, depth: usize) -> Option<String> {
        match raw.as_bytes().first() {
            Some(_) if depth > DEPTH_MAX => {
                self.note(pointer, raw);
                Some("null".to_owned())
            }
            Some(b'"') => {
                let redacted = self.text(&serde_json::from_str::<String>(raw).ok()?, name)?;
                self.note(pointer, raw);
                Some(quoted(&redacted))
            }
            Some(b'{') => {
                let members = members(raw)?;
                let about = self.subject.is_about(&members);
                let before = self.found.len();
                let changed = self.members(&members, &pointer, depth);
                if about {
                    // The object as a whole, in place of its parts.
                    self.found.truncate(before);
                    self.note(pointer, raw);
                }
                changed.map(|members| object(&members))
            }
            Some(b'[') => {
                let elements: Vec<Box<RawValue>> = serde_json::from_str(raw).ok()?;
                let (mut texts, mut changed) = (Vec::with_capacity(elements.len()), false);
                for (index, element) in elements.iter().enumerate() {
                    let redacted = self.value(element.get(), name, format!("{pointer}/{index}"), depth + 1);
                    changed |= redacted.is_some();
                    texts.push(redacted.unwrap_or_else(|| element.get().to_owned()));
                }
                changed.then(|| format!("[{}]", texts.join(",")))
            }
            _ => None,
        }
    }

    /// The members of an object without the person; none when they do not hold them.
    fn members(
        &mut self,
        members: &[(String, Box<RawValue>)],
        pointer: &str,
        depth: usize,
    ) -> Option<Vec<(String, String)>> {
        let about = self.subject.is_about(members);
        let (mut left, mut changed) = (Vec::with_capacity(members.len()), false);
        for (name, raw) in members {
            let key = self.subject.redact_joined(name).or_else(|| self.subject.redact_text(name));
            let place = format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
            if key.is_some() {
                self.note(place.clone(), raw.get());
            }
            let said = !matches!(raw.get(), "null" | "true" | "false");
            let redacted = if about && said && names::is_personal(name) {
                self.note(place, raw.get());
                Some("null".to_owned())
            } else if about && name == "id" && self.is_theirs(raw.get()) {
                self.note(place, raw.get());
                Some(quoted(ERASED_ID))
            } else {
                self.value(raw.get(), name, place, depth + 1)
            };
            changed |= key.is_some() || redacted.is_some();
            left.push((
                key.unwrap_or_else(|| name.clone()),
                redacted.unwrap_or_else(|| raw.get().to_owned()),
            ));
        }
        changed.then_some(left)
    }

    fn is_theirs(&self, raw: &str) -> bool {
        serde_json::from_str::<String>(raw).is_ok_and(|id| self.subject.has_id(&id))
    }

    fn text(&self, text: &str, name: &str) -> Option<String> {
        if names::is_contact_id(name) && self.subject.has_id(text) {
            return Some(ERASED_ID.to_owned());
        }
        let joined = names::is_joined(name).then(|| self.subject.redact_joined(text)).flatten();
        joined.or_else(|| self.subject.redact_text(text))
    }

    fn note(&mut self, pointer: String, raw: &str) {
        self.found.extend(RawValue::from_string(raw.to_owned()).ok().map(|value| Found { pointer, value }));
    }
}

/// The members of an object in their order, each as it is written; none when it is no object.
pub(super) fn members(raw: &str) -> Option<Vec<(String, Box<RawValue>)>> {
    struct Members(Vec<(String, Box<RawValue>)>);
    struct Reader;
    impl<'de> Visitor<'de> for Reader {
        type Value = Members;
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("an object")
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
            let mut members = Vec::new();
            while let Some(member) = map.next_entry()? {
                members.push(member);
            }
            Ok(Members(members))
        }
    }
    impl<'de> Deserialize<'de> for Members {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_map(Reader)
        }
    }
    serde_json::from_str::<Members>(raw).ok().map(|members| members.0)
}

/// A text as JSON.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn object(members: &[(String, String)]) -> String {
    let parts: Vec<String> = members.iter().map(|(name, raw)| format!("{}:{raw}", quoted(name))).collect();
    format!("{{{}}}", parts.join(","))
}

fn compact(members: &[(String, Box<RawValue>)]) -> String {
    object(&members.iter().map(|(name, raw)| (name.clone(), raw.get().to_owned())).collect::<Vec<_>>())
}
