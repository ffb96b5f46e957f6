//! Answers of the API in a few lines for an agent to read.
//!
//! Promises: a text holds what the next step needs (ids above all) and leaves the rest to the structured answer beside it.

use serde_json::Value;

use crate::kernel::clock::DateTime;
use crate::kernel::text::age;

/// Stands for a value that is not there.
const NOTHING: &str = "–";

/// The value at a JSON pointer in plain text.
pub fn at(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).map_or_else(|| NOTHING.to_owned(), plain)
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => NOTHING.to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => NOTHING.to_owned(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// A share of one in percent.
pub fn percent(value: &Value, pointer: &str) -> String {
    let share = value.pointer(pointer).and_then(Value::as_f64);
    share.map_or_else(|| NOTHING.to_owned(), |share| format!("{:.0} %", share * 100.0))
}

/// The instant at a JSON pointer and how far it is away.
pub fn when(value: &Value, pointer: &str, now: DateTime) -> String {
    let instant = value.pointer(pointer).and_then(Value::as_str);
    let read = instant.and_then(|text| chrono::DateTime::parse_from_rfc3339(text).ok());
    match read.map(|at| at.to_utc()) {
        Some(at) => format!("{} UTC ({})", at.format("%Y-%m-%d %H:%M"), age(now, at)),
        None => NOTHING.to_owned(),
    }
}

/// A page of a list: a line for each row, and how to get the next page.
pub fn page(list: &Value, none: &str, line: impl Fn(&Value) -> String) -> String {
    let rows = list["data"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut lines: Vec<String> = rows.iter().map(|row| format!("- {}", line(row))).collect();
    if lines.is_empty() {
        lines.push(none.to_owned());
    }
    if let Some(cursor) = list["nextCursor"].as_str() {
        lines.push(format!("There are more: call again with cursor {cursor:?}."));
    }
    lines.join("\n")
}

/// What is said of a dry run, after how things would stand.
pub fn unwritten(dry_run: bool, deed: &str, mut text: String) -> String {
    if dry_run {
        let hint =
            format!("\nNothing was written. To {deed} call again with dryRun false and an idempotencyKey.");
        text.push_str(&hint);
    }
    text
}

/// The objects of a list at a JSON pointer.
pub fn each<'v>(value: &'v Value, pointer: &str) -> impl Iterator<Item = &'v Value> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

/// A handoff in a line.
pub fn handoff_line(handoff: &Value, now: DateTime) -> String {
    let overdue = if handoff["overdue"] == true { ", OVERDUE" } else { "" };
    format!(
        "{} {} of {}: {}, {}, contact due {}{overdue}",
        at(handoff, "/handoffId"),
        at(handoff, "/handoffType"),
        at(handoff, "/accountId"),
        at(handoff, "/status"),
        owner(handoff),
        when(handoff, "/slaDeadline", now),
    )
}

fn owner(handoff: &Value) -> String {
    match handoff.pointer("/assignedOwner/id") {
        Some(_) => {
            format!("with {} ({})", at(handoff, "/assignedOwner/name"), at(handoff, "/assignedOwner/id"))
        }
        None => "with nobody yet".to_owned(),
    }
}

/// A handoff in a few lines: where it stands, why this owner, what is missing, what can be done.
pub fn handoff(handoff: &Value, now: DateTime) -> String {
    let mut lines = vec![handoff_line(handoff, now)];
    let urgency = format!(
        "From {} to {}, urgency {}, completeness {} %.",
        at(handoff, "/fromTeam"),
        at(handoff, "/toTeam"),
        at(handoff, "/urgency"),
        at(handoff, "/completeness")
    );
    lines.push(urgency);
    if handoff["assignment"].is_object() {
        lines.push(format!("Owner: {}", at(handoff, "/assignment/reason")));
    }
    for (name, said) in [("heldFor", "Held until"), ("missing", "Missing")] {
        for one in handoff[name].as_array().into_iter().flatten() {
            lines.push(format!("{said}: {}", particulars(one)));
        }
    }
    if handoff["closeReason"].is_string() {
        lines.push(format!("Closed because: {}", at(handoff, "/closeReason")));
    }
    lines.push(format!("Possible now (advance_handoff): {}.", at(handoff, "/actions")));
    lines.join("\n")
}

/// The texts of a small object in one line.
fn particulars(value: &Value) -> String {
    let fields = value.as_object().into_iter().flat_map(serde_json::Map::values);
    fields.filter(|value| value.is_string()).map(plain).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_told_in_plain_text() {
        let value = json!({ "a": ["x", "y"], "n": null, "c": 0.854 });
        assert_eq!(
            (at(&value, "/a"), at(&value, "/n"), at(&value, "/z")),
            ("x, y".into(), "–".into(), "–".into())
        );
        assert_eq!(percent(&value, "/c"), "85 %");
        let list = json!({ "data": [], "nextCursor": null });
        assert_eq!(page(&list, "None.", |_| String::new()), "None.");
        let list = json!({ "data": [1, 2], "nextCursor": "abc" });
        assert_eq!(page(&list, "", Value::to_string).lines().count(), 3);
    }
}
