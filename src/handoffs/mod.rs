//! Handoffs: an account passes from one team to the next, to somebody who answers in time.
//!
//! The pure core in reading order: [`types`] (the kinds of handoff, as data), [`entries`] and [`import`] (the roster as
//! people edit it), [`assign`] (which rep, and why not the others), [`availability`] (who is there and when) and [`sla`]
//! (the clock of one handoff: what was spent, when it is due, which step comes next). Around it: [`commands`] (the
//! transactions), [`store`] (SQL), [`api`] (HTTP).
//! Owns the tables `roster_head`, `roster_entry`, `absence`, `rotation`, `handoff`, `handoff_turn`, `handoff_entry` and
//! `share_receipt`.

pub mod api;
pub mod assign;
pub mod availability;
pub mod commands;
pub mod entries;
pub mod import;
pub mod sla;
pub mod store;
pub mod types;
