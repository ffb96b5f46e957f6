//! Motions: which way of going to market an account gets now, and why.
//!
//! The pure core in reading order: [`policy`] (what the rules say), [`signals`] (what the facts amount to),
//! [`decide`] (what follows), [`document`] (how it is told).

pub mod decide;
pub mod document;
pub mod model;
pub mod policy;
pub mod signals;
