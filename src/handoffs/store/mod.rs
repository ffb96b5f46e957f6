//! The SQL of handoffs.
//!
//! Promises: no rule is applied here; what a use case needs of a table is one statement, whatever the number of rows.

mod alerts;
mod handoffs;
mod measured;
mod metrics;
mod people;
mod roster;
#[cfg(test)]
mod tests;

pub use alerts::*;
pub use handoffs::*;
pub use measured::*;
pub use metrics::*;
pub use people::*;
pub use roster::*;
