//! Walking over the stretches in which several calendars are open and nobody is absent.
//!
//! Promises: time goes strictly forwards (or backwards), a whole day, block or absence at a time. An instant is
//! open when the wall clock of each calendar's zone shows a time within that day's blocks; so a block in an hour
//! that the clocks skip is closed on that day, and one in an hour that they repeat is open twice.

use super::{MICROS_PER_DAY, Micros, WorkCalendar, zone::Piece};

/// A stretch of time, from inclusive, to exclusive, never empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stretch {
    pub(super) from: Micros,
    pub(super) to: Micros,
}

/// A walk over open time.
pub struct Walk<'c> {
    cursors: Vec<Cursor<'c>>,
    /// In order, without overlap.
    absences: &'c [Stretch],
}

impl<'c> Walk<'c> {
    pub(super) fn new(
        calendars: impl IntoIterator<Item = &'c WorkCalendar>,
        absences: &'c [Stretch],
    ) -> Self {
        let cursors = calendars.into_iter().map(|calendar| Cursor { calendar, piece: None }).collect();
        Self { cursors, absences }
    }

    /// The first open stretch that begins at `at` or later, cut at `limit`.
    pub(super) fn next(&mut self, mut at: Micros, limit: Micros) -> Option<Stretch> {
        'search: while at < limit {
            let mut to = limit;
            let ahead = self.absences.partition_point(|absence| absence.to <= at);
            if let Some(absence) = self.absences.get(ahead) {
                if absence.from <= at {
                    at = absence.to;
                    continue;
                }
                to = to.min(absence.from);
            }
            for cursor in &mut self.cursors {
                let open = cursor.next(at, limit)?;
                if open.from > at {
                    at = open.from;
                    continue 'search;
                }
                to = to.min(open.to);
            }
            return Some(Stretch { from: at, to });
        }
        None
    }

    /// The last open stretch that ends at `at` or earlier, cut at `limit`.
    pub(super) fn previous(&mut self, mut at: Micros, limit: Micros) -> Option<Stretch> {
        'search: while at > limit {
            let mut from = limit;
            let behind = self.absences.partition_point(|absence| absence.from < at);
            if let Some(absence) = behind.checked_sub(1).and_then(|index| self.absences.get(index)) {
                if absence.to >= at {
                    at = absence.from;
                    continue;
                }
                from = from.max(absence.to);
            }
            for cursor in &mut self.cursors {
                let open = cursor.previous(at, limit)?;
                if open.to < at {
                    at = open.to;
                    continue 'search;
                }
                from = from.max(open.from);
            }
            return Some(Stretch { from, to: at });
        }
        None
    }
}

/// A place in one calendar, with the stretch of even time that was last looked at.
struct Cursor<'c> {
    calendar: &'c WorkCalendar,
    piece: Option<Piece>,
}

impl Cursor<'_> {
    /// The piece that holds an instant.
    fn piece(&mut self, at: Micros) -> Piece {
        if let Some(piece) = self.piece.filter(|piece| (piece.from..piece.to).contains(&at)) {
            return piece;
        }
        let piece = self.calendar.zone().piece_at(at);
        self.piece = Some(piece);
        piece
    }

    /// The first open stretch of this calendar from `at` on, if one begins before `limit`.
    fn next(&mut self, mut at: Micros, limit: Micros) -> Option<Stretch> {
        while at < limit {
            let piece = self.piece(at);
            let day = (at + piece.offset).div_euclid(MICROS_PER_DAY);
            let midnight = day * MICROS_PER_DAY - piece.offset;
            for block in self.calendar.blocks(day) {
                let from = (midnight + block.opens()).max(at);
                let to = (midnight + block.closes()).min(piece.to);
                if from < to {
                    return Some(Stretch { from, to });
                }
            }
            at = (midnight + MICROS_PER_DAY).min(piece.to);
        }
        None
    }

    /// The last open stretch of this calendar up to `at`, if one ends after `limit`.
    fn previous(&mut self, mut at: Micros, limit: Micros) -> Option<Stretch> {
        while at > limit {
            let piece = self.piece(at - 1);
            let day = (at - 1 + piece.offset).div_euclid(MICROS_PER_DAY);
            let midnight = day * MICROS_PER_DAY - piece.offset;
            for block in self.calendar.blocks(day).iter().rev() {
                let from = (midnight + block.opens()).max(piece.from);
                let to = (midnight + block.closes()).min(at);
                if from < to {
                    return Some(Stretch { from, to });
                }
            }
            at = midnight.max(piece.from);
        }
        None
    }
}
