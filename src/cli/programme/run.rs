//! Starting a run and watching it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use super::super::client::Client;
use super::super::context::Context;
use super::super::failure::{Exit, Failure};
use super::super::words::{counted, text};
use super::{advice, export, path, read};

/// How often a run is looked at while it is watched.
const LOOK_EVERY: Duration = Duration::from_millis(200);

#[derive(Debug, Args)]
pub struct Run {
    /// `all`, or phases parted by commas, such as `pipeline-building,execution`.
    #[arg(long, default_value = "all", conflicts_with = "phase")]
    phases: String,
    /// A single phase, such as `strategy`.
    #[arg(long)]
    phase: Option<String>,
    /// The business configuration.
    #[arg(long, value_name = "CONFIG.md", required_unless_present = "resume")]
    config: Option<PathBuf>,
    /// Watch a run that was begun before.
    #[arg(long, value_name = "ID", conflicts_with_all = ["config", "phase"])]
    resume: Option<String>,
    #[command(flatten)]
    how: How,
}

#[derive(Debug, Args)]
pub struct RunAgent {
    /// Such as `growth-analyst`.
    agent: String,
    /// What it is to do.
    #[arg(long)]
    task: String,
    /// The business configuration; that of the newest programme when left out.
    #[arg(long, value_name = "CONFIG.md")]
    config: Option<PathBuf>,
    #[command(flatten)]
    how: How,
}

#[derive(Debug, Args)]
struct How {
    /// Write the workspace there, as a git repository.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Who fills the agents: `drafter`, `model`, `outside`, `assistant`, `person`, or for one agent `AGENT=WORKER`; may be given several times.
    #[arg(long = "worker", value_name = "WORKER")]
    workers: Vec<String>,
    /// The programme whose files this one builds on.
    #[arg(long, value_name = "ID")]
    based_on: Option<String>,
    /// Run although inputs are missing.
    #[arg(long)]
    without_inputs: bool,
    /// Do not watch.
    #[arg(long)]
    detach: bool,
}

pub async fn run(args: Run, context: &Context) -> anyhow::Result<()> {
    export::check(args.how.out.as_deref())?;
    let client = context.client().await?;
    let id = match (args.resume, &args.config) {
        (Some(id), _) => id,
        (None, Some(file)) => {
            let phases = args.phase.unwrap_or(args.phases);
            let phases: Vec<&str> = match phases.as_str() {
                "all" => Vec::new(),
                list => list.split(',').map(str::trim).filter(|phase| !phase.is_empty()).collect(),
            };
            let mut body = body(&args.how, &read(file)?);
            body["phases"] = json!(phases);
            begin(&client, &body, context).await?
        }
        (None, None) => {
            return Err(Failure::usage("name the business configuration with --config CONFIG.md").into());
        }
    };
    follow(&client, &id, &args.how, context).await
}

pub async fn agent(args: RunAgent, context: &Context) -> anyhow::Result<()> {
    export::check(args.how.out.as_deref())?;
    let client = context.client().await?;
    let config = match &args.config {
        Some(file) => read(file)?,
        None => newest_config(&client).await?,
    };
    let mut body = body(&args.how, &config);
    body["agent"] = args.agent.into();
    body["task"] = args.task.into();
    let id = begin(&client, &body, context).await?;
    follow(&client, &id, &args.how, context).await
}

/// The configuration of the newest programme.
async fn newest_config(client: &Client) -> anyhow::Result<String> {
    let rows = client.list("/v1/programmes", &[], Some(1)).await?;
    let Some(id) = rows.first().and_then(|row| row["programmeId"].as_str()) else {
        return Err(Failure::usage(
            "there is no programme yet whose configuration could be used; name one with --config CONFIG.md",
        )
        .into());
    };
    let request = client.request(reqwest::Method::GET, &path(id, "/files/CONFIG.md"));
    let answer = client.send(request).await?;
    Ok(answer.text().await.map_err(|error| Failure::unreachable(client.url(), &error))?)
}

pub async fn check(file: &Path, context: &Context) -> anyhow::Result<()> {
    let body = json!({ "config": read(file)?, "dryRun": true });
    let made = context.client().await?.post("/v1/programmes", &body).await?;
    context.screen.document(&made, |made| begun(made).join("\n"));
    Ok(())
}

fn body(how: &How, config: &str) -> Value {
    let mut workers = json!({});
    for given in &how.workers {
        match given.split_once('=') {
            Some((agent, worker)) => workers["agents"][agent] = worker.into(),
            None => workers["all"] = given.as_str().into(),
        }
    }
    json!({
        "config": config,
        "workers": workers,
        "basedOn": how.based_on,
        "withoutInputs": how.without_inputs,
    })
}

/// Makes and starts a run; gives its id.
async fn begin(client: &Client, body: &Value, context: &Context) -> anyhow::Result<String> {
    let made = client.post("/v1/programmes", body).await?;
    if !context.screen.json {
        for line in begun(&made) {
            context.screen.line(line);
        }
    }
    Ok(text(&made, &["/programmeId"]))
}

fn begun(made: &Value) -> Vec<String> {
    let count = |name: &str| made[name].as_u64().unwrap_or_default();
    let mut lines =
        vec![format!("{} and {}.", counted(count("tasks"), "task"), counted(count("gates"), "gate"))];
    if let Some(id) = made["programmeId"].as_str() {
        lines[0] = format!("Programme {id}: {}", lines[0]);
    }
    for warning in made["warnings"].as_array().into_iter().flatten() {
        lines.push(format!("  ? {}: {}", text(warning, &["/path"]), text(warning, &["/message"])));
    }
    lines.extend(advice(&made["advice"]));
    lines
}

async fn follow(client: &Client, id: &str, how: &How, context: &Context) -> anyhow::Result<()> {
    if how.detach {
        let goes_on = if context.ends_with_command().await {
            "It goes on as soon as a service runs, or another command that starts one"
        } else {
            "It goes on by itself"
        };
        context.screen.line(format!("{goes_on}; watch it with `gtm programme run --resume {id}`."));
        return Ok(());
    }
    let programme = watch(client, id, context).await?;
    if context.screen.json {
        context.screen.line(format!("{programme:#}"));
    } else {
        for line in super::shown(&programme).lines() {
            context.screen.line(line);
        }
    }
    if let Some(folder) = &how.out {
        export::write(client, id, folder).await?;
        if !context.screen.json {
            context.screen.line(format!("The workspace is in {}.", folder.display()));
        }
    }
    Ok(())
}

/// Tells what happens until the run is over or waits for somebody.
async fn watch(client: &Client, id: &str, context: &Context) -> anyhow::Result<Value> {
    let mut told = BTreeSet::new();
    loop {
        let programme = client.get(&path(id, "")).await?;
        for line in news(&programme, &mut told) {
            if !context.screen.json {
                context.screen.line(line);
            }
        }
        match programme.pointer("/plan/status").and_then(Value::as_str) {
            Some("done") => return Ok(programme),
            Some("running") => {}
            other => {
                return Err(Failure::new(
                    Exit::Refused,
                    format!("The programme is {}.", other.unwrap_or("gone")),
                )
                .into());
            }
        }
        if let Some(stopped) = stopped(&programme, id) {
            return Err(Failure::new(Exit::Refused, stopped).into());
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// What has happened that was not told yet.
fn news(programme: &Value, told: &mut BTreeSet<String>) -> Vec<String> {
    let mut lines = Vec::new();
    let titles = |name: &str| {
        let tasks = programme.pointer("/plan/plan/tasks").and_then(Value::as_array);
        tasks.into_iter().flatten().find(|task| task["id"] == name).map(|task| text(task, &["/title"]))
    };
    for task in programme.pointer("/plan/tasks").and_then(Value::as_array).into_iter().flatten() {
        let (name, status) = (text(task, &["/name"]), text(task, &["/status"]));
        let sign = match status.as_str() {
            "done" => "✓",
            "skipped" => "–",
            "escalated" | "failed" => "✗",
            _ => continue,
        };
        if told.insert(format!("{name}:{status}")) {
            lines.push(format!("{sign} {}", titles(&name).unwrap_or(name)));
        }
    }
    for gate in programme.pointer("/plan/gates").and_then(Value::as_array).into_iter().flatten() {
        let (name, status) = (text(gate, &["/name"]), text(gate, &["/status"]));
        if ["passed", "failed"].contains(&status.as_str()) && told.insert(format!("{name}:{status}")) {
            let sign = if status == "passed" { "✓" } else { "✗" };
            lines.push(format!("{sign} gate “{}” {status}", name.trim_start_matches("gate:")));
        }
    }
    lines
}

/// Why a run does not go on by itself, with what to do.
fn stopped(programme: &Value, id: &str) -> Option<String> {
    let gates = programme.pointer("/plan/gates").and_then(Value::as_array);
    let failed: Vec<String> = gates
        .into_iter()
        .flatten()
        .filter(|gate| gate["status"] == "failed" || (gate["status"] == "open" && says_something(gate)))
        .map(|gate| text(gate, &["/name"]).trim_start_matches("gate:").to_owned())
        .collect();
    let tasks = || programme.pointer("/plan/tasks").and_then(Value::as_array).into_iter().flatten();
    let is = |status: &str| tasks().any(|task| task["status"] == status);
    if programme.pointer("/plan/paused").is_some_and(Value::is_object) && !is("claimed") {
        let why = text(programme, &["/plan/paused/why"]);
        return Some(format!("It is held: {why}. `gtm programme resume {id}` lets it go on."));
    }
    let busy = is("ready") || is("claimed");
    let stuck: Vec<String> =
        tasks().filter(|task| task["status"] == "escalated").map(|task| text(task, &["/title"])).collect();
    if !stuck.is_empty() && !busy {
        return Some(format!(
            "Nobody could do {}. `gtm tasks --status escalated` has the ids: let it be tried again with `gtm tasks retry`, or skip \
             it with `gtm tasks skip`.",
            stuck.join(", ")
        ));
    }
    (!failed.is_empty() && !busy).then(|| {
        format!(
            "The gate {} has not passed. `gtm programme gates {id}` says why; mend the file with `gtm programme revise`, or attest \
             with `gtm programme review`.",
            failed.join(", ")
        )
    })
}

/// Whether all that is computed was computed, so that only people are waited for.
fn says_something(gate: &Value) -> bool {
    gate["verdicts"].as_object().is_some_and(|verdicts| !verdicts.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_thing_is_told_once() {
        let mut told = BTreeSet::new();
        let programme = json!({"plan": {
            "plan": {"tasks": [{"id": "a", "title": "Personas"}]},
            "tasks": [{"name": "a", "status": "done"}, {"name": "b", "status": "ready"}],
            "gates": [{"name": "gate:strategy", "status": "failed"}],
        }});
        assert_eq!(news(&programme, &mut told), ["✓ Personas", "✗ gate “strategy” failed"]);
        assert!(news(&programme, &mut told).is_empty());
    }

    #[test]
    fn a_failed_gate_stops_the_watching_once_nobody_works() {
        let mut programme = json!({"plan": {
            "tasks": [{"name": "a", "status": "claimed"}],
            "gates": [{"name": "gate:strategy", "status": "failed", "verdicts": {}}],
        }});
        assert!(stopped(&programme, "x").is_none());
        programme["plan"]["tasks"][0]["status"] = json!("waiting");
        assert!(stopped(&programme, "x").unwrap().contains("gtm programme gates x"));
        programme["plan"]["tasks"][0] = json!({"name": "a", "title": "Personas", "status": "escalated"});
        assert!(stopped(&programme, "x").unwrap().starts_with("Nobody could do Personas. "));
    }

    #[test]
    fn a_run_that_is_held_stops_the_watching_once_nobody_works() {
        let mut programme = json!({"plan": {
            "paused": {"why": "The board meets"}, "gates": [], "tasks": [{"name": "a", "status": "claimed"}],
        }});
        assert!(stopped(&programme, "x").is_none());
        programme["plan"]["tasks"][0]["status"] = json!("ready");
        assert!(stopped(&programme, "x").unwrap().contains("gtm programme resume x"));
    }
}
