//! The SQL of accounts: events in, facts out.
//!
//! Promises: no decision is taken here; every function is one statement, takes the connection first and
//! business time as an argument.

mod changes;
mod dead;
mod intake;
mod matches;
mod pending;
mod privacy;
mod read;
mod rerouting;
#[cfg(test)]
mod tests;
mod unmatched;

pub use changes::*;
pub use dead::*;
pub use intake::*;
pub use matches::*;
pub use pending::*;
pub use privacy::*;
pub use read::*;
pub use rerouting::*;
pub use unmatched::*;
