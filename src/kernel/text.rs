//! Small things about words: the nearest known name to a misspelt one, lists in a sentence, ages, numbers, lines, parts of
//! paths.

use serde::Serialize;
use serde_json::Value;

use super::clock::DateTime;

/// The candidate nearest to `word` by edits (insert, delete, replace, swap of neighbours), when it is near
/// enough to be a likely slip: at most a third of the word's length, at least one edit allowed.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (word.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(edits, _)| *edits <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Edits between two words (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replace = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = replace.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

/// `a`, `a and b`, `a, b and c`.
pub fn sentence_list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [head @ .., last] => format!("{} and {last}", head.join(", ")),
    }
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

/// A number without needless decimals.
pub fn number(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// The name of an enum's value as the API writes it.
pub fn name_of(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(name)) => name,
        other => other.map(|value| value.to_string()).unwrap_or_default(),
    }
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

/// An id as a part of a path: whatever somebody wrote stays within its segment.
pub fn segment(id: &str) -> String {
    let mut out = String::with_capacity(id.len());
    for byte in id.bytes() {
        if byte.is_ascii_alphanumeric() || b"_.:-~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push_str(&hex::encode_upper([byte]));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn the_nearest_name_is_found_only_when_it_is_near() {
        let known = ["usage_depth", "segment", "seats"];
        assert_eq!(nearest("usage_dept", known), Some("usage_depth"));
        assert_eq!(nearest("sgement", known), Some("segment"));
        assert_eq!(nearest("weather", known), None);
    }

    #[test]
    fn lists_read_as_a_sentence() {
        let words = |w: &[&str]| w.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(sentence_list(&words(&["a", "b", "c"])), "a, b and c");
        assert_eq!(sentence_list(&words(&["a"])), "a");
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
    }

    #[test]
    fn an_id_cannot_leave_its_segment() {
        assert_eq!(segment("acc_1:x.y-Z"), "acc_1:x.y-Z");
        assert_eq!(segment("a/../b?c ü"), "a%2F..%2Fb%3Fc%20%C3%BC");
    }

    #[test]
    fn numbers_and_lines_take_no_more_than_they_need() {
        assert_eq!((number(72.0, 1), number(0.25, 4)), ("72".into(), "0.25".into()));
        assert_eq!(wrapped("one two three", 9, 2), "one two\n  three");
        assert_eq!(wrapped("", 9, 2), "");
    }
}
