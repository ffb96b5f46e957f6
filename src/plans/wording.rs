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

/// A sentence with the names in backticks replaced by what people call them; those without such a name stay, quoted.
pub fn titled(text: &str, title: impl Fn(&str) -> Option<String>) -> String {
    let parts = text.split('`').enumerate().map(|(at, part)| match at % 2 {
        0 => part.to_owned(),
        _ => format!("“{}”", title(part).unwrap_or_else(|| part.to_owned())),
    });
    parts.collect()
}

/// A name in the code as the title of something: `sla_model` is `Sla model`.
pub fn spelled(name: &str) -> String {
    let words = name.replace(['_', '-'], " ");
    let mut chars = words.chars();
    let first = chars.next().map(|c| c.to_uppercase().collect::<String>()).unwrap_or_default();
    first + chars.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_a_sentence_are_told_by_their_titles() {
        let title = |name: &str| (name == "sla").then(|| "SLA modelling".to_owned());
        assert_eq!(titled("`sla` → gate `x-1`.", title), "“SLA modelling” → gate “x-1”.");
        assert_eq!(titled("no names", title), "no names");
        assert_eq!(spelled("market_entry"), "Market entry");
    }

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
