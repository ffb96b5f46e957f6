//! Renewal plays: a contract is renewed on purpose, by people who know what they do by when.
//!
//! The pure core in reading order: [`model`] (what a renewal is asked for with), [`plays`] (what is done, as data),
//! [`measures`] (what of an account matters) and [`context`] (the same for a reader), [`rating`] (risk, tier and play, as they
//! are proposed), [`upcoming`] (which renewals are coming), [`build`] (the plan), [`remedy`] (what cannot be kept, and what
//! helps), [`tracker`] (what is told while it runs), [`adapt`] (what a new rating changes); [`telling`] and the documents made
//! of it: [`packet`], [`sheet`] (tables for CRM systems), [`ics`] (calendars).

pub mod adapt;
pub mod build;
pub mod context;
pub mod ics;
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
pub mod telling;
#[cfg(test)]
mod tests;
pub mod tracker;
pub mod upcoming;
