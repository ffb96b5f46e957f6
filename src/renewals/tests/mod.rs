//! Measures, ratings, plans, documents: tables, laws and golden files.
//!
//! The golden files are in `golden`; `UPDATE_DOCS=1 cargo test --lib renewals` writes them anew: read what changed.

mod adapting;
mod calendars;
mod coming;
mod documents;
mod plans;
mod ratings;
mod sheets;
mod tracking;
