//! x
mod normalise;
pub use normalise::domain_of;
