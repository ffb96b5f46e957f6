//! `gtm orchestrate`: decide about accounts now.
//!
//! One account prints its decision as a rep reads it; several print a table and what went wrong.

use clap::Args;
use serde_json::{Value, json};

use super::client::{Client, segment};
use super::context::Context;
use super::decisions;
use super::failure::Failure;
use super::words::{counted, percent, text};

/// Accounts that one call takes.
const ACCOUNTS_PER_CALL: usize = 1_000;

#[derive(Debug, Args)]
pub struct Orchestrate {
    /// Ids of the accounts.
    #[arg(required_unless_present = "all", value_name = "ACCOUNT")]
    accounts: Vec<String>,
    /// Show what would be decided; nothing is kept or done.
    #[arg(long)]
    dry_run: bool,
    /// All accounts.
    #[arg(long, conflicts_with = "accounts")]
    all: bool,
}

pub async fn run(args: Orchestrate, context: &Context) -> anyhow::Result<()> {
    let client = context.client().await?;
    let screen = &context.screen;
    if let [account] = args.accounts.as_slice() {
        let path = format!("/v1/accounts/{}/orchestrate", segment(account));
        let decision = client.post(&path, &json!({ "dryRun": args.dry_run })).await?;
        screen.document(&decision, |decision| decisions::summary(screen, decision));
        if args.dry_run && !screen.json {
            screen.line("\nA preview: nothing was kept or done.");
        }
        return Ok(());
    }
    let accounts = if args.all { every_account(&client).await? } else { args.accounts };
    let (mut done, mut failed) = (Vec::new(), Vec::new());
    for part in accounts.chunks(ACCOUNTS_PER_CALL) {
        let body = json!({ "accountIds": part, "dryRun": args.dry_run });
        let answer = client.post("/v1/orchestrations", &body).await?;
        for result in answer["results"].as_array().into_iter().flatten() {
            let list = if result["error"].is_null() { &mut done } else { &mut failed };
            list.push(result.clone());
        }
    }
    if screen.json {
        done.iter().chain(&failed).for_each(|result| screen.line(result.to_string()));
    } else {
        report(context, &done, &failed, args.dry_run);
    }
    if failed.is_empty() { Ok(()) } else { Err(Failure::said().into()) }
}

async fn every_account(client: &Client) -> Result<Vec<String>, Failure> {
    let rows = client.list("/v1/accounts", &[], None).await?;
    Ok(rows.iter().filter_map(|row| row["accountId"].as_str().map(str::to_owned)).collect())
}

fn report(context: &Context, done: &[Value], failed: &[Value], dry_run: bool) {
    let screen = &context.screen;
    let headers = ["account", "outcome", "motion", "confidence", "exit"];
    screen.list(done, "No decision was made.", &headers, |result| {
        let decision = &result["decision"];
        vec![
            text(decision, &["/accountId"]),
            text(decision, &["/outcome"]),
            text(decision, &["/recommendation/motion"]),
            percent(decision.pointer("/recommendation/confidence")),
            text(decision, &["/exitState"]),
        ]
    });
    for result in failed {
        let why = text(result, &["/error/detail"]);
        screen.line(format!("{}: {why}", text(result, &["/accountId"])));
    }
    let verb = if dry_run { "previewed" } else { "decided" };
    screen.line(format!("\n{} {verb}, {} failed.", counted(done.len() as u64, "account"), failed.len()));
}
