//! The HTTP face of designs and of the watch.

mod designs;
mod live;
mod watch;
mod wire;

use axum::extract::FromRef;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::commands::Designs;
use crate::platform::http::Platform;

/// The routes of this slice.
pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Platform: FromRef<S>,
    Designs: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(designs::list_designs, designs::make_design))
        .routes(routes!(designs::get_design, designs::change_design))
        .routes(routes!(designs::list_design_changes))
        .routes(routes!(designs::get_design_plan))
        .routes(routes!(designs::get_design_document))
        .routes(routes!(live::approve_design))
        .routes(routes!(live::apply_design))
        .routes(routes!(live::roll_back_design))
        .routes(routes!(watch::watch_sla))
}
