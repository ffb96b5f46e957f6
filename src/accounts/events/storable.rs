//! Whether a JSON text can be stored: what the parser lets pass and Postgres refuses.
//!
//! Promises: after this check the text can be kept as `json`, `jsonb` or text. It looks at the parts that no
//! reader looks at (unknown fields), in one pass, without building anything.
//! Leaves out: whether the text is JSON, which the parser has settled before.

/// Levels of nesting that are kept.
const DEPTH_MAX: usize = 64;
/// Digits of an exponent that are kept: beyond it no float can read the number back.
const EXPONENT_DIGITS_MAX: usize = 2;
/// Characters of a number that are kept.
const NUMBER_LENGTH_MAX: usize = 100;

/// What makes a JSON text unfit to be stored, as a sentence; nothing when it is fit.
pub(super) fn obstacle(json: &str) -> Option<&'static str> {
    let bytes = json.as_bytes();
    let mut depth = 0_usize;
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => match string_end(bytes, at + 1) {
                Ok(end) => at = end,
                Err(reason) => return Some(reason),
            },
            b'{' | b'[' => {
                depth += 1;
                if depth > DEPTH_MAX {
                    return Some("is nested more than 64 levels deep");
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'0'..=b'9' => match number_end(bytes, at) {
                Ok(end) => at = end,
                Err(reason) => return Some(reason),
            },
            _ => {}
        }
        at += 1;
    }
    None
}

/// The place of the last character of a number whose first digit is at `at`.
fn number_end(bytes: &[u8], at: usize) -> Result<usize, &'static str> {
    let in_number = |b: &&u8| matches!(b, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-');
    let length = bytes[at..].iter().take_while(in_number).count();
    let number = &bytes[at..at + length];
    if length > NUMBER_LENGTH_MAX {
        return Err("holds a number of more than 100 characters");
    }
    let exponent = number.iter().position(|b| matches!(b, b'e' | b'E')).map_or(&[][..], |e| &number[e + 1..]);
    if exponent.iter().skip_while(|b| matches!(b, b'+' | b'-' | b'0')).count() > EXPONENT_DIGITS_MAX {
        return Err("holds a number with an exponent of more than two digits");
    }
    Ok(at + length - 1)
}

/// The place of the quotation mark that ends a string which begins at `at`.
fn string_end(bytes: &[u8], mut at: usize) -> Result<usize, &'static str> {
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => return Ok(at),
            b'\\' if bytes.get(at + 1) == Some(&b'u') => match code_unit(bytes, at) {
                Some(0) => return Err("holds the NUL character, which cannot be stored"),
                Some(0xd800..=0xdbff) if matches!(code_unit(bytes, at + 6), Some(0xdc00..=0xdfff)) => {
                    at += 12;
                }
                Some(0xd800..=0xdfff) | None => return Err("holds half of a surrogate pair"),
                Some(_) => at += 6,
            },
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    Ok(at)
}

/// The code unit of an escape `\uXXXX` that begins at `at`.
fn code_unit(bytes: &[u8], at: usize) -> Option<u32> {
    let escape = bytes.get(at..at + 6)?.strip_prefix(b"\\u")?;
    u32::from_str_radix(std::str::from_utf8(escape).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_json_can_be_stored() {
        for json in [
            r#"{"a":[1,-2.5e10,true,false,null],"b":"\u00fc\n\"\\"}"#,
            r#""\\u0000 is an escaped backslash""#,
            r#""\ud83d\ude00""#,
            r#"{"e9999":"1e9999"}"#,
        ] {
            assert_eq!(obstacle(json), None, "{json}");
        }
        assert_eq!(obstacle(&format!("{}{}", "[".repeat(64), "]".repeat(64))), None);
    }

    #[test]
    fn what_the_database_refuses_is_found() {
        for json in
            [r#"{"a":"x\u0000"}"#, r#""\ud800""#, r#""\udc00\ud800""#, r#""\ud800\n""#, "[1e400]", "1E+0999"]
        {
            assert!(obstacle(json).is_some(), "{json}");
        }
        assert!(obstacle(&format!("{}{}", "[".repeat(65), "]".repeat(65))).is_some());
        assert!(obstacle(&format!("[{}]", "9".repeat(101))).is_some());
    }
}
