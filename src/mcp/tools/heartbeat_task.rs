//! `heartbeat_task`: an agent still works on its task.

use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::mcp::calls::{Calls, Refusal};
use crate::mcp::tool::{Effect, Told, Tool, yes};
use crate::mcp::words::{unwritten, when};

/// Which task, and for how much longer.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Input {
    /// The task, by its taskId as `claim_task` gave it.
    task_id: Uuid,
    /// The lease that `claim_task` gave with it.
    lease: i64,
    /// How long you hold it from now on, such as 30m; 15m when left out, at most 7d.
    r#for: Option<String>,
    /// True (the default): say whether you still have it and until when you would, and write nothing. False: hold it.
    #[serde(default = "yes")]
    #[schema(default = true)]
    dry_run: bool,
    /// Needed when dryRun is false: a fresh text for each sign of life, such as a UUID. A repeat with the same one holds nothing
    /// longer.
    #[schema(min_length = 1, max_length = 255)]
    idempotency_key: Option<String>,
}

pub struct HeartbeatTask;

impl Tool for HeartbeatTask {
    type Input = Input;
    const NAME: &'static str = "heartbeat_task";
    const TITLE: &'static str = "Keep a task";
    const DESCRIPTION: &'static str = "Say that you still work on a task that you claimed, and hold it for longer. A lease that \
        has ended does not come back: the task is then free for others, and what you hand in is refused. Use a fresh \
        idempotencyKey each time.";
    const CALLS: &'static [&'static str] = &["heartbeat_task"];
    const EFFECT: Effect = Effect::Changes;

    async fn run(calls: &Calls, input: Input) -> Result<Told, Refusal> {
        let structured = calls
            .to("heartbeat_task")
            .path("taskId", &input.task_id)
            .body(json!({ "lease": input.lease, "for": input.r#for }))
            .once(input.dry_run, input.idempotency_key.as_deref())?
            .json()
            .await?;
        let would = if input.dry_run { "would be" } else { "is" };
        let text = format!("It {would} yours until {}.", when(&structured, "/leaseUntil", calls.now));
        Ok(Told { text: unwritten(input.dry_run, "hold it", text), structured })
    }
}
