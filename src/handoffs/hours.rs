//! The hours that a handoff's clock counts by, kept with it.
//!
//! Promises: a copy, so that time that has passed stays counted by the hours that held then: when a calendar, an absence
//! or the owner changes, the clock is first settled by this copy.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::kernel::calendar::{Interval, Shift, WorkCalendar};

/// Working hours of a team and of the owner, without the owner's absences: both must be open for time to count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hours {
    pub team: Arc<WorkCalendar>,
    pub owner: Arc<WorkCalendar>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub absences: Vec<Interval>,
}

impl Hours {
    pub fn shift(&self) -> Shift {
        let shift = Shift::of(self.team.clone());
        let shift = if self.team == self.owner { shift } else { shift.and(self.owner.clone()) };
        shift.without(self.absences.iter().copied())
    }
}
