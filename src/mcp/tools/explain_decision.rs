//! `explain_decision`: why a decision came out as it did.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::mcp::calls::{Calls, Operations, Refusal};
use crate::mcp::schema::{self, Schema};
use crate::mcp::tool::{Effect, Told, Tool};
use crate::motions::document::DecisionDocument;
use crate::motions::explain;
use crate::platform::http::{Fault, Problem};

/// Which decision: one of the two.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Input {
    /// The decision, by its id.
    decision_id: Option<Uuid>,
    /// An account, for its newest decision.
    account_id: Option<String>,
}

/// A decision and its explanation.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExplainedDecision)]
struct Explained {
    /// The explanation for a reader: what was decided, how sure, on what evidence and how old, which rules were tried, what
    /// each motion scored and for what, what each guardrail found, what was set in motion, what would change it.
    explanation: String,
    /// The decision as it is on record.
    decision: DecisionDocument,
}

/// A decision by its id, or the newest one of an account.
async fn find(calls: &Calls, input: &Input) -> Result<Value, Refusal> {
    let id = match (input.decision_id, &input.account_id) {
        (Some(id), None) => id.to_string(),
        (None, Some(account)) => {
            let newest = calls.to("list_decisions").query("accountId", Some(account)).query("limit", Some(1));
            let newest = newest.json().await?;
            let id = newest.pointer("/data/0/decisionId").and_then(Value::as_str);
            id.map(str::to_owned).ok_or_else(|| Problem::not_found("decision about account", account))?
        }
        _ => {
            let detail = "name either a decisionId or an accountId, for its newest decision";
            return Err(Problem::invalid(vec![Fault::new("#/decisionId", detail)]).into());
        }
    };
    calls.to("get_decision").path("decisionId", &id).json().await
}

pub struct ExplainDecision;

impl Tool for ExplainDecision {
    type Input = Input;
    const NAME: &'static str = "explain_decision";
    const TITLE: &'static str = "Explain a decision";
    const DESCRIPTION: &'static str = "Explain a decision in full: what was decided and how sure, on what evidence and how old \
        that was, every rule that was tried and why it failed, the score of each motion and what made it, each guardrail, \
        what was set in motion, and what would change it. Give a decisionId, or an accountId for its newest decision. Use it \
        for every question that begins with why.";
    const CALLS: &'static [&'static str] = &["get_decision", "list_decisions"];
    const EFFECT: Effect = Effect::Reads;

    fn output(_operations: &Operations) -> Option<Schema> {
        let (root, components) = schema::of::<Explained>();
        Some(schema::output(&root, &components))
    }

    async fn run(calls: &Calls, input: Input) -> Result<Told, Refusal> {
        let decision = find(calls, &input).await?;
        let text = explain::whole(explain::Page { width: explain::WIDTH, now: calls.now }, &decision);
        let structured = json!({ "explanation": text, "decision": decision });
        Ok(Told { text, structured })
    }
}
