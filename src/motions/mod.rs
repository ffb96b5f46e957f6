//! Motions: which way of going to market an account gets now, and why.

pub mod model;
