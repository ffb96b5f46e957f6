//! Plans: tasks with owners, an order and dates; what a handoff design, a renewal play and a programme are made of.
//!
//! In reading order: [`model`] (the document of a version), [`check`] (every fault of it), [`graph`] (what comes before
//! what), [`schedule`] (dates, slack, the critical path), [`pattern`] (its shape), [`preflight`] (whether everything is there
//! before it runs), [`lifecycle`] (what may happen to a task and a gate), [`change`] (what differs between two versions),
//! [`document`] (a plan for people).
//!
//! Promises: all of these are pure.

pub mod change;
pub mod check;
pub mod document;
pub mod graph;
pub mod lifecycle;
pub mod model;
pub mod pattern;
pub mod preflight;
#[cfg(test)]
pub mod samples;
pub mod schedule;
pub mod wording;

pub use change::{Change, difference, replay, words};
pub use check::{Fault, FaultCode};
pub use pattern::{Pattern, PatternKind};
pub use preflight::{Finding, Known};
pub use schedule::{Schedule, Slot};
