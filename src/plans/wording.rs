//! Instants, lengths and names as they stand in sentences about plans.

use chrono::TimeDelta;

use super::model::{Duration, TaskId};
use crate::kernel::clock::DateTime;

/// `Tue 12 Jan 2027, 09:00 UTC`.
pub fn stamp(at: DateTime) -> String {
    at.format("%a %-d %b %Y, %H:%M UTC").to_string()
}

/// `6 h 30 min`; what is shorter than a minute counts as one.
pub fn span(length: TimeDelta) -> String {
    let seconds = length.num_seconds().unsigned_abs().max(u64::from(!length.is_zero()));
    let minutes = seconds.div_ceil(60);
    let sign = if length < TimeDelta::zero() { "-" } else { "" };
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{sign}{minutes} min"),
        (hours, 0) => format!("{sign}{hours} h"),
        (hours, minutes) => format!("{sign}{hours} h {minutes} min"),
    }
}

/// `3 working days`, `4h`.
pub fn duration(duration: Duration) -> String {
    match duration {
        Duration::WorkingDays(1) => "1 working day".to_owned(),
        Duration::WorkingDays(days) => format!("{days} working days"),
        Duration::Time(length) => length.to_string(),
    }
}

/// `` `a` → `b` → `c` ``.
pub fn chain(names: &[TaskId]) -> String {
    names.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(" → ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_told_in_hours_and_minutes_and_never_as_nothing() {
        for (seconds, told) in [
            (0, "0 min"),
            (1, "1 min"),
            (3_600, "1 h"),
            (5_400, "1 h 30 min"),
            (90_000, "25 h"),
            (-5_400, "-1 h 30 min"),
        ] {
            assert_eq!(span(TimeDelta::seconds(seconds)), told);
        }
        assert_eq!(span(TimeDelta::microseconds(1)), "1 min");
    }
}
