//! A block of opening hours on one day: `09:00-12:30`.
//!
//! Promises: whole minutes of the wall clock, from before to, within one day. Leaves out blocks over midnight,
//! which are two blocks that join: `22:00-24:00` and, on the next day, `00:00-06:00`.

use std::fmt;

use super::{MICROS_PER_MINUTE, Micros};

/// Minutes of a day.
pub(super) const DAY_MINUTES: u16 = 24 * 60;

/// Opening hours without interruption, in minutes of the wall clock since midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Block {
    from: u16,
    /// Exclusive; at most 1440, which is the midnight that ends the day.
    to: u16,
}

/// Why a text is no block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BlockError {
    /// Not of the form `HH:MM-HH:MM`, or no time of day.
    Form,
    /// It ends where it starts.
    Empty,
    /// It ends before it starts: probably meant to go over midnight.
    Backwards,
}

impl Block {
    /// The whole day.
    pub const DAY: Self = Self { from: 0, to: DAY_MINUTES };

    pub(super) fn parse(text: &str) -> Result<Self, BlockError> {
        let (from, to) = text.split_once('-').ok_or(BlockError::Form)?;
        let (from, to) = (minutes(from.trim())?, minutes(to.trim())?);
        match from.cmp(&to) {
            std::cmp::Ordering::Less => Ok(Self { from, to }),
            std::cmp::Ordering::Equal => Err(BlockError::Empty),
            std::cmp::Ordering::Greater => Err(BlockError::Backwards),
        }
    }

    /// Whether two blocks of a day have a minute in common.
    pub fn overlaps(self, other: Self) -> bool {
        self.from < other.to && other.from < self.to
    }

    /// From midnight to opening on the wall clock.
    pub(super) fn opens(self) -> Micros {
        Micros::from(self.from) * MICROS_PER_MINUTE
    }

    /// From midnight to closing on the wall clock.
    pub(super) fn closes(self) -> Micros {
        Micros::from(self.to) * MICROS_PER_MINUTE
    }
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, to) = (self.from, self.to);
        write!(f, "{:02}:{:02}-{:02}:{:02}", from / 60, from % 60, to / 60, to % 60)
    }
}

/// Minutes since midnight of `HH:MM`, up to `24:00`.
fn minutes(text: &str) -> Result<u16, BlockError> {
    let (hours, minutes) = text.split_once(':').ok_or(BlockError::Form)?;
    let number = |text: &str| match text.as_bytes() {
        [a, b] if a.is_ascii_digit() && b.is_ascii_digit() => Ok(u16::from((a - b'0') * 10 + (b - b'0'))),
        _ => Err(BlockError::Form),
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    let total = hours * 60 + minutes;
    if minutes < 60 && total <= DAY_MINUTES { Ok(total) } else { Err(BlockError::Form) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_read_strictly_and_written_back() {
        for text in ["09:00-12:30", "00:00-24:00", "23:59-24:00"] {
            assert_eq!(Block::parse(text).unwrap().to_string(), text);
        }
        for text in ["9:00-12:00", "09:00", "09:00-24:01", "09:60-10:00", "09.00-10.00", "", "aa:bb-cc:dd"] {
            assert_eq!(Block::parse(text), Err(BlockError::Form), "{text}");
        }
        assert_eq!(Block::parse("22:00-06:00"), Err(BlockError::Backwards));
        assert_eq!(Block::parse("09:00-09:00"), Err(BlockError::Empty));
    }
}
