//! A change in words, for a log that people read.

use serde_json::Value;

use super::{Change, Subject};

/// The longest text of a value in a sentence, in characters.
const TOLD_MAX: usize = 80;

/// What was changed, as a sentence.
pub fn words(change: &Change) -> String {
    let subject = match &change.of {
        Subject::Plan => "The plan".to_owned(),
        Subject::Task(id) => format!("Task `{id}`"),
        Subject::Gate(id) => format!("Gate `{id}`"),
        Subject::Role(role) => format!("Role `{role}`"),
        Subject::Calendar(name) => format!("Calendar `{name}`"),
        Subject::Context(key) => format!("Context `{key}`"),
        Subject::ErrorHandling => "Error handling".to_owned(),
    };
    match &change.field {
        None => whole(&subject, change),
        Some(field) if field == "taskOrder" => "The tasks stand in another order.".to_owned(),
        Some(field) if field == "gateOrder" => "The gates stand in another order.".to_owned(),
        Some(field) => format!("{subject}: {}.", moved(&label(field), change)),
    }
}

fn whole(subject: &str, change: &Change) -> String {
    let titled = |value: &Value| {
        let title = value.get("title").and_then(Value::as_str);
        title.map_or_else(String::new, |title| format!(" ({})", cut(title)))
    };
    match (&change.from, &change.to) {
        (None, Some(is)) => format!("{subject}{} was added.", titled(is)),
        (Some(was), None) => format!("{subject}{} was taken out.", titled(was)),
        _ => format!("{subject}: {}.", moved("value", change)),
    }
}

/// How a field differs: entries of lists one by one, other values as they were and are.
fn moved(label: &str, change: &Change) -> String {
    let texts = |value: &Option<Value>| -> Option<Vec<String>> {
        let entries = value.as_ref().map_or(Some(&[][..]), |value| value.as_array().map(Vec::as_slice))?;
        entries.iter().map(|entry| entry.as_str().map(str::to_owned)).collect()
    };
    let is_list = |value: &Option<Value>| value.as_ref().is_some_and(Value::is_array);
    if (is_list(&change.from) || is_list(&change.to))
        && let (Some(was), Some(is)) = (texts(&change.from), texts(&change.to))
    {
        let named = |of: &[String], without: &[String]| {
            let names = of.iter().filter(|name| !without.contains(name));
            names.map(|name| format!("`{}`", cut(name))).collect::<Vec<_>>().join(", ")
        };
        let (added, removed) = (named(&is, &was), named(&was, &is));
        return match (added.is_empty(), removed.is_empty()) {
            (false, false) => format!("{label} now {added}, no longer {removed}"),
            (false, true) => format!("{label} now also {added}"),
            (true, false) => format!("{label} no longer {removed}"),
            (true, true) => format!("{label} in another order"),
        };
    }
    match (&change.from, &change.to) {
        (Some(was), Some(is)) => format!("{label} {} instead of {}", told(is), told(was)),
        (None, Some(is)) => format!("{label} now {}", told(is)),
        (Some(was), None) => format!("{label} no longer {}", told(was)),
        (None, None) => format!("{label} as before"),
    }
}

/// The name of a field in words.
fn label(field: &str) -> String {
    let mut words = String::new();
    for c in field.chars() {
        if c.is_uppercase() {
            words.push(' ');
        }
        words.extend(c.to_lowercase());
    }
    words
}

fn told(value: &Value) -> String {
    match value {
        Value::String(text) => format!("“{}”", cut(&readable(text))),
        Value::Object(of) => match of.iter().next() {
            Some((name, value)) if of.len() == 1 && name == "working_days" => format!("{value} working days"),
            Some((name, Value::String(text))) if of.len() == 1 && name == "time" => text.clone(),
            _ => cut(&value.to_string()),
        },
        other => cut(&other.to_string()),
    }
}

/// Instants as people read them.
fn readable(text: &str) -> String {
    let at = text.parse::<crate::kernel::clock::DateTime>();
    at.map_or_else(|_| text.to_owned(), crate::plans::wording::stamp)
}

fn cut(text: &str) -> String {
    if text.chars().count() <= TOLD_MAX {
        return text.to_owned();
    }
    format!("{}…", text.chars().take(TOLD_MAX).collect::<String>())
}
