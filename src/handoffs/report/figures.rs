//! Numbers, amounts, dates and names of things, as people read them.
//!
//! Promises: dates carry their weekday, instants the zone they are told in, amounts their currency; what is no number is
//! told as it stands.

use chrono::NaiveDate;

use crate::handoffs::sla::{Basis, SlaTerms};
use crate::kernel::calendar::{Length, Zone};
use crate::kernel::clock::DateTime;

/// With a comma between thousands.
pub(super) fn count(number: u64) -> String {
    grouped(&number.to_string())
}

fn grouped(digits: &str) -> String {
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Up to two decimals.
pub(super) fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Such as `84,000 USD`; a fraction of zeros is left away.
pub(super) fn amount(decimal: &str, currency: Option<&str>) -> String {
    let (sign, digits) = decimal.strip_prefix('-').map_or(("", decimal), |digits| ("-", digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_number = !whole.is_empty() && whole.chars().chain(fraction.chars()).all(|c| c.is_ascii_digit());
    let told = match fraction.trim_end_matches('0') {
        _ if !is_number => decimal.to_owned(),
        "" => format!("{sign}{}", grouped(whole)),
        kept => format!("{sign}{}.{kept:0<2}", grouped(whole)),
    };
    currency.map_or(told.clone(), |currency| format!("{told} {currency}"))
}

/// Such as `Wed 18 Nov 2026`.
pub(super) fn date(date: NaiveDate) -> String {
    date.format("%a %-d %b %Y").to_string()
}

/// The day of an instant in a zone.
pub(super) fn day(at: DateTime, zone: &Zone) -> String {
    date(at.with_timezone(&zone.offset_at(at)).date_naive())
}

/// Such as `Wed 18 Nov 2026, 13:00 Europe/Berlin (UTC+01:00)`.
pub(super) fn instant(at: DateTime, zone: &Zone) -> String {
    let local = at.with_timezone(&zone.offset_at(at));
    let offset = if zone.name() == "UTC" { String::new() } else { format!(" (UTC{})", local.format("%:z")) };
    format!("{} {}{offset}", local.format("%a %-d %b %Y, %H:%M"), zone.name())
}

/// Such as `1 hour 30 minutes`.
pub(super) fn length(length: Length) -> String {
    let seconds = length.total_seconds();
    let (days, rest) = if length.uses_days() { (seconds / 86_400, seconds % 86_400) } else { (0, seconds) };
    let parts = [(days, "day"), (rest / 3_600, "hour"), (rest / 60 % 60, "minute"), (rest % 60, "second")];
    let told = parts.into_iter().filter(|(count, _)| *count > 0).map(|(count, unit)| {
        let plural = if count == 1 { "" } else { "s" };
        format!("{count} {unit}{plural}")
    });
    told.collect::<Vec<_>>().join(" ")
}

/// The time in which the customer must be contacted.
pub(super) fn budget(terms: &SlaTerms) -> String {
    let clock = match terms.basis {
        Basis::Wall => "",
        Basis::Business => " of working time",
    };
    format!("{}{clock}", length(terms.budget))
}

/// A name in the code as words: `customer_success` is `customer success`.
pub(super) fn words(name: &str) -> String {
    name.replace('_', " ")
}

/// Parts of names that are written in capitals.
const ABBREVIATIONS: [&str; 7] = ["ae", "bdr", "cs", "csm", "plg", "sdr", "smb"];

/// A name in the code as the name of something: `customer_success` is `Customer Success`.
pub(super) fn title(name: &str) -> String {
    let capital = |word: &str| {
        if ABBREVIATIONS.contains(&word) {
            return word.to_uppercase();
        }
        let mut chars = word.chars();
        let first = chars.next().map(|c| c.to_uppercase().collect::<String>()).unwrap_or_default();
        first + chars.as_str()
    };
    name.split('_').filter(|word| !word.is_empty()).map(capital).collect::<Vec<_>>().join(" ")
}

/// A share of 0–1 in percent.
pub(super) fn share(value: f64) -> String {
    format!("{} %", number((value * 1_000.0).round() / 10.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_thousands_and_keep_their_cents() {
        let cases = [
            ("84000", "84,000 USD"),
            ("84000.00", "84,000 USD"),
            ("1234567.5", "1,234,567.50 USD"),
            ("-1200.25", "-1,200.25 USD"),
            ("999", "999 USD"),
            ("0.125", "0.125 USD"),
            ("on request", "on request USD"),
        ];
        for (decimal, told) in cases {
            assert_eq!(amount(decimal, Some("USD")), told);
        }
        assert_eq!(amount("1000", None), "1,000");
    }

    #[test]
    fn instants_carry_weekday_and_zone() {
        let at: DateTime = "2026-11-18T23:30:00Z".parse().unwrap();
        let berlin = Zone::find("Europe/Berlin").unwrap();
        assert_eq!(instant(at, &berlin), "Thu 19 Nov 2026, 00:30 Europe/Berlin (UTC+01:00)");
        assert_eq!(instant(at, &Zone::utc()), "Wed 18 Nov 2026, 23:30 UTC");
        assert_eq!(
            (day(at, &berlin).as_str(), day(at, &Zone::utc()).as_str()),
            ("Thu 19 Nov 2026", "Wed 18 Nov 2026")
        );
    }

    #[test]
    fn lengths_and_names_are_words() {
        for (written, told) in [
            ("4h", "4 hours"),
            ("90m", "1 hour 30 minutes"),
            ("48h", "48 hours"),
            ("1d12h", "1 day 12 hours"),
        ] {
            assert_eq!(length(written.parse().unwrap()), told);
        }
        assert_eq!(
            (words("api_usage"), title("customer_success")),
            ("api usage".into(), "Customer Success".into())
        );
        assert_eq!(title("sdr"), "SDR");
        assert_eq!((number(72.0), number(0.125), share(0.9)), ("72".into(), "0.12".into(), "90 %".into()));
    }
}
