//! Handoff designs: who gets an account of a segment, how soon it is answered, with whom that can be kept; from a brief to an
//! approved packet to live routing and SLA terms. And the watch over what was promised.
//!
//! The pure core in reading order: [`brief`] (what is wanted), [`playbook`] (what it asks of people, as data), [`readiness`] (what
//! is defined and what is not), [`routing`] (the blueprint), [`service`] and [`estimate`] (how soon, with whom), [`packet`]
//! (all of it, with the plan), [`document`] (for readers), [`base`] (what it was made on), [`watch`] (whether promises are
//! kept). Around it: [`commands`] (the transactions), [`store`] (SQL), [`api`] (HTTP), [`jobs`] (what runs by itself).
//! Owns the tables `handoff_design`, `design_version`, `design_approval`, `design_application`, `watch_window` and
//! `watch_escalation`.

pub mod api;
pub mod base;
pub mod brief;
pub mod commands;
pub mod document;
pub mod estimate;
pub mod jobs;
pub mod packet;
pub mod playbook;
pub mod readiness;
pub mod routing;
#[cfg(test)]
pub mod samples;
pub mod service;
pub mod store;
#[cfg(test)]
mod tests;
pub mod watch;
pub mod words;
