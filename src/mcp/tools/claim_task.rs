//! `claim_task`: an agent takes work from the queue.

use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::mcp::calls::{Calls, Refusal};
use crate::mcp::tool::{Effect, Told, Tool, yes};
use crate::mcp::words::{at, each, unwritten, when};

/// Who looks for work, and for which.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Input {
    /// As you call yourself, the same each time: 1 to 128 of `A-Za-z0-9_.:-`, such as planning-agent.
    #[schema(min_length = 1, max_length = 128)]
    agent: String,
    /// Kinds of work that you can do, such as review, or your queue in a programme, such as coordinator; any when left out.
    #[schema(min_items = 1)]
    kinds: Option<Vec<String>>,
    /// Only tasks of this plan.
    plan_id: Option<Uuid>,
    /// How many at the most; 1 when left out. Take no more than you will do now.
    #[schema(minimum = 1, maximum = 100, default = 1)]
    max: Option<u32>,
    /// How long you hold them without a sign of life (`heartbeat_task`), such as 30m; 15m when left out, at most 7d.
    lease: Option<String>,
    /// True (the default): show what you would get and leave it there; the leases in the answer hold nothing. False: take it.
    #[serde(default = "yes")]
    #[schema(default = true)]
    dry_run: bool,
    /// Needed when dryRun is false: a fresh text, such as a UUID. A repeat with the same one gives the same tasks and takes no
    /// further ones.
    #[schema(min_length = 1, max_length = 255)]
    idempotency_key: Option<String>,
}

pub struct ClaimTask;

impl Tool for ClaimTask {
    type Input = Input;
    const NAME: &'static str = "claim_task";
    const TITLE: &'static str = "Take a task";
    const DESCRIPTION: &'static str = "Take tasks that are ready, so that nobody else works on them: each comes with what is to \
        be done, its inputs, the outputs that are wanted, what belongs to its kind of plan (data), what the plan passes on \
        (context), and a lease. Do the work, then call complete_task or fail_task with that lease; if it takes longer than the \
        lease, call heartbeat_task meanwhile, or it goes to somebody else. With nothing to do the list is empty.";
    const CALLS: &'static [&'static str] = &["claim_tasks"];
    const EFFECT: Effect = Effect::Changes;

    async fn run(calls: &Calls, input: Input) -> Result<Told, Refusal> {
        let structured = calls
            .to("claim_tasks")
            .body(json!({
                "agent": input.agent,
                "kinds": input.kinds,
                "planId": input.plan_id,
                "max": input.max,
                "lease": input.lease,
            }))
            .once(input.dry_run, input.idempotency_key.as_deref())?
            .json()
            .await?;
        let mut lines = Vec::new();
        for task in each(&structured, "/tasks") {
            lines.push(format!("{} {}: {}", at(task, "/taskId"), at(task, "/name"), at(task, "/title")));
            lines.push(format!("  {}", at(task, "/detail")));
            lines.push(format!("  Needs {}; gives {}.", at(task, "/inputs"), at(task, "/outputs")));
            if !input.dry_run {
                lines.push(format!(
                    "  Lease {}, until {}.",
                    at(task, "/lease"),
                    when(task, "/leaseUntil", calls.now)
                ));
            }
        }
        if lines.is_empty() {
            lines.push("Nothing is ready for you.".to_owned());
        }
        Ok(Told { text: unwritten(input.dry_run, "take it", lines.join("\n")), structured })
    }
}
