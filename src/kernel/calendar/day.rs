//! Days of a calendar: what a date is, and counting over working days.
//!
//! Promises: a working day is a date that has hours, whatever the clocks do on it. Counting is by dates, without
//! time of day, forwards and backwards; it gives up where no working day comes for five years.

use std::fmt;

use chrono::{Datelike as _, NaiveDate};

use super::{Block, CalendarError, DateTime, MICROS_PER_DAY, Micros, WorkCalendar, instant, micros};

/// How many days without hours are passed over before it counts as closed for good: five years.
const CLOSED_DAYS_MAX: u32 = 5 * 366;
/// The most working days that can be counted at once: about forty years.
const COUNT_MAX: u32 = 15_000;

/// A day of every year, such as `12-25`; `02-29` comes in leap years only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct MonthDay {
    month: u8,
    day: u8,
}

impl MonthDay {
    /// `None` where no year has such a day.
    pub fn new(month: u8, day: u8) -> Option<Self> {
        let leap = NaiveDate::from_ymd_opt(2024, u32::from(month), u32::from(day));
        leap.map(|_| Self { month, day })
    }

    pub fn of(date: NaiveDate) -> Self {
        let small = |number: u32| u8::try_from(number).unwrap_or_default();
        Self { month: small(date.month()), day: small(date.day()) }
    }
}

impl fmt::Display for MonthDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}-{:02}", self.month, self.day)
    }
}

/// A date as the calendar sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day<'c> {
    pub date: NaiveDate,
    pub kind: DayKind<'c>,
    /// In order; empty when it is closed all day.
    pub blocks: &'c [Block],
}

/// Where the hours of a date come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DayKind<'c> {
    /// From the week.
    Weekday,
    /// The date has hours of its own, or none.
    Dated { name: Option<&'c str> },
    /// The day of the year has hours of its own, or none.
    Yearly { name: Option<&'c str> },
}

impl Day<'_> {
    pub fn is_working(&self) -> bool {
        !self.blocks.is_empty()
    }
}

impl WorkCalendar {
    /// What a date is. A single date goes before a day of every year, and that before the week.
    pub fn day(&self, date: NaiveDate) -> Day<'_> {
        if let Some(special) = self.dated.get(&date.to_epoch_days()) {
            let kind = DayKind::Dated { name: special.name.as_deref() };
            return Day { date, kind, blocks: &special.blocks };
        }
        if let Some(special) = self.yearly.get(&MonthDay::of(date)) {
            let kind = DayKind::Yearly { name: special.name.as_deref() };
            return Day { date, kind, blocks: &special.blocks };
        }
        let weekday = date.weekday().num_days_from_monday() as usize;
        Day { date, kind: DayKind::Weekday, blocks: &self.week[weekday] }
    }

    /// The blocks of a day since 1970-01-01; as [`WorkCalendar::day`], quick where few days are special.
    pub(super) fn blocks(&self, epoch_day: i64) -> &[Block] {
        let day = i32::try_from(epoch_day).unwrap_or(i32::MAX);
        if let Some(special) = self.dated.get(&day) {
            return &special.blocks;
        }
        if !self.yearly.is_empty()
            && let Some(date) = NaiveDate::from_epoch_days(day)
            && let Some(special) = self.yearly.get(&MonthDay::of(date))
        {
            return &special.blocks;
        }
        // The epoch was a Thursday.
        &self.week[usize::try_from((epoch_day + 3).rem_euclid(7)).unwrap_or_default()]
    }

    /// The date that the wall clock of this zone shows.
    pub fn local_date(&self, at: DateTime) -> NaiveDate {
        let at = micros(at);
        let day = (at + self.zone().piece_at(at).offset).div_euclid(MICROS_PER_DAY);
        let bound = if day < 0 { NaiveDate::MIN } else { NaiveDate::MAX };
        i32::try_from(day).ok().and_then(NaiveDate::from_epoch_days).unwrap_or(bound)
    }

    pub fn is_working_day(&self, date: NaiveDate) -> bool {
        self.day(date).is_working()
    }

    /// The working day that lies so many working days after `date`, or before it when negative. Zero is `date`
    /// itself, or the next working day when it is none. So a task of three days that must be done by a date
    /// starts `add_days(date, -3)`.
    pub fn add_days(&self, date: NaiveDate, days: i32) -> Result<NaiveDate, CalendarError> {
        let mut day = date;
        if days == 0 {
            return if self.is_working_day(day) { Ok(day) } else { self.neighbour(day, true) };
        }
        if days.unsigned_abs() > COUNT_MAX {
            let limit = i64::from(COUNT_MAX) * Micros::from(days.signum()) * MICROS_PER_DAY;
            let limit = instant(micros(midnight(date)).saturating_add(limit));
            return Err(CalendarError::TooFar { start: midnight(date), limit });
        }
        for _ in 0..days.unsigned_abs() {
            day = self.neighbour(day, days > 0)?;
        }
        Ok(day)
    }

    /// How many working days come after `from` up to and with `to`; negative when they are the other way round.
    /// `to` is a working day exactly when `add_days(from, count)` leads to it.
    pub fn working_days_between(&self, from: NaiveDate, to: NaiveDate) -> i32 {
        let working = |first: NaiveDate, days: usize| {
            let count = first.iter_days().take(days).filter(|day| self.is_working_day(*day)).count();
            i32::try_from(count).unwrap_or(i32::MAX)
        };
        let days = usize::try_from((to - from).num_days().unsigned_abs()).unwrap_or(usize::MAX);
        if to >= from { from.succ_opt().map_or(0, |first| working(first, days)) } else { -working(to, days) }
    }

    /// The nearest working day after or before a date.
    fn neighbour(&self, date: NaiveDate, forwards: bool) -> Result<NaiveDate, CalendarError> {
        let mut day = date;
        for _ in 0..CLOSED_DAYS_MAX {
            let Some(next) = (if forwards { day.succ_opt() } else { day.pred_opt() }) else { break };
            day = next;
            if self.is_working_day(day) {
                return Ok(day);
            }
        }
        let (from, until) = if forwards { (date, day) } else { (day, date) };
        Err(CalendarError::Closed { from: midnight(from), until: midnight(until) })
    }
}

/// The beginning of a date in UTC, for messages.
fn midnight(date: NaiveDate) -> DateTime {
    date.and_time(chrono::NaiveTime::MIN).and_utc()
}
