//! What the service's own handoffs say of what comes in and how long it takes.
//!
//! Promises: only what was seen; how much that is, is kept with it.

use chrono::TimeDelta;

use crate::kernel::clock::DateTime;

/// A handoff as it was measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Past {
    pub created_at: DateTime,
    /// From the owner's acknowledgement to the contact, in the owner's working time.
    pub preparing_secs: Option<f64>,
    /// Whether the contact came within its terms; none while that is open.
    pub in_time: Option<bool>,
}

/// What was measured in a stretch of time.
#[derive(Debug, Clone, PartialEq)]
pub struct History {
    pub from: DateTime,
    pub to: DateTime,
    pub handoffs: Vec<Past>,
}

impl History {
    /// Nothing measured.
    pub fn none(now: DateTime) -> Self {
        Self { from: now, to: now, handoffs: Vec::new() }
    }

    /// The stretch from the first handoff on: before it, the service was not in use. Whole weeks, so that no weekday counts
    /// more than another; none where less than one has passed, which says nothing of a week.
    pub fn measured_period(&self) -> Option<(DateTime, DateTime)> {
        let first = self.handoffs.iter().map(|past| past.created_at).min()?;
        let weeks = (self.to - first).num_weeks();
        (weeks > 0).then(|| (self.to - TimeDelta::weeks(weeks), self.to))
    }

    /// How much time it covers, in weeks.
    pub fn weeks(&self) -> f64 {
        self.measured_period().map_or(0.0, |(from, to)| (to - from).as_seconds_f64() / 604_800.0)
    }

    pub fn arrivals_in(&self, (from, to): (DateTime, DateTime)) -> Vec<DateTime> {
        self.handoffs.iter().map(|past| past.created_at).filter(|at| (from..to).contains(at)).collect()
    }

    pub fn preparing(&self) -> Vec<f64> {
        self.handoffs.iter().filter_map(|past| past.preparing_secs).collect()
    }

    /// In time and late.
    pub fn kept(&self) -> (u64, u64) {
        let count = |kept| self.handoffs.iter().filter(|past| past.in_time == Some(kept)).count() as u64;
        (count(true), count(false))
    }
}
