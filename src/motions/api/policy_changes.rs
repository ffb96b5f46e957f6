//! Policies on their way into force and back: reviews, activation, roll-back, and the history of it.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::policies::PolicyWire;
use crate::kernel::clock::DateTime;
use crate::motions::commands::{ActivateAsk, Motions, ReviewAsk, RollBackAsk};
use crate::motions::policy::change::{ActivationKind, ActivationStatus, ReviewVerdict};
use crate::motions::store::{self, ActivationLine, ReviewRow};
use crate::platform::http::extract::parse;
use crate::platform::http::{
    IdempotencyParams, Json, NoFilter, Page, PageParams, Paged, Path, Problem, ProblemDocument, RawBody,
    Scoped, scope,
};

/// What somebody said of a version.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct PolicyReview {
    pub name: String,
    pub verdict: ReviewVerdict,
    #[schema(required = true)]
    pub comment: Option<String>,
    pub at: DateTime,
    /// The key it was given with.
    pub by: String,
}

impl From<ReviewRow> for PolicyReview {
    fn from(row: ReviewRow) -> Self {
        // What the database does not allow is read as what stops.
        let verdict = ReviewVerdict::parse(&row.verdict).unwrap_or(ReviewVerdict::Object);
        Self { name: row.name, verdict, comment: row.comment, at: row.at, by: row.actor }
    }
}

/// A review.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PolicyReviewing)]
pub struct ReviewBody {
    /// Who reviews, by name.
    name: String,
    verdict: ReviewVerdict,
    /// What there is to say; an objection needs it.
    #[serde(default)]
    comment: Option<String>,
}

/// Review a policy version
///
/// By somebody who did not make it: neither under the author's name nor with the key that stored it. A person reviews a version
/// once; what is changed is another version. An objection keeps the version from coming into force. Whether an approval is
/// needed says the setting `policies.review`.
#[utoipa::path(
    post, path = "/v1/policies/{version}/reviews", tag = "policies", operation_id = "review_policy",
    security(("api_key" = ["config:write"])),
    params(("version" = String, Path, description = "The version."), IdempotencyParams),
    request_body = ReviewBody,
    responses(
        (status = 200, body = PolicyWire, description = "The version with its reviews."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such version."),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json", description = "The person made it (`second_person_needed`) or has reviewed it before (`already_reviewed`)."),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json", description = "Every fault is named."),
    )
)]
pub async fn review_policy(
    State(motions): State<Motions>,
    caller: Scoped<scope::ConfigWrite>,
    Path(version): Path<String>,
    Json(body): Json<ReviewBody>,
) -> Result<Json<PolicyWire>, Problem> {
    let ReviewBody { name, verdict, comment } = body;
    let ask = ReviewAsk { name, verdict, comment, actor: caller.actor() };
    Ok(Json(PolicyWire::reviewed(motions.review_policy(&version, &ask).await?)))
}

/// When a version is to come into force, and why.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = PolicyActivating)]
pub struct ActivateBody {
    /// Now when left out or past.
    at: Option<DateTime>,
    /// Kept in the history.
    note: Option<String>,
}

/// Put a policy version in force
///
/// For all replicas, from the next decision on, without a restart; or at an instant, where what is in force now is still in force
/// then: otherwise it is stopped and the RevOps Director is told. One activation waits at a time. Recorded in the audit log.
#[utoipa::path(
    post, path = "/v1/policies/{version}/activate", tag = "policies", operation_id = "activate_policy",
    security(("api_key" = ["config:write"])),
    params(("version" = String, Path, description = "The version."), IdempotencyParams),
    request_body(content = Option<ActivateBody>, description = "Nothing, or when and why."),
    responses(
        (status = 200, body = PolicyWire, description = "In force, or scheduled (`scheduledAt`)."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such version."),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json", description = "An approval is missing (`review_required`), somebody objected (`objection`), one waits already (`scheduled`), or it is in force (`in_force`); `hindrances` names all of them."),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json", description = "Every fault is named; also those that this release finds in the version."),
    )
)]
pub async fn activate_policy(
    State(motions): State<Motions>,
    caller: Scoped<scope::ConfigWrite>,
    Path(version): Path<String>,
    RawBody(raw): RawBody,
) -> Result<Json<PolicyWire>, Problem> {
    let ActivateBody { at, note } = if raw.is_empty() { ActivateBody::default() } else { parse(&raw)? };
    let ask = ActivateAsk { at, note, actor: caller.actor() };
    Ok(Json(PolicyWire::reviewed(motions.activate_policy(&version, &ask).await?)))
}

/// Why something is called off.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PolicyCallingOff)]
pub struct CallOffBody {
    /// Kept in the history.
    note: String,
}

/// Call off a scheduled activation
#[utoipa::path(
    post, path = "/v1/policies/{version}/call-off", tag = "policies", operation_id = "call_off_policy",
    security(("api_key" = ["config:write"])),
    params(("version" = String, Path, description = "The version that waits.")),
    request_body = CallOffBody,
    responses(
        (status = 200, body = PolicyActivation, description = "Called off."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such version."),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json", description = "It waits for no instant (`not_scheduled`)."),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json", description = "Every fault is named."),
    )
)]
pub async fn call_off_policy(
    State(motions): State<Motions>,
    caller: Scoped<scope::ConfigWrite>,
    Path(version): Path<String>,
    Json(body): Json<CallOffBody>,
) -> Result<Json<PolicyActivation>, Problem> {
    let line = motions.call_off_policy(&version, &body.note, &caller.actor()).await?;
    Ok(Json(line.into()))
}

/// Why the version in force has to go.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PolicyRollback)]
pub struct RollBackBody {
    /// Kept in the history.
    note: String,
    /// The version to lead away from: refused when another one is in force by now, because somebody was faster.
    #[serde(default)]
    from: Option<String>,
}

/// Roll the policy back
///
/// Puts the version back that was in force before the present one, at once and without a review, because it is the way out when
/// something is wrong. A second roll-back leads one further back and never to what was rolled back; to go forward, activate.
#[utoipa::path(
    post, path = "/v1/policies/rollback", tag = "policies", operation_id = "roll_back_policy",
    security(("api_key" = ["config:write"])),
    params(IdempotencyParams),
    request_body = RollBackBody,
    responses(
        (status = 200, body = PolicyActivation, description = "What is in force now."),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json", description = "Nothing was in force before (`nothing_before`), or `from` is not in force (`base_changed`)."),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json", description = "Every fault is named; also those that this release finds in the version before."),
    )
)]
pub async fn roll_back_policy(
    State(motions): State<Motions>,
    caller: Scoped<scope::ConfigWrite>,
    Json(body): Json<RollBackBody>,
) -> Result<Json<PolicyActivation>, Problem> {
    let ask = RollBackAsk { note: body.note, from: body.from, actor: caller.actor() };
    Ok(Json(motions.roll_back_policy(&ask).await?.into()))
}

/// An activation: when a version was or is to be in force, why, and how that ended.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PolicyActivation {
    pub activation_id: Uuid,
    pub version: String,
    /// The name of the policy.
    pub name: String,
    pub kind: ActivationKind,
    pub status: ActivationStatus,
    /// The version that was in force when it was asked for, and that it replaced once it was in force itself.
    #[schema(required = true)]
    pub base: Option<String>,
    pub asked_by: String,
    pub asked_at: DateTime,
    #[schema(required = true)]
    pub note: Option<String>,
    pub due_at: DateTime,
    /// Who approved the version, by name, where somebody had.
    #[schema(required = true)]
    pub approved_by: Option<String>,
    #[schema(required = true)]
    pub in_force_at: Option<DateTime>,
    #[schema(required = true)]
    pub ended_at: Option<DateTime>,
    #[schema(required = true)]
    pub ended_by: Option<String>,
    /// Why it was stopped, called off or rolled back.
    #[schema(required = true)]
    pub ended_why: Option<String>,
    /// Of the one in force: the version that a roll-back would put back.
    #[schema(required = true)]
    pub rollback_to: Option<String>,
}

impl From<ActivationLine> for PolicyActivation {
    fn from(line: ActivationLine) -> Self {
        let ActivationLine { row, name, approver, rollback_to } = line;
        Self {
            activation_id: row.id,
            version: row.version,
            name,
            kind: ActivationKind::parse(&row.kind).unwrap_or(ActivationKind::Activation),
            status: ActivationStatus::parse(&row.status).unwrap_or(ActivationStatus::Stopped),
            base: row.base,
            asked_by: row.asked_by,
            asked_at: row.asked_at,
            note: row.note,
            due_at: row.due_at,
            approved_by: approver,
            in_force_at: row.in_force_at,
            ended_at: row.ended_at,
            ended_by: row.ended_by,
            ended_why: row.ended_why,
            rollback_to,
        }
    }
}

/// List activations of policies
///
/// What was in force when and why, what waits, and what was stopped: the one asked for last first.
#[utoipa::path(
    get, path = "/v1/policies/activations", tag = "policies", operation_id = "list_policy_activations",
    security(("api_key" = ["config:read"])),
    params(PageParams),
    responses((status = 200, body = Page<PolicyActivation>, description = "Activations, newest first."))
)]
pub async fn list_policy_activations(
    State(motions): State<Motions>,
    _caller: Scoped<scope::ConfigRead>,
    Paged { page, .. }: Paged<NoFilter>,
) -> Result<Json<Page<PolicyActivation>>, Problem> {
    let rows = store::list_activations(&motions.pool, None, page.after()?, page.fetch()).await?;
    Ok(Json(page.cut(rows, |line| line.row.id, PolicyActivation::from)))
}
