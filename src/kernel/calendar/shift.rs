//! When the clock of one piece of work runs: a team's calendar, the hours of the one who has it, absences.
//!
//! Promises: time counts where all calendars are open and nobody is absent. A shift without calendars is open
//! around the clock. Leaves out whose absences they are: the caller gathers them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::walk::{Stretch, Walk};
use super::{DateTime, OpenTime, WorkCalendar, micros};

/// From one instant up to and without another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Interval {
    pub from: DateTime,
    /// Exclusive.
    pub to: DateTime,
}

/// Calendars that must all be open, less absences.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shift {
    calendars: Vec<Arc<WorkCalendar>>,
    /// In order, joined where they touch.
    absences: Vec<Stretch>,
}

impl Shift {
    /// Open around the clock.
    pub fn always() -> Self {
        Self::default()
    }

    pub fn of(calendar: Arc<WorkCalendar>) -> Self {
        Self { calendars: vec![calendar], absences: Vec::new() }
    }

    /// Also needs this calendar to be open.
    #[must_use]
    pub fn and(mut self, calendar: Arc<WorkCalendar>) -> Self {
        self.calendars.push(calendar);
        self
    }

    /// Takes these intervals out; they may overlap, and one that ends before it begins takes nothing.
    #[must_use]
    pub fn without(mut self, absences: impl IntoIterator<Item = Interval>) -> Self {
        let given = absences.into_iter().map(|gap| Stretch { from: micros(gap.from), to: micros(gap.to) });
        self.absences.extend(given.filter(|gap| gap.from < gap.to));
        self.absences.sort_unstable();
        self.absences.dedup_by(|later, earlier| {
            let joined = later.from <= earlier.to;
            if joined {
                earlier.to = earlier.to.max(later.to);
            }
            joined
        });
        self
    }

    /// The calendar in whose days people think: the first that was given.
    pub fn calendar(&self) -> Option<&Arc<WorkCalendar>> {
        self.calendars.first()
    }
}

impl From<WorkCalendar> for Shift {
    fn from(calendar: WorkCalendar) -> Self {
        Self::of(Arc::new(calendar))
    }
}

impl OpenTime for Shift {
    fn walk(&self) -> Walk<'_> {
        Walk::new(self.calendars.iter().map(Arc::as_ref), &self.absences)
    }
}
