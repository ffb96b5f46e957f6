//! `skip_task`: a task need not be done.

use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::mcp::calls::{Calls, Refusal};
use crate::mcp::tool::{Effect, Told, Tool, yes};
use crate::mcp::tools::show_plan::task_line;
use crate::mcp::words::unwritten;

/// Which task, and why it need not be done.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Input {
    /// The task, by its taskId as `list_tasks` gives it.
    task_id: Uuid,
    /// Why it need not be done: kept with the task.
    #[schema(min_length = 1, max_length = 1000)]
    reason: String,
    /// True (the default): say how it would then stand and write nothing. False: skip it.
    #[serde(default = "yes")]
    #[schema(default = true)]
    dry_run: bool,
    /// Needed when dryRun is false: a fresh text, such as a UUID. A repeat with the same one skips nothing twice.
    #[schema(min_length = 1, max_length = 255)]
    idempotency_key: Option<String>,
}

pub struct SkipTask;

impl Tool for SkipTask {
    type Input = Input;
    const NAME: &'static str = "skip_task";
    const TITLE: &'static str = "Skip a task";
    const DESCRIPTION: &'static str = "Say that a task of a plan need not be done; what waits for it goes on. \
        It is the decision of whoever answers for the plan: ask the user. A lease that somebody has on it ends. \
        What cannot be done now is said with fail_task instead, and what is escalated can be tried again with \
        retry_task. A dry run (the default) shows how it would then stand.";
    const CALLS: &'static [&'static str] = &["skip_task"];
    const EFFECT: Effect = Effect::Changes;

    async fn run(calls: &Calls, input: Input) -> Result<Told, Refusal> {
        let structured = calls
            .to("skip_task")
            .path("taskId", &input.task_id)
            .body(json!({ "reason": input.reason }))
            .once(input.dry_run, input.idempotency_key.as_deref())?
            .json()
            .await?;
        Ok(Told { text: unwritten(input.dry_run, "skip it", task_line(&structured)), structured })
    }
}
