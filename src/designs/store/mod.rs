//! The SQL of designs and of the watch.
//!
//! Promises: no rule is applied here.

mod designs;
mod watch;

pub use designs::*;
pub use watch::*;
