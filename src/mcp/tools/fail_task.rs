//! `fail_task`: work could not be done.

use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::mcp::calls::{Calls, Refusal};
use crate::mcp::tool::{Effect, Told, Tool, yes};
use crate::mcp::tools::show_plan::task_line;
use crate::mcp::words::unwritten;

/// Which task, and why it did not work.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Input {
    /// The task, by its taskId as `claim_task` gave it.
    task_id: Uuid,
    /// The lease that `claim_task` gave with it; left out by whoever tried it without claiming it.
    lease: Option<i64>,
    /// What went wrong, in a sentence that helps whoever tries it next.
    #[schema(min_length = 1, max_length = 2000)]
    reason: String,
    /// True (the default): say how the task would then stand and write nothing. False: give it back.
    #[serde(default = "yes")]
    #[schema(default = true)]
    dry_run: bool,
    /// Needed when dryRun is false: a fresh text, such as a UUID. A repeat with the same one counts as no second failure.
    #[schema(min_length = 1, max_length = 255)]
    idempotency_key: Option<String>,
}

pub struct FailTask;

impl Tool for FailTask {
    type Input = Input;
    const NAME: &'static str = "fail_task";
    const TITLE: &'static str = "Give a task back";
    const DESCRIPTION: &'static str = "Say that a task that you claimed could not be done, and why. It goes back to the queue as \
        often as its plan allows; after that the people on the plan's ladder are told, one after the other. A dry run (the \
        default) says which of the two it would be.";
    const CALLS: &'static [&'static str] = &["fail_task"];
    const EFFECT: Effect = Effect::Changes;

    async fn run(calls: &Calls, input: Input) -> Result<Told, Refusal> {
        let structured = calls
            .to("fail_task")
            .path("taskId", &input.task_id)
            .body(json!({ "lease": input.lease, "reason": input.reason }))
            .once(input.dry_run, input.idempotency_key.as_deref())?
            .json()
            .await?;
        Ok(Told { text: unwritten(input.dry_run, "give it back", task_line(&structured)), structured })
    }
}
