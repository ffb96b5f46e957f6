//! Events: what comes in about an account, decoded and checked before anything is stored.
//!
//! Promises: an [`Event`] in hand is well formed in every part and carries the sender's `data` exactly as
//! written; whatever is wrong with an event is said all at once, with the place; decoding is a function of
//! the request and the instant it arrived. Fields of `data` that the catalogue does not name are kept.
//! Leaves out: storing, telling repeats apart, and what an event means for the state (the fold).

mod catalogue;
pub mod cloudevents;
mod data;
mod event;
mod fault;
mod reading;
mod shape;
mod storable;

pub use catalogue::{EventSpec, EventType, catalogue};
pub use cloudevents::{Decoded, RequestFault, decode};
pub use data::*;
pub use event::{Arrived, Event, Extensions, Parts, Unaddressed};
pub use fault::{Fault, FaultCode, Rejected};
pub use reading::{COUNT_MAX, Said};
pub use shape::{Field, Shape};
