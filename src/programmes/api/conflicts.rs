//! Conflicts between outputs.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::wire::{ProgrammeConflict, Whole};
use crate::platform::http::{IdempotencyParams, Json, Path, Problem, ProblemDocument, Scoped, scope};
use crate::programmes::commands::{Decided, Programmes, Raised};

/// List the conflicts of a programme
#[utoipa::path(
    get, path = "/v1/programmes/{programmeId}/conflicts", tag = "programmes", operation_id = "list_programme_conflicts",
    security(("api_key" = ["plans:read"])),
    params(("programmeId" = Uuid, Path, description = "The programme.")),
    responses(
        (status = 200, body = Whole<ProgrammeConflict>, description = "In the order in which they were raised."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such programme."),
    )
)]
pub async fn list_programme_conflicts(
    State(programmes): State<Programmes>,
    _caller: Scoped<scope::PlansRead>,
    Path(id): Path<Uuid>,
) -> Result<Json<Whole<ProgrammeConflict>>, Problem> {
    let conflicts = programmes.conflicts(id).await?;
    Ok(Json(Whole { data: conflicts.into_iter().map(ProgrammeConflict::from).collect() }))
}

/// A conflict that somebody has seen.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ConflictBody {
    /// The agent who has seen it.
    agent: String,
    /// The files that contradict each other.
    files: Vec<String>,
    description: String,
    /// Say how it would be written down, and write nothing.
    #[serde(default)]
    dry_run: bool,
}

/// Raise a conflict
///
/// It is written down in the workspace below `conflicts/`, and the coordinator decides. What the rules of the gates find between
/// two outputs is raised by itself when one of them is handed in.
#[utoipa::path(
    post, path = "/v1/programmes/{programmeId}/conflicts", tag = "programmes", operation_id = "raise_programme_conflict",
    security(("api_key" = ["plans:write"])),
    params(("programmeId" = Uuid, Path, description = "The programme."), IdempotencyParams),
    request_body = ConflictBody,
    responses(
        (status = 201, body = ProgrammeConflict, description = "It was written down."),
        (status = 200, body = ProgrammeConflict, description = "How it would be written down; the answer to a dry run."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such programme."),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json", description = "Every fault is named."),
    )
)]
pub async fn raise_programme_conflict(
    State(programmes): State<Programmes>,
    caller: Scoped<scope::PlansWrite>,
    Path(id): Path<Uuid>,
    Json(body): Json<ConflictBody>,
) -> Result<Response, Problem> {
    let raised =
        Raised { agent: body.agent, files: body.files, description: body.description, by: caller.actor() };
    let conflict = ProgrammeConflict::from(programmes.raise(id, &raised, body.dry_run).await?);
    let status = if body.dry_run { StatusCode::OK } else { StatusCode::CREATED };
    Ok((status, Json(conflict)).into_response())
}

/// What the coordinator decided.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct DecisionBody {
    decision: String,
    rationale: String,
    /// The files that are to be changed; all of the conflict when left out.
    #[serde(default)]
    change: Vec<String>,
    /// Say how the conflict would then stand, and write nothing.
    #[serde(default)]
    dry_run: bool,
}

/// Decide a conflict
///
/// With a rationale; it is written down below `strategy/decisions/`. While the run goes on, the agent of each file that is to be
/// changed gets a task for it in a new version of the plan, and the next gate waits for it. The task is done by completing it
/// with a new version, or by putting the file with the number of the conflict.
#[utoipa::path(
    post, path = "/v1/programmes/{programmeId}/conflicts/{number}/decide", tag = "programmes", operation_id = "decide_programme_conflict",
    security(("api_key" = ["plans:write"])),
    params(
        ("programmeId" = Uuid, Path, description = "The programme."),
        ("number" = i32, Path, description = "The conflict."),
        IdempotencyParams,
    ),
    request_body = DecisionBody,
    responses(
        (status = 200, body = ProgrammeConflict, description = "The conflict as it stands now."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such programme or conflict."),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json", description = "It was decided already, or is settled."),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json", description = "Every fault is named."),
    )
)]
pub async fn decide_programme_conflict(
    State(programmes): State<Programmes>,
    caller: Scoped<scope::PlansWrite>,
    Path((id, number)): Path<(Uuid, i32)>,
    Json(body): Json<DecisionBody>,
) -> Result<Json<ProgrammeConflict>, Problem> {
    let decided = Decided {
        decision: body.decision,
        rationale: body.rationale,
        change: body.change,
        by: caller.actor(),
    };
    Ok(Json(ProgrammeConflict::from(programmes.decide(id, number, &decided, body.dry_run).await?)))
}
