//! `gtm programme` and `gtm agent run`: whole programmes and single agents, from a configuration to a workspace.
//!
//! Promises: a run is the service's and goes on whether somebody watches or not; a command that is broken off loses nothing, and
//! `--resume` watches again. Where no service runs, one is started for as long as the command takes. A folder that has
//! something else in it, or changes that nobody committed, is not written over.

mod export;
mod gates;
mod run;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::client::segment;
use super::context::Context;
use super::failure::Failure;
use super::words::{counted, text, when};

#[derive(Debug, Args)]
pub struct Programme {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Run a programme, or some phases of it, and watch.
    Run(run::Run),
    /// List programmes, newest first.
    List {
        /// Only those of this company.
        #[arg(long)]
        company: Option<String>,
        /// At most so many.
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// How far a programme is, its advice, and what it takes.
    Status { id: String },
    /// The files of a programme; the text of one, where a path is named.
    Files {
        id: String,
        /// Such as `strategy/gtm-strategy.md`.
        path: Option<String>,
    },
    /// The gates of a programme, each check with what speaks against it.
    Gates { id: String },
    /// Look at a gate anew, and say what nobody computes.
    Review(gates::Review),
    /// Hand in the deliverables of a task.
    Submit(Submit),
    /// Put a new version of a deliverable.
    Revise(Revise),
    /// Conflicts between outputs.
    Conflicts { id: String },
    /// Write a conflict down.
    Raise {
        id: String,
        /// The agent who has seen it.
        #[arg(long)]
        agent: String,
        /// A file that takes part in it; may be given several times.
        #[arg(long = "file", required = true)]
        files: Vec<String>,
        /// What contradicts what.
        description: String,
    },
    /// Decide a conflict.
    Decide {
        id: String,
        number: i32,
        decision: String,
        /// Why.
        #[arg(long)]
        because: String,
        /// A file that is to be changed; may be given several times, all of the conflict when left out.
        #[arg(long = "change", value_name = "PATH")]
        change: Vec<String>,
    },
    /// Hold a programme: nobody is given a task of it until it is resumed.
    Pause {
        id: String,
        /// Why, for whoever finds it held.
        #[arg(long)]
        note: String,
    },
    /// Let a programme go on that is held.
    Resume { id: String },
    /// Write the workspace as a git repository.
    Export(export::Export),
    /// Look for faults in a configuration, and say what would be run; nothing is kept.
    Check {
        /// The business configuration.
        config: PathBuf,
    },
}

#[derive(Debug, Args)]
struct Submit {
    /// The task's id, from `gtm tasks`.
    task: String,
    /// `PATH=FILE`, or a file alone where the task makes a single one.
    #[arg(required = true)]
    files: Vec<String>,
    /// From the claim; left out where you did it without claiming it.
    #[arg(long)]
    lease: Option<i64>,
}

#[derive(Debug, Args)]
struct Revise {
    id: String,
    /// Below the root of the workspace.
    path: String,
    /// The new text, with its head.
    file: PathBuf,
    /// Why it changes.
    #[arg(long)]
    why: String,
    /// The conflict whose decision is applied by it.
    #[arg(long)]
    conflict: Option<i32>,
}

/// `gtm agent`.
#[derive(Debug, Args)]
pub struct Agent {
    #[command(subcommand)]
    action: AgentAction,
}

#[derive(Debug, Subcommand)]
enum AgentAction {
    /// Run one agent with a task, and watch.
    Run(run::RunAgent),
}

pub async fn agent(args: Agent, context: &Context) -> anyhow::Result<()> {
    let AgentAction::Run(args) = args.action;
    run::agent(args, context).await
}

pub async fn run(args: Programme, context: &Context) -> anyhow::Result<()> {
    match args.action {
        Action::Run(args) => run::run(args, context).await?,
        Action::List { company, limit } => list(company.as_deref(), limit, context).await?,
        Action::Status { id } => {
            let programme = context.client().await?.get(&path(&id, "")).await?;
            context.screen.document(&programme, shown);
        }
        Action::Files { id, path } => files(&id, path.as_deref(), context).await?,
        Action::Gates { id } => gates::list(&id, context).await?,
        Action::Review(args) => gates::review(args, context).await?,
        Action::Submit(args) => submit(args, context).await?,
        Action::Revise(args) => revise(args, context).await?,
        Action::Conflicts { id } => conflicts(&id, context).await?,
        Action::Raise { id, agent, files, description } => {
            let body = json!({ "agent": agent, "files": files, "description": description });
            let conflict = context.client().await?.post(&path(&id, "/conflicts"), &body).await?;
            context.screen.document(&conflict, conflict_line);
        }
        Action::Decide { id, number, decision, because, change } => {
            let body = json!({ "decision": decision, "rationale": because, "change": change });
            let below = format!("/conflicts/{number}/decide");
            let conflict = context.client().await?.post(&path(&id, &below), &body).await?;
            context.screen.document(&conflict, conflict_line);
        }
        Action::Pause { id, note } => {
            let programme =
                context.client().await?.post(&path(&id, "/pause"), &json!({ "note": note })).await?;
            context.screen.document(&programme, shown);
        }
        Action::Resume { id } => {
            let programme = context.client().await?.post(&path(&id, "/resume"), &json!({})).await?;
            context.screen.document(&programme, shown);
        }
        Action::Export(args) => export::run(args, context).await?,
        Action::Check { config } => run::check(&config, context).await?,
    }
    Ok(())
}

/// The address of a programme, or of something below it.
fn path(id: &str, below: &str) -> String {
    format!("/v1/programmes/{}{below}", segment(id))
}

/// The text of a file of the user's.
fn read(file: &std::path::Path) -> Result<String, Failure> {
    std::fs::read_to_string(file)
        .map_err(|error| Failure::usage(format!("{} cannot be read: {error}", file.display())))
}

async fn list(company: Option<&str>, limit: usize, context: &Context) -> anyhow::Result<()> {
    let filters: Vec<(&str, &str)> = company.map(|company| ("company", company)).into_iter().collect();
    let rows = context.client().await?.list("/v1/programmes", &filters, Some(limit)).await?;
    let headers = ["made", "company", "product", "mode", "by", "programme"];
    context.screen.list(&rows, "No such programmes.", &headers, |row| {
        vec![
            when(row.get("createdAt")),
            text(row, &["/company"]),
            text(row, &["/product"]),
            text(row, &["/mode"]),
            text(row, &["/createdBy"]),
            text(row, &["/programmeId"]),
        ]
    });
    Ok(())
}

/// A run for a reader.
fn shown(programme: &Value) -> String {
    let mut lines = vec![format!(
        "{} of {}: {} ({})",
        text(programme, &["/product"]),
        text(programme, &["/company"]),
        text(programme, &["/plan/status"]),
        text(programme, &["/mode"])
    )];
    if programme.pointer("/plan/paused").is_some_and(Value::is_object) {
        lines.push(format!(
            "  held since {} by {}: {}",
            when(programme.pointer("/plan/paused/at")),
            text(programme, &["/plan/paused/by"]),
            text(programme, &["/plan/paused/why"])
        ));
    }
    let mut since = instant(programme.pointer("/plan/startedAt"));
    for phase in programme["phases"].as_array().into_iter().flatten() {
        let planned = instant(phase.get("plannedStart")).zip(instant(phase.get("plannedEnd")));
        let planned = planned.map(|(from, to)| format!(", planned {} min", (to - from).num_minutes()));
        let ended = instant(phase.get("endedAt"));
        let took =
            since.zip(ended).map(|(from, to)| format!(", took {} s", (to - from).num_seconds().max(0)));
        since = ended.or(since);
        lines.push(format!(
            "  {:<28} {:>3} of {:<3} tasks, {} of {} gates; estimated {} min{}{}",
            text(phase, &["/title"]),
            phase["done"],
            phase["tasks"],
            phase["gatesPassed"],
            phase["gates"],
            phase["estimatedMinutes"],
            planned.unwrap_or_default(),
            took.unwrap_or_default()
        ));
    }
    lines.extend(durations(programme));
    lines.push(format!("  {}", counted(programme["files"].as_u64().unwrap_or_default(), "file")));
    lines.extend(advice(&programme["advice"]));
    lines.join("\n")
}

fn instant(value: Option<&Value>) -> Option<chrono::DateTime<chrono::Utc>> {
    value?.as_str()?.parse().ok()
}

/// What a run takes: as estimated for a whole one, as planned, as it was; and what it cannot be shorter than.
fn durations(programme: &Value) -> Vec<String> {
    let number = |pointer: &str| programme.pointer(pointer).and_then(Value::as_i64);
    let minutes = |name: &str| number(&format!("/durations/{name}Minutes"));
    let planned = |name: &str| number(&format!("/durations/{name}Seconds")).map(|seconds| seconds / 60);
    let mut lines = Vec::new();
    let mut told = |what: &str, parallel: Option<i64>, sequential: Option<i64>| {
        if let (Some(parallel), Some(sequential)) = (parallel, sequential) {
            lines
                .push(format!("  {what}: {parallel} min side by side, {sequential} min one after the other"));
        }
    };
    told("estimated for a whole run", minutes("sourceParallel"), minutes("sourceSequential"));
    told("planned for this one", planned("plannedParallel"), planned("plannedSequential"));
    if let Some(seconds) = number("/durations/actualSeconds") {
        let what = if programme.pointer("/plan/status") == Some(&json!("done")) { "took" } else { "so far" };
        lines.push(format!("  {what}: {seconds} s"));
    }
    let path = programme.pointer("/plan/criticalPath").and_then(Value::as_array);
    let path: Vec<&str> = path.into_iter().flatten().filter_map(Value::as_str).collect();
    if !path.is_empty() {
        lines.push(format!("  critical path: {}", path.join(" → ")));
    }
    lines
}

/// The coordinator's look, for a reader.
fn advice(advice: &Value) -> Vec<String> {
    let mut lines = vec![format!("Scenario: {}. {}", text(advice, &["/scenario"]), text(advice, &["/risk"]))];
    for doubt in advice["doubts"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        lines.push(format!("  ! {doubt}"));
    }
    lines.push(format!(
        "Advice: run `{}`, because: {}",
        text(advice, &["/run"]),
        text(advice, &["/because"])
    ));
    let agents: Vec<&str> =
        advice["agents"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if !agents.is_empty() {
        lines.push(format!("  by {}", agents.join(", ")));
    }
    lines.push(format!("Course: {}. {}", text(advice, &["/course/advice"]), text(advice, &["/course/why"])));
    for asked in advice["asked"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        lines.push(format!("  restart as well if: {}", crate::programmes::draft::words::small(asked)));
    }
    lines
}

async fn files(id: &str, file: Option<&str>, context: &Context) -> anyhow::Result<()> {
    let client = context.client().await?;
    if let Some(file) = file {
        let below: Vec<String> = file.split('/').map(segment).collect();
        let request = client.request(reqwest::Method::GET, &path(id, &format!("/files/{}", below.join("/"))));
        let answer = client.send(request).await?;
        let content = answer.text().await.map_err(|error| Failure::unreachable(client.url(), &error))?;
        let document = json!({ "path": file, "content": content });
        context.screen.document(&document, |_| content.clone());
        return Ok(());
    }
    let answer = client.get(&path(id, "/files")).await?;
    let rows = answer["data"].as_array().cloned().unwrap_or_default();
    context.screen.list(&rows, "No files yet.", &["path", "version", "agent", "made", "bytes"], |row| {
        vec![
            text(row, &["/path"]),
            text(row, &["/version"]),
            text(row, &["/agent"]),
            when(row.get("madeAt")),
            text(row, &["/bytes"]),
        ]
    });
    Ok(())
}

async fn submit(args: Submit, context: &Context) -> anyhow::Result<()> {
    let mut files = Vec::new();
    for given in &args.files {
        let (path, file) =
            given.split_once('=').map_or((None, given.as_str()), |(path, file)| (Some(path), file));
        files.push(json!({ "path": path, "text": read(std::path::Path::new(file))? }));
    }
    let body = json!({ "lease": args.lease, "data": { "files": files } });
    let below = format!("/v1/tasks/{}/complete", segment(&args.task));
    let task = context.client().await?.post(&below, &body).await?;
    context
        .screen
        .document(&task, |task| format!("Task {} is {}.", text(task, &["/name"]), text(task, &["/status"])));
    Ok(())
}

async fn revise(args: Revise, context: &Context) -> anyhow::Result<()> {
    let client = context.client().await?;
    let below: Vec<String> = args.path.split('/').map(segment).collect();
    let body = json!({ "text": read(&args.file)?, "why": args.why, "conflict": args.conflict });
    let request =
        client.request(reqwest::Method::PUT, &path(&args.id, &format!("/files/{}", below.join("/"))));
    let put = client.json(request.json(&body)).await?;
    context.screen.document(&put, |put| {
        format!("{} is at version {} now.", text(put, &["/path"]), text(put, &["/version"]))
    });
    Ok(())
}

async fn conflicts(id: &str, context: &Context) -> anyhow::Result<()> {
    let answer = context.client().await?.get(&path(id, "/conflicts")).await?;
    let rows = answer["data"].as_array().cloned().unwrap_or_default();
    let headers = ["number", "status", "raised", "by", "what", "decision"];
    context.screen.list(&rows, "No conflicts.", &headers, |row| {
        vec![
            text(row, &["/number"]),
            text(row, &["/status"]),
            when(row.get("raisedAt")),
            text(row, &["/raisedBy"]),
            text(row, &["/description"]),
            text(row, &["/decision"]),
        ]
    });
    Ok(())
}

fn conflict_line(conflict: &Value) -> String {
    format!("Conflict {} is {}.", text(conflict, &["/number"]), text(conflict, &["/status"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_tells_what_was_estimated_what_is_planned_and_what_it_took() {
        let programme = json!({
            "product": "Shift", "company": "Kelpline", "mode": "full", "files": 3,
            "plan": {
                "status": "running", "startedAt": "2026-02-10T09:00:00Z",
                "criticalPath": ["gtm-strategy:gtm-strategy", "core-messaging:positioning"],
            },
            "phases": [
                { "title": "Strategy", "done": 2, "tasks": 2, "gatesPassed": 3, "gates": 3, "estimatedMinutes": 30,
                  "plannedStart": "2026-02-10T09:00:00Z", "plannedEnd": "2026-02-10T09:30:00Z",
                  "endedAt": "2026-02-10T09:00:12Z" },
                { "title": "Execution", "done": 0, "tasks": 4, "gatesPassed": 0, "gates": 1, "estimatedMinutes": 60,
                  "plannedStart": "2026-02-10T09:30:00Z", "plannedEnd": "2026-02-10T10:30:00Z", "endedAt": null },
            ],
            "durations": {
                "sourceParallelMinutes": 150, "sourceSequentialMinutes": 240, "plannedParallelSeconds": 5400,
                "plannedSequentialSeconds": 7200, "actualSeconds": 12,
            },
            "advice": { "scenario": "New market", "agents": ["coordinator"], "asked": ["The market is another one"] },
        });
        let said = shown(&programme);
        for line in [
            "estimated 30 min, planned 30 min, took 12 s",
            "estimated 60 min, planned 60 min\n",
            "estimated for a whole run: 150 min side by side, 240 min one after the other",
            "planned for this one: 90 min side by side, 120 min one after the other",
            "so far: 12 s",
            "critical path: gtm-strategy:gtm-strategy → core-messaging:positioning",
            "  by coordinator",
            "  restart as well if: the market is another one",
        ] {
            assert!(said.contains(line), "{line}\n{said}");
        }
    }
}
