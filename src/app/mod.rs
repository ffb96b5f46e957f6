//! The only place where things are wired: settings in, a running service out.
//!
//! Promises: nothing is global; whoever starts an [`Running`] service (the command line, a test) gets a service
//! of its own; a stop finishes what was begun and leaves nothing behind.

mod custody;
mod database;
mod followers;
mod gauges;
mod local;
mod routes;
mod sandbox;
mod start;
mod wiring;
mod workers;

use std::ops::Deref;
use std::sync::Arc;

use axum::extract::FromRef;

use crate::accounts::Accounts;
use crate::connectors::Connectors;
use crate::designs::commands::Designs;
use crate::handoffs::commands::Handoffs;
use crate::motions::commands::Motions;
use crate::plans::commands::Plans;
use crate::platform::http::Platform;
use crate::platform::outbox::Outbox;
use crate::programmes::commands::Programmes;
use crate::renewals::commands::Renewals;

pub use local::{ServiceFile, read_service_file};
pub use routes::openapi_document;
pub use start::{ProgrammeParts, Running, StartError, StartOptions, programme_parts, start};
pub use wiring::wire;
pub use workers::Upkeep;

/// What the handlers of all slices reach. Cloned for each request, hence one count instead of dozens.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// The slices.
pub struct Parts {
    pub platform: Platform,
    pub accounts: Accounts,
    pub motions: Motions,
    pub handoffs: Handoffs,
    pub connectors: Connectors,
    pub plans: Plans,
    pub designs: Designs,
    pub renewals: Renewals,
    pub programmes: Programmes,
    pub outbox: Arc<Outbox>,
    pub upkeep: Upkeep,
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl FromRef<App> for Platform {
    fn from_ref(app: &App) -> Self {
        app.platform.clone()
    }
}

impl FromRef<App> for Accounts {
    fn from_ref(app: &App) -> Self {
        app.accounts.clone()
    }
}

impl FromRef<App> for Motions {
    fn from_ref(app: &App) -> Self {
        app.motions.clone()
    }
}

impl FromRef<App> for Handoffs {
    fn from_ref(app: &App) -> Self {
        app.handoffs.clone()
    }
}

impl FromRef<App> for Plans {
    fn from_ref(app: &App) -> Self {
        app.plans.clone()
    }
}

impl FromRef<App> for Designs {
    fn from_ref(app: &App) -> Self {
        app.designs.clone()
    }
}

impl FromRef<App> for Connectors {
    fn from_ref(app: &App) -> Self {
        app.connectors.clone()
    }
}

impl FromRef<App> for Renewals {
    fn from_ref(app: &App) -> Self {
        app.renewals.clone()
    }
}

impl FromRef<App> for Programmes {
    fn from_ref(app: &App) -> Self {
        app.programmes.clone()
    }
}
