//! `change_programme`: others do the work of its agents.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::mcp::calls::{Calls, Operations, Refusal};
use crate::mcp::schema::Schema;
use crate::mcp::tool::{Effect, Told, Tool, yes};
use crate::mcp::tools::run_programme::Worker;
use crate::mcp::tools::show_plan::output;
use crate::mcp::tools::show_programme::{bare_programme, programme};
use crate::mcp::words::unwritten;

/// Which programme, and who fills its agents from now on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Input {
    /// The programme, by its id as `run_programme` gives it.
    programme_id: Uuid,
    /// The version of its plan that you have read (`programme.plan.version` of `show_programme`), so that no change of others is lost.
    version: i32,
    /// Who fills all agents that workers does not name; the built-in drafter when left out.
    worker: Option<Worker>,
    /// Who fills which agent from now on: coordinator, brand-messaging, growth-analyst, demand-generation, sales-enablement,
    /// pipeline-manager, customer-success. Name again those who stay: whoever is not named is filled by worker.
    #[serde(default)]
    workers: BTreeMap<String, Worker>,
    /// Why, in a sentence, for the change log.
    #[schema(min_length = 1, max_length = 1000)]
    why: String,
    /// True (the default): say whether it would be accepted and write nothing. False: change it.
    #[serde(default = "yes")]
    #[schema(default = true)]
    dry_run: bool,
    /// Needed when dryRun is false: a fresh text, such as a UUID. A repeat with the same one changes nothing twice.
    #[schema(min_length = 1, max_length = 255)]
    idempotency_key: Option<String>,
}

pub struct ChangeProgramme;

impl Tool for ChangeProgramme {
    type Input = Input;
    const NAME: &'static str = "change_programme";
    const TITLE: &'static str = "Change who works on a programme";
    const DESCRIPTION: &'static str = "Change who fills the agents of a programme that runs, such as an agent \
        whose tasks nobody takes. What is done stays done, and what somebody works on goes on; the tasks that \
        are left lie in the queues of those whom you name. A dry run (the default) says whether it would be \
        accepted.";
    const CALLS: &'static [&'static str] = &["change_programme", "get_programme"];
    const EFFECT: Effect = Effect::Changes;

    fn output(operations: &Operations) -> Option<Schema> {
        output(Self::CALLS, operations)
    }

    async fn run(calls: &Calls, input: Input) -> Result<Told, Refusal> {
        let all = input.worker.unwrap_or(Worker::Drafter);
        let read = calls.to("get_programme").path("programmeId", &input.programme_id);
        let tag = read.seen("/plan/version", input.version).await?;
        let mut structured = calls
            .to("change_programme")
            .path("programmeId", &input.programme_id)
            .body(json!({ "workers": { "all": all, "agents": input.workers }, "why": input.why }))
            .on(tag)
            .once(input.dry_run, input.idempotency_key.as_deref())?
            .json()
            .await?;
        bare_programme(&mut structured);
        let text = programme(&structured).join("\n");
        Ok(Told { text: unwritten(input.dry_run, "change it", text), structured })
    }
}
