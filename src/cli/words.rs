//! Values of the API in words that people read.

use serde_json::Value;

use crate::kernel::clock::DateTime;
pub use crate::kernel::text::{age, number};

/// Stands for a value that is not there.
pub const NOTHING: &str = "–";

/// The text at the first of some JSON pointers that leads to something; [`NOTHING`] otherwise.
pub fn text(value: &Value, pointers: &[&str]) -> String {
    pointers
        .iter()
        .filter_map(|pointer| value.pointer(pointer))
        .find_map(plain)
        .unwrap_or_else(|| NOTHING.to_owned())
}

/// A JSON value in plain text; nothing for null, objects and empty texts.
pub fn plain(value: &Value) -> Option<String> {
    match value {
        Value::Null | Value::Object(_) => None,
        Value::String(text) => (!text.is_empty()).then(|| text.clone()),
        Value::Bool(flag) => Some(if *flag { "yes" } else { "no" }.to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().filter_map(plain).collect();
            (!items.is_empty()).then(|| items.join(", "))
        }
    }
}

/// An instant of the API.
pub fn instant(value: &Value) -> Option<DateTime> {
    chrono::DateTime::parse_from_rfc3339(value.as_str()?).ok().map(|at| at.to_utc())
}

/// `2026-11-20 10:00`, to the minute, in UTC; [`NOTHING`] when there is none.
pub fn when(value: Option<&Value>) -> String {
    value.and_then(instant).map_or_else(|| NOTHING.to_owned(), |at| at.format("%Y-%m-%d %H:%M").to_string())
}

/// `0.85` as `85 %`; [`NOTHING`] when there is none.
pub fn percent(value: Option<&Value>) -> String {
    value
        .and_then(Value::as_f64)
        .map_or_else(|| NOTHING.to_owned(), |share| format!("{:.0} %", share * 100.0))
}

/// `1 row`, `2 rows`.
pub fn counted(count: u64, one: &str) -> String {
    match one.strip_suffix("ry") {
        _ if count == 1 => format!("1 {one}"),
        Some(beginning) => format!("{} {beginning}ries", thousands(count)),
        None => format!("{} {one}s", thousands(count)),
    }
}

/// `25 000` with a thin separator that every terminal has.
pub fn thousands(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A text cut to a number of characters, with a sign that it was.
pub fn shortened(text: &str, length: usize) -> String {
    match text.char_indices().nth(length) {
        Some(_) => {
            let kept: String = text.chars().take(length.saturating_sub(1)).collect();
            format!("{}…", kept.trim_end())
        }
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_become_words() {
        let value = json!({ "a": { "b": "x" }, "n": null, "l": ["p", "q"], "f": true });
        assert_eq!(text(&value, &["/n", "/a", "/a/b"]), "x");
        assert_eq!(text(&value, &["/l"]), "p, q");
        assert_eq!(text(&value, &["/f"]), "yes");
        assert_eq!(text(&value, &["/none"]), NOTHING);
        assert_eq!((counted(1, "row"), counted(25_000, "row")), ("1 row".into(), "25,000 rows".into()));
        assert_eq!(percent(Some(&json!(0.854))), "85 %");
    }

    #[test]
    fn long_text_is_cut() {
        assert_eq!(shortened("one two", 7), "one two");
        assert_eq!(shortened("one two", 5), "one…");
    }
}
