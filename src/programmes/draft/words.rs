//! Numbers and dates as readers expect them.

use chrono::{Days, NaiveDate};

/// `1,234,568` from so much on, `93.75` below, without decimals that say nothing.
pub fn amount(value: f64) -> String {
    let cents = (value * 100.0).round() / 100.0;
    if cents.abs() >= 1_000.0 || cents.fract() == 0.0 {
        grouped(cents.round())
    } else {
        format!("{cents:.2}")
    }
}

/// A number with thousands parted, with as many decimals as it has, two at the most.
pub fn number(value: f64) -> String {
    let rounded = (value * 100.0).round() / 100.0;
    if rounded.fract() == 0.0 {
        return grouped(rounded);
    }
    let text = format!("{rounded:.2}");
    let (whole, decimals) = text.split_once('.').unwrap_or((&text, ""));
    format!("{}.{}", grouped(whole.parse().unwrap_or_default()), decimals.trim_end_matches('0'))
}

/// `4.6 %`, one decimal at the most.
pub fn percent(fraction: f64) -> String {
    let tenths = (fraction * 1_000.0).round() / 10.0;
    if tenths.fract() == 0.0 { format!("{tenths:.0} %") } else { format!("{tenths:.1} %") }
}

fn grouped(whole: f64) -> String {
    let digits = format!("{:.0}", whole.abs());
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if whole < 0.0 { format!("-{text}") } else { text }
}

/// `10 February 2026`.
pub fn date(day: NaiveDate) -> String {
    day.format("%-d %B %Y").to_string()
}

/// So many days after another.
pub fn later(day: NaiveDate, days: u64) -> NaiveDate {
    day.checked_add_days(Days::new(days)).unwrap_or(day)
}

/// With a small first letter, unless the word is an abbreviation or a name in capitals.
pub fn small(text: &str) -> String {
    let mut chars = text.chars();
    match (chars.next(), chars.clone().next()) {
        (Some(first), Some(second)) if first.is_uppercase() && !second.is_uppercase() => {
            first.to_lowercase().chain(chars).collect()
        }
        _ => text.to_owned(),
    }
}

/// With a capital first letter.
pub fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(
            [amount(10_800.0), amount(121.739), amount(5.6), amount(61_770.6)],
            ["10,800", "121.74", "5.60", "61,771"]
        );
        assert_eq!([number(1_928.0), number(-1_234.5), number(0.256)], ["1,928", "-1,234.5", "0.26"]);
        assert_eq!([percent(0.046), percent(1.08), percent(0.3)], ["4.6 %", "108 %", "30 %"]);
        assert_eq!(date("2026-02-10".parse().unwrap()), "10 February 2026");
        assert_eq!([small("Kick-off notes"), small("CRM fields")], ["kick-off notes", "CRM fields"]);
    }
}
