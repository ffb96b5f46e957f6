//! What packages promise, by example and as laws; and the company that the examples are about.

use crate::accounts::model::{Contact, Fact, Stamp};
use crate::kernel::clock::DateTime;

use super::*;

/// A Wednesday at noon.
pub(crate) fn now() -> DateTime {
    "2026-11-18T12:00:00Z".parse().unwrap()
}

pub(crate) fn known<T>(value: T) -> Option<Fact<Option<T>>> {
    Some(Fact::new(Some(value), Stamp { as_of: now(), tie: 0, source: "crm".to_owned() }))
}

/// A person; an empty text is not known.
pub(crate) fn person(id: &str, first: &str, last: &str, title: &str, email: &str, phone: &str) -> Person {
    let said = |text: &str| if text.is_empty() { None } else { known(text.to_owned()) };
    let contact = Contact {
        first_name: said(first),
        last_name: said(last),
        title: said(title),
        email: said(email),
        phone: said(phone),
        ..Contact::default()
    };
    Person { id: id.to_owned(), contact }
}
