//! Dates and instants of cells, and moving them all by the same number of days.
//!
//! Promises: a date is one of the formats given or it is a fault, never a guess; years lie within 1900 and
//! 2199, so that `27-07-23` is not taken for the year 23. Leaves out: named time zones; an instant without an
//! offset is taken in the mapping's `utc_offset`.

use chrono::{DateTime as ChronoDateTime, Datelike, Days, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime};

use crate::kernel::clock::DateTime;

/// Understood without being named in a mapping.
const COMMON_INSTANTS: [&str; 4] =
    ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"];
const COMMON_DATE: &str = "%Y-%m-%d";

/// How dates are written and by how many days all of them move.
#[derive(Debug, Clone)]
pub struct Dates<'a> {
    /// Tried first, in order.
    pub formats: &'a [String],
    pub offset: FixedOffset,
    pub shift: Shift,
}

/// A whole number of days that is added to every date.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Shift {
    pub days: i64,
    /// An instant that the shift would carry beyond this one is cut to it.
    pub not_after: Option<DateTime>,
}

impl Shift {
    /// The shift that brings `newest` to the day of `now`.
    pub fn to_now(newest: DateTime, now: DateTime) -> Self {
        Self { days: (now.date_naive() - newest.date_naive()).num_days(), not_after: Some(now) }
    }

    pub fn date(self, date: NaiveDate) -> NaiveDate {
        let days = Days::new(self.days.unsigned_abs());
        let moved = if self.days < 0 { date.checked_sub_days(days) } else { date.checked_add_days(days) };
        moved.unwrap_or(date)
    }

    pub fn instant(self, at: DateTime) -> DateTime {
        let moved = self.date(at.date_naive()).and_time(at.time()).and_utc();
        match self.not_after {
            // Only what the shift itself carried too far is cut: a date that lay ahead when it was
            // written, such as an expiry, stays ahead.
            Some(limit) if moved > limit && moved.date_naive() == limit.date_naive() => limit,
            _ => moved,
        }
    }
}

/// A cell read as a point in time.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Read {
    Date(NaiveDate),
    Local(NaiveDateTime),
    Exact(ChronoDateTime<FixedOffset>),
}

impl Read {
    fn year(self) -> i32 {
        match self {
            Self::Date(date) => date.year(),
            Self::Local(at) => at.year(),
            Self::Exact(at) => at.year(),
        }
    }
}

impl Dates<'_> {
    /// The cell's date, moved. An instant gives the date it has where it was written.
    pub fn date(&self, text: &str) -> Result<NaiveDate, String> {
        let date = match self.read(text)? {
            Read::Date(date) => date,
            Read::Local(at) => at.date(),
            Read::Exact(at) => at.date_naive(),
        };
        Ok(self.shift.date(date))
    }

    /// The cell's instant, moved. A date alone is the beginning of that day.
    pub fn instant(&self, text: &str) -> Result<DateTime, String> {
        let local = match self.read(text)? {
            Read::Exact(at) => return Ok(self.shift.instant(at.to_utc())),
            Read::Local(at) => at,
            Read::Date(date) => date.and_time(NaiveTime::MIN),
        };
        // A fixed offset has exactly one instant for every local time.
        let at = local.and_local_timezone(self.offset).single().map(|at| at.to_utc());
        at.map(|at| self.shift.instant(at)).ok_or_else(|| format!("{text:?} is no possible instant"))
    }

    fn read(&self, text: &str) -> Result<Read, String> {
        let read = self
            .formats
            .iter()
            .find_map(|format| with_format(text, format))
            .or_else(|| ChronoDateTime::parse_from_rfc3339(text).ok().map(Read::Exact))
            .or_else(|| COMMON_INSTANTS.iter().find_map(|format| with_format(text, format)))
            .or_else(|| with_format(text, COMMON_DATE));
        match read {
            Some(read) if (1900..2200).contains(&read.year()) => Ok(read),
            Some(read) => Err(format!("{text:?} would be in the year {}", read.year())),
            None if self.formats.is_empty() => {
                Err(format!("{text:?} is no date like 2026-01-31; name its format in `date_formats`"))
            }
            None => Err(format!("{text:?} is no date of the form {}", self.formats.join(" or "))),
        }
    }
}

fn with_format(text: &str, format: &str) -> Option<Read> {
    ChronoDateTime::parse_from_str(text, format)
        .map(Read::Exact)
        .or_else(|_| NaiveDateTime::parse_from_str(text, format).map(Read::Local))
        .or_else(|_| NaiveDate::parse_from_str(text, format).map(Read::Date))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dates(formats: &[String]) -> Dates<'_> {
        Dates { formats, offset: FixedOffset::east_opt(2 * 3600).unwrap(), shift: Shift::default() }
    }

    fn at(text: &str) -> DateTime {
        ChronoDateTime::parse_from_rfc3339(text).unwrap().to_utc()
    }

    #[test]
    fn formats_are_tried_in_order_and_nothing_is_guessed() {
        let formats = ["%d-%m-%Y %H:%M".to_owned(), "%d-%m-%Y".to_owned()];
        let dates = dates(&formats);
        assert_eq!(dates.date("27-07-2023").unwrap().to_string(), "2023-07-27");
        assert_eq!(dates.instant("28-07-2023 03:00").unwrap(), at("2023-07-28T01:00:00Z"));
        assert_eq!(dates.instant("27-07-2023").unwrap(), at("2023-07-26T22:00:00Z"));
        assert_eq!(dates.instant("2023-07-27T10:00:00Z").unwrap(), at("2023-07-27T10:00:00Z"));
        assert!(dates.date("27-07-23").unwrap_err().contains("year 23"));
        for wrong in ["31-02-2024", "07/27/2023", "soon", ""] {
            assert!(dates.date(wrong).unwrap_err().contains("%d-%m-%Y"), "{wrong}");
        }
    }

    #[test]
    fn a_shift_moves_everything_by_the_same_days_and_not_beyond_now() {
        let now = at("2026-11-20T09:30:00Z");
        let shift = Shift::to_now(at("2024-12-31T23:00:00Z"), now);
        assert_eq!(shift.days, 689);
        assert_eq!(shift.date("2024-12-31".parse().unwrap()), now.date_naive());
        assert_eq!(shift.instant(at("2024-12-30T23:00:00Z")), at("2026-11-19T23:00:00Z"));
        assert_eq!(shift.instant(at("2024-12-31T23:00:00Z")), now, "cut to the present");
        assert_eq!(
            shift.instant(at("2025-12-31T00:00:00Z")),
            at("2027-11-20T00:00:00Z"),
            "an expiry stays ahead"
        );
        assert_eq!(
            Shift::to_now(at("2026-11-25T00:00:00Z"), now).date("2026-11-25".parse().unwrap()),
            now.date_naive()
        );
    }
}
