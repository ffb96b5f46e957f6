//! The SQL of handoffs.

mod handoffs;

pub use handoffs::*;
