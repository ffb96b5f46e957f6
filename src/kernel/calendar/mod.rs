//! Working time: calendars with time zones, hours and holidays, and arithmetic over them.
//!
//! In reading order: what people write ([`CalendarDraft`], [`CalendarFault`]), the checked [`WorkCalendar`], the
//! [`Shift`] that combines calendars and takes absences out, and what can be asked of both ([`OpenTime`]).
//!
//! Promises: a calendar is open when the wall clock of its zone shows a time within the blocks of that date.
//! On a day when the clocks change this means: a block 02:00-03:00 in the hour that is skipped is not open that
//! day; in the hour that is repeated it is open both times; a block 00:00-24:00 has 23 or 25 hours; a block
//! 09:00-17:00 has eight hours as always. Instants are cut to microseconds
//! and brought into the years 1 to 9000.
//! Leaves out: calendars that know several zones at once; combine them in a [`Shift`].

mod block;
mod day;
mod draft;
mod layout;
mod length;
mod open_time;
mod period;
mod shift;
#[cfg(test)]
mod tests;
mod walk;
mod zone;

pub use block::Block;
pub use day::{Day, DayKind, MonthDay};
pub use draft::{CalendarDraft, CalendarFault, CalendarFaultCode, SpecialDayDraft, WeekHoursDraft};
pub use layout::DayStretch;
pub use length::{Length, LengthError};
pub use open_time::{OpenTime, Reach};
pub use shift::{Interval, Shift};
pub use walk::{Stretch, Walk};
pub use zone::Zone;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use super::clock::DateTime;

/// Microseconds since the epoch, or a number of them.
type Micros = i64;
const MICROS_PER_SECOND: Micros = 1_000_000;
const MICROS_PER_MINUTE: Micros = 60 * MICROS_PER_SECOND;
const MICROS_PER_DAY: Micros = 86_400 * MICROS_PER_SECOND;

/// The hours of a team or a person, checked: see [`CalendarDraft`] for its written form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "CalendarDraft", into = "CalendarDraft")]
pub struct WorkCalendar {
    zone: Zone,
    /// From Monday; blocks in order, without overlap.
    week: [Vec<Block>; 7],
    /// By days since 1970-01-01.
    dated: BTreeMap<i32, Special>,
    yearly: BTreeMap<MonthDay, Special>,
}

/// A day with hours of its own: none on a holiday.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Special {
    name: Option<String>,
    blocks: Vec<Block>,
}

impl WorkCalendar {
    /// Checks what was written; all that is wrong with it comes at once.
    pub fn new(draft: &CalendarDraft) -> Result<Self, Vec<CalendarFault>> {
        draft::check(draft)
    }

    /// Open at all times, with the days of a zone.
    pub fn around_the_clock(zone: Zone) -> Self {
        let week = std::array::from_fn(|_| vec![Block::DAY]);
        Self { zone, week, dated: BTreeMap::new(), yearly: BTreeMap::new() }
    }

    pub fn zone(&self) -> &Zone {
        &self.zone
    }
}

impl OpenTime for WorkCalendar {
    fn walk(&self) -> Walk<'_> {
        Walk::new([self], &[])
    }
}

/// No instant can be named, because too little is open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    #[error(
        "nothing is open between {from} and {until}: hours, holidays and absences leave no working time; correct the calendar or end the absence"
    )]
    Closed { from: DateTime, until: DateTime },
    #[error("from {start} on there is too little working time up to {limit}, which is as far as is looked")]
    TooFar { start: DateTime, limit: DateTime },
}

impl CalendarError {
    fn closed(from: Micros, until: Micros) -> Self {
        Self::Closed { from: instant(from), until: instant(until) }
    }
}

/// 0001-01-01 and 9000-01-01: earlier and later instants count as these, far within what zones speak of.
const FIRST: Micros = -62_135_596_800 * MICROS_PER_SECOND;
const LAST: Micros = 221_845_392_000 * MICROS_PER_SECOND;

fn micros(at: DateTime) -> Micros {
    at.timestamp_micros().clamp(FIRST, LAST)
}

fn instant(at: Micros) -> DateTime {
    let bound = if at < 0 { DateTime::MIN_UTC } else { DateTime::MAX_UTC };
    DateTime::from_timestamp_micros(at).unwrap_or(bound)
}
