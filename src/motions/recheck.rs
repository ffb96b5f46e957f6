//! Lets the verification of the audit log look at the decisions that it refers to.
//!
//! Promises: a decision whose document or ledger was changed after it was recorded is found, as is one that is
//! gone; the digests are those of the stored texts, to the letter.
