//! The SQL of motions: the ledger in, recorded decisions out.
//!
//! Promises: no decision is taken here; decisions and everything that follows from them are one statement
//! ([`record()`]), inside the transaction that holds the accounts' locks.

mod conflicts;
mod decisions;
mod ledger;
mod people;
mod policies;
mod policy_changes;
mod record;

pub use conflicts::*;
pub use decisions::*;
pub use ledger::*;
pub use people::*;
pub use policies::*;
pub use policy_changes::*;
pub use record::*;
