//! The GTM motion orchestrator as a library: modules in reading order.

pub mod platform;
#[doc(hidden)]
pub mod testing;
