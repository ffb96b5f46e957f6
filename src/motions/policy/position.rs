//! From a place inside a text value to its place in the file, past quotes and escapes.

/// The byte offset within `raw` (a quoted TOML or JSON text as written, quotes included) of the byte
/// `decoded` of its value.
pub fn offset_in_raw(raw: &str, decoded: usize) -> usize {
    let (open, escapes) = opening(raw);
    let mut at = open;
    let mut passed = 0;
    while passed < decoded {
        let Some(next) = raw[at..].chars().next() else { break };
        let (written, value) =
            if escapes && next == '\\' { escape(&raw[at..]) } else { (next.len_utf8(), next.len_utf8()) };
        at += written;
        passed += value;
    }
    // A line continuation stands before the character that follows it.
    while escapes && raw[at..].starts_with('\\') && escape(&raw[at..]).1 == 0 {
        at += escape(&raw[at..]).0;
    }
    at.min(raw.len())
}

/// Length of the opening quotes, with the line break that a multi-line text drops; whether escapes apply.
fn opening(raw: &str) -> (usize, bool) {
    for (quotes, escapes) in [("\"\"\"", true), ("'''", false)] {
        // Six quotes at least: `""` followed by something else is an empty text.
        if raw.len() >= 6 && raw.starts_with(quotes) {
            let after = &raw[3..];
            let dropped = if after.starts_with("\r\n") { 2 } else { usize::from(after.starts_with('\n')) };
            return (3 + dropped, escapes);
        }
    }
    (usize::from(!raw.is_empty()), raw.starts_with('"'))
}

/// Bytes written and bytes meant by the escape at the start of `raw`.
fn escape(raw: &str) -> (usize, usize) {
    let hex = |digits: usize| {
        let code = raw.get(2..2 + digits).and_then(|hex| u32::from_str_radix(hex, 16).ok()).unwrap_or(0);
        match char::from_u32(code) {
            Some(character) => (2 + digits, character.len_utf8()),
            // The first half of a surrogate pair: the second half follows as an escape of its own.
            None => (12, 4),
        }
    };
    match raw[1..].chars().next() {
        Some('u') => hex(4),
        Some('U') => hex(8),
        Some('x') => hex(2),
        Some(space) if space.is_whitespace() => {
            let rest = raw[1..].trim_start();
            (raw.len() - rest.len(), 0)
        }
        Some(other) => (1 + other.len_utf8(), 1),
        None => (1, 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_the_value_is_found_in_the_file() {
        for (raw, decoded, expected) in [
            ("'ab'", 1, "b'"),
            ("\"a\\\"b\"", 2, "b\""),
            ("\"\\u00e9b\"", 2, "b\""),
            ("\"\\ud83d\\ude00b\"", 4, "b\""),
            ("'''\nab'''", 1, "b'''"),
            ("\"\"\"\r\nab\"\"\"", 1, "b\"\"\""),
            ("\"\"\"a \\\n   b\"\"\"", 2, "b\"\"\""),
            ("''", 0, "'"),
            ("'é&'", 2, "&'"),
        ] {
            assert_eq!(&raw[offset_in_raw(raw, decoded)..], expected, "{raw}");
        }
        assert_eq!(offset_in_raw("'a'", 99), 3);
    }
}
