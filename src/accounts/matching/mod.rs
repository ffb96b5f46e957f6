//! Finding the account that a lead, a contact or a foreign record belongs to.
//!
//! Promises: candidates come ranked by evidence (id, domain, name, address), each with its reasons in
//! points; equal scores are ordered by a rule that is named with the result; what a person pinned always
//! wins and what a person ruled out never comes back. Pure: the same candidates give the same ranking.
//! Leaves out: finding the candidates (by the keys of [`Query::keys`]) and keeping corrections.

mod clues;
mod names;
mod normalise;
mod rank;
mod verdict;

pub use clues::{CLUES, clues};
pub use names::{normalise_name, plain_text};
pub use normalise::{domain_of, email_domain, is_free_mail, is_subdomain};
pub use rank::{Candidate, Match, Query, Reason, ReasonKind, TieBreak, rank};
pub use verdict::{CLEAR_LEAD_MIN, CLEAR_SCORE_MIN, Corrections, Verdict, Why, verdict};
