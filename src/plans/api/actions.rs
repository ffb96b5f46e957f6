//! What people do with a plan as a whole: start it, call it off, look at a gate.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::wire::{self, PlanWire};
use crate::plans::commands::{Plans, Start};
use crate::plans::lifecycle::{GateStatus, Verdict};
use crate::plans::model::TaskId;
use crate::plans::preflight::Finding;
use crate::platform::http::extract::parse;
use crate::platform::http::{
    Fault, IdempotencyParams, Json, Path, Problem, ProblemDocument, RawBody, Scoped, scope,
};

/// The longest reason or note.
const WORDS_MAX: usize = 1_000;

/// What may be missing.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub struct StartBody {
    /// Inputs that are there already, by the names that tasks use.
    given: BTreeSet<String>,
    /// Findings of the pre-flight that may be, by their names.
    waive: BTreeSet<String>,
    /// Say whether it would run and write nothing.
    dry_run: bool,
}

/// A plan that was started.
#[derive(Debug, Serialize, ToSchema)]
pub struct StartedWire {
    /// What was found before, the waived included.
    findings: Vec<Finding>,
}

/// Start a plan
///
/// Before it runs, people, inputs, deliverables and dates are looked for. What is missing and blocks is answered with `409`
/// and named; mend it, or waive it by its name. From then on tasks become ready in their order.
#[utoipa::path(
    post, path = "/v1/plans/{planId}/start", tag = "plans", operation_id = "start_plan",
    security(("api_key" = ["plans:write"])),
    params(("planId" = Uuid, Path, description = "The plan."), IdempotencyParams),
    request_body(content = Option<StartBody>, description = "What may be missing; nothing when left out."),
    responses(
        (status = 200, body = StartedWire, description = "It runs."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such plan."),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json", description = "It is no draft, or something is missing; `findings` names it."),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json", description = "Every fault is named."),
    )
)]
pub async fn start_plan(
    State(plans): State<Plans>,
    caller: Scoped<scope::PlansWrite>,
    Path(id): Path<Uuid>,
    RawBody(raw): RawBody,
) -> Result<Json<StartedWire>, Problem> {
    let body: StartBody = if raw.is_empty() { StartBody::default() } else { parse(&raw)? };
    let start = Start { given: body.given, waive: body.waive, by: caller.actor() };
    let findings = plans.start_alone(id, &start, body.dry_run).await?;
    Ok(Json(StartedWire { findings }))
}

/// Why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CancelBody {
    reason: String,
}

/// Call a plan off
///
/// What is not over is skipped; nothing happens to it any more.
#[utoipa::path(
    post, path = "/v1/plans/{planId}/cancel", tag = "plans", operation_id = "cancel_plan",
    security(("api_key" = ["plans:write"])),
    params(("planId" = Uuid, Path, description = "The plan."), IdempotencyParams),
    request_body = CancelBody,
    responses(
        (status = 200, body = PlanWire, description = "The plan as it stands now."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such plan."),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json", description = "It is over already."),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json", description = "Every fault is named."),
    )
)]
pub async fn cancel_plan(
    State(plans): State<Plans>,
    caller: Scoped<scope::PlansWrite>,
    Path(id): Path<Uuid>,
    Json(body): Json<CancelBody>,
) -> Result<Response, Problem> {
    let reason = words("#/reason", &body.reason, true)?;
    plans.cancel_alone(id, &caller.actor(), &reason).await?;
    wire::answer(&plans.read(id).await?)
}

/// What somebody says of one check.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VerdictBody {
    holds: bool,
    /// Why; needed where it does not hold.
    #[serde(default)]
    note: String,
}

/// What the keeper of a gate says of its checks.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(as = PlanGateReview)]
pub struct ReviewBody {
    /// Who says so.
    by: String,
    /// By the ids of the checks that are attested.
    verdicts: BTreeMap<String, VerdictBody>,
    /// Say where the gate would then stand and write nothing.
    #[serde(default)]
    dry_run: bool,
}

/// Where a gate stands after a review.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReviewedWire {
    status: GateStatus,
}

/// Say what holds at a gate
///
/// Checks that are computed are the service's; those that are attested are answered here, by name. The gate passes when all
/// hold. One that failed can be looked at again.
#[utoipa::path(
    post, path = "/v1/plans/{planId}/gates/{gate}/review", tag = "plans", operation_id = "review_plan_gate",
    security(("api_key" = ["plans:write"])),
    params(
        ("planId" = Uuid, Path, description = "The plan."),
        ("gate" = String, Path, description = "The gate, by its name in the plan."),
        IdempotencyParams,
    ),
    request_body = ReviewBody,
    responses(
        (status = 200, body = ReviewedWire, description = "Where the gate stands now."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such plan, or no such gate in it."),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json", description = "The gate waits or has passed."),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json", description = "Every fault is named."),
    )
)]
pub async fn review_plan_gate(
    State(plans): State<Plans>,
    caller: Scoped<scope::PlansWrite>,
    Path((id, gate)): Path<(Uuid, String)>,
    Json(body): Json<ReviewBody>,
) -> Result<Json<ReviewedWire>, Problem> {
    let by = words("#/by", &body.by, true)?;
    let at = plans.clock.now();
    let mut verdicts = BTreeMap::new();
    for (check, said) in body.verdicts {
        let note = words(&format!("#/verdicts/{check}/note"), &said.note, !said.holds)?;
        verdicts.insert(check, Verdict { holds: said.holds, note, by: by.clone(), at });
    }
    if verdicts.is_empty() {
        return Err(Problem::invalid(vec![Fault::new("#/verdicts", "is empty: answer at least one check")]));
    }
    let status = plans.review_alone(id, &TaskId(gate), verdicts, &caller.actor(), body.dry_run).await?;
    Ok(Json(ReviewedWire { status }))
}

/// Words of a person, without the space around them.
pub(super) fn words(pointer: &str, text: &str, needed: bool) -> Result<String, Problem> {
    let text = text.trim();
    let fault = |detail: String| Err(Problem::invalid(vec![Fault::new(pointer, detail)]));
    if needed && text.is_empty() {
        return fault("is empty: say it in a few words".to_owned());
    }
    if text.chars().count() > WORDS_MAX {
        return fault(format!("is longer than {WORDS_MAX} characters"));
    }
    Ok(text.to_owned())
}
