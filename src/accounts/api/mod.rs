//! The HTTP face of accounts: events in, state out.

mod accounts;
mod dead;
mod events;
mod matching;
mod privacy;
mod unmatched;
mod wire;

use axum::extract::FromRef;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Accounts;
use crate::platform::http::Platform;

pub use events::EventsAnswer;
pub use wire::AccountWire;

/// The routes of this slice.
pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Platform: FromRef<S>,
    Accounts: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(events::post_events))
        .routes(routes!(events::list_event_types))
        .routes(routes!(accounts::list_accounts))
        .routes(routes!(accounts::get_account, accounts::put_account))
        .routes(routes!(accounts::put_preferences))
        .routes(routes!(accounts::put_consent))
        .routes(routes!(matching::find_matches))
        .routes(routes!(matching::correct_match))
        .routes(routes!(dead::list_dead_events))
        .routes(routes!(dead::retry_dead_event))
        .routes(routes!(dead::retry_dead_events))
        .routes(routes!(unmatched::list_unmatched))
        .routes(routes!(unmatched::resolve_unmatched))
        .routes(routes!(privacy::export_personal_data))
        .routes(routes!(privacy::erase_personal_data))
        .routes(routes!(privacy::lift_suppression))
}
