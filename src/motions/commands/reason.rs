//! Why the service looks at an account by itself, as the job carries it.
//!
//! A job that an event asked for also carries when that event was received, so that the time from there to the
//! outcome can be measured.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Trigger;
use crate::kernel::clock::DateTime;
use crate::platform::jobs::{Claimed, Lane};

/// Name of the histogram of the time from receiving an event to the outcome of the look it asked for.
pub const EVENT_TO_DECISION: &str = "gtm_event_to_decision_seconds";

/// What asked for a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", rename_all_fields = "camelCase")]
pub(super) enum Reason {
    /// The first of the events that the look is for was received at this instant.
    Event {
        received_at: DateTime,
    },
    Wake,
    Sweep,
}

impl Reason {
    /// The payload of the job.
    pub(super) fn payload(self) -> String {
        // An enum of names and an instant is always JSON.
        serde_json::to_string(&self).unwrap_or_default()
    }

    /// What a job says; nothing when it was written by another release.
    pub(super) fn of(payload: &RawValue) -> Option<Self> {
        serde_json::from_str(payload.get()).ok()
    }

    pub(super) fn trigger(self) -> Trigger {
        match self {
            Self::Event { .. } => Trigger::Event,
            Self::Wake => Trigger::Wake,
            Self::Sweep => Trigger::Sweep,
        }
    }
}

/// Measures how long an event took to its outcome: the decision on record, or the finding that nothing changed.
pub(super) fn measure(received_at: DateTime, lane: Lane, now: DateTime) {
    let took = (now - received_at).max(TimeDelta::zero()).as_seconds_f64();
    metrics::histogram!(EVENT_TO_DECISION, "lane" => lane.name()).record(took);
}

/// The same for a job that an event asked for; nothing for others.
pub(super) fn measure_job(job: &Claimed, now: DateTime) {
    if let Some(Reason::Event { received_at }) = Reason::of(&job.payload) {
        measure(received_at, job.lane, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_comes_back_from_its_payload() {
        let received_at = chrono::DateTime::from_timestamp(1_800_000_000, 5_000).unwrap();
        for reason in [Reason::Event { received_at }, Reason::Wake, Reason::Sweep] {
            let payload = RawValue::from_string(reason.payload()).unwrap();
            assert_eq!(Reason::of(&payload), Some(reason), "{payload}");
        }
        let unknown = RawValue::from_string(r#""tide""#.to_owned()).unwrap();
        assert_eq!(Reason::of(&unknown), None);
    }
}
