//! Somebody in a sentence: the places where an address, a number, a whole name or an id of theirs stands.

use std::collections::BTreeSet;
use std::ops::Range;

use super::{ERASED, PHONE_DIGITS, Subject};

/// Bytes between two words of one name at the most.
const GAP_MAX: usize = 12;
/// Characters of a character reference of HTML (`&#39;`), which parts words and is none.
const REFERENCE_MAX: usize = 8;
/// An id this short, or of letters alone, is a word like any other: in sentences it is left.
const TELLING_ID_MIN: usize = 4;
/// A number this long is an id and no count.
const TELLING_NUMBER_MIN: usize = 8;

impl Subject {
    /// The text without the person; none when it does not hold them.
    pub fn redact_text(&self, text: &str) -> Option<String> {
        let mut spans: Vec<Range<usize>> = Vec::new();
        for email in &self.emails {
            spans.extend(phrases(text, email, is_part_of_address));
        }
        for id in self.ids.iter().filter(|id| is_telling(id)) {
            spans.extend(phrases(text, id, is_part_of_id));
        }
        if !self.phones.is_empty() {
            spans.extend(number_runs(text).into_iter().filter_map(|(span, digits)| {
                self.phones.iter().any(|phone| digits.contains(phone)).then_some(span)
            }));
        }
        if !self.names.is_empty() {
            spans.extend(sequences(text, &self.names));
        }
        if spans.is_empty() {
            return None;
        }
        spans.extend(sequences(text, &self.particulars));
        spans.sort_by_key(|span| (span.start, span.end));
        let (mut out, mut from) = (String::with_capacity(text.len()), 0);
        for span in spans {
            // What overlaps the span before is part of it.
            if span.start >= from {
                out.push_str(&text[from..span.start]);
                out.push_str(ERASED);
            }
            from = from.max(span.end);
        }
        out.push_str(&text[from..]);
        Some(out)
    }

    /// The id of an event without the person: made by the sender, it may be put together of ids, with anything between them.
    pub fn redact_event_id(&self, id: &str) -> Option<String> {
        let first = self.ids.iter().filter(|own| is_telling(own)).find_map(|own| {
            let spans = phrases(id, own, |bytes, at| bytes.get(at).is_some_and(u8::is_ascii_alphanumeric));
            spans.into_iter().next()
        });
        let Some(span) = first else { return self.redact_text(id) };
        let left = format!("{}{ERASED}{}", &id[..span.start], &id[span.end..]);
        Some(self.redact_event_id(&left).unwrap_or(left))
    }
}

/// Sequences of words, word for word in any case, with little between the words.
fn sequences(text: &str, wanted: &BTreeSet<Vec<String>>) -> Vec<Range<usize>> {
    let words = words(text);
    let mut spans = Vec::new();
    for start in 0..words.len() {
        let first = &words[start].1;
        let begins = wanted.range(vec![first.clone()]..).take_while(|sequence| sequence[0] == *first);
        for sequence in begins {
            let Some(found) = words.get(start..start + sequence.len()) else { continue };
            let same = found.iter().zip(sequence).all(|((_, word), part)| word == part);
            let close = found.windows(2).all(|pair| pair[1].0.start - pair[0].0.end <= GAP_MAX);
            if same && close {
                spans.push(found[0].0.start..found[sequence.len() - 1].0.end);
            }
        }
    }
    spans
}

/// Whether an id can be nothing but an id, wherever it stands.
pub(super) fn is_telling(id: &str) -> bool {
    let digits = id.chars().filter(char::is_ascii_digit).count();
    if digits == id.len() {
        return id.len() >= TELLING_NUMBER_MIN;
    }
    id.len() >= TELLING_ID_MIN && !id.chars().all(|c| c.is_ascii_alphabetic())
}

/// The words of a text in small letters.
pub(super) fn words_of(text: &str) -> Vec<String> {
    words(text).into_iter().map(|(_, word)| word).collect()
}

/// Runs of letters and digits with their places; references of HTML are no words.
fn words(text: &str) -> Vec<(Range<usize>, String)> {
    let (mut found, mut start, mut skip_to) = (Vec::new(), None, 0);
    for (at, c) in text.char_indices() {
        if at < skip_to {
            continue;
        }
        if c.is_alphanumeric() {
            start.get_or_insert(at);
            continue;
        }
        if let Some(start) = start.take() {
            found.push((start..at, text[start..at].to_lowercase()));
        }
        if c == '&' {
            skip_to = reference_end(text, at).unwrap_or(0);
        }
    }
    if let Some(start) = start {
        found.push((start..text.len(), text[start..].to_lowercase()));
    }
    found
}

/// Where a reference of HTML that begins here ends.
fn reference_end(text: &str, at: usize) -> Option<usize> {
    let body: String = text[at + 1..].chars().take(REFERENCE_MAX).collect();
    let (name, _) = body.split_once(';')?;
    name.chars().all(|c| c.is_ascii_alphanumeric() || c == '#').then_some(at + name.len() + 2)
}

/// Places of a phrase in any case of ASCII letters that is not part of something longer.
fn phrases(text: &str, phrase: &str, is_part: fn(&[u8], usize) -> bool) -> Vec<Range<usize>> {
    let (bytes, wanted) = (text.as_bytes(), phrase.as_bytes());
    let mut spans = Vec::new();
    for (start, window) in bytes.windows(wanted.len().max(1)).enumerate() {
        if !window.eq_ignore_ascii_case(wanted) {
            continue;
        }
        let end = start + wanted.len();
        let inside = (start > 0 && is_part(bytes, start - 1)) || is_part(bytes, end);
        if !inside && text.is_char_boundary(start) && text.is_char_boundary(end) {
            spans.push(start..end);
        }
    }
    spans
}

/// Whether the byte goes on with an e-mail address: a dot does when a letter or digit is behind it.
fn is_part_of_address(bytes: &[u8], at: usize) -> bool {
    let Some(byte) = bytes.get(at) else { return false };
    match byte {
        b'.' => {
            let next = bytes.get(at + 1).is_some_and(u8::is_ascii_alphanumeric);
            let before = at > 0 && bytes[at - 1].is_ascii_alphanumeric();
            next && before
        }
        b'_' | b'%' | b'+' | b'-' => true,
        other => other.is_ascii_alphanumeric(),
    }
}

/// Whether the byte goes on with an id. A dot or colon joins ids of several things.
fn is_part_of_id(bytes: &[u8], at: usize) -> bool {
    bytes.get(at).is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

/// A run of digits with its place.
type Run = (Range<usize>, String);

/// Runs of digits, through what people write between the groups of a number, with their places.
fn number_runs(text: &str) -> Vec<Run> {
    let (mut found, mut run): (Vec<Run>, Option<Run>) = (Vec::new(), None);
    for (at, c) in text.char_indices() {
        match (&mut run, c) {
            (Some((span, digits)), '0'..='9') => {
                span.end = at + 1;
                digits.push(c);
            }
            (None, '0'..='9') => run = Some((at..at + 1, c.to_string())),
            (None, '+' | '(') => run = Some((at..at, String::new())),
            (Some(_), ' ' | '-' | '/' | '.' | '(' | ')' | '+' | '\u{a0}') | (None, _) => {}
            (Some(_), _) => found.extend(run.take()),
        }
    }
    found.extend(run);
    found.retain(|(_, digits)| digits.len() >= PHONE_DIGITS);
    found
}
