//! The only place where things are wired: settings in, a running service out.
//!
//! Promises: nothing is global; whoever starts an [`Running`] service (the command line, a test) gets a service
//! of its own; a stop finishes what was begun and leaves nothing behind.

mod database;
mod gauges;
mod local;
mod routes;
mod sandbox;
mod start;
mod workers;

use axum::extract::FromRef;

use crate::accounts::Accounts;
use crate::motions::commands::Motions;
use crate::platform::http::Platform;

pub use local::{ServiceFile, read_service_file};
pub use routes::openapi_document;
pub use start::{Running, StartError, StartOptions, start};
pub use workers::Upkeep;

/// What the handlers of all slices reach.
#[derive(Clone, FromRef)]
pub struct App {
    pub platform: Platform,
    pub accounts: Accounts,
    pub motions: Motions,
    pub upkeep: Upkeep,
}
