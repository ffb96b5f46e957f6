//! Command line.
pub mod import;
