//! Outside systems that cannot be reached from a test: each behaves as badly as the real one does.

pub mod crossbeam;
pub mod hubspot;
pub mod salesforce;
pub mod server;
pub mod slack;
pub mod smtp;
