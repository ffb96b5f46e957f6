//! The HTTP face of motion routing.

mod accounts;
mod conflicts;
mod decisions;
mod orchestrate;
mod policies;
mod policy_changes;

use axum::extract::FromRef;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::commands::Motions;
use crate::accounts::Accounts;
use crate::platform::http::Platform;

pub use decisions::Decision;

/// The routes of this slice.
pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Platform: FromRef<S>,
    Accounts: FromRef<S>,
    Motions: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(orchestrate::orchestrate_account))
        .routes(routes!(orchestrate::orchestrate_accounts))
        .routes(routes!(accounts::get_signals))
        .routes(routes!(accounts::get_timeline))
        .routes(routes!(decisions::list_decisions))
        .routes(routes!(decisions::get_decision))
        .routes(routes!(decisions::replay_decision))
        .routes(routes!(conflicts::list_conflicts))
        .routes(routes!(conflicts::get_conflict))
        .routes(routes!(conflicts::resolve_conflict))
        .routes(routes!(policies::list_policies, policies::add_policy))
        .routes(routes!(policies::check_policy))
        .routes(routes!(policies::get_policy))
        .routes(routes!(policy_changes::review_policy))
        .routes(routes!(policy_changes::activate_policy))
        .routes(routes!(policy_changes::call_off_policy))
        .routes(routes!(policy_changes::roll_back_policy))
        .routes(routes!(policy_changes::list_policy_activations))
        .routes(routes!(policies::get_vocabulary))
}
