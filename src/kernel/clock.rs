//! The one clock of the service.
//!
//! Promises: whoever needs "now" is handed a [`Clock`] or an instant; instants are cut to microseconds,
//! the precision of the database, so that a value read back equals the value written. A manual clock
//! moves only when told, which is how a test or the sandbox walks through days in milliseconds.
//! Leaves out: time zones and working hours, which belong to calendars.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::Utc;

/// An instant in UTC with microsecond precision.
pub type DateTime = chrono::DateTime<Utc>;

/// Where the service takes the present instant from. Cloning shares the same time.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// Microseconds since the epoch, moved by [`Clock::advance_to`] alone.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands still at `start` until it is moved.
    pub fn manual(start: DateTime) -> Self {
        Self::Manual(Arc::new(AtomicI64::new(start.timestamp_micros())))
    }

    /// The present instant.
    pub fn now(&self) -> DateTime {
        match self {
            #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
            Self::System => truncate(Utc::now()),
            Self::Manual(micros) => {
                chrono::DateTime::from_timestamp_micros(micros.load(Ordering::SeqCst)).unwrap_or_default()
            }
        }
    }

    /// Moves a manual clock to `to` and returns the new present. Time never runs backwards: an earlier
    /// instant leaves it where it is. A system clock is not moved.
    pub fn advance_to(&self, to: DateTime) -> DateTime {
        if let Self::Manual(micros) = self {
            micros.fetch_max(to.timestamp_micros(), Ordering::SeqCst);
        }
        self.now()
    }

    /// Whether the clock moves only when told.
    pub fn is_manual(&self) -> bool {
        matches!(self, Self::Manual(_))
    }
}

/// Cuts an instant to the microseconds that the database keeps.
pub fn truncate(at: DateTime) -> DateTime {
    chrono::DateTime::from_timestamp_micros(at.timestamp_micros()).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    #[test]
    fn a_manual_clock_moves_only_forwards_and_only_when_told() {
        let start = chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let clock = Clock::manual(start);
        assert_eq!(clock.now(), start);
        assert_eq!(clock.advance_to(start + TimeDelta::hours(4)), start + TimeDelta::hours(4));
        assert_eq!(clock.advance_to(start), start + TimeDelta::hours(4));
        assert_eq!(clock.clone().now(), clock.now());
    }

    #[test]
    fn the_system_clock_has_microseconds_and_no_more() {
        assert_eq!(Clock::System.now().timestamp_subsec_nanos() % 1_000, 0);
    }
}
