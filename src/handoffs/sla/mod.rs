//! The clock of one handoff: how much of its time is spent, when it is due, and which step comes next.
//!
//! In reading order: what was promised ([`SlaTerms`]), the clock with its ledger ([`SlaClock`]), the steps that
//! follow from it ([`StepKind`]), and a look ahead ([`preview()`]).
//!
//! Promises: everything runs on one clock, so that all steps have one order. The budget, the reminder, the time
//! to acknowledge and the escalation after the deadline are marks on it, reached when that much time has counted;
//! in business time an alert therefore comes when somebody is at work. What counted before a change of calendar,
//! owner or absence keeps counting as it did. One step is next at a time; each is taken once; contact and closure
//! end it.
//! Leaves out: who is told, and how; performing a step is for those who call.

mod clock;
mod preview;
mod steps;
mod terms;
#[cfg(test)]
mod tests;

pub use clock::{
    Change, ClockError, EndedBy, Ending, Pause, PauseReason, Restart, Segment, SlaClock, SlaStatus,
};
pub use preview::{DayNote, PreviewDay, SlaPreview, preview};
pub use steps::{Step, StepKind};
pub use terms::{Basis, SlaTerms, TermsFault};
