//! What people do to a renewal: start it, report on a checkpoint, close it.

use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::renewals::text;
use super::wire::RenewalWire;
use crate::platform::http::extract::parse;
use crate::platform::http::{
    IdempotencyParams, Json, Path, Problem, ProblemDocument, RawBody, Scoped, scope,
};
use crate::renewals::commands::{Closing, Renewals, Report};
use crate::renewals::model::Risk;
use crate::renewals::renewal::Outcome;

/// What is started in spite of.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
#[schema(as = StartRenewal)]
pub struct StartBody {
    /// Findings of the pre-flight that are waived, by name; `*` for all.
    waive: Vec<String>,
    /// Say how it would then stand and write nothing.
    dry_run: bool,
}

/// Start a renewal
///
/// Its tasks become ready as what is before them is done, checkpoints count, and rules fire. What is missing before it can
/// run is named, and is mended or waived by name.
#[utoipa::path(
    post, path = "/v1/renewals/{renewalId}/start", tag = "plans", operation_id = "start_renewal",
    security(("api_key" = ["plans:write"])),
    params(("renewalId" = Uuid, Path, description = "The renewal."), IdempotencyParams),
    request_body(content = StartBody, description = "May be left out."),
    responses(
        (status = 200, body = RenewalWire, description = "The renewal, running."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such renewal."),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json", description = "It runs or is closed, or something is missing (`findings`)."),
    )
)]
pub async fn start_renewal(
    State(renewals): State<Renewals>,
    caller: Scoped<scope::PlansWrite>,
    Path(id): Path<Uuid>,
    RawBody(raw): RawBody,
) -> Result<Json<RenewalWire>, Problem> {
    let body: StartBody = if raw.is_empty() { StartBody::default() } else { parse(&raw)? };
    let view = renewals.start(id, &body.waive, &caller.actor(), body.dry_run).await?;
    Ok(Json(RenewalWire::tell(&view)))
}

/// How a checkpoint went.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(as = HoldRenewalCheckpoint)]
pub struct CheckpointBody {
    /// How the renewal stands.
    rating: Risk,
    /// Why, in a sentence or two.
    note: Option<String>,
    /// Say how the renewal would then stand and write nothing.
    #[serde(default)]
    dry_run: bool,
}

/// Report on a checkpoint
///
/// Once for each, and not after a later one. Two red ones in a row call those who can change something.
#[utoipa::path(
    post, path = "/v1/renewals/{renewalId}/checkpoints/{number}", tag = "plans", operation_id = "hold_renewal_checkpoint",
    security(("api_key" = ["plans:write"])),
    params(
        ("renewalId" = Uuid, Path, description = "The renewal."),
        ("number" = u32, Path, description = "The number of the checkpoint, from 1."),
        IdempotencyParams,
    ),
    request_body = CheckpointBody,
    responses(
        (status = 200, body = RenewalWire, description = "The renewal as it now is."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such renewal or checkpoint."),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json", description = "It does not run, or this checkpoint or a later one was reported on."),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json", description = "Every fault is named."),
    )
)]
pub async fn hold_checkpoint(
    State(renewals): State<Renewals>,
    caller: Scoped<scope::PlansWrite>,
    Path((id, number)): Path<(Uuid, u32)>,
    Json(body): Json<CheckpointBody>,
) -> Result<Json<RenewalWire>, Problem> {
    let mut faults = Vec::new();
    let note = text("#/note", body.note, &mut faults);
    if !faults.is_empty() {
        return Err(Problem::invalid(faults));
    }
    let report = Report { rating: body.rating, note: note.unwrap_or_default(), dry_run: body.dry_run };
    let view = renewals.hold_checkpoint(id, number, &report, &caller.actor()).await?;
    Ok(Json(RenewalWire::tell(&view)))
}

/// How it ended.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(as = CloseRenewal)]
pub struct CloseBody {
    outcome: Outcome,
    /// Why, for those who look back.
    note: Option<String>,
    /// Say how it would then stand and write nothing.
    #[serde(default)]
    dry_run: bool,
}

/// Close a renewal
///
/// Nothing of it fires any more, and what is open of its plan is over.
#[utoipa::path(
    post, path = "/v1/renewals/{renewalId}/close", tag = "plans", operation_id = "close_renewal",
    security(("api_key" = ["plans:write"])),
    params(("renewalId" = Uuid, Path, description = "The renewal."), IdempotencyParams),
    request_body = CloseBody,
    responses(
        (status = 200, body = RenewalWire, description = "The renewal, closed."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such renewal."),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json", description = "It is closed."),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json", description = "Every fault is named."),
    )
)]
pub async fn close_renewal(
    State(renewals): State<Renewals>,
    caller: Scoped<scope::PlansWrite>,
    Path(id): Path<Uuid>,
    Json(body): Json<CloseBody>,
) -> Result<Json<RenewalWire>, Problem> {
    let mut faults = Vec::new();
    let note = text("#/note", body.note, &mut faults);
    if !faults.is_empty() {
        return Err(Problem::invalid(faults));
    }
    let closing = Closing { outcome: body.outcome, note };
    let view = renewals.close(id, &closing, &caller.actor(), body.dry_run).await?;
    Ok(Json(RenewalWire::tell(&view)))
}
