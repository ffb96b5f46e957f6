//! The HTTP face of plans: each of them whatever its kind, and the tasks that somebody works on.

mod actions;
mod plans;
mod schema;
mod tasks;
pub mod wire;

use axum::extract::FromRef;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::commands::Plans;
use crate::platform::http::Platform;

pub use schema::json_schema;

/// The routes of this slice.
pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Platform: FromRef<S>,
    Plans: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(plans::list_plans))
        .routes(routes!(schema::get_plan_schema))
        .routes(routes!(plans::get_plan))
        .routes(routes!(plans::get_plan_document))
        .routes(routes!(plans::list_plan_changes))
        .routes(routes!(plans::list_plan_timeline))
        .routes(routes!(plans::get_plan_report))
        .routes(routes!(actions::start_plan))
        .routes(routes!(actions::cancel_plan))
        .routes(routes!(actions::review_plan_gate))
        .routes(routes!(tasks::list_tasks))
        .routes(routes!(tasks::claim_tasks))
        .routes(routes!(tasks::get_task))
        .routes(routes!(tasks::heartbeat_task))
        .routes(routes!(tasks::complete_task))
        .routes(routes!(tasks::fail_task))
        .routes(routes!(tasks::skip_task))
        .routes(routes!(tasks::retry_task))
        .routes(routes!(tasks::give_up_task))
}
