//! Calls as they came, and those that could not be understood.

use axum::extract::State;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::connectors::Connectors;
use crate::connectors::commands::{self, DeadReceived, ReceivedFilter, ReceivedRow};
use crate::kernel::clock::DateTime;
use crate::platform::dead::DeadRetried;
use crate::platform::http::{
    Fault, Json, Page, PageParams, Paged, Path, Problem, ProblemDocument, Scoped, scope,
};

/// A call of a connected system.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReceivedWire {
    pub received_id: Uuid,
    pub connector: String,
    pub received_at: DateTime,
    /// `waiting`, `done` or `dead`.
    pub status: String,
    #[schema(required = true)]
    pub ended_at: Option<DateTime>,
    /// Times that it was read.
    pub attempts: i32,
    /// Events that it brought.
    pub accepted: i32,
    /// Events that were known before.
    pub duplicates: i32,
    /// Statements of no use here.
    pub ignored: i32,
    /// What could not be understood, with the place in the body.
    pub faults: Vec<Fault>,
    /// Size of the body.
    pub bytes: i32,
}

/// A call with its body.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReceivedBodyWire {
    #[serde(flatten)]
    pub received: ReceivedWire,
    /// The body as JSON, where it is.
    #[schema(value_type = Option<Object>, required = true)]
    pub json: Option<Value>,
    /// The body as text, where it is text and no JSON.
    #[schema(required = true)]
    pub text: Option<String>,
    /// The body in base64, where it is no text.
    #[schema(required = true)]
    pub base64: Option<String>,
}

impl From<ReceivedRow> for ReceivedWire {
    fn from(row: ReceivedRow) -> Self {
        // The column holds what `Fault` was written as, so this cannot fail.
        let faults = row.faults.and_then(|faults| serde_json::from_str(faults.0.get()).ok());
        Self {
            received_id: row.id,
            connector: row.connector,
            received_at: row.received_at,
            status: row.status,
            ended_at: row.ended_at,
            attempts: row.attempts,
            accepted: row.accepted,
            duplicates: row.duplicates,
            ignored: row.ignored,
            faults: faults.unwrap_or_default(),
            bytes: row.bytes,
        }
    }
}

impl ReceivedBodyWire {
    fn new(row: ReceivedRow, body: Vec<u8>) -> Self {
        let json = serde_json::from_slice(&body).ok();
        let (text, base64) = match (&json, String::from_utf8(body)) {
            (Some(_), _) => (None, None),
            (None, Ok(text)) => (Some(text), None),
            (None, Err(error)) => (None, Some(STANDARD.encode(error.as_bytes()))),
        };
        Self { received: row.into(), json, text, base64 }
    }
}

/// Which dead calls to list.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct ReceivedQuery {
    /// Only of this connector.
    connector: Option<String>,
}

/// Which dead calls to read again.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct RetryReceived {
    /// Only of this connector.
    connector: Option<String>,
    /// Count them and leave them.
    dry_run: bool,
}

/// List calls that could not be understood
///
/// Newest first, with each fault at its place. Their good parts were taken; mend the mapping and have them read again.
#[utoipa::path(
    get, path = "/v1/dead-letters/received", tag = "dead letters", operation_id = "list_dead_received",
    security(("api_key" = ["decisions:read"])),
    params(ReceivedQuery, PageParams),
    responses((status = 200, body = Page<ReceivedWire>, description = "Dead calls, newest first."))
)]
pub async fn list_received(
    State(connectors): State<Connectors>,
    _caller: Scoped<scope::DecisionsRead>,
    Paged { filter, page }: Paged<ReceivedQuery>,
) -> Result<Json<Page<ReceivedWire>>, Problem> {
    let which = ReceivedFilter { connector: filter.connector.as_deref(), status: Some("dead") };
    let rows = connectors.received(which, page.after()?, page.fetch()).await?;
    Ok(Json(page.cut(rows, |row| row.id, ReceivedWire::from)))
}

/// Read a call as it came
#[utoipa::path(
    get, path = "/v1/dead-letters/received/{receivedId}", tag = "dead letters", operation_id = "get_received",
    security(("api_key" = ["decisions:read"])),
    params(("receivedId" = Uuid, Path, description = "The call.")),
    responses(
        (status = 200, body = ReceivedBodyWire, description = "The call with its body."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such call, or its time is over."),
    )
)]
pub async fn get_received(
    State(connectors): State<Connectors>,
    _caller: Scoped<scope::DecisionsRead>,
    Path(id): Path<Uuid>,
) -> Result<Json<ReceivedBodyWire>, Problem> {
    let found = connectors.received_one(id).await?;
    let (row, body) = found.ok_or_else(|| Problem::not_found("call", id))?;
    Ok(Json(ReceivedBodyWire::new(row, body)))
}

/// Have a dead call read again
#[utoipa::path(
    post, path = "/v1/dead-letters/received/{receivedId}/retry", tag = "dead letters",
    operation_id = "retry_dead_received_one",
    security(("api_key" = ["decisions:write"])),
    params(("receivedId" = Uuid, Path, description = "The call.")),
    responses(
        (status = 200, body = DeadRetried, description = "It is read again."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such dead call, or it was put back before."),
    )
)]
pub async fn retry_received(
    State(connectors): State<Connectors>,
    caller: Scoped<scope::DecisionsWrite>,
    Path(id): Path<Uuid>,
) -> Result<Json<DeadRetried>, Problem> {
    let which = DeadReceived { id: Some(id), ..DeadReceived::default() };
    let retried = commands::retry_dead(&connectors, which, &caller.actor()).await?;
    if retried.count == 0 {
        return Err(Problem::not_found("dead call", id));
    }
    Ok(Json(retried))
}

/// Have many dead calls read again
///
/// Oldest first, 10,000 at the most in one call; `left` says how many remain. With `dryRun` they are counted and stay.
#[utoipa::path(
    post, path = "/v1/dead-letters/received/retry", tag = "dead letters", operation_id = "retry_dead_received",
    security(("api_key" = ["decisions:write"])),
    request_body = RetryReceived,
    responses((status = 200, body = DeadRetried, description = "How many, by connector."))
)]
pub async fn retry_all_received(
    State(connectors): State<Connectors>,
    caller: Scoped<scope::DecisionsWrite>,
    Json(body): Json<RetryReceived>,
) -> Result<Json<DeadRetried>, Problem> {
    let which = DeadReceived { id: None, connector: body.connector.as_deref() };
    if body.dry_run {
        return Ok(Json(commands::preview_dead(&connectors, which).await?));
    }
    Ok(Json(commands::retry_dead(&connectors, which, &caller.actor()).await?))
}
