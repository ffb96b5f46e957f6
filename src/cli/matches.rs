//! `gtm matches`: whose are the people, companies and events that name no account.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::client::segment;
use super::context::Context;
use super::words::{counted, plain, text, when};

#[derive(Debug, Args)]
pub struct Matches {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    list: List,
}

#[derive(Debug, Args)]
struct List {
    /// At most so many.
    #[arg(long, default_value_t = 50)]
    limit: usize,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List events whose account is not clear (the default), newest first.
    Unmatched(List),
    /// The accounts that a person or company could belong to.
    Find(Record),
    /// Say that something belongs to an account, or does not; what went elsewhere because of it moves.
    Correct {
        /// The account.
        account: String,
        #[command(flatten)]
        record: Record,
        /// It does not belong to this account.
        #[arg(long)]
        not: bool,
        /// Say what would be moved and write nothing.
        #[arg(long)]
        dry_run: bool,
        /// Why; kept in the audit log.
        #[arg(long)]
        note: String,
    },
    /// Say where an event belongs.
    Resolve {
        /// The event's id, as the list has it.
        event: String,
        /// Its account.
        account: String,
        /// The account does not exist yet.
        #[arg(long)]
        new: bool,
        /// Nothing but this event: others that look like it wait for a word of their own.
        #[arg(long)]
        only_this: bool,
        /// Why; kept in the audit log.
        #[arg(long)]
        note: String,
    },
}

/// What is known of a person or company.
#[derive(Debug, Args)]
struct Record {
    /// The web domain.
    #[arg(long)]
    domain: Option<String>,
    /// An e-mail address there.
    #[arg(long)]
    email: Option<String>,
    /// The company's name.
    #[arg(long)]
    name: Option<String>,
    /// The country.
    #[arg(long)]
    country: Option<String>,
    /// The region.
    #[arg(long)]
    region: Option<String>,
}

impl Record {
    fn body(&self) -> Value {
        json!({
            "domain": self.domain, "email": self.email, "name": self.name, "country": self.country,
            "region": self.region,
        })
    }
}

pub async fn run(args: Matches, context: &Context) -> anyhow::Result<()> {
    let client = context.client().await?;
    let screen = &context.screen;
    match args.action.unwrap_or(Action::Unmatched(args.list)) {
        Action::Unmatched(List { limit }) => {
            let rows = client.list("/v1/matches/unmatched", &[], Some(limit)).await?;
            let headers = ["since", "type", "known by", "why", "could be", "id"];
            screen.list(&rows, "Every event has its account.", &headers, |row| {
                vec![
                    when(row.get("receivedAt")),
                    text(row, &["/type"]),
                    text(row, &["/keys"]),
                    text(row, &["/why"]),
                    candidates(row),
                    text(row, &["/id"]),
                ]
            });
        }
        Action::Find(record) => {
            let answer = client.post("/v1/matches", &record.body()).await?;
            screen.document(&answer, |answer| ranking(context, answer));
        }
        Action::Correct { account, record, not, dry_run, note } => {
            let body = json!({
                "query": record.body(), "accountId": account, "belongs": !not, "dryRun": dry_run, "note": note,
            });
            let answer = client.post("/v1/matches/corrections", &body).await?;
            screen.document(&answer, told);
        }
        Action::Resolve { event, account, new, only_this, note } => {
            let path = format!("/v1/matches/unmatched/{}/resolve", segment(&event));
            let body =
                json!({ "accountId": account, "newAccount": new, "remember": !only_this, "note": note });
            let answer = client.post(&path, &body).await?;
            screen.document(&answer, told);
        }
    }
    Ok(())
}

/// The accounts that come into question, with their scores.
fn candidates(row: &Value) -> String {
    let list = row["candidates"].as_array().map(Vec::as_slice).unwrap_or_default();
    let show = |found: &Value| format!("{} ({})", text(found, &["/accountId"]), text(found, &["/score"]));
    list.iter().map(show).collect::<Vec<_>>().join(", ")
}

fn ranking(context: &Context, answer: &Value) -> String {
    let list = answer["matches"].as_array().map(Vec::as_slice).unwrap_or_default();
    if list.is_empty() {
        return "No account has anything in common with it.".to_owned();
    }
    let reasons = |found: &Value| {
        let list = found["reasons"].as_array().map(Vec::as_slice).unwrap_or_default();
        let reason = |reason: &Value| format!("{} {}", text(reason, &["/kind"]), text(reason, &["/points"]));
        list.iter().map(reason).collect::<Vec<_>>().join(", ")
    };
    let row = |found: &Value| {
        let tie = found.get("tieBreak").and_then(plain).unwrap_or_default();
        vec![text(found, &["/accountId"]), text(found, &["/score"]), reasons(found), tie]
    };
    context.screen.table(&["account", "score", "because", "before the next by"], list.iter().map(row))
}

/// What a correction did, or would do.
fn told(answer: &Value) -> String {
    let count = |value: &Value| value.as_u64().unwrap_or_default();
    let mut lines = Vec::new();
    if answer["dryRun"] == true {
        lines.push("Nothing was written; this is what would happen.".to_owned());
    }
    lines.push(format!("{} matched.", counted(count(&answer["matched"]), "waiting event")));
    for moved in answer["moved"].as_array().map(Vec::as_slice).unwrap_or_default() {
        let rebuilt = if moved["rebuilt"] == true {
            "it is rebuilt without them"
        } else {
            "it keeps what it learned, because some of its raw events are no longer kept"
        };
        lines.push(format!(
            "{} of {} moved to {}, {} back among the unmatched; {rebuilt}.",
            counted(count(&moved["events"]), "event"),
            text(moved, &["/accountId"]),
            text(moved, &["/to"]),
            count(&moved["unmatched"]),
        ));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preview_says_that_it_is_one_and_what_stays() {
        let moved = json!({"accountId": "a", "events": 3, "to": ["b"], "unmatched": 1, "rebuilt": false});
        let said = told(&json!({"dryRun": true, "matched": 1, "moved": [moved]}));
        assert_eq!(
            said,
            "Nothing was written; this is what would happen.\n1 waiting event matched.\n3 events of a moved to b, \
             1 back among the unmatched; it keeps what it learned, because some of its raw events are no longer kept."
        );
    }
}
