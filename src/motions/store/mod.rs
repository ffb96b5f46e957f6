//! The SQL of motions: the ledger in, one recorded decision out.
//!
//! Promises: no decision is taken here; a decision and everything that follows from it is one statement
//! ([`record()`]), inside the transaction that holds the account's lock.

mod conflicts;
mod decisions;
mod ledger;
mod policies;
mod record;

pub use conflicts::*;
pub use decisions::*;
pub use ledger::*;
pub use policies::*;
pub use record::*;
