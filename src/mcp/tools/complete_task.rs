//! `complete_task`: work is done and handed over.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::mcp::calls::{Calls, Refusal};
use crate::mcp::tool::{Effect, Told, Tool, yes};
use crate::mcp::tools::show_plan::task_line;
use crate::mcp::words::unwritten;

/// Which task, and what there is now.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Input {
    /// The task, by its taskId as `claim_task` gave it.
    task_id: Uuid,
    /// The lease that `claim_task` gave with it; left out by whoever did the task without claiming it.
    lease: Option<i64>,
    /// What is there now, by the names that the task has for its outputs.
    #[serde(default)]
    outputs: Vec<String>,
    /// What belongs to the kind of plan. Programme: `{"files": [{"path": "...", "text": "..."}]}` with every output as Markdown
    /// in the form that `gtm://programmes/schemas/{kind}` describes, or with deliverable (an object) in place of text; beside it
    /// `conflicts`, `[{"files": ["..."], "description": "..."}]`, for outputs of others that yours contradicts. Checkpoint of a renewal: `{"rating": "green", "note": "..."}`. Others: nothing.
    #[serde(default)]
    #[schema(value_type = Object)]
    data: Map<String, Value>,
    /// A sentence for whoever goes on.
    #[schema(max_length = 2000)]
    note: Option<String>,
    /// True (the default): say whether it would be accepted, and with what faults not, and write nothing. False: hand it over.
    #[serde(default = "yes")]
    #[schema(default = true)]
    dry_run: bool,
    /// Needed when dryRun is false: a fresh text, such as a UUID. A repeat with the same one completes nothing twice.
    #[schema(min_length = 1, max_length = 255)]
    idempotency_key: Option<String>,
}

pub struct CompleteTask;

impl Tool for CompleteTask {
    type Input = Input;
    const NAME: &'static str = "complete_task";
    const TITLE: &'static str = "Complete a task";
    const DESCRIPTION: &'static str = "Hand over the work of a task that you claimed. What is handed in is checked first: a dry \
        run (the default) names every fault with its place, so that you can mend it. What waited for the task goes on by \
        itself. Complete only what is really done; what cannot be done is said with fail_task.";
    const CALLS: &'static [&'static str] = &["complete_task"];
    const EFFECT: Effect = Effect::Changes;

    async fn run(calls: &Calls, input: Input) -> Result<Told, Refusal> {
        let structured = calls
            .to("complete_task")
            .path("taskId", &input.task_id)
            .body(json!({
                "lease": input.lease,
                "outputs": input.outputs,
                "data": input.data,
                "note": input.note,
            }))
            .once(input.dry_run, input.idempotency_key.as_deref())?
            .json()
            .await?;
        Ok(Told { text: unwritten(input.dry_run, "hand it over", task_line(&structured)), structured })
    }
}
