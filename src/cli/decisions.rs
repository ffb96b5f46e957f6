//! `gtm decisions`: what was decided, and why.

use clap::{Args, Subcommand};
use serde_json::Value;
use uuid::Uuid;

use super::client::{Client, segment};
use super::context::Context;
use super::failure::{Exit, Failure};
use super::screen::Screen;
use super::words::{percent, text, when};
use crate::motions::explain;

#[derive(Debug, Args)]
pub struct Decisions {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    filter: Filter,
}

#[derive(Debug, Args)]
struct Filter {
    /// Only this account.
    #[arg(long)]
    account: Option<String>,
    /// Only these: executed, continued, monitoring, deferred, blocked, conflict.
    #[arg(long)]
    outcome: Option<String>,
    /// Only this motion.
    #[arg(long)]
    motion: Option<String>,
    /// At most so many.
    #[arg(long, default_value_t = 50)]
    limit: usize,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// A decision in short.
    Show {
        /// The decision's id, or an account's for its newest decision.
        id: String,
    },
    /// A decision with everything it rests on: evidence, rules tried, scores, guardrails, consequences.
    Why {
        /// The decision's id, or an account's for its newest decision.
        id: String,
    },
}

pub async fn run(args: Decisions, context: &Context) -> anyhow::Result<()> {
    let client = context.client().await?;
    let screen = &context.screen;
    match args.action {
        Some(Action::Show { id }) => {
            let decision = find(&client, &id).await?;
            screen.document(&decision, |decision| summary(screen, decision));
        }
        Some(Action::Why { id }) => {
            let decision = find(&client, &id).await?;
            screen.document(&decision, |decision| explain::whole(screen.page(), decision));
        }
        None => list(&client, &args.filter, context).await?,
    }
    Ok(())
}

async fn list(client: &Client, filter: &Filter, context: &Context) -> Result<(), Failure> {
    let mut filters = Vec::new();
    filters.extend(filter.account.as_deref().map(|account| ("accountId", account)));
    filters.extend(filter.outcome.as_deref().map(|outcome| ("outcome", outcome)));
    filters.extend(filter.motion.as_deref().map(|motion| ("motion", motion)));
    let rows = client.list("/v1/decisions", &filters, Some(filter.limit)).await?;
    let headers = ["when", "account", "outcome", "motion", "confidence", "rule", "decision"];
    context.screen.list(&rows, "No such decisions.", &headers, |row| {
        vec![
            when(row.get("decidedAt")),
            text(row, &["/accountId"]),
            text(row, &["/outcome"]),
            text(row, &["/recommendation/motion", "/motion"]),
            percent(row.pointer("/recommendation/confidence").or_else(|| row.get("confidence"))),
            text(row, &["/matchedRule/branch", "/matchedRule/name", "/matchedRule/id", "/matchedRule"]),
            text(row, &["/decisionId"]),
        ]
    });
    Ok(())
}

/// A decision in short, and where all of it is told.
pub fn summary(screen: &Screen, decision: &Value) -> String {
    let text = explain::summary(screen.page(), decision);
    match decision["decisionId"].as_str().filter(|_| decision["dryRun"] != true) {
        Some(id) => format!("{text}\n\nAll of it: gtm decisions why {id}"),
        None => text,
    }
}

/// A decision by its id, or the newest one of an account.
async fn find(client: &Client, id: &str) -> Result<Value, Failure> {
    let decision_id = if Uuid::parse_str(id).is_ok() {
        id.to_owned()
    } else {
        let newest = client.list("/v1/decisions", &[("accountId", id)], Some(1)).await?;
        let Some(found) = newest.first().and_then(|row| row["decisionId"].as_str()) else {
            let text = format!("There is no decision about {id}; `gtm orchestrate {id}` makes one.");
            return Err(Failure::new(Exit::NotFound, text));
        };
        found.to_owned()
    };
    client.get(&format!("/v1/decisions/{}", segment(&decision_id))).await
}
