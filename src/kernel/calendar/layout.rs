//! The open time of a calendar laid out over years, for whoever asks it thousands of questions.
//!
//! Promises: the same stretches as a [`Walk`](super::Walk) finds, each with the date that the wall clock shows then; a day
//! costs one look at its hours, and a change of the clocks one at the zone.

use super::{DateTime, MICROS_PER_DAY, Micros, WorkCalendar, micros};

/// A stretch of open time within one date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayStretch {
    /// The date, in days since 1970-01-01.
    pub epoch_day: i64,
    /// In microseconds since the epoch.
    pub from: i64,
    /// Exclusive.
    pub to: i64,
}

impl WorkCalendar {
    /// The open stretches from `from` to `to`, in order, cut at local midnights, at changes of the clock and at both ends.
    pub fn laid_out(&self, from: DateTime, to: DateTime) -> Vec<DayStretch> {
        let (mut at, end): (Micros, Micros) = (micros(from), micros(to));
        let mut found = Vec::new();
        let mut piece = self.zone().piece_at(at);
        while at < end {
            if at >= piece.to {
                piece = self.zone().piece_at(at);
            }
            let epoch_day = (at + piece.offset).div_euclid(MICROS_PER_DAY);
            let midnight = epoch_day * MICROS_PER_DAY - piece.offset;
            for block in self.blocks(epoch_day) {
                let from = (midnight + block.opens()).max(at);
                let to = (midnight + block.closes()).min(piece.to).min(end);
                if from < to {
                    found.push(DayStretch { epoch_day, from, to });
                }
            }
            at = (midnight + MICROS_PER_DAY).min(piece.to);
        }
        found
    }
}
