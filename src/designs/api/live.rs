//! From a version to the live roster: sign-offs, application, roll-back.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::designs::told;
use super::wire::DesignWire;
use crate::designs::commands::{ApplyAsk, Designs, SignAsk};
use crate::designs::playbook::SignOff;
use crate::kernel::clock::DateTime;
use crate::platform::http::{IdempotencyParams, Json, Path, Problem, ProblemDocument, Scoped, scope};

/// A sign-off.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(as = DesignSignature)]
pub struct SignBody {
    role: SignOff,
    /// Who signs, by name. The two sign-offs of a version come from two people.
    name: String,
    /// The version that was read; the newest when left out.
    #[serde(default)]
    version: Option<i32>,
    #[serde(default)]
    comment: Option<String>,
    /// Say how it would then stand and write nothing.
    #[serde(default)]
    dry_run: bool,
}

/// Sign a handoff design
///
/// RevOps and sales leadership each sign the newest version; with both it is approved. A person signs a version once, so
/// that whoever made it cannot approve it alone.
#[utoipa::path(
    post, path = "/v1/handoff-designs/{designId}/approvals", tag = "designs", operation_id = "approve_handoff_design",
    security(("api_key" = ["plans:write"])),
    params(("designId" = Uuid, Path, description = "The design."), IdempotencyParams),
    request_body = SignBody,
    responses(
        (status = 200, body = DesignWire, description = "The design with its sign-offs."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such design."),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json", description = "Signed already, by this person (`second_person_needed`), another version, or not to be signed any more."),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json", description = "Every fault is named."),
    )
)]
pub async fn approve_design(
    State(designs): State<Designs>,
    caller: Scoped<scope::PlansWrite>,
    Path(id): Path<Uuid>,
    Json(body): Json<SignBody>,
) -> Result<Response, Problem> {
    let SignBody { role, name, version, comment, dry_run } = body;
    let ask = SignAsk { sign: role, name, version, comment, actor: caller.actor(), dry_run };
    let view = designs.approve(id, &ask).await?;
    Ok(told(&designs, view).await?.into_response())
}

/// When a design is to become live.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(as = DesignApply)]
pub struct ApplyBody {
    /// Now when left out or past.
    #[serde(default)]
    at: Option<DateTime>,
    /// Say whether it would go live, and when, and write nothing.
    #[serde(default)]
    dry_run: bool,
}

/// Apply a handoff design
///
/// Puts its entries on the live roster, now or at an instant, in one transaction with the audit entries: rules of the
/// segment, SLA terms, limits of reps. Handoffs that somebody has keep the terms that they began with. What has changed of
/// what the design was made on stops it: now with 409 and what that is, at its instant by itself.
#[utoipa::path(
    post, path = "/v1/handoff-designs/{designId}/apply", tag = "designs", operation_id = "apply_handoff_design",
    security(("api_key" = ["config:write"])),
    params(("designId" = Uuid, Path, description = "The design."), IdempotencyParams),
    request_body = ApplyBody,
    responses(
        (status = 200, body = DesignWire, description = "Live, or scheduled."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such design."),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json", description = "Not signed, live already, or its base has changed (`base_changed` with `changed`)."),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json", description = "The roster would not hold together."),
    )
)]
pub async fn apply_design(
    State(designs): State<Designs>,
    caller: Scoped<scope::ConfigWrite>,
    Path(id): Path<Uuid>,
    Json(body): Json<ApplyBody>,
) -> Result<Response, Problem> {
    let ask = ApplyAsk { at: body.at, actor: caller.actor(), dry_run: body.dry_run };
    let view = designs.apply(id, &ask).await?;
    Ok(told(&designs, view).await?.into_response())
}

/// Why something is taken back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(as = DesignRollback)]
pub struct RollbackBody {
    /// Kept.
    why: String,
    /// Say how it would then stand and write nothing.
    #[serde(default)]
    dry_run: bool,
}

/// Roll a handoff design back
///
/// Restores each entry as it was before, unless somebody has changed it since; calls off what is scheduled.
#[utoipa::path(
    post, path = "/v1/handoff-designs/{designId}/rollback", tag = "designs", operation_id = "roll_back_handoff_design",
    security(("api_key" = ["config:write"])),
    params(("designId" = Uuid, Path, description = "The design."), IdempotencyParams),
    request_body = RollbackBody,
    responses(
        (status = 200, body = DesignWire, description = "As before it was applied."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such design."),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json", description = "Nothing of it is live, or an entry was changed since (`base_changed`)."),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json", description = "Every fault is named."),
    )
)]
pub async fn roll_back_design(
    State(designs): State<Designs>,
    caller: Scoped<scope::ConfigWrite>,
    Path(id): Path<Uuid>,
    Json(body): Json<RollbackBody>,
) -> Result<Response, Problem> {
    let view = designs.roll_back(id, &body.why, &caller.actor(), body.dry_run).await?;
    Ok(told(&designs, view).await?.into_response())
}
