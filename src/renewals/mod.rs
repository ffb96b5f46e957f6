//! Renewal plays: a contract is renewed on purpose, by people who know what they do by when.
//!
//! The pure core in reading order: [`model`] (what a renewal is asked for with), [`plays`] (what is done, as data),
//! [`measures`] (what of an account matters) and [`context`] (the same for a reader), [`rating`] (risk, tier and play, as they
//! are proposed), [`upcoming`] (which renewals are coming), [`build`] (the plan), [`remedy`] (what cannot be kept, and what
//! helps), [`renewal`] (one renewal, as it is kept), [`tracker`] (what is told while it runs), [`adapt`] (what a new rating
//! changes); [`telling`] and the documents made of it: [`packet`], [`sheet`] (tables for CRM systems), [`ics`] (calendars).
//! Around it: [`commands`] (the transactions), [`store`] (SQL), [`api`] (HTTP), [`jobs`] (what runs by itself).
//! Owns the tables `renewal`, `renewal_checkpoint`, `renewal_appointment`, `renewal_firing` and `renewal_date`.

pub mod adapt;
pub mod api;
pub mod build;
pub mod commands;
pub mod context;
pub mod ics;
pub mod jobs;
pub mod measures;
pub mod model;
pub mod money;
pub mod packet;
pub mod plays;
pub mod rating;
pub mod remedy;
pub mod renewal;
#[cfg(test)]
mod samples;
pub mod sheet;
pub mod store;
pub mod telling;
#[cfg(test)]
mod tests;
pub mod tracker;
pub mod upcoming;
