//! `review_plan_gate`: what the keeper of a plan's gate says of its checks.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::mcp::calls::{Calls, Refusal};
use crate::mcp::tool::{Effect, Told, Tool, yes};
use crate::mcp::words::{at, unwritten};

/// What is said of one check.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PlanCheckAttested)]
struct Attested {
    /// Whether it holds.
    holds: bool,
    /// Why, in a sentence; needed where it does not hold.
    #[serde(default)]
    note: String,
}

/// Which gate, and what is said of its checks.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Input {
    /// The plan, by its id as `list_plans` gives it; a designId or renewalId will do. Gates of programmes are for `review_gate`.
    plan_id: Uuid,
    /// The gate, by its name as `show_plan` gives it.
    gate: String,
    /// The person who says so, by name.
    by: String,
    /// What is said, by the name of the check.
    verdicts: BTreeMap<String, Attested>,
    /// True (the default): say where the gate would then stand and write nothing. False: note it.
    #[serde(default = "yes")]
    #[schema(default = true)]
    dry_run: bool,
    /// Needed when dryRun is false: a fresh text, such as a UUID. A repeat with the same one notes nothing twice.
    #[schema(min_length = 1, max_length = 255)]
    idempotency_key: Option<String>,
}

pub struct ReviewPlanGate;

impl Tool for ReviewPlanGate {
    type Input = Input;
    const NAME: &'static str = "review_plan_gate";
    const TITLE: &'static str = "Review a gate of a plan";
    const DESCRIPTION: &'static str = "Say for the keeper of a gate of a handoff design or a renewal which of \
        its checks hold, each with a reason where it does not. It is that person's word: ask, and pass their \
        name. The gate passes when all hold, and one that failed can be looked at again. A dry run (the \
        default) says where the gate would then stand.";
    const CALLS: &'static [&'static str] = &["review_plan_gate"];
    const EFFECT: Effect = Effect::Changes;

    async fn run(calls: &Calls, input: Input) -> Result<Told, Refusal> {
        let structured = calls
            .to("review_plan_gate")
            .path("planId", &input.plan_id)
            .path("gate", &input.gate)
            .body(json!({ "by": input.by, "verdicts": input.verdicts }))
            .once(input.dry_run, input.idempotency_key.as_deref())?
            .json()
            .await?;
        let text = format!("Gate {}: {}.", input.gate, at(&structured, "/status"));
        Ok(Told { text: unwritten(input.dry_run, "note it", text), structured })
    }
}
