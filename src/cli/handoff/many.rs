//! `gtm handoff reroute` and `export`: many handoffs at once.
//!
//! Promises: what is passed on is what the filters find when the command begins; a preview says where each would go and
//! writes nothing; a command that breaks off has done whole parts, and done again goes on with what is left.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::Method;
use serde_json::{Value, json};

use super::owner;
use crate::cli::client::Client;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::words::{NOTHING, counted, text, when};

/// Handoffs that one call passes on.
const PART: usize = 200;
/// What somebody has and can be given to others.
const OPEN: [&str; 4] = ["assigned", "acknowledged", "contacted", "meeting_booked"];

#[derive(Debug, Args)]
pub struct Filters {
    /// Only these: held, pending, assigned, acknowledged, contacted, `meeting_booked`, converted, lost, rejected, cancelled,
    /// `rolled_back`.
    #[arg(long)]
    status: Option<String>,
    /// Only this type, such as `mql_to_sales`.
    #[arg(long = "type")]
    type_name: Option<String>,
    /// Only what this rep has.
    #[arg(long)]
    owner: Option<String>,
    /// Only this account.
    #[arg(long)]
    account: Option<String>,
    /// Only those past their deadline without contact.
    #[arg(long)]
    overdue: bool,
}

impl Filters {
    pub fn query(&self) -> Vec<(&'static str, &str)> {
        let asked = [
            ("status", self.status.as_deref()),
            ("type", self.type_name.as_deref()),
            ("ownerId", self.owner.as_deref()),
            ("accountId", self.account.as_deref()),
            ("overdue", self.overdue.then_some("true")),
        ];
        asked.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

#[derive(Debug, Args)]
pub struct Reroute {
    /// These handoffs; those that the filters find when left out.
    #[arg(value_name = "ID", conflicts_with_all = ["status", "type_name", "owner", "account", "overdue"])]
    ids: Vec<String>,
    #[command(flatten)]
    filters: Filters,
    /// Only say where each would go.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Args)]
pub struct Export {
    #[command(flatten)]
    filters: Filters,
    /// Write to this file instead of standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Passes handoffs on to others, part by part.
pub async fn reroute(client: &Client, args: Reroute, context: &Context) -> anyhow::Result<()> {
    let screen = &context.screen;
    let ids = if args.ids.is_empty() { found(client, &args.filters).await? } else { args.ids };
    let bar = if screen.terminal { ProgressBar::new(ids.len() as u64) } else { ProgressBar::hidden() };
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} handoffs, {eta} left") {
        bar.set_style(style);
    }
    let (mut moved, mut left) = (Vec::new(), Vec::new());
    for part in ids.chunks(PART) {
        let body = json!({ "handoffIds": part, "dryRun": args.dry_run });
        let answer = client.post("/v1/handoffs/reroute", &body).await?;
        moved.extend(answer["moved"].as_array().cloned().unwrap_or_default());
        left.extend(answer["left"].as_array().cloned().unwrap_or_default());
        bar.inc(part.len() as u64);
    }
    bar.finish_and_clear();
    let headers = ["handoff", "account", "goes to", "due"];
    screen.list(&moved, "Nothing to pass on.", &headers, |one| {
        let to = match text(one, &["/to/name", "/to/id"]) {
            nobody if nobody == NOTHING => "the queue".to_owned(),
            somebody => somebody,
        };
        vec![text(one, &["/handoffId"]), text(one, &["/accountId"]), to, when(one.get("slaDeadline"))]
    });
    if !screen.json {
        screen.line(summary(moved.len(), left.len(), ids.len(), args.dry_run));
    }
    Ok(())
}

fn summary(moved: usize, left: usize, asked: usize, dry_run: bool) -> String {
    let verb = if dry_run { "would be passed on" } else { "passed on" };
    let mut text = format!("\n{} {verb}, {left} stay as they are.", counted(moved as u64, "handoff"));
    if dry_run {
        text.push_str(" Nothing was written.");
        if asked > PART {
            text.push_str(" Each part of 200 was looked at by itself: who gets which may differ a little when it is done.");
        }
    }
    text
}

/// The open handoffs that filters find.
async fn found(client: &Client, filters: &Filters) -> Result<Vec<String>, Failure> {
    let query = filters.query();
    if query.is_empty() {
        return Err(Failure::usage(
            "Say which handoffs: their ids, or a filter such as --owner ada or --type mql_to_sales."
                .to_owned(),
        ));
    }
    let rows = client.list("/v1/handoffs", &query, None).await?;
    let open = rows.iter().filter(|row| OPEN.iter().any(|status| row["status"] == *status));
    // What somebody had once and nobody has now is not theirs.
    let open = open.filter(|row| owner(row) != NOTHING);
    Ok(open.filter_map(|row| row["handoffId"].as_str().map(str::to_owned)).collect())
}

/// Writes handoffs as CSV.
pub async fn export(client: &Client, args: Export, context: &Context) -> anyhow::Result<()> {
    let request = client.request(Method::GET, "/v1/handoffs/export").query(&args.filters.query());
    let answer = client.send(request).await?;
    let table = answer.text().await.map_err(|error| Failure::unreachable(client.url(), &error))?;
    match args.out {
        Some(path) => {
            std::fs::write(&path, &table).with_context(|| format!("cannot write {}", path.display()))?;
        }
        None => context.screen.line(table.trim_end()),
    }
    Ok(())
}

/// As the API's list has it, which is what a filter means.
pub async fn listed(client: &Client, filters: &Filters, limit: usize) -> Result<Vec<Value>, Failure> {
    client.list("/v1/handoffs", &filters.query(), Some(limit)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preview_says_that_it_is_one_and_that_its_parts_know_nothing_of_each_other() {
        assert_eq!(summary(1, 0, 1, false), "\n1 handoff passed on, 0 stay as they are.");
        let small = summary(3, 2, 5, true);
        assert_eq!(small, "\n3 handoffs would be passed on, 2 stay as they are. Nothing was written.");
        assert!(summary(201, 0, 201, true).contains("by itself"));
    }
}
