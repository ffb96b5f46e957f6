//! `orchestrate_account`: which motion an account gets now.

use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::mcp::calls::{Calls, Refusal};
use crate::mcp::tool::{Effect, Told, Tool, yes};
use crate::motions::explain;

/// Which account to decide about.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Input {
    /// The account, by its id as `find_accounts` gives it.
    account_id: String,
    /// True (the default): say what would be decided and write nothing. False: decide, and do what follows from it.
    #[serde(default = "yes")]
    #[schema(default = true)]
    dry_run: bool,
    /// Preview by this policy version instead of the one in force; only with dryRun. Policies are resources of this server.
    policy_version: Option<String>,
    /// Needed when dryRun is false: a fresh text, such as a UUID. A repeat with the same one decides no second time.
    #[schema(min_length = 1, max_length = 255)]
    idempotency_key: Option<String>,
}

pub struct OrchestrateAccount;

impl Tool for OrchestrateAccount {
    type Input = Input;
    const NAME: &'static str = "orchestrate_account";
    const TITLE: &'static str = "Decide about an account";
    const DESCRIPTION: &'static str = "Decide which go-to-market motion an account gets now (plg_self_serve, sales_assist, \
        sales_led, partner_co_sell, partner_sourced, or none), with scores, guardrails, confidence and the reasoning. A dry \
        run (the default) only says it. With dryRun false the decision is recorded and acted on: the motion takes the account \
        for 72 hours, downstream systems are called, a handoff may be opened. Its outcome is executed, continued (that motion \
        already runs), monitoring (none fits), deferred (data is missing or stale), blocked (a guardrail forbids it) or \
        conflict (another motion holds the account; see list_conflicts).";
    const CALLS: &'static [&'static str] = &["orchestrate_account"];
    const EFFECT: Effect = Effect::Adds;

    async fn run(calls: &Calls, input: Input) -> Result<Told, Refusal> {
        let structured = calls
            .to("orchestrate_account")
            .path("accountId", &input.account_id)
            .body(json!({ "policyVersion": input.policy_version }))
            .once(input.dry_run, input.idempotency_key.as_deref())?
            .json()
            .await?;
        let page = explain::Page { width: explain::WIDTH, now: calls.now };
        let mut text = explain::summary(page, &structured);
        if input.dry_run {
            text.push_str(
                "\n\nNothing was written. To act on it call again with dryRun false and an idempotencyKey.",
            );
        } else if let Some(id) = structured["decisionId"].as_str() {
            text.push_str(&format!("\n\nRecorded as decision {id}; explain_decision tells all of it."));
        }
        Ok(Told { text, structured })
    }
}
