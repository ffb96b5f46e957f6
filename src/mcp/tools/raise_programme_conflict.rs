//! `raise_programme_conflict`: an agent writes down that outputs contradict each other.

use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::mcp::calls::{Calls, Refusal};
use crate::mcp::tool::{Effect, Told, Tool, yes};
use crate::mcp::tools::list_programme_conflicts::conflict;
use crate::mcp::words::unwritten;

/// Who has seen what.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Input {
    /// The programme, by its id as `run_programme` gives it.
    programme_id: Uuid,
    /// The agent who has seen it, such as growth-analyst.
    agent: String,
    /// The files that contradict each other, as `show_programme` names them.
    files: Vec<String>,
    /// What contradicts what: the values, and where they stand.
    #[schema(min_length = 1, max_length = 2000)]
    description: String,
    /// True (the default): say how it would be written down and write nothing. False: raise it.
    #[serde(default = "yes")]
    #[schema(default = true)]
    dry_run: bool,
    /// Needed when dryRun is false: a fresh text, such as a UUID. A repeat with the same one raises nothing twice.
    #[schema(min_length = 1, max_length = 255)]
    idempotency_key: Option<String>,
}

pub struct RaiseProgrammeConflict;

impl Tool for RaiseProgrammeConflict {
    type Input = Input;
    const NAME: &'static str = "raise_programme_conflict";
    const TITLE: &'static str = "Raise a conflict of a programme";
    const DESCRIPTION: &'static str = "Write down that outputs of a programme contradict each other, for its \
        coordinator to decide (decide_programme_conflict). What the gates can compute is raised by itself; \
        raise what only a reader sees. Whoever completes a task can tell conflicts in the data of complete_task \
        as well. A dry run (the default) shows how it would be written down.";
    const CALLS: &'static [&'static str] = &["raise_programme_conflict"];
    const EFFECT: Effect = Effect::Adds;

    async fn run(calls: &Calls, input: Input) -> Result<Told, Refusal> {
        let structured = calls
            .to("raise_programme_conflict")
            .path("programmeId", &input.programme_id)
            .body(json!({ "agent": input.agent, "files": input.files, "description": input.description }))
            .once(input.dry_run, input.idempotency_key.as_deref())?
            .json()
            .await?;
        Ok(Told { text: unwritten(input.dry_run, "raise it", conflict(&structured)), structured })
    }
}
