//! `start_plan`: a plan begins to run.

use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::mcp::calls::{Calls, Operations, Refusal};
use crate::mcp::schema::Schema;
use crate::mcp::tool::{Effect, Told, Tool, yes};
use crate::mcp::tools::show_plan::{bare, output};
use crate::mcp::words::{at, each, unwritten};

/// Which plan, and in spite of what.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Input {
    /// The plan, by its id as `list_plans` gives it; a designId, renewalId or programmeId will do.
    plan_id: Uuid,
    /// Of a handoff design: inputs that are there already, by the names that the tasks use for them.
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
    const DESCRIPTION: &'static str = "Start a plan that is a draft (of a handoff design, a renewal, a programme): from then on \
        its tasks become ready in their order and can be claimed. Before, it is checked that people, inputs, deliverables and \
        dates are there; what is missing and blocks is named and must be mended or waived by name. A dry run (the default) \
        makes the check alone.";
    const CALLS: &'static [&'static str] = &["get_plan", "start_plan", "start_renewal", "start_programme"];
    const EFFECT: Effect = Effect::Changes;

    fn output(operations: &Operations) -> Option<Schema> {
        output(Self::CALLS, operations)
    }

    async fn run(calls: &Calls, input: Input) -> Result<Told, Refusal> {
        let read = || calls.to("get_plan").path("planId", &input.plan_id).json();
        let kind = at(&read().await?, "/kind");
        // Each kind of plan is started by its own slice, which adds what belongs to it.
        let (call, name) = match kind.as_str() {
            "renewal" => ("start_renewal", "renewalId"),
            "programme" => ("start_programme", "programmeId"),
            _ => ("start_plan", "planId"),
        };
        let (is_plain, given) = (call == "start_plan", json!(input.given));
        let answer = calls
            .to(call)
            .path(name, &input.plan_id)
            .body(json!({ "given": if is_plain { given } else { Value::Null }, "waive": input.waive }))
            .once(input.dry_run, input.idempotency_key.as_deref())?
            .json()
            .await?;
        let mut structured = read().await?;
        bare(&mut structured);
        let would = if input.dry_run { "would run" } else { "runs" };
        let mut lines = vec![format!("The plan {would}.")];
        lines.extend(
            each(&answer, "/findings").map(|one| format!("- {}: {}", at(one, "/name"), at(one, "/text"))),
        );
        lines.push("Its tasks are told by show_plan.".to_owned());
        Ok(Told { text: unwritten(input.dry_run, "start it", lines.join("\n")), structured })
    }
}
