//! Lengths of time as people write them: `4h`, `90m`, `2d`, `1d12h`, or ISO 8601 (`PT4H`, `P2D`).
//!
//! Promises: what is read is written back in the short form, and whether days were used is kept, because in
//! working time a day means something else to everybody. Leaves out months and years, which have no fixed length.

use std::fmt;
use std::str::FromStr;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

/// The longest length, in seconds: a year.
const SECONDS_MAX: u64 = 366 * 86_400;

/// A length of time; two lengths are equal when they are as long, however they are written.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Length {
    days: u32,
    /// Besides the days.
    seconds: u32,
}

/// A text is no length of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is no length of time up to a year: write minutes, hours or days, such as `90m`, `4h`, `2d` or `PT4H`"
)]
pub struct LengthError {
    pub text: String,
}

impl Length {
    pub const fn hours(hours: u16) -> Self {
        Self { days: 0, seconds: hours as u32 * 3_600 }
    }

    pub const fn minutes(minutes: u16) -> Self {
        Self { days: 0, seconds: minutes as u32 * 60 }
    }

    pub fn is_zero(self) -> bool {
        self.total_seconds() == 0
    }

    /// Whether it was written with days; a day is 24 hours.
    pub fn uses_days(self) -> bool {
        self.days > 0
    }

    pub fn total_seconds(self) -> i64 {
        i64::from(self.days) * 86_400 + i64::from(self.seconds)
    }

    pub fn as_delta(self) -> TimeDelta {
        TimeDelta::seconds(self.total_seconds())
    }
}

/// Written as text.
impl utoipa::PartialSchema for Length {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .examples([serde_json::json!("4h")])
            .into()
    }
}

impl utoipa::ToSchema for Length {}

impl PartialEq for Length {
    fn eq(&self, other: &Self) -> bool {
        self.total_seconds() == other.total_seconds()
    }
}

impl Eq for Length {}

impl PartialOrd for Length {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Length {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.total_seconds().cmp(&other.total_seconds())
    }
}

impl FromStr for Length {
    type Err = LengthError;

    fn from_str(text: &str) -> Result<Self, LengthError> {
        let parsed = match text.strip_prefix('P') {
            Some(iso) => read_iso(iso),
            None => read_parts(text, "dhms"),
        };
        parsed.ok_or_else(|| LengthError { text: text.to_owned() })
    }
}

/// The part of an ISO 8601 duration after the `P`: days, then `T` and the time of day; or weeks alone.
fn read_iso(text: &str) -> Option<Length> {
    if text.ends_with('W') {
        return read_parts(text, "W");
    }
    let (days, time) = match text.split_once('T') {
        Some((days, time)) => (days, Some(time)),
        None => (text, None),
    };
    let days = if days.is_empty() && time.is_some() { Length::default() } else { read_parts(days, "D")? };
    let time = time.map_or(Some(Length::default()), |time| read_parts(time, "HMS"))?;
    bounded(u64::from(days.days), u64::from(time.seconds))
}

/// Numbers, each followed by one of `units`, in their order and each at most once; at least one.
fn read_parts(text: &str, units: &str) -> Option<Length> {
    let (mut rest, mut left) = (text, units);
    let (mut days, mut seconds) = (0u64, 0u64);
    loop {
        let end = rest.find(|c: char| !c.is_ascii_digit())?;
        let count: u64 = rest[..end].parse().ok().filter(|count| *count <= SECONDS_MAX)?;
        let unit = rest[end..].chars().next()?;
        let place = left.find(unit)?;
        match unit.to_ascii_lowercase() {
            'w' => days += count * 7,
            'd' => days += count,
            'h' => seconds += count * 3_600,
            'm' => seconds += count * 60,
            _ => seconds += count,
        }
        (rest, left) = (&rest[end + 1..], &left[place + 1..]);
        if rest.is_empty() {
            return bounded(days, seconds);
        }
    }
}

fn bounded(days: u64, seconds: u64) -> Option<Length> {
    let within = days * 86_400 + seconds <= SECONDS_MAX;
    within.then_some(())?;
    Some(Length { days: u32::try_from(days).ok()?, seconds: u32::try_from(seconds).ok()? })
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hours, minutes, seconds) = (self.seconds / 3_600, self.seconds / 60 % 60, self.seconds % 60);
        let parts = [(self.days, 'd'), (hours, 'h'), (minutes, 'm'), (seconds, 's')];
        for (count, unit) in parts.into_iter().filter(|(count, _)| *count > 0) {
            write!(f, "{count}{unit}")?;
        }
        if self.is_zero() { f.write_str("0m") } else { Ok(()) }
    }
}

impl TryFrom<String> for Length {
    type Error = LengthError;

    fn try_from(text: String) -> Result<Self, LengthError> {
        text.parse()
    }
}

impl From<Length> for String {
    fn from(length: Length) -> Self {
        length.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read_in_both_forms() {
        let cases = [
            ("4h", 14_400, "4h"),
            ("90m", 5_400, "1h30m"),
            ("2d", 172_800, "2d"),
            ("1d12h", 129_600, "1d12h"),
            ("48h", 172_800, "48h"),
            ("0m", 0, "0m"),
            ("45s", 45, "45s"),
            ("PT4H", 14_400, "4h"),
            ("PT1H30M", 5_400, "1h30m"),
            ("P2D", 172_800, "2d"),
            ("P1DT12H", 129_600, "1d12h"),
            ("P1W", 604_800, "7d"),
        ];
        for (text, seconds, written) in cases {
            let length: Length = text.parse().unwrap();
            assert_eq!((length.total_seconds(), length.to_string().as_str()), (seconds, written), "{text}");
        }
    }

    #[test]
    fn what_is_no_length_is_refused() {
        let refused = [
            "",
            "4",
            "h",
            "4 h",
            "-4h",
            "4h4h",
            "30m4h",
            "1.5h",
            "P",
            "PT",
            "P1M",
            "P1Y",
            "P4H",
            "P1DT",
            "367d",
            "9999999999999999999h",
            "4é",
        ];
        for text in refused {
            assert!(text.parse::<Length>().is_err(), "{text}");
        }
        assert!("1d".parse::<Length>().unwrap().uses_days());
        assert_eq!("24h".parse::<Length>(), "1d".parse::<Length>());
    }
}
