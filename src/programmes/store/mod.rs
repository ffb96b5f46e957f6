//! The rows of programmes.
//!
//! Promises: nothing here decides; whoever writes holds the row of the programme's plan, so versions and numbers have no gaps.

mod conflicts;
mod files;
mod programmes;

pub use conflicts::*;
pub use files::*;
pub use programmes::*;
