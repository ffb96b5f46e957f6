//! Handoffs: an account passes from one team to the next, to somebody who answers in time.
//!
//! What is there so far, all of it pure: [`types`] (the kinds of handoff, as data), [`assign`] (which rep, and why not
//! the others) and [`sla`] (the clock of one handoff: what was spent, when it is due, which step comes next).
//! Owns the tables `roster_head`, `roster_entry`, `absence`, `rotation`, `handoff`, `handoff_turn`, `handoff_entry` and
//! `share_receipt`.

pub mod assign;
pub mod sla;
pub mod types;
