//! The doors for clients of product analytics, at the addresses that those clients know.
//!
//! Promises: a call with a live key is durable before it is answered, whatever content type it says; the answer is
//! exactly what the clients take for success (some raise an error on any other 2xx).

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRef, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::json;

use crate::connectors::Connectors;
use crate::connectors::analytics::door::{self, BODY_BYTES_MAX, Unread};
use crate::connectors::inbound::{About, Reply};
use crate::connectors::{posthog, segment};
use crate::platform::http::{Path, Platform, Problem, ProblemDocument, RawBody, Scope};

/// Receive a call of Segment's tracking API
///
/// For clients of Segment and `RudderStack`, which have `…/v1/segment` as their host. The write key is an API key of this
/// service with the scope `events:write`, as the name of `Basic` or as `writeKey` in the body. The call is durable before
/// the answer and read from there; what of it cannot be understood is listed by `GET /v1/dead-letters/received`.
#[utoipa::path(
    post, path = "/v1/segment/v1/{call}", tag = "connectors", operation_id = "receive_segment_call",
    security(()),
    params(("call" = String, Path, description = "`identify`, `track`, `group`, `page`, `screen`, `alias` or `batch`.")),
    request_body(content_type = "application/json", description = "A message, or a batch of them, in any content type, compressed or not.", content = serde_json::Value),
    responses(
        (status = 200, description = "Durable: `{\"success\": true}`."),
        (status = 400, body = ProblemDocument, content_type = "application/problem+json", description = "Not JSON, or too large."),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json", description = "No live key."),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json", description = "The key lacks `events:write`."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "No such call, or the connector is switched off."),
    )
)]
pub(super) async fn receive_segment_call(
    State(platform): State<Platform>,
    State(connectors): State<Connectors>,
    Path(call): Path<String>,
    headers: HeaderMap,
    body: Result<RawBody, Problem>,
) -> Result<Reply, Problem> {
    if !segment::CALLS.contains(&call.as_str()) {
        return Err(Problem::not_found("call", call));
    }
    take(&platform, &connectors, segment::NAME, &segment::about(&call), &headers, body).await?;
    Ok(Reply::json(&json!({ "success": true })))
}

/// Receive a batch of a client that drops the path of its host
///
/// The same as `POST /v1/segment/v1/batch`, for clients that take only the machine's name from their host (Segment for
/// Node.js).
#[utoipa::path(
    post, path = "/v1/batch", tag = "connectors", operation_id = "receive_segment_batch",
    security(()),
    request_body(content_type = "application/json", description = "A batch of messages, in any content type, compressed or not.", content = serde_json::Value),
    responses(
        (status = 200, description = "Durable: `{\"success\": true}`."),
        (status = 400, body = ProblemDocument, content_type = "application/problem+json", description = "Not JSON, or too large."),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json", description = "No live key."),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json", description = "The key lacks `events:write`."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "The connector is switched off."),
    )
)]
pub(super) async fn receive_segment_batch(
    State(platform): State<Platform>,
    State(connectors): State<Connectors>,
    headers: HeaderMap,
    body: Result<RawBody, Problem>,
) -> Result<Reply, Problem> {
    take(&platform, &connectors, segment::NAME, &segment::about("batch"), &headers, body).await?;
    Ok(Reply::json(&json!({ "success": true })))
}

/// The addresses that `PostHog`'s clients know. They lie outside of the API and its document.
pub fn further<S>() -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    Platform: FromRef<S>,
    Connectors: FromRef<S>,
{
    ["/batch", "/batch/", "/e", "/e/", "/i/v0/e", "/i/v0/e/", "/capture", "/capture/"]
        .into_iter()
        .fold(Router::new(), |router, path| router.route(path, post(receive_posthog)))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
}

async fn receive_posthog(
    State(platform): State<Platform>,
    State(connectors): State<Connectors>,
    headers: HeaderMap,
    body: Result<RawBody, Problem>,
) -> Result<Reply, Problem> {
    take(&platform, &connectors, posthog::NAME, &About::new(), &headers, body).await?;
    Ok(Reply::json(&json!({ "status": 1 })))
}

/// Takes a call in: its key, then its body, then kept. A body that is too large is 400, which all clients take for final.
async fn take(
    platform: &Platform,
    connectors: &Connectors,
    name: &str,
    about: &About,
    headers: &HeaderMap,
    body: Result<RawBody, Problem>,
) -> Result<(), Problem> {
    if connectors.registry.get(name).is_none() {
        return Err(Problem::not_found("connector", name));
    }
    let RawBody(body) = body.map_err(|problem| match problem.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Unread::TooLarge.into(),
        _ => problem,
    })?;
    let known = async |key: String| platform.keys.caller(&key).await?.require(&[Scope::EventsWrite]);
    let opened = if let Some(key) = door::of_headers(headers) {
        known(key).await?;
        door::open(&body)?
    } else {
        let mut opened = door::open(&body)?;
        let key = opened.key.take().ok_or_else(|| {
            Problem::unauthorized(
                "This call needs a key: an API key of this service as the client's write key.",
            )
        })?;
        known(key).await?;
        opened
    };
    connectors.keep(name, about, &opened.body).await?;
    Ok(())
}

impl From<Unread> for Problem {
    fn from(unread: Unread) -> Self {
        let code = match unread {
            Unread::NotJson(_) => "malformed_json",
            Unread::NotGzip => "unreadable_body",
            Unread::TooLarge => "body_too_large",
        };
        Self::bad_request(code, unread.to_string())
    }
}
