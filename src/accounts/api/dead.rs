//! Dead events over HTTP: what could not be applied, and putting it back into the inbox.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::accounts::Accounts;
use crate::accounts::commands::{self, DeadEventRow, DeadEvents};
use crate::kernel::clock::DateTime;
use crate::kernel::ids::AccountId;
use crate::platform::dead::DeadRetried;
use crate::platform::http::{Json, Page, PageParams, Paged, Path, Problem, ProblemDocument, Scoped, scope};

/// An event that was accepted and could not be applied.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeadEventWire {
    /// Names this dead letter; also the event's id in the account's timeline.
    pub dead_letter_id: Uuid,
    pub account_id: String,
    /// The `type` attribute.
    pub r#type: String,
    /// The `source` attribute.
    pub source: String,
    /// The `id` attribute.
    pub event_id: String,
    pub occurred_at: DateTime,
    pub received_at: DateTime,
    /// The event's own `data`.
    #[schema(value_type = Object)]
    pub data: Value,
    /// Why it could not be applied.
    pub error: String,
    pub failed_at: DateTime,
}

impl From<DeadEventRow> for DeadEventWire {
    fn from(row: DeadEventRow) -> Self {
        Self {
            dead_letter_id: row.id,
            account_id: row.account_id,
            r#type: row.type_name,
            source: row.source,
            event_id: row.event_id,
            occurred_at: row.occurred_at,
            received_at: row.received_at,
            // The column holds JSON, so this cannot fail.
            data: serde_json::from_str(row.data.0.get()).unwrap_or(Value::Null),
            error: row.error,
            failed_at: row.failed_at,
        }
    }
}

/// Which dead events to list.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct DeadEventQuery {
    /// Only events about this account.
    account_id: Option<String>,
    /// Only events of this type.
    r#type: Option<String>,
}

/// Which dead events to put back; all of them where nothing is said.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct RetryDeadEvents {
    /// Only events about this account.
    #[schema(value_type = Option<String>)]
    account_id: Option<AccountId>,
    /// Only events of this type.
    r#type: Option<String>,
    /// Count them and put none back.
    dry_run: bool,
}

/// List dead events
///
/// Events that were accepted and could not be applied, those received last first. They are kept beyond the
/// retention of raw events, until they are put back.
#[utoipa::path(
    get, path = "/v1/dead-letters/events", tag = "dead letters", operation_id = "list_dead_events",
    security(("api_key" = ["decisions:read"])),
    params(DeadEventQuery, PageParams),
    responses((status = 200, body = Page<DeadEventWire>, description = "Dead events, newest first."))
)]
pub async fn list_dead_events(
    State(accounts): State<Accounts>,
    _caller: Scoped<scope::DecisionsRead>,
    Paged { filter, page }: Paged<DeadEventQuery>,
) -> Result<Json<Page<DeadEventWire>>, Problem> {
    let which = DeadEvents {
        id: None,
        account_id: filter.account_id.as_deref(),
        type_name: filter.r#type.as_deref(),
    };
    let rows = commands::list_dead_events(&accounts.pool, which, page.after()?, page.fetch()).await?;
    Ok(Json(page.cut(rows, |row| row.id, DeadEventWire::from)))
}

/// Put a dead event back into the inbox
///
/// It is applied like any other. Asked for twice, it is put back once.
#[utoipa::path(
    post, path = "/v1/dead-letters/events/{deadLetterId}/retry", tag = "dead letters",
    operation_id = "retry_dead_event",
    security(("api_key" = ["decisions:write"])),
    params(("deadLetterId" = Uuid, Path, description = "The dead letter.")),
    responses(
        (status = 200, body = DeadRetried, description = "It is in the inbox."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such dead letter, or it was put back before."),
    )
)]
pub async fn retry_dead_event(
    State(accounts): State<Accounts>,
    caller: Scoped<scope::DecisionsWrite>,
    Path(id): Path<Uuid>,
) -> Result<Json<DeadRetried>, Problem> {
    let which = DeadEvents { id: Some(id), ..DeadEvents::default() };
    let retried = commands::retry_dead_events(&accounts, which, &caller.actor()).await?;
    if retried.count == 0 {
        return Err(Problem::not_found("dead letter", id));
    }
    Ok(Json(retried))
}

/// Put many dead events back into the inbox
///
/// Oldest first, 10,000 at the most in one call; `left` says how many remain. They let everything else go first.
/// With `dryRun` they are counted and stay.
#[utoipa::path(
    post, path = "/v1/dead-letters/events/retry", tag = "dead letters", operation_id = "retry_dead_events",
    security(("api_key" = ["decisions:write"])),
    request_body = RetryDeadEvents,
    responses((status = 200, body = DeadRetried, description = "How many, by type."))
)]
pub async fn retry_dead_events(
    State(accounts): State<Accounts>,
    caller: Scoped<scope::DecisionsWrite>,
    Json(body): Json<RetryDeadEvents>,
) -> Result<Json<DeadRetried>, Problem> {
    let which = DeadEvents {
        id: None,
        account_id: body.account_id.as_ref().map(AccountId::as_str),
        type_name: body.r#type.as_deref(),
    };
    if body.dry_run {
        return Ok(Json(commands::preview_dead_events(&accounts.pool, which).await?));
    }
    Ok(Json(commands::retry_dead_events(&accounts, which, &caller.actor()).await?))
}
