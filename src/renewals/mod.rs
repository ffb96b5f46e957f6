//! Renewal plays: a contract is renewed on purpose.

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
#[cfg(test)]
mod samples;
pub mod sheet;
pub mod telling;
#[cfg(test)]
mod tests;
pub mod tracker;
pub mod upcoming;
