//! Counting what goes wrong within a window, and when it was too much.
//!
//! Promises: the window rolls; what is exactly as old as the window no longer counts; each occurrence counts for one alarm
//! at most, so that one thing more after an alarm does not ring again until as much has come together anew. Occurrences
//! that become known late count at their own instants.

use serde::{Deserialize, Serialize};

use crate::kernel::clock::DateTime;
use crate::plans::model::Guardrail;

/// What has gone wrong lately and has not rung yet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Watch(Vec<DateTime>);

impl Watch {
    /// Notes one thing; gives whether it was too much now.
    pub fn note(&mut self, at: DateTime, rule: &Guardrail) -> bool {
        let place = self.0.partition_point(|other| *other <= at);
        self.0.insert(place, at);
        let window = rule.within.as_delta();
        // Any run of as many as are too much, that lies within a window and has the new one in it.
        let many = usize::from(rule.exceeded).max(1);
        let runs = place.saturating_sub(many - 1)..=place;
        let rings = runs
            .into_iter()
            .find(|from| self.0.get(from + many - 1).is_some_and(|last| *last - self.0[*from] < window));
        if let Some(from) = rings {
            self.0.drain(from..from + many);
        }
        // What no later occurrence can meet within a window is forgotten.
        if let Some(latest) = self.0.last().copied() {
            self.0.retain(|other| latest - *other < window);
        }
        rings.is_some()
    }
}
