//! People in texts: finding somebody in what is stored, and taking them out of it; pure.
//!
//! A [`Subject`] is what somebody is known by: ids, e-mail addresses, telephone numbers, whole names. The same walk
//! over a text or a document finds them for an export and takes them out for an erasure, so that an export shows what an
//! erasure changes. [`Salt`] makes the digests by which those who were erased are known again.
//!
//! Promises: what was taken out is not found again; what does not hold the person comes back untouched, to the letter;
//! an event stays one that its type accepts.
//! Leaves out: a first or last name alone in a sentence, nicknames, pictures; the name of a company that is called after
//! somebody.

mod digest;
mod document;
mod names;
mod suppress;
#[cfg(test)]
mod tests;
mod text;

use std::collections::BTreeSet;

use super::model::{Contact, value};

pub use digest::Salt;
pub use document::Found;
pub use suppress::{Handle, named_in, whoever_is};

/// What stands in a sentence in place of somebody.
pub const ERASED: &str = "[erased]";
/// What stands for the id of anybody who was erased: one for all, so that nobody is told from another.
pub const ERASED_ID: &str = "erased:person";

/// Digits at the end of a telephone number by which it is known again, with or without its prefixes.
const PHONE_DIGITS: usize = 7;

/// What one person is known by, or several people together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subject {
    ids: BTreeSet<String>,
    /// In small letters.
    emails: BTreeSet<String>,
    /// The last digits of each number.
    phones: BTreeSet<String>,
    /// Words of whole names in small letters, in each order in which they are written.
    names: BTreeSet<Vec<String>>,
    /// Words of job titles and of what conversations with them were about, in small letters: where somebody is named, these
    /// say who it was.
    particulars: BTreeSet<Vec<String>>,
}

impl Subject {
    pub fn add_id(&mut self, id: &str) {
        if id != ERASED_ID {
            self.ids.insert(id.to_owned());
        }
    }

    pub fn add_email(&mut self, email: &str) {
        let email = email.trim().to_lowercase();
        if email.contains('@') {
            self.emails.insert(email);
        }
    }

    pub fn add_phone(&mut self, phone: &str) {
        let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
        if digits.len() >= PHONE_DIGITS {
            self.phones.insert(digits[digits.len() - PHONE_DIGITS..].to_owned());
        }
    }

    /// A whole name; with one word alone it is none.
    pub fn add_name(&mut self, first: Option<&str>, last: Option<&str>) {
        let words = |name: Option<&str>| name.map(text::words_of).unwrap_or_default();
        let (first, last) = (words(first), words(last));
        for name in [[first.clone(), last.clone()].concat(), [last, first].concat()] {
            if name.len() > 1 {
                self.names.insert(name);
            }
        }
    }

    /// A job title or the subject of a conversation: goes where somebody is named and is left elsewhere. A word alone is
    /// none, unless it is written in capitals (CFO).
    pub fn add_particular(&mut self, said: &str) {
        let words = text::words_of(said);
        let capitals = said.chars().filter(|c| c.is_alphabetic()).all(char::is_uppercase);
        if words.len() > 1 || (words.len() == 1 && capitals) {
            self.particulars.insert(words);
        }
    }

    /// What was said of somebody, as far as it was.
    pub fn add_all(&mut self, id: Option<&str>, email: Option<&str>, phone: Option<&str>) {
        if let Some(id) = id {
            self.add_id(id);
        }
        if let Some(email) = email {
            self.add_email(email);
        }
        if let Some(phone) = phone {
            self.add_phone(phone);
        }
    }

    /// Everything that is known of somebody.
    pub fn add_contact(&mut self, id: &str, contact: &Contact) {
        let text = |known| value(known).map(String::as_str);
        self.add_all(Some(id), text(&contact.email), text(&contact.phone));
        if let Some(title) = text(&contact.title) {
            self.add_particular(title);
        }
        self.add_name(text(&contact.first_name), text(&contact.last_name));
    }

    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.ids.iter().map(String::as_str)
    }

    /// In small letters.
    pub fn emails(&self) -> impl Iterator<Item = &str> {
        self.emails.iter().map(String::as_str)
    }

    pub fn has_id(&self, id: &str) -> bool {
        self.ids.contains(id)
    }

    pub fn has_email(&self, email: &str) -> bool {
        self.emails.contains(&email.trim().to_lowercase())
    }

    /// The same people as they are known beyond their account: without ids that mean nothing elsewhere.
    #[must_use]
    pub fn beyond_account(&self) -> Self {
        let ids = self.ids.iter().filter(|id| text::is_telling(id)).cloned().collect();
        Self { ids, ..self.clone() }
    }

    pub fn is_empty(&self) -> bool {
        self.ids.is_empty() && self.emails.is_empty()
    }

    /// How much is known: it has not grown when nothing new was found.
    pub fn breadth(&self) -> usize {
        self.ids.len() + self.emails.len() + self.phones.len() + self.names.len() + self.particulars.len()
    }
}
