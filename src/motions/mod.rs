//! Motions: which way of going to market an account gets now, and why.
//!
//! The pure core in reading order: [`policy`] (what the rules say), [`signals`] (what the facts amount to),
//! [`decide`] (what follows), [`document`] (how it is told), [`explain`] (to a reader). Around it: [`commands`] (the transactions),
//! [`store`] (SQL), [`api`] (HTTP), [`jobs`] (what runs by itself).
//! Owns the tables `policy`, `policy_active`, `policy_review`, `policy_activation`, `decision`, `motion_state`,
//! `motion_claim`, `claim_exclusion`, `touch`, `conflict` and `motion_pause`.

pub mod api;
pub mod commands;
pub mod decide;
pub mod document;
pub mod explain;
pub mod jobs;
pub mod model;
pub mod policy;
pub mod recheck;
#[cfg(test)]
pub mod samples;
pub mod signals;
pub mod store;

pub use policy::Urgency;
