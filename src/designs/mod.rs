//! Handoff designs: who gets an account of a segment, how soon it is answered, with whom that can be kept; from a brief to an
//! approved packet to live routing and SLA terms. And the watch over what was promised.
//!
//! The pure core in reading order: [`brief`] (what is wanted), [`playbook`] (what it asks of people, as data), [`intake`] (what
//! is defined and what is not), [`routing`] (the blueprint), [`service`] and [`estimate`] (how soon, with whom), [`packet`]
//! (all of it, with the plan), [`document`] (for readers).

pub mod brief;
pub mod document;
pub mod estimate;
pub mod intake;
pub mod packet;
pub mod playbook;
pub mod routing;
#[cfg(test)]
pub mod samples;
pub mod service;
#[cfg(test)]
mod tests;
pub mod watch;
pub mod words;
