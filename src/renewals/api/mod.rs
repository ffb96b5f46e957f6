//! The HTTP face of renewals.

mod actions;
mod documents;
mod renewals;
mod upcoming;
mod wire;

use axum::extract::FromRef;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::commands::Renewals;
use crate::platform::http::Platform;

/// The routes of this slice.
pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Platform: FromRef<S>,
    Renewals: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(renewals::list_renewals, renewals::create_renewal))
        .routes(routes!(upcoming::list_upcoming_renewals))
        .routes(routes!(renewals::get_renewal, renewals::change_renewal))
        .routes(routes!(actions::start_renewal))
        .routes(routes!(actions::close_renewal))
        .routes(routes!(actions::hold_checkpoint))
        .routes(routes!(documents::list_renewal_changes))
        .routes(routes!(documents::get_renewal_plan))
        .routes(routes!(documents::get_renewal_packet))
        .routes(routes!(documents::get_renewal_tasks))
        .routes(routes!(documents::get_renewal_calendar))
}
