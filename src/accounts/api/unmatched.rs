//! Events whose account is not clear: the queue, and a person's word on each.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;
use uuid::Uuid;

use super::matching::{Rerouted, reason};
use crate::accounts::commands::{Resolution, ResolveError, Unmatched};
use crate::accounts::matching::{Match, Why};
use crate::accounts::{Accounts, commands};
use crate::kernel::clock::DateTime;
use crate::kernel::ids::AccountId;
use crate::platform::http::{
    Json, NoFilter, Page, PageParams, Paged, Path, Problem, ProblemDocument, Scoped, scope,
};

/// An event that waits for its account.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UnmatchedEvent {
    pub id: Uuid,
    pub received_at: DateTime,
    /// When it was true.
    pub occurred_at: DateTime,
    pub source: String,
    /// The sender's id of it.
    pub event_id: String,
    pub r#type: String,
    /// As it was sent.
    #[schema(value_type = Object)]
    pub data: Box<RawValue>,
    /// What it is looked up by; the first one is the surest.
    pub keys: Vec<String>,
    /// Why its account is not clear; null when it has just become so and the event is about to go there.
    #[schema(required = true)]
    pub why: Option<Why>,
    /// The accounts that come into question now, best first, with the reasons in points.
    pub candidates: Vec<Match>,
}

impl From<Unmatched> for UnmatchedEvent {
    fn from(row: Unmatched) -> Self {
        let Unmatched { event, keys, candidates, why } = row;
        Self {
            id: event.id,
            received_at: event.received_at,
            occurred_at: event.occurred_at,
            source: event.source,
            event_id: event.event_id,
            r#type: event.type_name,
            data: event.data.0,
            keys,
            why,
            candidates,
        }
    }
}

/// List events without a clear account
///
/// Newest first. Each goes to its account by itself as soon as that is clear; see
/// `POST /v1/matches/unmatched/{eventId}/resolve` for those that need a person.
#[utoipa::path(
    get, path = "/v1/matches/unmatched", tag = "accounts", operation_id = "list_unmatched",
    security(("api_key" = ["decisions:read"])),
    params(PageParams),
    responses((status = 200, body = Page<UnmatchedEvent>, description = "Events with their candidates."))
)]
pub async fn list_unmatched(
    State(accounts): State<Accounts>,
    _caller: Scoped<scope::DecisionsRead>,
    Paged { page, .. }: Paged<NoFilter>,
) -> Result<Json<Page<UnmatchedEvent>>, Problem> {
    let rows = commands::list_unmatched(&accounts, page.after()?, page.fetch()).await?;
    Ok(Json(page.cut(rows, |row| row.event.id, UnmatchedEvent::from)))
}

/// Where an event belongs.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ResolveUnmatchedBody {
    #[schema(value_type = String)]
    account_id: AccountId,
    /// The account does not exist yet: it begins with this event and what it says of the company.
    #[serde(default)]
    new_account: bool,
    /// True (the default): whatever carries the event's surest key belongs to the account, from now on and so far,
    /// as if corrected by `POST /v1/matches/corrections`. False: only this event.
    #[serde(default = "yes")]
    remember: bool,
    /// Why.
    note: String,
}

fn yes() -> bool {
    true
}

/// Say where an event belongs
///
/// To an existing account or a new one. Recorded in the audit log.
#[utoipa::path(
    post, path = "/v1/matches/unmatched/{eventId}/resolve", tag = "accounts", operation_id = "resolve_unmatched",
    security(("api_key" = ["events:write"])),
    params(("eventId" = Uuid, Path, description = "The event, by the id that the service gave it.")),
    request_body = ResolveUnmatchedBody,
    responses(
        (status = 200, body = Rerouted, description = "The event is in its account's queue, with what else was moved."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such event (any more), or no such account."),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json", description = "The account that should be new exists."),
    )
)]
pub async fn resolve_unmatched(
    State(accounts): State<Accounts>,
    caller: Scoped<scope::EventsWrite>,
    Path(id): Path<Uuid>,
    Json(body): Json<ResolveUnmatchedBody>,
) -> Result<Json<Rerouted>, Problem> {
    let resolution = Resolution {
        id,
        account_id: body.account_id.as_str(),
        new_account: body.new_account,
        remember: body.remember,
        note: reason(&body.note)?,
        by: &caller.actor(),
    };
    Ok(Json(commands::resolve_unmatched(&accounts, &resolution).await?.into()))
}

impl From<ResolveError> for Problem {
    fn from(error: ResolveError) -> Self {
        match error {
            ResolveError::NoEvent(id) => Self::not_found("unmatched event", id),
            ResolveError::NoAccount(id) => Self::not_found("account", id),
            ResolveError::AccountExists(_) => Self::conflict("account_exists", error.to_string()),
            ResolveError::Audit(error) => error.into(),
            ResolveError::Database(error) => error.into(),
            ResolveError::Intake(error) => error.into(),
        }
    }
}
