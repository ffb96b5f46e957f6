//! What routing sees of an account, and everything that happened to it.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::kernel::clock::DateTime;
use crate::kernel::ids::AccountId;
use crate::motions::commands::{Motions, TimelineLine};
use crate::motions::model::{Ledger, Signals};
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
    /// `event`, `consent`, `decision`, `touch`, `conflict`, `handoff` or `share`.
    pub kind: String,
    /// In a few words.
    pub title: String,
    /// Particulars, by kind.
    #[schema(value_type = Object)]
    pub detail: Value,
}

/// Everything that happened to an account
///
/// Events, consents, decisions, touches, conflicts, what happened to handoffs, and what partners were shown, in one
/// stream, newest first. Events and consents as long as raw events are kept; everything else for good.
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
    _caller: Scoped<scope::DecisionsRead>,
    Path(account_id): Path<AccountId>,
    Paged { page, .. }: Paged<NoFilter>,
) -> Result<Json<Page<TimelineEntry>>, Problem> {
    let lines = motions.timeline(account_id.as_str(), page.after()?, page.fetch()).await?;
    Ok(Json(page.cut(lines, |line| line.id, TimelineEntry::from)))
}

impl From<TimelineLine> for TimelineEntry {
    fn from(line: TimelineLine) -> Self {
        let TimelineLine { id, at, kind, title, detail } = line;
        Self { id, at, kind, title, detail }
    }
}
