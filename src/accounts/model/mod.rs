//! What is known about an account, as values: facts with their stamp, and the state they add up to.
//!
//! Promises: every fact says where it came from and when it was true; a newer fact is never overwritten by
//! an older one, whatever order they arrive in; the state holds no personal data (contacts and notes are
//! kept apart, so that a person can be erased without touching a decision).

mod contact;
mod fact;
mod purpose;
mod state;

pub use contact::{Contact, ContactChange};
pub use fact::{Fact, Stamp};
pub use purpose::{id_in_purpose, person_in_purpose};
pub use state::*;
