//! Kinds of numbers: counts, fractions, scores, money, flags.
//!
//! Promises: money is read from the sender's digits and stays decimal text; fractions and scores are rounded
//! to four decimals, which a float holds and JSON gives back exactly.

use super::super::fault::{FaultCode, quoted};
use super::super::shape::Shape;
use super::words::string;
use super::{Currency, Fields, Kind, Place, Reading};
use crate::accounts::model::Amount;

/// The largest count that is believed. Sums of a day stay far from overflow.
pub const COUNT_MAX: u64 = 1_000_000_000_000;

/// A whole number from 0; `250.0` is whole too, as in JSON Schema.
pub struct Count;

impl Kind for Count {
    type Value = u64;
    const SHAPE: Shape = Shape::Integer { min: 0, max: COUNT_MAX };

    fn read(raw: &str, place: &Place<'_>, reading: &mut Reading) -> Option<u64> {
        if let Ok(count) = raw.parse::<u64>()
            && count <= COUNT_MAX
        {
            return Some(count);
        }
        let number = number(raw, place, reading)?;
        if number.fract() != 0.0 {
            return reading.refuse(place, FaultCode::WrongType, format!("{raw} is no whole number"));
        }
        if number < 0.0 {
            return reading.refuse(place, FaultCode::OutOfRange, format!("{raw} is negative"));
        }
        // Every whole float in this range is printed as plain digits.
        match format!("{}", number.abs()).parse::<u64>() {
            Ok(count) if count <= COUNT_MAX => Some(count),
            _ => reading.refuse(place, FaultCode::OutOfRange, format!("is more than {COUNT_MAX}")),
        }
    }
}

/// A JSON number as a float.
fn number(raw: &str, place: &Place<'_>, reading: &mut Reading) -> Option<f64> {
    if !raw.starts_with(|c: char| c == '-' || c.is_ascii_digit()) {
        return reading.expected(place, "a number", raw);
    }
    match raw.parse::<f64>() {
        Ok(number) if number.is_finite() => Some(number),
        _ => reading.refuse(place, FaultCode::OutOfRange, "is beyond what a number can hold"),
    }
}

/// Four decimals.
fn rounded(number: f64) -> f64 {
    (number * 10_000.0).round() / 10_000.0
}

/// A number from 0 to `MAX`, in four decimals.
pub struct Score<const MAX: u32>;

impl<const MAX: u32> Kind for Score<MAX> {
    type Value = f64;
    const SHAPE: Shape = Shape::Number { min: 0.0, max: MAX as f64 };

    fn read(raw: &str, place: &Place<'_>, reading: &mut Reading) -> Option<f64> {
        let number = number(raw, place, reading)?;
        if (0.0..=f64::from(MAX)).contains(&number) {
            // The sum makes a negative zero a plain one.
            return Some(rounded(number) + 0.0);
        }
        reading.refuse(place, FaultCode::OutOfRange, format!("{} is not within 0 and {MAX}", quoted(raw)))
    }
}

/// A number from 0 to 1.
pub type Fraction = Score<1>;

/// True or false.
pub struct Flag;

impl Kind for Flag {
    type Value = bool;
    const SHAPE: Shape = Shape::Boolean;

    fn read(raw: &str, place: &Place<'_>, reading: &mut Reading) -> Option<bool> {
        match raw {
            "true" => Some(true),
            "false" => Some(false),
            _ => reading.expected(place, "true or false", raw),
        }
    }
}

/// Money: `"1234.50"`, `1234.50` or `{"amount": "1234.50", "currency": "USD"}`.
pub struct Money<const NEGATIVE: bool = false>;

impl<const NEGATIVE: bool> Kind for Money<NEGATIVE> {
    type Value = Amount;
    const SHAPE: Shape = Shape::Money { negative: NEGATIVE };

    fn read(raw: &str, place: &Place<'_>, reading: &mut Reading) -> Option<Amount> {
        if raw.starts_with('{') {
            let fields = Fields::split(raw, place, reading)?;
            let amount_place = Place::Key(place, "amount");
            let amount = match fields.get("amount") {
                Some(text) if text != "null" => decimal(text, NEGATIVE, &amount_place, reading),
                _ => reading.refuse(&amount_place, FaultCode::Required, "is required"),
            };
            let currency = fields.required::<Currency>("currency", place, reading);
            return Some(Amount { amount: amount?, currency: Some(currency?) });
        }
        Some(Amount { amount: decimal(raw, NEGATIVE, place, reading)?, currency: None })
    }
}

/// Digits before the point that are believed.
const WHOLE_DIGITS_MAX: usize = 15;
/// Digits after the point that are kept.
const FRACTION_DIGITS_MAX: usize = 6;

/// A decimal number from a JSON string or number, as text without leading zeros.
fn decimal(raw: &str, negative: bool, place: &Place<'_>, reading: &mut Reading) -> Option<String> {
    let text = if raw.starts_with('"') {
        string(raw, place, reading)?
    } else {
        let number = number(raw, place, reading)?;
        let fraction_digits = raw.split_once('.').map_or(0, |(_, digits)| digits.len());
        if raw.contains(['e', 'E']) || fraction_digits > FRACTION_DIGITS_MAX {
            // An exponent or a long tail was written by a float: its own precision is all there is.
            let text = format!("{number:.FRACTION_DIGITS_MAX$}");
            text.trim_end_matches('0').trim_end_matches('.').to_owned().into()
        } else {
            raw.into()
        }
    };
    match plain_decimal(text.trim()) {
        Some(text) if negative || !text.starts_with('-') => Some(text),
        Some(_) => reading.refuse(place, FaultCode::OutOfRange, format!("{} is negative", quoted(&text))),
        None => {
            let detail = format!(
                "{} is no amount; expected digits like \"1234.50\", at most {WHOLE_DIGITS_MAX} before \
                 and {FRACTION_DIGITS_MAX} after the point",
                quoted(&text)
            );
            reading.refuse(place, FaultCode::InvalidFormat, detail)
        }
    }
}

/// The decimal number in its plain form, when it is one: `007.50` is `7.50`, `-0.00` is `0.00`.
fn plain_decimal(text: &str) -> Option<String> {
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(w, f)| (w, Some(f)));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !all_digits(whole) || fraction.is_some_and(|f| !all_digits(f) || f.len() > FRACTION_DIGITS_MAX) {
        return None;
    }
    let whole = whole.trim_start_matches('0');
    if whole.len() > WHOLE_DIGITS_MAX {
        return None;
    }
    let whole = if whole.is_empty() { "0" } else { whole };
    let is_zero = digits.bytes().all(|b| matches!(b, b'0' | b'.'));
    let sign = if is_zero { "" } else { sign };
    Some(fraction.map_or_else(|| format!("{sign}{whole}"), |f| format!("{sign}{whole}.{f}")))
}

#[cfg(test)]
mod tests {
    use super::super::probe::{read, refusal};
    use super::*;

    fn amount(text: &str) -> Amount {
        Amount { amount: text.to_owned(), currency: None }
    }

    #[test]
    fn counts_are_whole_and_not_negative() {
        for (raw, count) in [("0", 0), ("250", 250), ("250.0", 250), ("1e3", 1_000), ("-0", 0)] {
            assert_eq!(read::<Count>(raw), Ok(count), "{raw}");
        }
        assert_eq!(refusal::<Count>("-1"), Some(FaultCode::OutOfRange));
        assert_eq!(refusal::<Count>("1.5"), Some(FaultCode::WrongType));
        assert_eq!(refusal::<Count>("\"5\""), Some(FaultCode::WrongType));
        assert_eq!(refusal::<Count>("1000000000001"), Some(FaultCode::OutOfRange));
        assert_eq!(refusal::<Count>("1e300"), Some(FaultCode::OutOfRange));
        assert_eq!(refusal::<Count>("1e999"), Some(FaultCode::OutOfRange));
    }

    #[test]
    fn scores_keep_to_their_range_and_to_four_decimals() {
        assert_eq!(read::<Fraction>("0.123456"), Ok(0.1235));
        assert_eq!(read::<Fraction>("1"), Ok(1.0));
        assert_eq!(refusal::<Fraction>("1.01"), Some(FaultCode::OutOfRange));
        assert_eq!(refusal::<Fraction>("-0.1"), Some(FaultCode::OutOfRange));
        assert_eq!(read::<Score<10>>("9.5"), Ok(9.5));
        assert!(read::<Fraction>("-0.0").unwrap().is_sign_positive());
    }

    #[test]
    fn money_keeps_its_digits_in_every_form() {
        for (raw, text) in [
            ("\"1234.50\"", "1234.50"),
            ("1234.50", "1234.50"),
            ("100", "100"),
            ("\"007.5\"", "7.5"),
            ("0.30000000000000004", "0.3"),
            ("1.5e3", "1500"),
            ("999999999999999.123456", "999999999999999.123456"),
            ("\"-0.00\"", "0.00"),
        ] {
            assert_eq!(read::<Money>(raw), Ok(amount(text)), "{raw}");
        }
        assert_eq!(
            read::<Money>(r#"{"amount":"12.00","currency":"usd"}"#),
            Ok(Amount { amount: "12.00".to_owned(), currency: Some("USD".to_owned()) })
        );
        assert_eq!(read::<Money<true>>("-5"), Ok(amount("-5")));
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for raw in ["\"1,234\"", "\"$5\"", "\".5\"", "\"5.\"", "\"1.1234567\"", "\"1e3\"", "1e20"] {
            assert_eq!(refusal::<Money>(raw), Some(FaultCode::InvalidFormat), "{raw}");
        }
        assert_eq!(refusal::<Money>("-5"), Some(FaultCode::OutOfRange));
        assert_eq!(refusal::<Money>("true"), Some(FaultCode::WrongType));
        assert_eq!(read::<Money>("{}").unwrap_err().len(), 2);
    }
}
