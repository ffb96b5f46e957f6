//! `start_plan`: a plan begins to run.

use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::mcp::calls::{Calls, Refusal};
use crate::mcp::tool::{Effect, Told, Tool, yes};
use crate::mcp::words::{at, each, unwritten};

/// Which plan, and in spite of what.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Input {
    /// The plan of a handoff design, by its id as `list_plans` gives it; the designId will do.
    plan_id: Uuid,
    /// Inputs that are there already, by the names that the tasks use for them.
    #[serde(default)]
    given: Vec<String>,
    /// What may be missing, by the names that the refusal gives. Ask the user first.
    #[serde(default)]
    waive: Vec<String>,
    /// True (the default): say whether it would run, and what is missing, and write nothing. False: start it.
    #[serde(default = "yes")]
    #[schema(default = true)]
    dry_run: bool,
    /// Needed when dryRun is false: a fresh text, such as a UUID. A repeat with the same one starts nothing twice.
    #[schema(min_length = 1, max_length = 255)]
    idempotency_key: Option<String>,
}

pub struct StartPlan;

impl Tool for StartPlan {
    type Input = Input;
    const NAME: &'static str = "start_plan";
    const TITLE: &'static str = "Start a plan";
    const DESCRIPTION: &'static str = "Start the plan of a handoff design: from then on its tasks become ready in their order and \
        can be claimed. Before, it is checked that people, inputs, deliverables and dates are there; what is missing and blocks \
        is named and must be mended or waived by name. A dry run (the default) makes the check alone. Renewals start with \
        plan_renewal, programmes with run_programme.";
    const CALLS: &'static [&'static str] = &["start_plan"];
    const EFFECT: Effect = Effect::Changes;

    async fn run(calls: &Calls, input: Input) -> Result<Told, Refusal> {
        let structured = calls
            .to("start_plan")
            .path("planId", &input.plan_id)
            .body(json!({ "given": input.given, "waive": input.waive }))
            .once(input.dry_run, input.idempotency_key.as_deref())?
            .json()
            .await?;
        let would = if input.dry_run { "would run" } else { "runs" };
        let mut lines = vec![format!("The plan {would}.")];
        lines.extend(
            each(&structured, "/findings")
                .map(|one| format!("- {}: {}", at(one, "/name"), at(one, "/detail"))),
        );
        Ok(Told { text: unwritten(input.dry_run, "start it", lines.join("\n")), structured })
    }
}
