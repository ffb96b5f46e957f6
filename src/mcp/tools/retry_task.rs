//! `retry_task`: a task that is escalated is tried again.

use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::mcp::calls::{Calls, Refusal};
use crate::mcp::tool::{Effect, Told, Tool, yes};
use crate::mcp::tools::show_plan::task_line;
use crate::mcp::words::unwritten;

/// Which task.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Input {
    /// The task, by its taskId as `list_tasks` gives it.
    task_id: Uuid,
    /// True (the default): say how it would then stand and write nothing. False: let it be tried again.
    #[serde(default = "yes")]
    #[schema(default = true)]
    dry_run: bool,
    /// Needed when dryRun is false: a fresh text, such as a UUID. A repeat with the same one changes nothing twice.
    #[schema(min_length = 1, max_length = 255)]
    idempotency_key: Option<String>,
}

pub struct RetryTask;

impl Tool for RetryTask {
    type Input = Input;
    const NAME: &'static str = "retry_task";
    const TITLE: &'static str = "Let a task be tried again";
    const DESCRIPTION: &'static str = "Let a task that is escalated be tried again, once what made it fail is \
        mended: it goes back to the queue with as many retries as at first, and nobody further up is told. \
        show_plan with report true says why it failed. A dry run (the default) shows how it would then stand.";
    const CALLS: &'static [&'static str] = &["retry_task"];
    const EFFECT: Effect = Effect::Changes;

    async fn run(calls: &Calls, input: Input) -> Result<Told, Refusal> {
        let structured = calls
            .to("retry_task")
            .path("taskId", &input.task_id)
            .body(json!({}))
            .once(input.dry_run, input.idempotency_key.as_deref())?
            .json()
            .await?;
        Ok(Told {
            text: unwritten(input.dry_run, "let it be tried again", task_line(&structured)),
            structured,
        })
    }
}
