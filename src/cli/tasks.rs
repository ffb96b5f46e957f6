//! `gtm tasks`: looking for work, taking it, handing it over.

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::client::{Client, segment};
use super::context::Context;
use super::failure::Failure;
use super::words::{counted, text, when};

/// The columns of a table of tasks.
pub const HEADERS: [&str; 7] = ["from", "to", "task", "owner", "work", "status", "id"];

#[derive(Debug, Args)]
pub struct Tasks {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    list: List,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List tasks of all plans (the default), those that begin first before the others.
    List(List),
    /// Take tasks that are ready.
    Claim(Claim),
    /// A task is done.
    Complete(Complete),
    /// A task did not work this time.
    Fail(Fail),
    /// A sign of life: hold a task for longer.
    Heartbeat(Heartbeat),
    /// A task need not be done; what waits for it goes on.
    Skip(Why),
    /// Let a task that was escalated be tried again, with as many retries as at first.
    Retry {
        /// The task's id.
        id: String,
    },
    /// A task cannot be done; what waits for it goes on waiting.
    GiveUp(Why),
}

#[derive(Debug, Args)]
struct List {
    /// Only these: waiting, ready, claimed, escalated, done, skipped, failed.
    #[arg(long)]
    status: Option<String>,
    /// Only this kind of work.
    #[arg(long)]
    work: Option<String>,
    /// Only tasks of this role.
    #[arg(long)]
    owner: Option<String>,
    /// Only tasks past their planned end that are not over.
    #[arg(long)]
    overdue: bool,
    /// At most so many.
    #[arg(long, default_value_t = 50)]
    limit: usize,
}

#[derive(Debug, Args)]
struct Claim {
    /// As you call yourself, such as `agent-7`.
    agent: String,
    /// Only this kind of work; may be given several times.
    #[arg(long = "kind")]
    kinds: Vec<String>,
    /// At most so many.
    #[arg(long, default_value_t = 1)]
    max: i64,
    /// How long they are yours without a sign of life.
    #[arg(long, default_value = "15m")]
    lease: String,
}

#[derive(Debug, Args)]
struct Complete {
    /// The task's id.
    id: String,
    /// From the claim; left out where you did it without claiming it.
    #[arg(long)]
    lease: Option<i64>,
    /// What is there now; may be given several times.
    #[arg(long = "output")]
    outputs: Vec<String>,
    /// A word about it.
    #[arg(long)]
    note: Option<String>,
}

#[derive(Debug, Args)]
struct Fail {
    /// The task's id.
    id: String,
    /// Why.
    reason: String,
    /// From the claim; left out where you tried it without claiming it.
    #[arg(long)]
    lease: Option<i64>,
}

#[derive(Debug, Args)]
struct Heartbeat {
    /// The task's id.
    id: String,
    /// From the claim.
    #[arg(long)]
    lease: i64,
    /// For how long from now on.
    #[arg(long = "for", default_value = "15m", value_name = "LENGTH")]
    held_for: String,
}

#[derive(Debug, Args)]
struct Why {
    /// The task's id.
    id: String,
    /// Why.
    reason: String,
}

pub async fn run(args: Tasks, context: &Context) -> anyhow::Result<()> {
    let client = context.client().await?;
    match args.action.unwrap_or(Action::List(args.list)) {
        Action::List(which) => list(&client, &which, context).await?,
        Action::Claim(claim) => {
            let answer = client.post("/v1/tasks/claim", &asked(&claim)).await?;
            context.screen.document(&answer, claimed);
        }
        Action::Complete(done) => {
            let mut body = Map::from_iter([("outputs".to_owned(), json!(done.outputs))]);
            body.extend(done.lease.map(|lease| ("lease".to_owned(), json!(lease))));
            body.extend(done.note.map(|note| ("note".to_owned(), json!(note))));
            let answer = client.post(&path(&done.id, "complete"), &body.into()).await?;
            context.screen.document(&answer, standing);
        }
        Action::Fail(failed) => {
            let mut body = Map::from_iter([("reason".to_owned(), json!(failed.reason))]);
            body.extend(failed.lease.map(|lease| ("lease".to_owned(), json!(lease))));
            let answer = client.post(&path(&failed.id, "fail"), &body.into()).await?;
            context.screen.document(&answer, standing);
        }
        Action::Heartbeat(alive) => {
            let body = json!({ "lease": alive.lease, "for": alive.held_for });
            let answer = client.post(&path(&alive.id, "heartbeat"), &body).await?;
            context.screen.document(&answer, held);
        }
        Action::Skip(why) => {
            decided(&client, &why.id, "skip", json!({ "reason": why.reason }), context).await?;
        }
        Action::Retry { id } => decided(&client, &id, "retry", json!({}), context).await?,
        Action::GiveUp(why) => {
            decided(&client, &why.id, "give-up", json!({ "reason": why.reason }), context).await?;
        }
    }
    Ok(())
}

fn path(id: &str, action: &str) -> String {
    format!("/v1/tasks/{}/{action}", segment(id))
}

/// What a person decides about a task.
async fn decided(
    client: &Client,
    id: &str,
    action: &str,
    body: Value,
    context: &Context,
) -> Result<(), Failure> {
    let answer = client.post(&path(id, action), &body).await?;
    context.screen.document(&answer, standing);
    Ok(())
}

fn held(lease: &Value) -> String {
    format!("Held until {} under lease {}.", when(lease.get("leaseUntil")), text(lease, &["/lease"]))
}

fn asked(claim: &Claim) -> Value {
    let mut body = json!({ "agent": claim.agent, "max": claim.max, "lease": claim.lease });
    if !claim.kinds.is_empty() {
        body["kinds"] = json!(claim.kinds);
    }
    body
}

/// A task as a row under [`HEADERS`].
pub fn row(task: &Value) -> Vec<String> {
    let held = text(task, &["/heldBy"]);
    let status = text(task, &["/status"]);
    vec![
        when(task.get("startAt")),
        when(task.get("endAt")),
        text(task, &["/title"]),
        text(task, &["/owner"]),
        text(task, &["/work"]),
        if status == "claimed" { format!("claimed by {held}") } else { status },
        text(task, &["/taskId"]),
    ]
}

async fn list(client: &Client, which: &List, context: &Context) -> Result<(), Failure> {
    let asked = [
        ("status", which.status.as_deref()),
        ("work", which.work.as_deref()),
        ("owner", which.owner.as_deref()),
        ("overdue", which.overdue.then_some("true")),
    ];
    let filters: Vec<(&str, &str)> =
        asked.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    let rows = client.list("/v1/tasks", &filters, Some(which.limit)).await?;
    context.screen.list(&rows, "No such tasks.", &HEADERS, row);
    Ok(())
}

/// The tasks of one plan.
pub async fn of_plan(client: &Client, id: &str, context: &Context) -> Result<(), Failure> {
    let rows = client.list("/v1/tasks", &[("planId", id)], None).await?;
    context.screen.list(&rows, "No such plan, or it has no tasks.", &HEADERS, row);
    Ok(())
}

fn claimed(answer: &Value) -> String {
    let tasks = answer["tasks"].as_array().map(Vec::as_slice).unwrap_or_default();
    if tasks.is_empty() {
        return "Nothing to do.".to_owned();
    }
    let told = tasks.iter().map(|task| {
        format!(
            "{} ({})\n  task {}  lease {}  until {}",
            text(task, &["/title"]),
            text(task, &["/work"]),
            text(task, &["/taskId"]),
            text(task, &["/lease"]),
            when(task.get("leaseUntil"))
        )
    });
    format!("{}\n{}", counted(tasks.len() as u64, "task"), told.collect::<Vec<_>>().join("\n"))
}

fn standing(task: &Value) -> String {
    let failures = task["failures"].as_u64().unwrap_or_default();
    let more = if failures > 0 { format!(", after {}", counted(failures, "failure")) } else { String::new() };
    format!("{} is {}{more}.", text(task, &["/title"]), text(task, &["/status"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_told_in_words() {
        assert_eq!(claimed(&json!({ "tasks": [] })), "Nothing to do.");
        let task = json!({ "title": "Draft", "status": "ready", "failures": 1 });
        assert_eq!(standing(&task), "Draft is ready, after 1 failure.");
        let task = json!({ "title": "Draft", "status": "claimed", "heldBy": "agent-7" });
        assert_eq!(row(&task)[5], "claimed by agent-7");
        let lease = json!({ "lease": 3, "leaseUntil": "2027-01-12T09:15:00Z" });
        assert_eq!(held(&lease), "Held until 2027-01-12 09:15 under lease 3.");
    }

    #[test]
    fn a_claim_asks_for_what_it_says() {
        let claim = Claim { agent: "a".to_owned(), kinds: Vec::new(), max: 2, lease: "5m".to_owned() };
        assert_eq!(asked(&claim), json!({ "agent": "a", "max": 2, "lease": "5m" }));
    }
}
