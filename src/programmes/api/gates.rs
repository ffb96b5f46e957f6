//! Gates: how they stand, and what the coordinator says.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::wire::{ProgrammeGate, Whole};
use crate::platform::http::extract::parse;
use crate::platform::http::{
    IdempotencyParams, Json, Path, Problem, ProblemDocument, RawBody, Scoped, scope,
};
use crate::programmes::commands::{Attested, Programmes};

/// List the gates of a programme
///
/// Each check with what speaks against it: the file and the reason.
#[utoipa::path(
    get, path = "/v1/programmes/{programmeId}/gates", tag = "programmes", operation_id = "list_programme_gates",
    security(("api_key" = ["plans:read"])),
    params(("programmeId" = Uuid, Path, description = "The programme.")),
    responses(
        (status = 200, body = Whole<ProgrammeGate>, description = "In the order of phases."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such programme."),
    )
)]
pub async fn list_programme_gates(
    State(programmes): State<Programmes>,
    _caller: Scoped<scope::PlansRead>,
    Path(id): Path<Uuid>,
) -> Result<Json<Whole<ProgrammeGate>>, Problem> {
    let gates = programmes.gates(id).await?;
    Ok(Json(Whole { data: gates.into_iter().map(ProgrammeGate::from).collect() }))
}

/// What the coordinator says of checks that nobody computes.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
#[schema(as = ProgrammeGateReview)]
pub struct ReviewBody {
    verdicts: Vec<AttestedWire>,
    /// Say how the gates would then stand and write nothing.
    dry_run: bool,
}

/// What is said of one check.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AttestedWire {
    check: String,
    holds: bool,
    reason: String,
}

/// Review a gate
///
/// Computes its checks anew and takes what the coordinator attests, by name and with a reason. What is computed cannot be
/// attested. A phase stands for all of its gates.
#[utoipa::path(
    post, path = "/v1/programmes/{programmeId}/gates/{phase}/review", tag = "programmes", operation_id = "review_programme_gate",
    security(("api_key" = ["plans:write"])),
    params(
        ("programmeId" = Uuid, Path, description = "The programme."),
        ("phase" = String, Path, description = "A gate or a phase, such as `pipeline-building`."),
        IdempotencyParams,
    ),
    request_body(content = Option<ReviewBody>, description = "What is attested; nothing when left out."),
    responses(
        (status = 200, body = Whole<ProgrammeGate>, description = "All gates as they stand now."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such programme or gate."),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json", description = "The gate waits or has passed."),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json", description = "Every fault is named."),
    )
)]
pub async fn review_programme_gate(
    State(programmes): State<Programmes>,
    caller: Scoped<scope::PlansWrite>,
    Path((id, phase)): Path<(Uuid, String)>,
    RawBody(raw): RawBody,
) -> Result<Json<Whole<ProgrammeGate>>, Problem> {
    let body: ReviewBody = if raw.is_empty() { ReviewBody::default() } else { parse(&raw)? };
    let attested = |of: AttestedWire| Attested { check: of.check, holds: of.holds, reason: of.reason };
    let attested: Vec<Attested> = body.verdicts.into_iter().map(attested).collect();
    let gates = programmes.review(id, &phase, &attested, &caller.actor(), body.dry_run).await?;
    Ok(Json(Whole { data: gates.into_iter().map(ProgrammeGate::from).collect() }))
}
