//! Plans: tasks with owners, an order and dates; what a handoff design, a renewal play and a programme are made of.
//!
//! The pure core in reading order: [`model`] (the document of a version), [`mod@check`] (every fault of it), [`graph`] (what
//! comes before what), [`mod@schedule`] (dates, slack, the critical path), [`mod@pattern`] (its shape), [`mod@preflight`] (whether
//! everything is there before it runs), [`lifecycle`] (what may happen to a task and a gate), [`happening`] and [`effects`]
//! (what is told of it), [`change`] (what differs between two versions), [`document`] and [`wording`] (a plan for people).
//! Around it: [`commands`] (the transactions), [`store`] (SQL), [`api`] (HTTP), [`jobs`] (what runs by itself).
//! Leaves out: what is special about a kind of plan; the slices of the kinds make plans, follow what happens to them
//! ([`commands::PlanFollower`]) and answer under paths of their own.
//! Owns the tables `plan`, `plan_version`, `plan_task`, `plan_gate` and `plan_entry`.

pub mod api;
pub mod change;
pub mod check;
pub mod commands;
pub mod document;
pub mod effects;
pub mod graph;
pub mod happening;
pub mod jobs;
pub mod lifecycle;
pub mod model;
pub mod pattern;
pub mod preflight;
#[cfg(test)]
pub mod samples;
pub mod schedule;
pub mod store;
pub mod wording;

// What the slices of the kinds of plan build on.
pub use change::{Change, difference, replay, words};
pub use check::{Fault, FaultCode, check};
pub use document::Told;
pub use happening::{Happened, What};
pub use lifecycle::{Action, GateState, GateStatus, Happening, TaskState, TaskStatus, Verdict};
pub use model::TaskId;
pub use pattern::{Pattern, PatternKind, pattern};
pub use preflight::{Finding, Known, acting, preflight};
pub use schedule::{Impossible, Schedule, Slot, schedule};
pub use store::TaskRow;
