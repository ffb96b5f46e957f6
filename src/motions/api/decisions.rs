//! Decisions on record.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::kernel::clock::DateTime;
use crate::motions::commands::{Difference, MotionError, Motions};
use crate::motions::document::DecisionDocument;
use crate::motions::model::{Ledger, Motion, Outcome};
use crate::motions::store::{self, DecisionRow};
use crate::platform::http::{Json, Page, PageParams, Paged, Path, Problem, ProblemDocument, Scoped, scope};

/// Which decisions to list.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct DecisionQuery {
    /// Only decisions about this account.
    account_id: Option<String>,
    /// Only decisions that ended so.
    #[param(inline)]
    outcome: Option<Outcome>,
    /// Only decisions for this motion.
    #[param(inline)]
    motion: Option<Motion>,
    /// Only decisions by this policy version.
    policy_version: Option<String>,
    /// Only decisions from this instant on.
    from: Option<DateTime>,
    /// Only decisions before this instant.
    to: Option<DateTime>,
}

/// A decision on record: the answer as it was given, with what it was made of.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Decision {
    #[serde(flatten)]
    pub document: DecisionDocument,
    /// What guarded the account when it was made.
    pub ledger: Ledger,
    /// The decision that had waited for what made this one possible.
    #[schema(required = true)]
    pub resumes: Option<Uuid>,
}

impl Decision {
    fn read(row: &DecisionRow) -> Result<Self, Problem> {
        Ok(Self {
            document: serde_json::from_str(row.document.0.get()).map_err(Problem::internal)?,
            ledger: serde_json::from_str(row.ledger.0.get()).map_err(Problem::internal)?,
            resumes: row.resumes,
        })
    }
}

/// List decisions
///
/// Newest first. Decisions are kept for good.
#[utoipa::path(
    get, path = "/v1/decisions", tag = "motions", operation_id = "list_decisions",
    security(("api_key" = ["decisions:read"])),
    params(DecisionQuery, PageParams),
    responses((status = 200, body = Page<DecisionDocument>, description = "Decisions, newest first."))
)]
pub async fn list_decisions(
    State(motions): State<Motions>,
    _caller: Scoped<scope::DecisionsRead>,
    Paged { filter, page }: Paged<DecisionQuery>,
) -> Result<Json<Page<DecisionDocument>>, Problem> {
    let filter = store::DecisionFilter {
        account_id: filter.account_id,
        outcome: filter.outcome.map(|outcome| outcome.name().to_owned()),
        motion: filter.motion.map(|motion| motion.name().to_owned()),
        policy_version: filter.policy_version,
        from: filter.from,
        to: filter.to,
        before: page.after()?,
        limit: page.fetch(),
    };
    let rows = store::list_decisions(&motions.pool, &filter).await?;
    let documents = rows
        .iter()
        .map(|row| serde_json::from_str::<DecisionDocument>(row.document.0.get()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(Problem::internal)?;
    Ok(Json(page.cut(documents, |document| document.decision_id, |document| document)))
}

/// Read a decision
#[utoipa::path(
    get, path = "/v1/decisions/{decisionId}", tag = "motions", operation_id = "get_decision",
    security(("api_key" = ["decisions:read"])),
    params(("decisionId" = Uuid, Path, description = "The decision.")),
    responses(
        (status = 200, body = Decision, description = "The decision with its inputs."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such decision."),
    )
)]
pub async fn get_decision(
    State(motions): State<Motions>,
    _caller: Scoped<scope::DecisionsRead>,
    Path(id): Path<Uuid>,
) -> Result<Json<Decision>, Problem> {
    let row = store::find_decision(&motions.pool, id).await?.ok_or(MotionError::NoDecision(id))?;
    Decision::read(&row).map(Json)
}

/// Whether a decision comes out the same again.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Replay {
    pub identical: bool,
    /// Each place at which the replay differs from the record.
    pub differences: Vec<Difference>,
}

/// Compute a decision again
///
/// From its stored signals, ledger, instant and policy version. Nothing is written.
#[utoipa::path(
    post, path = "/v1/decisions/{decisionId}/replay", tag = "motions", operation_id = "replay_decision",
    security(("api_key" = ["decisions:write"])),
    params(("decisionId" = Uuid, Path, description = "The decision.")),
    responses(
        (status = 200, body = Replay, description = "Identical, or where it differs."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such decision."),
    )
)]
pub async fn replay_decision(
    State(motions): State<Motions>,
    _caller: Scoped<scope::DecisionsWrite>,
    Path(id): Path<Uuid>,
) -> Result<Json<Replay>, Problem> {
    let replayed = motions.replay(id).await?;
    Ok(Json(Replay { identical: replayed.identical, differences: replayed.differences }))
}
