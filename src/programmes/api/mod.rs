//! The HTTP face of programmes.

mod conflicts;
mod files;
mod gates;
mod programmes;
mod wire;

use axum::extract::FromRef;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::commands::Programmes;
use crate::platform::http::Platform;

/// The routes of this slice.
pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Platform: FromRef<S>,
    Programmes: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(programmes::list_programmes, programmes::create_programme))
        .routes(routes!(programmes::get_programme_definition))
        .routes(routes!(programmes::get_deliverable_schema))
        .routes(routes!(programmes::get_programme, programmes::change_programme))
        .routes(routes!(programmes::start_programme))
        .routes(routes!(programmes::pause_programme))
        .routes(routes!(programmes::resume_programme))
        .routes(routes!(programmes::list_programme_changes))
        .routes(routes!(programmes::get_programme_plan))
        .routes(routes!(gates::list_programme_gates))
        .routes(routes!(gates::review_programme_gate))
        .routes(routes!(files::list_programme_files))
        .routes(routes!(files::get_programme_file, files::put_programme_file))
        .routes(routes!(files::get_programme_archive))
        .routes(routes!(conflicts::list_programme_conflicts, conflicts::raise_programme_conflict))
        .routes(routes!(conflicts::decide_programme_conflict))
}
