//! `gtm define-handoff` and `gtm design`: from what is wanted of a segment's handoffs to a signed packet to live routing.
//!
//! Promises: documents are written as the service tells them; a plan is saved under a name that no earlier one has.

mod inputs;
mod shown;

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use reqwest::Method;
use reqwest::header::{ACCEPT, ETAG, IF_MATCH};
use serde_json::{Value, json};

use super::client::{Client, segment};
use super::context::Context;
use super::failure::Failure;
use super::words::{text, when};
pub use inputs::Inputs;

/// Where plans are saved when nobody says where.
const PLANS: &str = ".claude/plans";

#[derive(Debug, Args)]
pub struct DefineHandoff {
    #[command(flatten)]
    inputs: Inputs,
    /// Compute it and write nothing.
    #[arg(long)]
    dry_run: bool,
    /// Write the packet there: Markdown, HTML, the plan and the whole answer as JSON.
    #[arg(long, value_name = "DIR", conflicts_with = "dry_run")]
    out: Option<PathBuf>,
    /// Save the plan as `plan-TIMESTAMP.json` in a folder.
    #[arg(long, value_name = "DIR", num_args = 0..=1, default_missing_value = PLANS, conflicts_with = "dry_run")]
    save_plan: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Design {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List designs, newest first.
    List {
        /// Only those that stand so, such as `approved`.
        #[arg(long)]
        status: Option<String>,
    },
    /// A design: what it promises, who signed, what would change.
    Show { id: String },
    /// The packet as a document.
    Document {
        id: String,
        /// As a web page instead of Markdown.
        #[arg(long)]
        html: bool,
    },
    /// Every version, with what differs.
    Changes { id: String },
    /// Make another version: what is given replaces what was there.
    Change {
        id: String,
        /// Why; kept with the version.
        #[arg(long)]
        why: String,
        /// What differs, as a JSON merge patch, such as '{"responseSla": "4h"}'.
        #[arg(long, default_value = "{}")]
        set: String,
        #[arg(long)]
        author: Option<String>,
    },
    /// Sign the newest version.
    Approve {
        id: String,
        /// `revops` or `sales_leadership`.
        #[arg(long)]
        role: String,
        /// Who signs.
        #[arg(long)]
        name: String,
        #[arg(long)]
        comment: Option<String>,
    },
    /// Make the newest version live.
    Apply {
        id: String,
        /// At an instant, such as 2027-03-01T08:00:00Z, instead of now.
        #[arg(long)]
        at: Option<String>,
    },
    /// Take a live design back, or call off a scheduled one.
    Rollback {
        id: String,
        #[arg(long)]
        why: String,
    },
    /// Save the plan as `plan-TIMESTAMP.json`.
    SavePlan {
        id: String,
        #[arg(default_value = PLANS)]
        dir: PathBuf,
    },
}

/// The address of a design, or of something below it.
fn path(id: &str, below: &str) -> String {
    format!("/v1/handoff-designs/{}{below}", segment(id))
}

pub async fn define(args: DefineHandoff, context: &Context) -> anyhow::Result<()> {
    let mut body = args.inputs.body()?;
    body["dryRun"] = json!(args.dry_run);
    let client = context.client().await?;
    let design = client.post("/v1/handoff-designs", &body).await?;
    context.screen.document(&design, |design| shown::design(design, &context.screen));
    let Some(id) = design["designId"].as_str() else { return Ok(()) };
    if let Some(dir) = &args.out {
        write_packet(&client, id, &design, dir, context).await?;
    }
    if let Some(dir) = &args.save_plan {
        save_plan(&client, id, dir, context).await?;
    }
    Ok(())
}

pub async fn run(args: Design, context: &Context) -> anyhow::Result<()> {
    let client = context.client().await?;
    let screen = &context.screen;
    match args.action {
        Action::List { status } => {
            let filters: Vec<(&str, &str)> =
                status.as_deref().map(|status| ("status", status)).into_iter().collect();
            let rows = client.list("/v1/handoff-designs", &filters, None).await?;
            let headers = ["design", "segment", "goal", "type", "status", "version", "changed"];
            screen.list(&rows, "No designs.", &headers, |row| {
                vec![
                    text(row, &["/designId"]),
                    text(row, &["/segment"]),
                    text(row, &["/goal"]),
                    text(row, &["/handoffType"]),
                    text(row, &["/status"]).replace('_', " "),
                    text(row, &["/version"]),
                    when(row.get("changedAt")),
                ]
            });
        }
        Action::Show { id } => {
            let design = client.get(&path(&id, "")).await?;
            screen.document(&design, |design| shown::design(design, screen));
        }
        Action::Document { id, html } => {
            let kind = if html { "text/html" } else { "text/markdown" };
            let told = document(&client, &id, html).await?;
            let answer = json!({ "designId": id, "mediaType": kind, "document": told });
            screen.document(&answer, |_| told.clone());
        }
        Action::Changes { id } => {
            let changes = client.get(&path(&id, "/changes")).await?;
            screen.document(&changes, shown::changes);
        }
        Action::Change { id, why, set, author } => {
            let changes: Value = serde_json::from_str(&set)
                .map_err(|error| Failure::usage(format!("--set is no JSON: {error}")))?;
            let design =
                change(&client, &id, &json!({ "changes": changes, "why": why, "author": author })).await?;
            screen.document(&design, |design| shown::design(design, screen));
        }
        Action::Approve { id, role, name, comment } => {
            let body = json!({ "role": role.replace('-', "_"), "name": name, "comment": comment });
            let design = client.post(&path(&id, "/approvals"), &body).await?;
            screen.document(&design, shown::signed);
        }
        Action::Apply { id, at } => {
            let body = at.map_or_else(|| json!({}), |at| json!({ "at": at }));
            let design = client.post(&path(&id, "/apply"), &body).await?;
            screen.document(&design, shown::applied);
        }
        Action::Rollback { id, why } => {
            let design = client.post(&path(&id, "/rollback"), &json!({ "why": why })).await?;
            screen.document(&design, shown::applied);
        }
        Action::SavePlan { id, dir } => save_plan(&client, &id, &dir, context).await?,
    }
    Ok(())
}

/// Changes a design as it stands now.
async fn change(client: &Client, id: &str, body: &Value) -> Result<Value, Failure> {
    let present = client.send(client.request(Method::GET, &path(id, ""))).await?;
    let tag = present.headers().get(ETAG).cloned();
    let mut request = client.request(Method::PATCH, &path(id, "")).json(body);
    if let Some(tag) = tag {
        request = request.header(IF_MATCH, tag);
    }
    client.json(request).await
}

async fn document(client: &Client, id: &str, html: bool) -> Result<String, Failure> {
    let kind = if html { "text/html" } else { "text/markdown" };
    let answer =
        client.send(client.request(Method::GET, &path(id, "/document")).header(ACCEPT, kind)).await?;
    answer.text().await.map_err(|error| Failure::unreachable(client.url(), &error))
}

async fn write_packet(
    client: &Client,
    id: &str,
    design: &Value,
    dir: &Path,
    context: &Context,
) -> anyhow::Result<()> {
    let plan = client.get(&path(id, "/plan.json")).await?;
    let files = [
        ("handoff-design.md", document(client, id, false).await?),
        ("handoff-design.html", document(client, id, true).await?),
        ("plan.json", format!("{plan:#}\n")),
        ("design.json", format!("{design:#}\n")),
    ];
    std::fs::create_dir_all(dir).with_context(|| format!("{} cannot be made", dir.display()))?;
    for (name, content) in files {
        let file = dir.join(name);
        std::fs::write(&file, content).with_context(|| format!("{} cannot be written", file.display()))?;
        said(context, &file);
    }
    Ok(())
}

/// Tells of a file that was written, where a person reads.
fn said(context: &Context, file: &Path) {
    if !context.screen.json {
        context.screen.line(format!("Written: {}", file.display()));
    }
}

async fn save_plan(client: &Client, id: &str, dir: &Path, context: &Context) -> anyhow::Result<()> {
    let plan = client.get(&path(id, "/plan.json")).await?;
    std::fs::create_dir_all(dir).with_context(|| format!("{} cannot be made", dir.display()))?;
    let stamp = context.screen.now.format("%Y%m%dT%H%M%SZ").to_string();
    let file = free(dir, &stamp, Path::exists);
    std::fs::write(&file, format!("{plan:#}\n"))
        .with_context(|| format!("{} cannot be written", file.display()))?;
    said(context, &file);
    Ok(())
}

/// A name that no file has: with a number behind it when the second is taken.
fn free(dir: &Path, stamp: &str, taken: impl Fn(&Path) -> bool) -> PathBuf {
    let first = dir.join(format!("plan-{stamp}.json"));
    let others = (2..).map(|number| dir.join(format!("plan-{stamp}-{number}.json")));
    std::iter::once(first.clone()).chain(others).find(|file| !taken(file)).unwrap_or(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_never_overwrites_another() {
        let dir = Path::new("plans");
        let name = |taken: &[&str]| {
            let found = free(dir, "20270301T090000Z", |file| taken.iter().any(|name| file == dir.join(name)));
            found.file_name().unwrap().to_str().unwrap().to_owned()
        };
        assert_eq!(name(&[]), "plan-20270301T090000Z.json");
        assert_eq!(name(&["plan-20270301T090000Z.json"]), "plan-20270301T090000Z-2.json");
        assert_eq!(path("a/b", "/apply"), "/v1/handoff-designs/a%2Fb/apply");
    }
}
