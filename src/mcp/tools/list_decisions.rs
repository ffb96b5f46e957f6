//! `list_decisions`: decisions on record, in short.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::kernel::clock::DateTime;
use crate::mcp::calls::{Calls, Operations, Refusal};
use crate::mcp::schema::{self, Schema};
use crate::mcp::tool::{Effect, Told, Tool};
use crate::mcp::words::{at, page, percent, when};
use crate::motions::model::{Motion, Outcome};
use crate::platform::http::Problem;

/// Which decisions to list. Everything left out matches all.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Input {
    /// Only decisions about this account.
    account_id: Option<String>,
    /// Only decisions that ended so.
    outcome: Option<Outcome>,
    /// Only decisions for this motion.
    motion: Option<Motion>,
    /// Only decisions by this policy version.
    policy_version: Option<String>,
    /// Only decisions from this instant on (RFC 3339, UTC).
    from: Option<DateTime>,
    /// Only decisions before this instant.
    to: Option<DateTime>,
    /// Rows per page; 20 when left out.
    #[schema(minimum = 1, maximum = 200, default = 20)]
    limit: Option<u32>,
    /// The nextCursor of the page before.
    cursor: Option<String>,
}

/// A decision in short.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DecisionInShort)]
struct Row {
    decision_id: Uuid,
    account_id: String,
    decided_at: DateTime,
    outcome: Outcome,
    /// Null when no motion fits.
    #[schema(required = true)]
    motion: Option<Motion>,
    /// From 0 to 1.
    confidence: f64,
    reasoning: String,
    /// The rule of the policy that matched.
    matched_rule: String,
    policy_version: String,
}

/// A page of decisions in short.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DecisionsInShort)]
struct Rows {
    data: Vec<Row>,
    /// Where the next page begins; null on the last one.
    #[schema(required = true)]
    next_cursor: Option<String>,
}

impl Row {
    fn read(document: &Value) -> Result<Self, serde_json::Error> {
        let read = |pointer: &str| document.pointer(pointer).cloned().unwrap_or_default();
        Ok(Self {
            decision_id: serde_json::from_value(read("/decisionId"))?,
            account_id: at(document, "/accountId"),
            decided_at: serde_json::from_value(read("/decidedAt"))?,
            outcome: serde_json::from_value(read("/outcome"))?,
            motion: serde_json::from_value(read("/recommendation/motion"))?,
            confidence: serde_json::from_value(read("/recommendation/confidence"))?,
            reasoning: at(document, "/recommendation/reasoning"),
            matched_rule: at(document, "/matchedRule"),
            policy_version: at(document, "/policyVersion"),
        })
    }
}

pub struct ListDecisions;

impl Tool for ListDecisions {
    type Input = Input;
    const NAME: &'static str = "list_decisions";
    const TITLE: &'static str = "List decisions";
    const DESCRIPTION: &'static str = "List decisions on record, newest first, in short: account, outcome, motion, confidence, \
        reasoning. Filter by account, outcome, motion, policy version and time. For everything that one of them rests on \
        use explain_decision.";
    const CALLS: &'static [&'static str] = &["list_decisions"];
    const EFFECT: Effect = Effect::Reads;

    fn output(_operations: &Operations) -> Option<Schema> {
        let (root, components) = schema::of::<Rows>();
        Some(schema::output(&root, &components))
    }

    async fn run(calls: &Calls, input: Input) -> Result<Told, Refusal> {
        let list = calls
            .to("list_decisions")
            .query("accountId", input.account_id)
            .query("outcome", input.outcome)
            .query("motion", input.motion)
            .query("policyVersion", input.policy_version)
            .query("from", input.from)
            .query("to", input.to)
            .query("limit", Some(input.limit.unwrap_or(20)))
            .query("cursor", input.cursor)
            .json()
            .await?;
        let rows = list["data"].as_array().into_iter().flatten().map(Row::read).collect::<Result<_, _>>();
        let next_cursor = list["nextCursor"].as_str().map(str::to_owned);
        let short = Rows { data: rows.map_err(Problem::internal)?, next_cursor };
        let structured = serde_json::to_value(&short).map_err(Problem::internal)?;
        let text = page(&structured, "No such decisions.", |row| {
            format!(
                "{} {} {}: {} {} ({}). {}",
                at(row, "/decisionId"),
                when(row, "/decidedAt", calls.now),
                at(row, "/accountId"),
                at(row, "/motion"),
                at(row, "/outcome"),
                percent(row, "/confidence"),
                at(row, "/reasoning"),
            )
        });
        Ok(Told { text, structured })
    }
}
