//! Accounts: what comes in about a company and what is known of it.
//!
//! Intake makes events durable, the fold turns them into facts exactly once each, and everybody else reads
//! the facts. Owns the tables `event`, `event_key`, `inbox`, `account`, `contact`, `note` and
//! `account_identity`.

pub mod events;
pub mod fold;
pub mod matching;
pub mod model;
