//! Finds every fault of an input, where a deserializer stops at the first.
//!
//! How: the first fault is noted and mended in a copy of the input (an unknown field is removed, a missing or wrong
//! one gets a value that its type accepts, found by trying a few), and the input is read again, until it can be read
//! or no mend helps. Mended input is only ever used to look further; it is never handed on.
//!
//! Promises: the first fault is always named; nothing is named that the caller did not do; the work is bounded
//! whatever the input. Leaves out: faults behind one that could not be mended (a list tagged union, say); the caller
//! meets those on the next try.

use std::collections::VecDeque;

use serde::de::DeserializeOwned;
use serde_json::{Error, Value, json};
use serde_path_to_error::{Error as PathError, Segment};

use super::super::problem::Fault;
use crate::kernel::text::{nearest, sentence_list};

/// Most faults that are named at once; more would not be read.
const FAULTS_MAX: usize = 50;
/// Most readings of one input.
const READINGS_MAX: usize = 400;
/// Most bytes read again while looking for further faults, so that a large bad body costs no more than a small one.
const REREAD_BYTES_MAX: usize = 4 << 20;
/// Longest text of a fault in characters: input is echoed in it.
const DETAIL_MAX: usize = 300;

/// Reads `input`, or names its faults. `size` is its length in bytes; `place` turns the way to a fault (names and
/// indices from the root) into its pointer.
pub(super) fn read<T: DeserializeOwned>(
    input: Value,
    size: usize,
    attempt: impl Fn(&Value) -> Result<T, PathError<Error>>,
    place: impl Fn(&[String]) -> String,
) -> Result<T, Vec<Fault>> {
    let mut search = Search {
        attempt: |value: &Value| attempt(value).map(Some),
        readings: (REREAD_BYTES_MAX / size.max(1)).clamp(1, READINGS_MAX),
        input,
    };
    let mut blow = match search.read() {
        Ok(value) => return value.ok_or_else(Vec::new),
        Err(blow) => blow,
    };
    let mut faults = Vec::new();
    let mut mended: Vec<Vec<String>> = Vec::new();
    while faults.len() < FAULTS_MAX {
        if !mended.iter().any(|way| blow.way.starts_with(way)) {
            faults.push(Fault::new(place(&blow.way), blow.detail()));
        }
        mended.push(blow.way.clone());
        match search.mend(&blow) {
            Some(next) => blow = next,
            None => break,
        }
    }
    Err(faults)
}

/// The input while it is mended, and how often it may still be read.
struct Search<F> {
    attempt: F,
    readings: usize,
    input: Value,
}

impl<T, F: Fn(&Value) -> Result<Option<T>, PathError<Error>>> Search<F> {
    fn read(&self) -> Result<Option<T>, Blow> {
        (self.attempt)(&self.input).map_err(|error| Blow::of(&error, &self.input))
    }

    /// Mends one fault; the answer is the next one, or nothing when there is none or no mend helps.
    fn mend(&mut self, blow: &Blow) -> Option<Blow> {
        if blow.kind == Kind::Unknown {
            remove(&mut self.input, &blow.way);
            return self.read().err().filter(|next| next != blow);
        }
        let (mut candidates, mut told) = (blow.candidates(), blow.variant().is_some());
        while let Some(candidate) = candidates.pop_front() {
            self.readings = self.readings.checked_sub(1)?;
            if !put(&mut self.input, &blow.way, candidate) {
                return None;
            }
            match self.read() {
                Ok(_) => return None,
                // The try has told which names the place takes.
                Err(next) if next.way == blow.way => {
                    if !told && let Some(name) = next.variant() {
                        told = true;
                        candidates.retain(|candidate| candidate.as_str() != Some(&name));
                        candidates.push_front(name.into());
                    }
                }
                Err(next) => return Some(next),
            }
        }
        None
    }
}

#[derive(Debug, PartialEq, Eq, Clone, Copy)]
enum Kind {
    Unknown,
    Missing,
    Wrong,
}

/// Where and why a reading stopped.
#[derive(Debug, PartialEq, Eq)]
struct Blow {
    way: Vec<String>,
    kind: Kind,
    message: String,
}

impl Blow {
    fn of(error: &PathError<Error>, input: &Value) -> Self {
        let mut way = way(error, input);
        let message = error.inner().to_string();
        let subject = quoted(&message).next().map(str::to_owned);
        let kind = match subject {
            Some(_) if message.starts_with("unknown field `") => Kind::Unknown,
            Some(_) if message.starts_with("missing field `") => Kind::Missing,
            _ => Kind::Wrong,
        };
        // The reader names the struct that lacks or refuses a field; the way goes on to the field.
        if let (Kind::Unknown | Kind::Missing, Some(name)) = (kind, subject)
            && (kind == Kind::Missing || way.last() != Some(&name))
        {
            way.push(name);
        }
        Self { way, kind, message }
    }

    /// The names that the reader would have accepted.
    fn known(&self) -> Vec<&str> {
        let list = self.message.split_once(", expected ").map_or("", |(_, list)| list);
        quoted(list).collect()
    }

    /// The fault in words.
    fn detail(&self) -> String {
        let known = self.known();
        let subject = quoted(&self.message).next().unwrap_or_default();
        let listed = || sentence_list(&known.iter().map(ToString::to_string).collect::<Vec<_>>());
        let hint = match nearest(subject, known.iter().copied()) {
            Some(near) => format!("did you mean {near}?"),
            None if known.is_empty() => "nothing is known here".to_owned(),
            None => format!("known: {}", listed()),
        };
        let text = match self.kind {
            Kind::Unknown => format!("unknown field; {hint}"),
            Kind::Missing => "is missing".to_owned(),
            Kind::Wrong if self.message.starts_with("unknown variant `") => {
                let hint = nearest(subject, known.iter().copied())
                    .map_or_else(String::new, |near| format!("did you mean {near}? "));
                format!("{subject:?} is not one of the values; {hint}known: {}", listed())
            }
            Kind::Wrong => self.message.clone(),
        };
        match text.char_indices().nth(DETAIL_MAX) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text,
        }
    }

    /// A value that an enum would have taken, where one was expected.
    fn variant(&self) -> Option<String> {
        let first = self.known().first().map(ToString::to_string);
        first.filter(|_| self.message.starts_with("unknown variant `"))
    }

    /// Values to try in place of the wrong one: an accepted name first, then one of each shape.
    fn candidates(&self) -> VecDeque<Value> {
        let shapes = [json!(1), json!(0), json!(true), json!(null), json!([]), json!({})];
        let texts = [
            "1970-01-01T00:00:00Z",
            "1970-01-01",
            "00000000-0000-7000-8000-000000000000",
            "1",
            "USD",
            "PT1H",
        ];
        self.variant()
            .into_iter()
            .map(Value::from)
            .chain([json!("a")])
            .chain(shapes)
            .chain(texts.map(Value::from))
            .chain([json!({ "amount": "1", "currency": "USD" })])
            .collect()
    }
}

/// The names and indices from the root to the place where the reader stopped.
fn way(error: &PathError<Error>, input: &Value) -> Vec<String> {
    let mut way = Vec::new();
    let mut here = Some(input);
    for segment in error.path() {
        let step = match segment {
            Segment::Seq { index } => index.to_string(),
            Segment::Map { key } => key.clone(),
            // A variant is a step of the input only where it is written as a key.
            Segment::Enum { variant } if here.and_then(|value| value.get(variant)).is_some() => {
                variant.clone()
            }
            Segment::Enum { .. } | Segment::Unknown => continue,
        };
        here = here.and_then(|value| match value {
            Value::Array(items) => step.parse::<usize>().ok().and_then(|index| items.get(index)),
            other => other.get(&step),
        });
        way.push(step);
    }
    way
}

/// The words between backticks.
fn quoted(message: &str) -> impl Iterator<Item = &str> {
    message.split('`').skip(1).step_by(2)
}

/// Sets the value at the end of `way`; a missing last step is made. False when the way does not exist.
fn put(root: &mut Value, way: &[String], value: Value) -> bool {
    let Some((last, front)) = way.split_last() else {
        *root = value;
        return true;
    };
    match follow(root, front) {
        Some(Value::Object(object)) => {
            object.insert(last.clone(), value);
            true
        }
        Some(Value::Array(items)) => {
            match last.parse::<usize>().ok().and_then(|index| items.get_mut(index)) {
                Some(item) => {
                    *item = value;
                    true
                }
                None => false,
            }
        }
        _ => false,
    }
}

fn remove(root: &mut Value, way: &[String]) {
    if let Some((last, front)) = way.split_last()
        && let Some(Value::Object(object)) = follow(root, front)
    {
        object.remove(last);
    }
}

fn follow<'a>(root: &'a mut Value, way: &[String]) -> Option<&'a mut Value> {
    way.iter().try_fold(root, |value, step| match value {
        Value::Array(items) => step.parse::<usize>().ok().and_then(|index| items.get_mut(index)),
        other => other.get_mut(step),
    })
}
