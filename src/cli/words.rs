//! Values of the API in words that people read.

use serde_json::Value;

use crate::kernel::clock::DateTime;

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

/// How long ago: `just now`, `5 min ago`, `3 h ago`, `2 d ago`; `in …` for what lies ahead.
pub fn age(now: DateTime, at: DateTime) -> String {
    let seconds = (now - at).num_seconds();
    let amount = span(seconds.unsigned_abs());
    match seconds {
        -59..=59 => "just now".to_owned(),
        60.. => format!("{amount} ago"),
        _ => format!("in {amount}"),
    }
}

fn span(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// `0.85` as `85 %`; [`NOTHING`] when there is none.
pub fn percent(value: Option<&Value>) -> String {
    value
        .and_then(Value::as_f64)
        .map_or_else(|| NOTHING.to_owned(), |share| format!("{:.0} %", share * 100.0))
}

/// A number without needless decimals.
pub fn number(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
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

/// The name of an enum's value as the API writes it.
pub fn name_of(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| plain(&value)).unwrap_or_else(|| NOTHING.to_owned())
}

/// Breaks running text into lines of at most `width` characters, each after the first behind `indent`.
pub fn wrapped(text: &str, width: usize, indent: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let full = line.chars().count() + word.chars().count() + 1 + indent > width;
        if full && !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines.join(&format!("\n{}", " ".repeat(indent)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;
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
        assert_eq!(number(72.0, 1), "72");
    }

    #[test]
    fn ages_use_the_unit_that_fits() {
        let now = chrono::DateTime::from_timestamp(2_000_000_000, 0).unwrap();
        let aged = |seconds| age(now, now - TimeDelta::seconds(seconds));
        assert_eq!(aged(10), "just now");
        assert_eq!(aged(300), "5 min ago");
        assert_eq!(aged(3 * 3_600), "3 h ago");
        assert_eq!(aged(3 * 86_400), "3 d ago");
        assert_eq!(aged(-3 * 3_600), "in 3 h");
    }

    #[test]
    fn text_is_wrapped_at_words() {
        assert_eq!(wrapped("one two three", 9, 2), "one two\n  three");
        assert_eq!(wrapped("", 9, 2), "");
        assert_eq!(shortened("one two", 7), "one two");
        assert_eq!(shortened("one two", 5), "one…");
    }
}
