//! `list_tasks`: what there is to do.

use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::mcp::calls::{Calls, Operations, Refusal};
use crate::mcp::schema::Schema;
use crate::mcp::tool::{Effect, Told, Tool};
use crate::mcp::tools::show_plan::{bare_tasks, output, task_line};
use crate::mcp::words::page;

/// The states of a task.
#[derive(Debug, serde::Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = TasksThatAre)]
enum Standing {
    Waiting,
    Ready,
    Claimed,
    Escalated,
    Done,
    Skipped,
    Failed,
}

/// Which tasks to list. Everything left out matches all.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Input {
    /// Only tasks that stand so; ready ones can be claimed.
    status: Option<Standing>,
    /// Only this kind of work, such as review, or an agent's queue in a programme, such as coordinator.
    work: Option<String>,
    /// Only tasks of this role, such as `revops_director`.
    owner: Option<String>,
    /// Only what this agent works on, by the name that it claimed with.
    held_by: Option<String>,
    /// Only tasks of this plan.
    plan_id: Option<Uuid>,
    /// Only tasks of plans of this account.
    account_id: Option<String>,
    /// True: only those past their planned end that are not over. False: only the others.
    overdue: Option<bool>,
    /// Rows per page; 20 when left out.
    #[schema(minimum = 1, maximum = 200, default = 20)]
    limit: Option<u32>,
    /// The nextCursor of the page before.
    cursor: Option<String>,
}

pub struct ListTasks;

impl Tool for ListTasks {
    type Input = Input;
    const NAME: &'static str = "list_tasks";
    const TITLE: &'static str = "List tasks";
    const DESCRIPTION: &'static str = "List the tasks of all plans, in the order in which they are to begin: what each is, where \
        it stands, its kind of work and its owner, who works on it. Look here for work; take it with claim_task. What was \
        handed over with a task is told by show_task.";
    const CALLS: &'static [&'static str] = &["list_tasks"];
    const EFFECT: Effect = Effect::Reads;

    fn output(operations: &Operations) -> Option<Schema> {
        output(Self::CALLS, operations)
    }

    async fn run(calls: &Calls, input: Input) -> Result<Told, Refusal> {
        let mut structured = calls
            .to("list_tasks")
            .query("status", input.status)
            .query("work", input.work)
            .query("owner", input.owner)
            .query("heldBy", input.held_by)
            .query("planId", input.plan_id)
            .query("accountId", input.account_id)
            .query("overdue", input.overdue)
            .query("limit", Some(input.limit.unwrap_or(20)))
            .query("cursor", input.cursor)
            .json()
            .await?;
        bare_tasks(&mut structured, "data");
        let text = page(&structured, "No such tasks.", task_line);
        Ok(Told { text, structured })
    }
}
