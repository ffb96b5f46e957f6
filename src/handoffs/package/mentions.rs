//! Whether a text tells who somebody is: by name, e-mail address or telephone number.
//!
//! Promises: a text that holds a whole name, an address or a number of somebody as it is stored is always found, whatever
//! stands around it. Looked at closely, a first or last name alone is found too, word for word, in any case, and a number
//! however it is grouped. It would rather find too much than too little.
//! Leaves out: initials, nicknames, and people whom nobody has told us of.

use super::Person;
use crate::accounts::model::{Known, value};

/// Digits at the end of a telephone number by which it is known again, with or without its prefixes.
const PHONE_DIGITS: usize = 7;

/// How a text is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Care {
    /// Sentences: a first or last name alone is found.
    Prose,
    /// The names of companies and products, which may share a word with somebody's name: whole names only.
    Names,
}

/// The people whom a text must not mention.
pub(super) struct Mentions<'a>(Vec<Marks<'a>>);

struct Marks<'a> {
    id: &'a str,
    /// What is found wherever it stands, in small letters: whole names, address, number.
    whole: Vec<String>,
    /// First and last name, as words between spaces.
    parts: Vec<String>,
    /// The last digits of the number.
    digits: Option<String>,
}

impl<'a> Mentions<'a> {
    pub(super) fn of(people: impl Iterator<Item = &'a Person>) -> Self {
        Self(people.map(Marks::of).collect())
    }

    /// The first of the people whom a text mentions.
    pub(super) fn found_in(&self, text: &str, care: Care) -> Option<&'a str> {
        let plain = spaced(&text.to_lowercase());
        let (words, digits) = (phrase(&plain), digit_runs(text));
        self.0.iter().find(|marks| marks.are_in(&plain, &words, &digits, care)).map(|marks| marks.id)
    }
}

impl<'a> Marks<'a> {
    fn of(person: &'a Person) -> Self {
        let known = |known: &Known<String>| {
            value(known).map(|text| spaced(&text.to_lowercase())).filter(|text| !text.is_empty())
        };
        let contact = &person.contact;
        let names: Vec<String> =
            [known(&contact.first_name), known(&contact.last_name)].into_iter().flatten().collect();
        let phone = known(&contact.phone);
        let digits =
            phone.as_deref().map(|phone| phone.chars().filter(char::is_ascii_digit).collect::<String>());
        let mut whole: Vec<String> = [known(&contact.email), phone].into_iter().flatten().collect();
        if let [first, last] = names.as_slice() {
            whole.extend([format!("{first} {last}"), format!("{last} {first}"), format!("{last}, {first}")]);
        }
        // A name without a letter or digit has no words: it is found as it stands.
        whole.extend(names.iter().filter(|name| phrase(name).trim().is_empty()).cloned());
        let parts = names.iter().map(|name| phrase(name)).filter(|name| name.trim().chars().count() > 1);
        Self {
            id: &person.id,
            whole,
            parts: parts.collect(),
            digits: digits
                .filter(|digits| digits.len() >= PHONE_DIGITS)
                .map(|digits| digits[digits.len() - PHONE_DIGITS..].to_owned()),
        }
    }

    fn are_in(&self, plain: &str, words: &str, digits: &[String], care: Care) -> bool {
        let whole = self.whole.iter().any(|mark| plain.contains(mark));
        let number = self.digits.as_ref().is_some_and(|mark| digits.iter().any(|run| run.contains(mark)));
        // Somebody of one name only is known by it everywhere.
        let only_name = self.parts.len() == 1 && !self.whole.iter().any(|mark| mark.contains(' '));
        let part = (care == Care::Prose || only_name) && self.parts.iter().any(|part| words.contains(part));
        whole || number || part
    }
}

/// With single spaces between words.
fn spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The words of a text, each between spaces.
fn phrase(text: &str) -> String {
    let words: Vec<&str> =
        text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    format!(" {} ", words.join(" "))
}

/// Runs of digits, through what people write between the groups of a number.
fn digit_runs(text: &str) -> Vec<String> {
    let parts = text.split(|c: char| !(c.is_ascii_digit() || " -/.()+\u{a0}".contains(c)));
    let runs = parts.map(|part| part.chars().filter(char::is_ascii_digit).collect::<String>());
    runs.filter(|run| run.len() >= PHONE_DIGITS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handoffs::package::tests::person;

    #[test]
    fn people_are_found_by_name_address_and_number() {
        let anna = person("c-1", "Anna", "O'Brien", "Head of IT", "anna@acme.com", "+49 30 1234567");
        let mentions = Mentions::of(std::iter::once(&anna));
        let found = |text: &str, care| mentions.found_in(text, care).is_some();
        for text in [
            "Anna O'Brien will decide",
            "ANNA  O'BRIEN",
            "ask O'Brien, Anna",
            "write to Anna@Acme.com",
            "call (030) 123 45 67",
            "call +49301234567",
        ] {
            assert!(found(text, Care::Prose) && found(text, Care::Names), "{text}");
        }
        for text in ["ask anna.", "Mrs O’Brien", "O'Brien's team"] {
            assert!(found(text, Care::Prose), "{text}");
            assert!(!found(text, Care::Names), "{text}");
        }
        for text in ["Annabel", "Joanna and Brienne", "12 seats in 30 days", "brien"] {
            assert!(!found(text, Care::Prose), "{text}");
        }
    }
}
