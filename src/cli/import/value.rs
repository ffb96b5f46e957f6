//! A cell's text as the JSON value that a field wants.
//!
//! Promises: what cannot be read is a fault with the text in it, never a silent null; money stays decimal
//! text; numbers are cleaned of what spreadsheets put around them (spaces, thousands separators, currency
//! signs, accounting brackets) and of nothing else.

use serde_json::{Value, json};

use super::dates::Dates;
use super::mapping::TextRules;
use super::spec::{Field, Kind, Unmapped};

/// The value of a cell, or nothing when the field is to be left out.
pub fn convert(
    text: &str,
    field: &Field,
    rules: &TextRules,
    dates: &Dates<'_>,
) -> Result<Option<Value>, String> {
    let text = text.trim();
    if text.is_empty() || rules.empty_words.contains(&text.to_lowercase()) {
        return match &field.default {
            Some(default) => Ok(Some(default.clone())),
            None if field.required => Err("is empty, and the field is required".to_owned()),
            None => Ok(None),
        };
    }
    let mapped;
    let text = match (field.map.get(text), field.unmapped) {
        (Some(Value::String(to)), _) => {
            mapped = to.clone();
            &mapped
        }
        (Some(to), _) => return Ok(Some(to.clone())),
        (None, Unmapped::Keep) => text,
        (None, _) if field.map.is_empty() => text,
        (None, Unmapped::Drop) => return Ok(None),
        (None, Unmapped::Fault) => {
            let known: Vec<&str> = field.map.keys().map(String::as_str).collect();
            return Err(format!("{text:?} is not in the mapping's list ({})", known.join(", ")));
        }
    };
    by_kind(text, field, rules, dates)
}

fn by_kind(text: &str, field: &Field, rules: &TextRules, dates: &Dates<'_>) -> Result<Option<Value>, String> {
    Ok(Some(match field.kind {
        Kind::Text => Value::from(text),
        Kind::Integer => integer(text, rules.decimal)?,
        Kind::Number => float(&decimal(text, rules.decimal)?)?,
        Kind::Percent => {
            let hundredfold: f64 = parse(&decimal(text.trim_end_matches('%'), rules.decimal)?)?;
            json!(hundredfold / 100.0)
        }
        Kind::Money => {
            let amount = decimal(text, rules.decimal)?;
            match &field.currency {
                Some(currency) => json!({ "amount": amount, "currency": currency }),
                None => Value::from(amount),
            }
        }
        Kind::Boolean => Value::from(boolean(text, rules)?),
        Kind::Date => Value::from(dates.date(text)?.to_string()),
        Kind::Instant => Value::from(instant(dates.instant(text)?)),
        Kind::List => {
            let items: Vec<&str> =
                text.split(&field.separator).map(str::trim).filter(|item| !item.is_empty()).collect();
            if items.is_empty() {
                return Ok(None);
            }
            json!(items)
        }
        Kind::Slug => Value::from(slug(text)?),
    }))
}

/// An instant as the contract writes it.
pub fn instant(at: crate::kernel::clock::DateTime) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}

/// Plain digits of a number as spreadsheets write it.
fn decimal(text: &str, point: char) -> Result<String, String> {
    let not_a_number = || format!("{text:?} is no number");
    let trimmed = text.trim();
    let (inner, bracketed) = match trimmed.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        Some(inner) => (inner, true),
        None => (trimmed, false),
    };
    let thousands = if point == ',' { '.' } else { ',' };
    let mut plain = String::with_capacity(inner.len());
    for c in inner.chars() {
        match c {
            '0'..='9' | '-' => plain.push(c),
            '+' if plain.is_empty() => {}
            c if c == point => plain.push('.'),
            c if c == thousands && plain.contains('.') => return Err(not_a_number()),
            c if c == thousands || c.is_whitespace() || "'’_$€£¥₹".contains(c) => {}
            _ => return Err(not_a_number()),
        }
    }
    if bracketed {
        plain.insert(0, '-');
    }
    let digits = plain.strip_prefix('-').unwrap_or(&plain);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if all_digits(whole) && all_digits(fraction) { Ok(plain) } else { Err(not_a_number()) }
}

fn parse(plain: &str) -> Result<f64, String> {
    plain.parse().map_err(|_| format!("{plain:?} is no number"))
}

fn float(plain: &str) -> Result<Value, String> {
    // A whole number stays one, so that 7 does not become 7.0.
    plain.parse::<i64>().map(Value::from).or_else(|_| parse(plain).map(Value::from))
}

fn integer(text: &str, point: char) -> Result<Value, String> {
    let plain = decimal(text, point)?;
    let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
    if fraction.bytes().any(|digit| digit != b'0') {
        return Err(format!("{text:?} is no whole number"));
    }
    whole.parse::<i64>().map(Value::from).map_err(|_| format!("{text:?} is too large a number"))
}

fn boolean(text: &str, rules: &TextRules) -> Result<bool, String> {
    let lower = text.to_lowercase();
    if rules.true_words.contains(&lower) {
        return Ok(true);
    }
    if rules.false_words.contains(&lower) {
        return Ok(false);
    }
    Err(format!(
        "{text:?} is neither true ({}) nor false ({})",
        rules.true_words.join(", "),
        rules.false_words.join(", ")
    ))
}

fn slug(text: &str) -> Result<String, String> {
    let mut slug = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            slug.push(c.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { Err(format!("{text:?} leaves nothing for an id")) } else { Ok(slug.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::super::dates::Shift;
    use super::super::mapping::Mapping;
    use super::super::spec::Spec;
    use super::*;

    fn rules(more: &str) -> TextRules {
        let text = format!(
            "name = \"n\"\nsource = \"s\"\n[text]\n{more}\n[[files]]\nfile = \"f\"\n[[files.events]]\n\
             type = \"t\"\nid = \"{{i}}\"\nsubject = \"{{i}}\""
        );
        Mapping::parse(&text).unwrap().text
    }

    fn read(text: &str, spec: &str, rules: &TextRules) -> Result<Option<Value>, String> {
        let table: toml::Table = toml::from_str(&format!("f = {spec}")).unwrap();
        let Spec::Field(field) = Spec::parse("f", &table["f"]).unwrap() else { panic!("no field") };
        let dates = Dates { formats: &rules.date_formats, offset: rules.utc_offset, shift: Shift::default() };
        convert(text, &field, rules, &dates)
    }

    #[test]
    fn numbers_are_cleaned_of_what_spreadsheets_add() {
        let english = rules("");
        let number = "{ column = \"c\", as = \"number\" }";
        for (text, value) in
            [("1,234.50", json!(1234.5)), ("$ 7", json!(7)), ("(12)", json!(-12)), ("1 000", json!(1000))]
        {
            assert_eq!(read(text, number, &english), Ok(Some(value)), "{text}");
        }
        for text in ["1.2.3", "12k", "1.5,0", "-", "1-2", "NaN"] {
            assert!(read(text, number, &english).is_err(), "{text}");
        }
        let german = rules("decimal = \",\"");
        let money = "{ column = \"c\", as = \"money\", currency = \"EUR\" }";
        assert_eq!(
            read("1.234,50 €", money, &german),
            Ok(Some(json!({ "amount": "1234.50", "currency": "EUR" })))
        );
        let integer = "{ column = \"c\", as = \"integer\" }";
        assert_eq!(read("12.0", integer, &english), Ok(Some(json!(12))));
        assert!(read("12.5", integer, &english).unwrap_err().contains("whole"));
        assert_eq!(read("45 %", "{ column = \"c\", as = \"percent\" }", &english), Ok(Some(json!(0.45))));
    }

    #[test]
    fn words_maps_and_lists() {
        let rules = rules("empty_words = [\"n/a\"]");
        let flag = "{ column = \"c\", as = \"boolean\" }";
        assert_eq!(read("TRUE", flag, &rules), Ok(Some(json!(true))));
        assert_eq!(read("no", flag, &rules), Ok(Some(json!(false))));
        assert!(read("maybe", flag, &rules).is_err());
        let map = "{ column = \"c\", map = { x = \"open\", y = 3 }, unmapped = \"fault\" }";
        assert_eq!(read("x", map, &rules), Ok(Some(json!("open"))));
        assert_eq!(read("y", map, &rules), Ok(Some(json!(3))));
        assert!(read("z", map, &rules).unwrap_err().contains("(x, y)"));
        let list = "{ column = \"c\", as = \"list\", separator = \"|\" }";
        assert_eq!(read("a | b||", list, &rules), Ok(Some(json!(["a", "b"]))));
        assert_eq!(read("N/A", "\"c\"", &rules), Ok(None));
        assert_eq!(read("", "{ column = \"c\", default = 5 }", &rules), Ok(Some(json!(5))));
        assert!(read(" ", "{ column = \"c\", required = true }", &rules).is_err());
        assert_eq!(
            read("Müller & Söhne (2)", "{ column = \"c\", as = \"slug\" }", &rules),
            Ok(Some(json!("m-ller-s-hne-2")))
        );
    }
}
