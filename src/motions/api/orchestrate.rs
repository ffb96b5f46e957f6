//! Asking for decisions.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::kernel::ids::AccountId;
use crate::motions::commands::{Ask, Decided, MotionError, Motions, Trigger};
use crate::motions::document::DecisionDocument;
use crate::platform::http::extract::parse;
use crate::platform::http::{
    Claim, Fault, IdempotencyParams, Json, Path, Problem, ProblemDocument, RawBody, Scoped, scope,
};

/// Accounts that one bulk call may name.
const BULK_MAX: usize = 1_000;

/// How to decide.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct OrchestrateBody {
    /// Say what would be decided and write nothing.
    dry_run: bool,
    /// Preview by this policy version instead of the one in force; needs `dryRun`.
    policy_version: Option<String>,
}

/// Decide about an account
///
/// Gathers the signals, scores the five motions, selects one under the guardrails, and records the decision
/// with everything that follows from it. Every event acknowledged before this call is seen.
#[utoipa::path(
    post, path = "/v1/accounts/{accountId}/orchestrate", tag = "motions", operation_id = "orchestrate_account",
    security(("api_key" = ["decisions:write"])),
    params(
        ("accountId" = String, Path, description = "The account, by the caller's id."),
        IdempotencyParams,
    ),
    request_body(content = Option<OrchestrateBody>, description = "Nothing, or how to decide."),
    responses(
        (status = 200, body = DecisionDocument, description = "The decision, or the preview of it."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "No event ever named the account."),
    )
)]
pub async fn orchestrate_account(
    State(motions): State<Motions>,
    caller: Scoped<scope::DecisionsWrite>,
    Path(account_id): Path<AccountId>,
    answer: Option<Claim>,
    RawBody(body): RawBody,
) -> Result<Json<DecisionDocument>, Problem> {
    let body: OrchestrateBody = if body.is_empty() { OrchestrateBody::default() } else { parse(&body)? };
    if body.policy_version.is_some() && !body.dry_run {
        let detail = "needs dryRun: a decision that is recorded is made by the policy in force";
        return Err(Problem::invalid(vec![Fault::new("#/policyVersion", detail)]));
    }
    let ask = Ask {
        account_id: account_id.to_string(),
        trigger: Trigger::Api,
        dry_run: body.dry_run,
        policy_version: body.policy_version,
        actor: caller.actor(),
        answer,
    };
    let decided = motions.orchestrate(ask).await?;
    Ok(Json(decided.document))
}

/// Which accounts to decide about.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct OrchestrationsBody {
    /// At most 1,000 accounts.
    account_ids: Vec<String>,
    /// Say what would be decided and write nothing.
    #[serde(default)]
    dry_run: bool,
}

/// What became of each account.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrchestrationsAnswer {
    /// In the order of the request.
    pub results: Vec<OrchestrationResult>,
    /// Accounts that were decided about.
    pub decided: usize,
    /// Accounts that were not.
    pub failed: usize,
}

/// What became of one account: a decision, or the reason why there is none.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrchestrationResult {
    pub account_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub decision: Option<Box<DecisionDocument>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub error: Option<OrchestrationError>,
}

/// Why an account of a bulk call was not decided about.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct OrchestrationError {
    /// Stable name of the kind of problem.
    pub code: String,
    pub detail: String,
}

/// Decide about many accounts
///
/// Each account is decided about on its own: good ones are done, bad ones listed with the reason.
#[utoipa::path(
    post, path = "/v1/orchestrations", tag = "motions", operation_id = "orchestrate_accounts",
    security(("api_key" = ["decisions:write"])),
    params(IdempotencyParams),
    request_body = OrchestrationsBody,
    responses((status = 200, body = OrchestrationsAnswer, description = "One result per account."))
)]
pub async fn orchestrate_accounts(
    State(motions): State<Motions>,
    caller: Scoped<scope::DecisionsWrite>,
    Json(body): Json<OrchestrationsBody>,
) -> Result<Json<OrchestrationsAnswer>, Problem> {
    if body.account_ids.is_empty() || body.account_ids.len() > BULK_MAX {
        let detail = format!("must name 1 to {BULK_MAX} accounts, names {}", body.account_ids.len());
        return Err(Problem::invalid(vec![Fault::new("#/accountIds", detail)]));
    }
    let actor = caller.actor();
    let asks: Vec<Ask> = body
        .account_ids
        .into_iter()
        .map(|account_id| Ask {
            account_id,
            trigger: Trigger::Bulk,
            dry_run: body.dry_run,
            policy_version: None,
            actor: actor.clone(),
            answer: None,
        })
        .collect();
    let answers = motions.orchestrate_together(&asks).await;
    let results: Vec<OrchestrationResult> =
        asks.into_iter().zip(answers).map(|(ask, answer)| result(ask.account_id, answer)).collect();
    let decided = results.iter().filter(|result| result.decision.is_some()).count();
    let failed = results.len() - decided;
    Ok(Json(OrchestrationsAnswer { results, decided, failed }))
}

fn result(account_id: String, outcome: Result<Decided, MotionError>) -> OrchestrationResult {
    match outcome {
        Ok(decided) => {
            OrchestrationResult { account_id, decision: Some(Box::new(decided.document)), error: None }
        }
        Err(error) => {
            let problem = Problem::from(error);
            tracing::warn!(account = account_id, %problem, "not decided");
            let (code, detail) = (problem.code().to_owned(), problem.detail().to_owned());
            OrchestrationResult {
                account_id,
                decision: None,
                error: Some(OrchestrationError { code, detail }),
            }
        }
    }
}
