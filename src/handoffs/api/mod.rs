//! The HTTP face of handoffs: so far who takes them and by which rules.

mod absences;
mod calendars;
mod entries;
mod metrics;
mod named_accounts;
mod reps;
mod roster;
mod segments;
mod sla;
mod teams;
mod territories;

use axum::extract::FromRef;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::commands::Handoffs;
use crate::platform::http::Platform;

/// The routes of this slice.
pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Platform: FromRef<S>,
    Handoffs: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(calendars::list))
        .routes(routes!(calendars::read, calendars::put, calendars::remove))
        .routes(routes!(teams::list))
        .routes(routes!(teams::read, teams::put, teams::remove))
        .routes(routes!(reps::list))
        .routes(routes!(reps::read, reps::put, reps::remove))
        .routes(routes!(absences::list_absences, absences::add_absence))
        .routes(routes!(absences::end_absence))
        .routes(routes!(territories::list))
        .routes(routes!(territories::read, territories::put, territories::remove))
        .routes(routes!(named_accounts::list))
        .routes(routes!(named_accounts::read, named_accounts::put, named_accounts::remove))
        .routes(routes!(segments::list))
        .routes(routes!(segments::read, segments::put, segments::remove))
        .routes(routes!(roster::get_roster))
        .routes(routes!(roster::import_roster))
        .routes(routes!(sla::preview_sla))
        .routes(routes!(metrics::measure_handoffs))
        .routes(routes!(metrics::measure_pools))
}
