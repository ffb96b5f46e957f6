//! Handoffs: an account passes from one team to the next, to somebody who answers in time.
//!
//! What is there so far, all of it pure: [`types`] (the kinds of handoff, as data), [`assign`] (which rep, and why not
//! the others), [`sla`] (the clock of one handoff: what was spent, when it is due, which step comes next), [`package`]
//! (what the receiver is told, and how complete it is) and [`report`] (the same for a reader).
//! Owns the tables `roster_head`, `roster_entry`, `absence`, `rotation`, `handoff`, `handoff_turn`, `handoff_entry` and
//! `share_receipt`.

pub mod assign;
pub mod effects;
pub mod hours;
pub mod lifecycle;
pub mod model;
pub mod package;
pub mod report;
pub mod sla;
pub mod store;
pub mod types;
