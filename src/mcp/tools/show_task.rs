//! `show_task`: one task and what was handed over with it.

use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::mcp::calls::{Calls, Refusal};
use crate::mcp::tool::{Effect, Told, Tool};
use crate::mcp::tools::show_plan::task_line;

/// Which task.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Input {
    /// The task, by its taskId as `list_tasks` gives it.
    task_id: Uuid,
}

pub struct ShowTask;

impl Tool for ShowTask {
    type Input = Input;
    const NAME: &'static str = "show_task";
    const TITLE: &'static str = "Show a task";
    const DESCRIPTION: &'static str = "Show one task of a plan: where it stands, who works on it and until when, how often it \
        failed, and what was handed over when it was completed (outputs, data, note).";
    const CALLS: &'static [&'static str] = &["get_task"];
    const EFFECT: Effect = Effect::Reads;

    async fn run(calls: &Calls, input: Input) -> Result<Told, Refusal> {
        let structured = calls.to("get_task").path("taskId", &input.task_id).json().await?;
        Ok(Told { text: task_line(&structured), structured })
    }
}
