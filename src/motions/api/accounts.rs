//! What routing sees of an account, and everything that happened to it.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::accounts::{self, Accounts};
use crate::kernel::clock::DateTime;
use crate::kernel::ids::AccountId;
use crate::motions::commands::{MotionError, Motions};
use crate::motions::model::{Ledger, Signals};
use crate::motions::store::{self, TimelineRow};
use crate::platform::http::{
    Json, NoFilter, Page, PageParams, Paged, Path, Problem, ProblemDocument, Scoped, scope,
};

/// What a decision would be made of now.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignalsAnswer {
    pub account_id: String,
    /// The policy version whose definitions were used.
    pub policy_version: String,
    pub as_of: DateTime,
    /// Five groups, each with its source and `asOf`.
    pub signals: Signals,
    /// What guards the account.
    pub ledger: Ledger,
}

/// The signals that a decision would see now
#[utoipa::path(
    get, path = "/v1/accounts/{accountId}/signals", tag = "accounts", operation_id = "get_signals",
    security(("api_key" = ["decisions:read"])),
    params(("accountId" = String, Path, description = "The account, by the caller's id.")),
    responses(
        (status = 200, body = SignalsAnswer, description = "The snapshot, with freshness."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "No event ever named the account."),
    )
)]
pub async fn get_signals(
    State(motions): State<Motions>,
    _caller: Scoped<scope::DecisionsRead>,
    Path(account_id): Path<AccountId>,
) -> Result<Json<SignalsAnswer>, Problem> {
    let seen = motions.look(account_id.as_str()).await?;
    Ok(Json(SignalsAnswer {
        account_id: account_id.into(),
        policy_version: seen.policy_version,
        as_of: seen.now,
        signals: seen.signals,
        ledger: seen.ledger,
    }))
}

/// One thing that happened to an account.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TimelineEntry {
    pub id: Uuid,
    pub at: DateTime,
    /// `event`, `decision`, `touch`, `conflict`.
    pub kind: String,
    /// In a few words.
    pub title: String,
    /// Particulars, by kind.
    #[schema(value_type = Object)]
    pub detail: Value,
}

/// Everything that happened to an account
///
/// Events, decisions, touches and conflicts in one stream, newest first. Events as long as raw events are
/// kept; everything else for good.
#[utoipa::path(
    get, path = "/v1/accounts/{accountId}/timeline", tag = "accounts", operation_id = "get_timeline",
    security(("api_key" = ["decisions:read"])),
    params(("accountId" = String, Path, description = "The account, by the caller's id."), PageParams),
    responses(
        (status = 200, body = Page<TimelineEntry>, description = "Newest first."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "No event ever named the account."),
    )
)]
pub async fn get_timeline(
    State(motions): State<Motions>,
    State(accounts): State<Accounts>,
    _caller: Scoped<scope::DecisionsRead>,
    Path(account_id): Path<AccountId>,
    Paged { page, .. }: Paged<NoFilter>,
) -> Result<Json<Page<TimelineEntry>>, Problem> {
    let id = account_id.as_str();
    if accounts::commands::view(&accounts, id).await?.is_none() {
        return Err(MotionError::NoAccount(id.to_owned()).into());
    }
    let before: Option<Uuid> = page.after()?;
    let events = accounts::commands::list_events(&accounts.pool, id, before, page.fetch()).await?;
    let ours = store::list_timeline(&motions.pool, id, before, page.fetch()).await?;
    let mut entries: Vec<TimelineEntry> = events.into_iter().map(event_entry).collect();
    entries.extend(ours.into_iter().map(entry));
    // Ids are time-ordered, so one order serves all kinds and the cursor names a place in it.
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.id));
    entries.truncate(usize::try_from(page.fetch()).unwrap_or(usize::MAX));
    Ok(Json(page.cut(entries, |entry| entry.id, |entry| entry)))
}

fn event_entry(row: accounts::commands::EventRow) -> TimelineEntry {
    TimelineEntry {
        id: row.id,
        at: row.occurred_at,
        kind: "event".to_owned(),
        detail: json!({
            "type": row.r#type, "source": row.source, "id": row.event_id, "receivedAt": row.received_at,
            "data": row.data.0, "attributes": row.attributes.map_or_else(|| json!({}), |kept| json!(kept.0)),
        }),
        title: row.r#type,
    }
}

fn entry(row: TimelineRow) -> TimelineEntry {
    TimelineEntry { id: row.id, at: row.at, kind: row.kind, title: row.title, detail: row.detail.0 }
}
