//! `RevOps`' queue of conflicts.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::kernel::clock::DateTime;
use crate::motions::commands::{MotionError, Motions, Resolution, Resolving};
use crate::motions::document::DecisionDocument;
use crate::motions::store;
use crate::platform::http::{
    Fault, IdempotencyParams, Json, Page, PageParams, Paged, Path, Problem, ProblemDocument, Scoped, scope,
};

/// Which conflicts to list.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct ConflictQuery {
    /// `open` ones wait for a decision; `resolved` ones have it.
    #[param(inline)]
    status: Option<ConflictStatus>,
    /// Only conflicts of this account.
    account_id: Option<String>,
}

/// Whether a conflict waits for a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConflictStatus {
    Open,
    Resolved,
}

/// One motion's side of a conflict.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Side {
    pub motion: String,
    /// The reasoning of its decision.
    pub reason: String,
}

/// Two motions that wanted the same account.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Conflict {
    pub conflict_id: Uuid,
    pub account_id: String,
    pub status: ConflictStatus,
    pub opened_at: DateTime,
    /// The motion that held the account.
    pub holder: Side,
    /// The motion that wanted it.
    pub wanted: Side,
    /// The decision that found the conflict.
    pub decision_id: Uuid,
    /// `keep`, `switch`, `pause`; `lapsed` when the holder went before anybody decided.
    #[schema(required = true)]
    pub resolution: Option<String>,
    #[schema(required = true)]
    pub note: Option<String>,
    #[schema(required = true)]
    pub resolved_by: Option<String>,
    #[schema(required = true)]
    pub resolved_at: Option<DateTime>,
}

impl From<store::Conflict> for Conflict {
    fn from(row: store::Conflict) -> Self {
        Self {
            conflict_id: row.id,
            account_id: row.account_id,
            status: if row.resolution.is_some() { ConflictStatus::Resolved } else { ConflictStatus::Open },
            opened_at: row.opened_at,
            holder: Side { motion: row.holder_motion, reason: row.holder_reason },
            wanted: Side { motion: row.wanted_motion, reason: row.wanted_reason },
            decision_id: row.decision_id,
            resolution: row.resolution,
            note: row.note,
            resolved_by: row.resolved_by,
            resolved_at: row.resolved_at,
        }
    }
}

/// List conflicts
///
/// Newest first.
#[utoipa::path(
    get, path = "/v1/conflicts", tag = "motions", operation_id = "list_conflicts",
    security(("api_key" = ["decisions:read"])),
    params(ConflictQuery, PageParams),
    responses((status = 200, body = Page<Conflict>, description = "Conflicts, newest first."))
)]
pub async fn list_conflicts(
    State(motions): State<Motions>,
    _caller: Scoped<scope::DecisionsRead>,
    Paged { filter, page }: Paged<ConflictQuery>,
) -> Result<Json<Page<Conflict>>, Problem> {
    let filter = store::ConflictFilter {
        open: filter.status.map(|status| status == ConflictStatus::Open),
        account_id: filter.account_id,
        before: page.after()?,
        limit: page.fetch(),
    };
    let rows = store::list_conflicts(&motions.pool, &filter).await?;
    Ok(Json(page.cut(rows, |row| row.id, Conflict::from)))
}

/// Read a conflict
#[utoipa::path(
    get, path = "/v1/conflicts/{conflictId}", tag = "motions", operation_id = "get_conflict",
    security(("api_key" = ["decisions:read"])),
    params(("conflictId" = Uuid, Path, description = "The conflict.")),
    responses(
        (status = 200, body = Conflict, description = "The conflict."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such conflict."),
    )
)]
pub async fn get_conflict(
    State(motions): State<Motions>,
    _caller: Scoped<scope::DecisionsRead>,
    Path(id): Path<Uuid>,
) -> Result<Json<Conflict>, Problem> {
    let row = store::find_conflict(&motions.pool, id).await?.ok_or(MotionError::NoConflict(id))?;
    Ok(Json(row.into()))
}

/// What `RevOps` decides.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ResolveBody {
    resolution: Resolution,
    /// Why; kept with the conflict and in the audit log.
    note: String,
    /// Say what would follow and write nothing.
    #[serde(default)]
    dry_run: bool,
}

/// A resolved conflict and what followed.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResolvedConflict {
    #[serde(flatten)]
    pub conflict: Conflict,
    /// The decision that followed from a switch or a pause.
    #[schema(required = true)]
    pub decision: Option<DecisionDocument>,
}

/// Resolve a conflict
///
/// `keep` leaves the holder, `switch` lets the other motion take over if no other guardrail forbids it, `pause`
/// rests both. With `dryRun` the answer is the same and nothing is written.
#[utoipa::path(
    post, path = "/v1/conflicts/{conflictId}/resolve", tag = "motions", operation_id = "resolve_conflict",
    security(("api_key" = ["decisions:write"])),
    params(("conflictId" = Uuid, Path, description = "The conflict."), IdempotencyParams),
    request_body = ResolveBody,
    responses(
        (status = 200, body = ResolvedConflict, description = "Resolved."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such conflict."),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json", description = "It was resolved before."),
    )
)]
pub async fn resolve_conflict(
    State(motions): State<Motions>,
    caller: Scoped<scope::DecisionsWrite>,
    Path(id): Path<Uuid>,
    Json(body): Json<ResolveBody>,
) -> Result<Json<ResolvedConflict>, Problem> {
    let note = body.note.trim();
    if note.is_empty() || note.len() > 2_000 {
        let detail = "must say why, in 1 to 2,000 characters";
        return Err(Problem::invalid(vec![Fault::new("#/note", detail)]));
    }
    let how = Resolving {
        resolution: body.resolution,
        note: note.to_owned(),
        by: caller.actor(),
        dry_run: body.dry_run,
    };
    let resolved = motions.resolve_conflict(id, &how).await?;
    Ok(Json(ResolvedConflict {
        conflict: resolved.conflict.into(),
        decision: resolved.decided.map(|decided| decided.document),
    }))
}
