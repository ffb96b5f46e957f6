//! Arithmetic over the time in which somebody works: add, take away, measure, look ahead and back.
//!
//! Promises: exact to the microsecond, in steps of blocks and days and never of minutes; every search has an end,
//! and one that finds nothing says so instead of going on. Works on anything that can be walked: one calendar,
//! or several with absences taken out.

use chrono::TimeDelta;

use super::walk::Walk;
use super::{CalendarError, DateTime, Interval, MICROS_PER_DAY, Micros, instant, micros};

/// How long a closed stretch is searched through before it counts as closed for good: five years.
const CLOSED_MAX: Micros = 5 * 366 * MICROS_PER_DAY;
/// How far from its start a sum may lie: forty years.
const REACH_MAX: Micros = 40 * 366 * MICROS_PER_DAY;

/// Where adding working time leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// The earliest instant at which all of it has passed.
    At(DateTime),
    /// Not before the limit.
    NotBy(DateTime),
}

/// A set of instants in which time counts. Intervals are closed at their beginning and open at their end: at
/// closing time it is closed.
pub trait OpenTime {
    /// A fresh walk over the open stretches.
    fn walk(&self) -> Walk<'_>;

    /// Whether time counts at this instant.
    fn is_open(&self, at: DateTime) -> bool {
        let at = micros(at);
        self.walk().next(at, at.saturating_add(1)).is_some()
    }

    /// When it closes next, if it is open at this instant. What stays open for more than five years closes after
    /// five years here.
    fn open_until(&self, at: DateTime) -> Option<DateTime> {
        let at = micros(at);
        let limit = at.saturating_add(CLOSED_MAX);
        let mut walk = self.walk();
        let mut end = at;
        while let Some(next) = walk.next(end, limit).filter(|next| next.from == end) {
            end = next.to;
        }
        (end > at).then(|| instant(end))
    }

    /// The earliest open instant from here on: this one, if it is open.
    fn next_opening(&self, at: DateTime) -> Result<DateTime, CalendarError> {
        let from = micros(at);
        let until = from.saturating_add(CLOSED_MAX);
        let found = self.walk().next(from, until);
        found.map(|next| instant(next.from)).ok_or_else(|| CalendarError::closed(from, until))
    }

    /// The earliest instant at which this much time has counted since `start`. So a length that fits ends at
    /// closing time and not at the next opening; nothing added is `start`; a negative length is taken away.
    fn add(&self, start: DateTime, length: TimeDelta) -> Result<DateTime, CalendarError> {
        if length < TimeDelta::zero() {
            return self.subtract(start, -length);
        }
        let limit = instant(micros(start).saturating_add(REACH_MAX));
        match self.reach(start, length, limit)? {
            Reach::At(at) => Ok(at),
            Reach::NotBy(limit) => Err(CalendarError::TooFar { start, limit }),
        }
    }

    /// As [`OpenTime::add`], but looks no further than `limit`.
    fn reach(&self, start: DateTime, length: TimeDelta, limit: DateTime) -> Result<Reach, CalendarError> {
        let (mut at, end) = (micros(start), micros(limit));
        let mut left = length.num_microseconds().unwrap_or(Micros::MAX);
        let mut walk = self.walk();
        while left > 0 {
            let until = at.saturating_add(CLOSED_MAX).min(end);
            let Some(next) = walk.next(at, until) else {
                return if until == end {
                    Ok(Reach::NotBy(limit))
                } else {
                    Err(CalendarError::closed(at, until))
                };
            };
            at = next.to.min(next.from.saturating_add(left));
            left -= at - next.from;
        }
        Ok(Reach::At(instant(at)))
    }

    /// The latest instant from which this much time counts until `end`. Taking away what was added leads back to
    /// a start that was open.
    fn subtract(&self, end: DateTime, length: TimeDelta) -> Result<DateTime, CalendarError> {
        if length < TimeDelta::zero() {
            return self.add(end, -length);
        }
        let mut at = micros(end);
        let limit = at.saturating_sub(REACH_MAX);
        let mut left = length.num_microseconds().unwrap_or(Micros::MAX);
        let mut walk = self.walk();
        while left > 0 {
            let from = at.saturating_sub(CLOSED_MAX).max(limit);
            let Some(previous) = walk.previous(at, from) else {
                let too_far = CalendarError::TooFar { start: end, limit: instant(limit) };
                return Err(if from == limit { too_far } else { CalendarError::closed(from, at) });
            };
            at = previous.from.max(previous.to.saturating_sub(left));
            left -= previous.to - at;
        }
        Ok(instant(at))
    }

    /// The time that counts from `from` to `to`; negative when they are the other way round.
    fn between(&self, from: DateTime, to: DateTime) -> TimeDelta {
        if to < from {
            return -self.between(to, from);
        }
        let (mut at, end) = (micros(from), micros(to));
        let mut walk = self.walk();
        let mut total = 0;
        while let Some(next) = walk.next(at, end) {
            total += next.to - next.from;
            at = next.to;
        }
        TimeDelta::microseconds(total)
    }

    /// The open intervals from `from` to `to`, in order, cut at local midnights and at changes of the clock.
    fn intervals(&self, from: DateTime, to: DateTime) -> Vec<Interval> {
        let (mut at, end) = (micros(from), micros(to));
        let mut walk = self.walk();
        let mut found = Vec::new();
        while let Some(next) = walk.next(at, end) {
            found.push(Interval { from: instant(next.from), to: instant(next.to) });
            at = next.to;
        }
        found
    }
}
