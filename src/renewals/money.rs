//! Amounts of money, added up exactly.
//!
//! Promises: sums of decimal texts are exact to four places and never pass through a float; what is no number, or finer
//! than that, is none.
//! Leaves out: currencies; amounts of two currencies are never added, and whoever adds says so.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Ten-thousandths of the unit: the finest that price lists know.
const PLACES: usize = 4;
const SCALE: i128 = 10_000;
/// More than any contract, and far from the bounds of the number.
const UNITS_MAX: i128 = 1_000_000_000_000_000;

/// An amount without its currency.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Money(i128);

impl Money {
    pub fn units(units: u32) -> Self {
        Self(i128::from(units) * SCALE)
    }

    /// Reads `1234.50`.
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let is_number = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        let fraction = fraction.trim_end_matches('0');
        if whole.is_empty() || !is_number(whole) || !is_number(fraction) || fraction.len() > PLACES {
            return None;
        }
        let units: i128 = whole.parse().ok().filter(|units| *units <= UNITS_MAX)?;
        let parts: i128 = format!("{fraction:0<PLACES$}").parse().ok()?;
        let amount = units * SCALE + parts;
        Some(Self(if negative { -amount } else { amount }))
    }

    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    #[must_use]
    pub fn times(self, factor: u32) -> Self {
        Self(self.0.saturating_mul(i128::from(factor)))
    }

    /// For people: `64,800`, and `1,234.50` where there are cents.
    pub fn told(self) -> String {
        let text = self.to_string();
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, "00"));
        let digits = whole.trim_start_matches('-');
        let mut grouped = String::new();
        for (place, digit) in digits.chars().enumerate() {
            if place > 0 && (digits.len() - place).is_multiple_of(3) {
                grouped.push(',');
            }
            grouped.push(digit);
        }
        let sign = if whole.starts_with('-') { "-" } else { "" };
        let cents = if fraction == "00" { String::new() } else { format!(".{fraction}") };
        format!("{sign}{grouped}{cents}")
    }

    pub fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, parts) = (self.0.abs() / SCALE, self.0.abs() % SCALE);
        let fraction = format!("{parts:0PLACES$}");
        let fraction = fraction.trim_end_matches('0');
        // Cents are written whole.
        write!(f, "{sign}{whole}.{fraction:0<2}")
    }
}

impl TryFrom<String> for Money {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or_else(|| format!("`{text}` is no amount of money: write `1234.50`"))
    }
}

impl From<Money> for String {
    fn from(money: Money) -> Self {
        money.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_added_and_written_exactly() {
        for (text, written) in [
            ("0", "0.00"),
            ("833", "833.00"),
            ("0.1", "0.10"),
            ("1234.5000", "1234.50"),
            ("-12.25", "-12.25"),
            ("0.0001", "0.0001"),
        ] {
            assert_eq!(Money::parse(text).unwrap().to_string(), written);
        }
        for text in ["", "-", ".5", "1,000", "1e3", "0.00001", "abc", "99999999999999999999"] {
            assert_eq!(Money::parse(text), None, "{text}");
        }
        for (text, told) in
            [("64800.00", "64,800"), ("-1234.5", "-1,234.50"), ("999", "999"), ("1000000", "1,000,000")]
        {
            assert_eq!(Money::parse(text).unwrap().told(), told);
        }
        let tenth = Money::parse("0.1").unwrap();
        let sum = (0..3).fold(Money::default(), |sum, _| sum.plus(tenth));
        assert_eq!(sum.to_string(), "0.30", "which floats do not manage");
        assert_eq!(Money::parse("83.33").unwrap().times(12).to_string(), "999.96");
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_reads_back(units in -1_000_000_000_i128..1_000_000_000, parts in 0..SCALE) {
            let money = Money(units * SCALE + parts);
            proptest::prop_assert_eq!(Money::parse(&money.to_string()), Some(money));
        }
    }
}
