//! `gtm plan`: plans of all kinds, their change log, their tasks; checking a document before it is sent.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use reqwest::Method;
use reqwest::header::ACCEPT;
use serde_json::{Value, json};

use super::client::{Client, segment};
use super::context::Context;
use super::failure::{Exit, Failure};
use super::screen::Screen;
use super::tasks;
use super::words::{NOTHING, shortened, text, when};
use crate::plans::model::Plan as Document;
use crate::plans::preflight::{Known, preflight};
use crate::plans::schedule::schedule;
use crate::plans::wording::{chain, span, stamp};
use crate::plans::{Fault, pattern};

/// Characters of an objective that a table shows.
const OBJECTIVE_SHOWN: usize = 60;

#[derive(Debug, Args)]
pub struct Plan {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List plans, newest first.
    List(List),
    /// A plan with its dates and how far it has come.
    Show(One),
    /// A plan as a document in Markdown.
    Report(Report),
    /// Every version with who made it, when, why, and what differs.
    Changes(One),
    /// The tasks of a plan.
    Tasks(One),
    /// Let a plan run.
    Start(Start),
    /// Call a plan off: what is not over is skipped.
    Cancel {
        /// The plan's id.
        id: String,
        /// Why.
        reason: String,
    },
    /// Say what holds at a gate.
    Review(Review),
    /// Look for faults in a document, and tell its dates; nothing is sent.
    Check(Check),
}

#[derive(Debug, Args)]
struct List {
    /// Only this kind: `handoff_design`, renewal, programme.
    #[arg(long)]
    kind: Option<String>,
    /// Only these: draft, running, done, cancelled.
    #[arg(long)]
    status: Option<String>,
    /// Only plans of this account.
    #[arg(long)]
    account: Option<String>,
    /// At most so many.
    #[arg(long, default_value_t = 50)]
    limit: usize,
}

#[derive(Debug, Args)]
struct One {
    /// The plan's id.
    id: String,
}

#[derive(Debug, Args)]
struct Report {
    /// The plan's id.
    id: String,
    /// In which zone instants are told, such as `Europe/Berlin`.
    #[arg(long, default_value = "UTC")]
    zone: String,
}

#[derive(Debug, Args)]
struct Start {
    /// The plan's id.
    id: String,
    /// A finding of the pre-flight that may be, by its name; may be given several times.
    #[arg(long, value_name = "NAME")]
    waive: Vec<String>,
    /// An input that is there already, by the name that tasks use; may be given several times.
    #[arg(long, value_name = "NAME")]
    given: Vec<String>,
}

#[derive(Debug, Args)]
struct Review {
    /// The plan's id.
    id: String,
    /// The gate, by its name in the plan.
    gate: String,
    /// Who says so.
    #[arg(long, value_name = "NAME")]
    by: String,
    /// A check that holds; may be given several times.
    #[arg(long, value_name = "CHECK", required_unless_present = "fails")]
    holds: Vec<String>,
    /// A check that does not hold; may be given several times.
    #[arg(long, value_name = "CHECK", requires = "note")]
    fails: Vec<String>,
    /// Why; needed where something does not hold.
    #[arg(long)]
    note: Option<String>,
}

#[derive(Debug, Args)]
struct Check {
    /// A plan document in JSON.
    file: PathBuf,
}

pub async fn run(args: Plan, context: &Context) -> anyhow::Result<()> {
    if let Action::Check(check) = &args.action {
        return Ok(checked(check, context)?);
    }
    let client = context.client().await?;
    match args.action {
        Action::List(args) => list(&client, &args, context).await?,
        Action::Show(One { id }) => {
            let plan = client.get(&path(&id, "")).await?;
            context.screen.document(&plan, |plan| shown(plan, &context.screen));
        }
        Action::Report(Report { id, zone }) => report(&client, &id, &zone, context).await?,
        Action::Changes(One { id }) => changes(&client, &id, context).await?,
        Action::Tasks(One { id }) => tasks::of_plan(&client, &id, context).await?,
        Action::Start(Start { id, waive, given }) => {
            let answer =
                client.post(&path(&id, "/start"), &json!({ "waive": waive, "given": given })).await?;
            context.screen.document(&answer, started);
        }
        Action::Cancel { id, reason } => {
            let plan = client.post(&path(&id, "/cancel"), &json!({ "reason": reason })).await?;
            context.screen.document(&plan, |plan| shown(plan, &context.screen));
        }
        Action::Review(review) => {
            let below = format!("/gates/{}/review", segment(&review.gate));
            let answer = client.post(&path(&review.id, &below), &verdicts(&review)).await?;
            context
                .screen
                .document(&answer, |answer| format!("Gate {}: {}", review.gate, text(answer, &["/status"])));
        }
        Action::Check(_) => {}
    }
    Ok(())
}

fn path(id: &str, rest: &str) -> String {
    format!("/v1/plans/{}{rest}", segment(id))
}

/// A plan that runs, with what may be.
fn started(answer: &Value) -> String {
    let waived = array(answer, "/findings");
    let mut lines = vec!["It runs.".to_owned()];
    lines.extend(waived.iter().map(|finding| format!("  {}", text(finding, &["/text"]))));
    lines.join("\n")
}

/// What somebody says of the checks of a gate.
fn verdicts(review: &Review) -> Value {
    let note = review.note.as_deref().unwrap_or_default();
    let holds = review.holds.iter().map(|check| (check.clone(), json!({ "holds": true, "note": note })));
    let fails = review.fails.iter().map(|check| (check.clone(), json!({ "holds": false, "note": note })));
    json!({ "by": review.by, "verdicts": holds.chain(fails).collect::<serde_json::Map<_, _>>() })
}

async fn list(client: &Client, args: &List, context: &Context) -> Result<(), Failure> {
    let asked = [
        ("kind", args.kind.as_deref()),
        ("status", args.status.as_deref()),
        ("accountId", args.account.as_deref()),
    ];
    let filters: Vec<(&str, &str)> =
        asked.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    let rows = client.list("/v1/plans", &filters, Some(args.limit)).await?;
    let headers = ["made", "kind", "account", "status", "ends", "version", "objective", "plan"];
    context.screen.list(&rows, "No such plans.", &headers, |row| {
        vec![
            when(row.get("createdAt")),
            text(row, &["/kind"]).replace('_', " "),
            text(row, &["/accountId"]),
            text(row, &["/status"]),
            when(row.get("endsAt")),
            text(row, &["/version"]),
            shortened(&text(row, &["/objective"]), OBJECTIVE_SHOWN),
            text(row, &["/planId"]),
        ]
    });
    Ok(())
}

fn shown(plan: &Value, screen: &Screen) -> String {
    let mut lines = vec![format!(
        "{} ({}, {})",
        text(plan, &["/objective"]),
        text(plan, &["/kind"]).replace('_', " "),
        text(plan, &["/status"])
    )];
    for (name, value) in [
        ("account", text(plan, &["/accountId"])),
        ("version", text(plan, &["/version"])),
        ("begins", when(plan.get("startsAt"))),
        ("ends", when(plan.get("endsAt"))),
        ("deadline", when(plan.get("deadline"))),
        ("start by", when(plan.get("startBy"))),
        ("shape", text(plan, &["/pattern/explanation"])),
    ] {
        if value != NOTHING {
            lines.push(format!("  {name:<9} {value}"));
        }
    }
    for one in array(plan, "/impossible") {
        lines.push(format!("  ! {}", text(one, &["/text"])));
    }
    let tasks = array(plan, "/tasks").iter().map(tasks::row);
    lines.push(screen.table(&tasks::HEADERS, tasks));
    for gate in array(plan, "/gates") {
        lines.push(format!("Gate {}: {}", text(gate, &["/name"]), text(gate, &["/status"])));
    }
    lines.join("\n")
}

fn array<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

async fn report(client: &Client, id: &str, zone: &str, context: &Context) -> Result<(), Failure> {
    let request = client
        .request(Method::GET, &path(id, "/report"))
        .query(&[("zone", zone)])
        .header(ACCEPT, "text/markdown");
    let answer = client.send(request).await?;
    let text = answer.text().await.map_err(|error| Failure::unreachable(client.url(), &error))?;
    let document = json!({ "planId": id, "mediaType": "text/markdown", "report": text });
    context.screen.document(&document, |_| text.clone());
    Ok(())
}

async fn changes(client: &Client, id: &str, context: &Context) -> Result<(), Failure> {
    let rows = client.list(&path(id, "/changes"), &[], None).await?;
    context.screen.list(&rows, "No versions.", &["version", "at", "by", "why", "what"], |row| {
        let words: Vec<&str> = array(row, "/summary").iter().filter_map(Value::as_str).collect();
        vec![
            text(row, &["/version"]),
            when(row.get("at")),
            text(row, &["/by"]),
            text(row, &["/why"]),
            words.join("\n"),
        ]
    });
    Ok(())
}

/// Finds faults with the service's own code.
fn checked(args: &Check, context: &Context) -> Result<(), Failure> {
    let file = args.file.display();
    let read = std::fs::read_to_string(&args.file);
    let read = read.map_err(|error| Failure::usage(format!("{file} cannot be read: {error}")))?;
    let deserializer = &mut serde_json::Deserializer::from_str(&read);
    let plan: Document = serde_path_to_error::deserialize(deserializer).map_err(|error| {
        Failure::new(
            Exit::BadAnswer,
            format!("{file} is no plan document: at `{}`: {}", error.path(), error.inner()),
        )
    })?;
    let schedule = schedule(&plan).map_err(|faults| {
        let lines: Vec<String> =
            faults.iter().map(|Fault { pointer, detail, .. }| format!("  {pointer}: {detail}")).collect();
        Failure::new(Exit::BadAnswer, format!("{file} has {} faults:\n{}", faults.len(), lines.join("\n")))
    })?;
    // The roster is not known here; the service looks at it when the plan is started.
    let findings = preflight(&plan, &Known::default());
    let told = json!({
        "startsAt": schedule.starts_at, "endsAt": schedule.ends_at, "startBy": schedule.start_by,
        "criticalPath": schedule.critical_path, "pattern": pattern(&plan), "findings": findings,
    });
    context.screen.document(&told, |_| {
        let mut lines = vec![
            format!("{} tasks, no faults.", plan.tasks.len()),
            format!("  from {} to {}", stamp(schedule.starts_at), stamp(schedule.ends_at)),
            format!(
                "  {} of work, {} of it on the critical path: {}",
                span(schedule.sequential),
                span(schedule.parallel),
                chain(&schedule.critical_path)
            ),
            format!("  {}", pattern(&plan).explanation),
        ];
        lines.extend(findings.iter().map(|finding| {
            format!("  {} {} ({})", if finding.blocks { "!" } else { "-" }, finding.text, finding.name)
        }));
        lines.join("\n")
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(Debug, clap::Parser)]
    struct Line {
        #[command(flatten)]
        review: Review,
    }

    #[test]
    fn a_review_says_who_and_what_of_each_check() {
        let parse = |line: &str| Line::try_parse_from(line.split(' '));
        let line = parse("x P ready --by Rosa --holds enabled --fails fits --note late").unwrap();
        let said = verdicts(&line.review);
        assert_eq!(said["by"], "Rosa");
        assert_eq!(said["verdicts"]["enabled"]["holds"], true);
        assert_eq!(said["verdicts"]["fits"], json!({ "holds": false, "note": "late" }));
        assert!(parse("x P ready --by Rosa").is_err(), "nothing is said");
        assert!(parse("x P ready --by Rosa --fails fits").is_err(), "a reason is needed");
    }
}
