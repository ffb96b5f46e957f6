//! The hour, the day and the week that the wall clock of a zone shows at an instant.
//!
//! Promises: each holds its instant, and those of one kind join without a gap. A day begins with the first instant
//! that the clock shows its date or a later one, and so has 23 or 25 hours when the clocks change; one that begins in an
//! hour that the clocks skip begins after it. Weeks begin on Monday. An hour ends where the clocks change,
//! so that an hour that is shown twice is two, and none is longer than 60 minutes.

use super::{DateTime, Interval, MICROS_PER_DAY, MICROS_PER_MINUTE, Micros, Zone, instant, micros};

const MICROS_PER_HOUR: Micros = 60 * MICROS_PER_MINUTE;
/// No zone is farther from UTC.
const OFFSET_MAX: Micros = 26 * MICROS_PER_HOUR;

impl Zone {
    pub fn hour_at(&self, at: DateTime) -> Interval {
        let at = micros(at);
        let piece = self.piece_at(at);
        let from = (at + piece.offset).div_euclid(MICROS_PER_HOUR) * MICROS_PER_HOUR - piece.offset;
        interval(from.max(piece.from), (from + MICROS_PER_HOUR).min(piece.to))
    }

    pub fn day_at(&self, at: DateTime) -> Interval {
        let day = self.epoch_day(micros(at));
        interval(self.beginning_of(day), self.beginning_of(day + 1))
    }

    pub fn week_at(&self, at: DateTime) -> Interval {
        let day = self.epoch_day(micros(at));
        // The epoch was a Thursday.
        let monday = day - (day + 3).rem_euclid(7);
        interval(self.beginning_of(monday), self.beginning_of(monday + 7))
    }

    /// The latest day since 1970-01-01 that has begun at an instant. Clocks that go back over midnight show a date
    /// again whose day is over.
    fn epoch_day(&self, at: Micros) -> i64 {
        let shown = (at + self.piece_at(at).offset).div_euclid(MICROS_PER_DAY);
        if self.beginning_of(shown + 1) <= at { shown + 1 } else { shown }
    }

    /// The first instant at which the clock shows this day, counted since 1970-01-01, or a later one.
    fn beginning_of(&self, day: i64) -> Micros {
        let midnight = day * MICROS_PER_DAY;
        let mut piece = self.piece_at(midnight - OFFSET_MAX);
        loop {
            let first = piece.from.max(midnight - piece.offset);
            if first < piece.to || piece.to == Micros::MAX {
                return first;
            }
            piece = self.piece_at(piece.to);
        }
    }
}

fn interval(from: Micros, to: Micros) -> Interval {
    Interval { from: instant(from), to: instant(to) }
}
