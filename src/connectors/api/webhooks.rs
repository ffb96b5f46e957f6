//! The door for systems that call us in their own words.

use axum::extract::{OriginalUri, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};

use crate::connectors::Connectors;
use crate::connectors::inbound::Reply;
use crate::platform::http::{Path, Problem, ProblemDocument, RawBody};

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        (self.status, [(header::CONTENT_TYPE, self.content_type)], self.body).into_response()
    }
}

/// Receive a call of a connected system
///
/// In the system's own words, proven by its own signature. The call is durable before the answer, whose status and body
/// are what the system expects. What it says is taken from there; what cannot be understood is listed by
/// `GET /v1/dead-letters/received`.
#[utoipa::path(
    post, path = "/v1/webhooks/{connector}", tag = "connectors", operation_id = "receive_webhook",
    security(()),
    params(("connector" = String, Path, description = "The connector, as the settings name it.")),
    request_body(content_type = "application/json", description = "Whatever the system sends.", content = serde_json::Value),
    responses(
        (status = 200, description = "Durable; the body is what the system expects."),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json", description = "The signature does not fit."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "No such connector is set up."),
    )
)]
pub async fn receive_webhook(
    State(connectors): State<Connectors>,
    Path(connector): Path<String>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> Result<Reply, Problem> {
    Ok(connectors.receive(&connector, &headers, &body, uri.path(), None).await?)
}

/// Receive a call of a system that cannot sign
///
/// The last step of the path is a secret that both sides know.
#[utoipa::path(
    post, path = "/v1/webhooks/{connector}/{secret}", tag = "connectors", operation_id = "receive_webhook_by_secret",
    security(()),
    params(
        ("connector" = String, Path, description = "The connector, as the settings name it."),
        ("secret" = String, Path, description = "The secret of the settings."),
    ),
    request_body(content_type = "application/json", description = "Whatever the system sends.", content = serde_json::Value),
    responses(
        (status = 200, description = "Durable; the body is what the system expects."),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json", description = "The secret does not fit."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "No such connector is set up."),
    )
)]
pub async fn receive_webhook_by_secret(
    State(connectors): State<Connectors>,
    Path((connector, secret)): Path<(String, String)>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> Result<Reply, Problem> {
    Ok(connectors.receive(&connector, &headers, &body, uri.path(), Some(&secret)).await?)
}
