//! The HTTP face of connectors: calls in, and how each system is doing.

mod analytics;
mod received;
mod systems;
mod webhooks;

use axum::extract::FromRef;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Connectors;
use super::commands::ConnectorError;
use crate::platform::http::{Platform, Problem};

pub use analytics::further;

/// The routes of this slice.
pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Platform: FromRef<S>,
    Connectors: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(webhooks::receive_webhook))
        .routes(routes!(webhooks::receive_webhook_by_secret))
        .routes(routes!(analytics::receive_segment_call))
        .routes(routes!(analytics::receive_segment_batch))
        .routes(routes!(systems::list_connectors))
        .routes(routes!(systems::check_connector))
        .routes(routes!(systems::sync_connector))
        .routes(routes!(received::list_received))
        .routes(routes!(received::get_received))
        .routes(routes!(received::retry_received))
        .routes(routes!(received::retry_all_received))
}

impl From<ConnectorError> for Problem {
    fn from(error: ConnectorError) -> Self {
        let text = error.to_string();
        match error {
            ConnectorError::Unknown { .. } | ConnectorError::NoInbound(_) => {
                Self::new(axum::http::StatusCode::NOT_FOUND, "not_found", text)
            }
            // The sender is told no more than that: which part did not fit would help to guess.
            ConnectorError::Refused(_) => Self::new(
                axum::http::StatusCode::UNAUTHORIZED,
                "call_not_believed",
                "The call does not prove that it comes from the system. Compare the secret in the settings with the \
                 one there; the log says what was wrong.",
            ),
            ConnectorError::NoSource(_) => Self::conflict("not_a_source", text),
            ConnectorError::Intake(error) => error.into(),
            ConnectorError::Handoff(error) => error.into(),
            ConnectorError::Audit(error) => error.into(),
            ConnectorError::Database(error) => error.into(),
            ConnectorError::Payload(error) => Self::internal(error),
        }
    }
}
