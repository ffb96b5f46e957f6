//! Kinds of time: dates and instants.
//!
//! Promises: what a newest-wins rule will compare lies no further ahead than [`AHEAD_MAX`] of the moment it
//! arrived, because a fact from the far future could never be overwritten again.

use chrono::{Datelike, NaiveDate, TimeDelta};

use super::super::fault::{FaultCode, quoted};
use super::super::shape::Shape;
use super::words::string;
use super::{Kind, Place, Reading};
use crate::kernel::clock::{DateTime, truncate};

/// How far ahead of its arrival a statement about the present may be dated: covers wrong clocks and dates
/// written in the easternmost time zone.
pub const AHEAD_MAX: TimeDelta = TimeDelta::hours(24);

/// How many days back usage may be reported: ten years. An older date is a slip, and would count as the
/// account's first day for good.
const USAGE_DAYS_BACK_MAX: TimeDelta = TimeDelta::days(3_653);

/// An instant of RFC 3339, cut to microseconds.
pub fn instant(text: &str) -> Result<DateTime, (FaultCode, String)> {
    let Ok(at) = chrono::DateTime::parse_from_rfc3339(text) else {
        let detail =
            format!("{} is no RFC 3339 instant; expected one like \"2026-01-31T09:30:00Z\"", quoted(text));
        return Err((FaultCode::InvalidFormat, detail));
    };
    let at = truncate(at.to_utc());
    if at < DateTime::UNIX_EPOCH {
        return Err((FaultCode::OutOfRange, format!("{} lies before 1970", quoted(text))));
    }
    Ok(at)
}

/// Refuses an instant that lies too far ahead of the arrival.
pub fn not_ahead(at: DateTime, place: &Place<'_>, reading: &mut Reading) -> Option<DateTime> {
    if at <= reading.received_at + AHEAD_MAX {
        return Some(at);
    }
    let detail = format!(
        "{} lies more than {} h ahead of the time of arrival ({}); a fact from the future could not be \
         overwritten by a later one",
        at.to_rfc3339(),
        AHEAD_MAX.num_hours(),
        reading.received_at.to_rfc3339(),
    );
    reading.refuse(place, FaultCode::OutOfRange, detail)
}

/// An instant that may lie ahead: an expiry, a close date.
pub struct Instant;

impl Kind for Instant {
    type Value = DateTime;
    const SHAPE: Shape = Shape::Formatted { max: 64, format: "date-time" };

    fn read(raw: &str, place: &Place<'_>, reading: &mut Reading) -> Option<DateTime> {
        let text = string(raw, place, reading)?;
        match instant(&text) {
            Ok(at) => Some(at),
            Err((code, detail)) => reading.refuse(place, code, detail),
        }
    }
}

/// An instant at which something has happened.
pub struct Past;

impl Kind for Past {
    type Value = DateTime;
    const SHAPE: Shape = Instant::SHAPE;

    fn read(raw: &str, place: &Place<'_>, reading: &mut Reading) -> Option<DateTime> {
        let at = Instant::read(raw, place, reading)?;
        not_ahead(at, place, reading)
    }
}

/// A calendar date, `YYYY-MM-DD`, of the years 1900 to 2199.
pub struct Day;

impl Kind for Day {
    type Value = NaiveDate;
    const SHAPE: Shape = Shape::Formatted { max: 10, format: "date" };

    fn read(raw: &str, place: &Place<'_>, reading: &mut Reading) -> Option<NaiveDate> {
        let text = string(raw, place, reading)?;
        // The form is checked because the parser also takes 2026-1-2 and space, which are no RFC 3339 date.
        let digits = |at: usize| matches!(at, 0..=3 | 5 | 6 | 8 | 9);
        let well_formed = text.len() == 10
            && text
                .bytes()
                .enumerate()
                .all(|(at, b)| if digits(at) { b.is_ascii_digit() } else { b == b'-' });
        match text.parse::<NaiveDate>() {
            Ok(date) if well_formed => {
                if (1900..2200).contains(&date.year()) {
                    return Some(date);
                }
                let detail = format!("{} lies outside the years 1900 to 2199", quoted(&text));
                reading.refuse(place, FaultCode::OutOfRange, detail)
            }
            _ => {
                let detail = format!("{} is no date; expected one like \"2026-01-31\"", quoted(&text));
                reading.refuse(place, FaultCode::InvalidFormat, detail)
            }
        }
    }
}

/// The date of recorded usage: not ahead, and no more than ten years back.
pub struct UsageDate;

impl Kind for UsageDate {
    type Value = NaiveDate;
    const SHAPE: Shape = Day::SHAPE;

    fn read(raw: &str, place: &Place<'_>, reading: &mut Reading) -> Option<NaiveDate> {
        let date = Day::read(raw, place, reading)?;
        let latest = (reading.received_at + AHEAD_MAX).date_naive();
        let earliest = (reading.received_at - USAGE_DAYS_BACK_MAX).date_naive();
        if date > latest {
            let detail = format!("{date} lies ahead; usage can be reported up to {latest} now");
            return reading.refuse(place, FaultCode::OutOfRange, detail);
        }
        if date < earliest {
            let detail = format!("{date} lies too far back; usage can be reported from {earliest} on");
            return reading.refuse(place, FaultCode::OutOfRange, detail);
        }
        Some(date)
    }
}

#[cfg(test)]
mod tests {
    use super::super::probe::{read, refusal};
    use super::*;

    #[test]
    fn instants_come_out_in_utc_with_microseconds() {
        let at = read::<Instant>("\"2026-01-02T03:04:05.123456789+02:00\"").unwrap();
        assert_eq!(at.to_rfc3339(), "2026-01-02T01:04:05.123456+00:00");
        assert_eq!(refusal::<Instant>("\"2026-01-02\""), Some(FaultCode::InvalidFormat));
        assert_eq!(refusal::<Instant>("\"1969-12-31T23:59:59Z\""), Some(FaultCode::OutOfRange));
        assert_eq!(refusal::<Instant>("1767322800"), Some(FaultCode::WrongType));
    }

    #[test]
    fn what_has_happened_lies_at_most_a_day_ahead() {
        // The probe's events arrive on 2026-11-20 at noon.
        assert!(read::<Past>("\"2026-11-21T12:00:00Z\"").is_ok());
        assert_eq!(refusal::<Past>("\"2026-11-21T12:00:00.000001Z\""), Some(FaultCode::OutOfRange));
        assert!(read::<Instant>("\"2040-01-01T00:00:00Z\"").is_ok());
    }

    #[test]
    fn dates_are_dates_and_usage_dates_are_plausible() {
        assert!(read::<Day>("\"2027-02-28\"").is_ok());
        for raw in [
            "\"2027-02-29\"",
            "\"2027-2-8\"",
            "\"28.02.2027\"",
            "\" 2027-2-08\"",
            "\"\u{2003}2027-2-8\"",
            "\"2027-02-28T00:00:00Z\"",
        ] {
            assert_eq!(refusal::<Day>(raw), Some(FaultCode::InvalidFormat), "{raw}");
        }
        assert_eq!(refusal::<Day>("\"0001-01-01\""), Some(FaultCode::OutOfRange));
        assert!(read::<UsageDate>("\"2026-11-21\"").is_ok());
        assert_eq!(refusal::<UsageDate>("\"2026-11-22\""), Some(FaultCode::OutOfRange));
        assert_eq!(refusal::<UsageDate>("\"1999-01-01\""), Some(FaultCode::OutOfRange));
    }
}
