//! Pure values that every part of the service speaks in: ids, the clock, working time, canonical JSON, documents.
//!
//! Promises: nothing here does IO (reading the system clock is the one exception, and it has one
//! place), nothing here knows a slice of the domain.

pub mod calendar;
pub mod clock;
pub mod document;
pub mod ids;
pub mod json;
pub mod text;
