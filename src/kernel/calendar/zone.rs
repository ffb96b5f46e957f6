//! Time zones: a checked name, and the stretches in which its offset from UTC stands still.
//!
//! Promises: rules come from the data built into the program, never from the machine, so that every replica
//! computes the same deadline. Offsets are asked for once per stretch, about twice a year.

use std::fmt;

use chrono::{FixedOffset, Offset as _, Utc};
use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};

use super::{DateTime, MICROS_PER_SECOND, Micros, micros};
use crate::kernel::text::nearest;

/// A time zone of the IANA database.
#[derive(Clone)]
pub struct Zone {
    /// As the database spells it.
    name: String,
    rules: TimeZone,
}

/// A stretch of time in which the wall clock runs evenly: `wall = instant + offset`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    pub from: Micros,
    /// Exclusive.
    pub to: Micros,
    pub offset: Micros,
}

impl Zone {
    pub fn utc() -> Self {
        Self { name: "UTC".to_owned(), rules: TimeZone::UTC }
    }

    /// The zone of this name, in any case; otherwise the name that was probably meant.
    pub fn find(name: &str) -> Result<Self, Option<String>> {
        match TimeZoneDatabase::bundled().get(name) {
            Ok(rules) if !rules.is_unknown() => {
                let name = rules.iana_name().unwrap_or(name).to_owned();
                Ok(Self { name, rules })
            }
            _ => Err(suggestion(name)),
        }
    }

    /// The name as the database spells it, such as `Europe/Berlin`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How far the wall clock of the zone is ahead of UTC at an instant.
    pub fn offset_at(&self, at: DateTime) -> FixedOffset {
        let seconds = self.piece_at(micros(at)).offset / MICROS_PER_SECOND;
        i32::try_from(seconds).ok().and_then(FixedOffset::east_opt).unwrap_or_else(|| Utc.fix())
    }

    /// The stretch that holds an instant.
    pub(super) fn piece_at(&self, at: Micros) -> Piece {
        let here = timestamp(at);
        let offset = Micros::from(self.rules.to_offset(here).seconds()) * MICROS_PER_SECOND;
        let from = self.rules.preceding(timestamp(at.saturating_add(1))).next();
        let to = self.rules.following(here).next();
        Piece {
            from: from.map_or(Micros::MIN, |change| change.timestamp().as_microsecond()),
            to: to.map_or(Micros::MAX, |change| change.timestamp().as_microsecond()),
            offset,
        }
    }
}

impl PartialEq for Zone {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Zone {}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// The instant, brought into the years −9999 to 9999 that the zone data speaks of.
fn timestamp(at: Micros) -> Timestamp {
    let bounded = at.clamp(Timestamp::MIN.as_microsecond(), Timestamp::MAX.as_microsecond());
    Timestamp::from_microsecond(bounded).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// A name near to the one given, or one whose city is: `Berlin` means `Europe/Berlin`.
fn suggestion(name: &str) -> Option<String> {
    let database = TimeZoneDatabase::bundled();
    let names: Vec<String> = database.available().map(|name| name.as_str().to_owned()).collect();
    let city = |name: &str| name.rsplit('/').next().unwrap_or_default().to_lowercase();
    let whole = nearest(name, names.iter().map(String::as_str)).map(str::to_owned);
    whole.or_else(|| {
        let cities: Vec<String> = names.iter().map(|name| city(name)).collect();
        let meant = nearest(&city(name), cities.iter().map(String::as_str))?;
        names.iter().filter(|name| name.contains('/')).find(|name| city(name) == meant).cloned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_found_in_any_case_and_a_slip_is_put_right() {
        assert_eq!(Zone::find("europe/berlin").unwrap().name(), "Europe/Berlin");
        assert_eq!(Zone::find("Europe/Berln").unwrap_err().as_deref(), Some("Europe/Berlin"));
        assert_eq!(Zone::find("Vancouver").unwrap_err().as_deref(), Some("America/Vancouver"));
        assert_eq!(Zone::find("Etc/Unknown").unwrap_err().as_deref(), None);
        assert_eq!(Zone::find("Middle-earth/Mordor-in-the-East").unwrap_err(), None);
    }

    #[test]
    fn pieces_join_without_a_gap_and_know_the_rules_of_2026() {
        // From November 2026 on British Columbia stays on UTC−7 the whole year.
        let zone = Zone::find("America/Vancouver").unwrap();
        let noon = |date: &str| {
            let at: Timestamp = format!("{date}T20:00:00Z").parse().unwrap();
            zone.piece_at(at.as_microsecond()).offset / MICROS_PER_SECOND / 3_600
        };
        assert_eq!((noon("2026-01-15"), noon("2026-07-15"), noon("2027-01-15")), (-8, -7, -7));
        let berlin = Zone::find("Europe/Berlin").unwrap();
        let at: DateTime = "2026-07-15T20:00:00Z".parse().unwrap();
        assert_eq!(berlin.offset_at(at), FixedOffset::east_opt(7_200).unwrap());
        assert_eq!(Zone::utc().offset_at(at).local_minus_utc(), 0);
        let first = berlin.piece_at(1_800_000_000 * MICROS_PER_SECOND);
        assert_eq!(berlin.piece_at(first.from), first);
        assert_eq!(berlin.piece_at(first.to - 1), first);
        assert_eq!(berlin.piece_at(first.to).from, first.to);
    }
}
