//! `gtm dead`: what was accepted and then given up, and putting it back.

use std::fmt::Write as _;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Map, Value, json};

use super::client::{Client, segment};
use super::context::Context;
use super::failure::{Exit, Failure};
use super::words::{counted, shortened, text, when};

/// Characters of an error that a table shows; `--json` has all of it.
const ERROR_SHOWN: usize = 80;

#[derive(Debug, Args)]
pub struct Dead {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    list: List,
}

/// What kind of dead letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Events that could not be applied.
    Event,
    /// Jobs that failed too often.
    Job,
    /// Calls of connected systems that could not be understood.
    Received,
}

impl Kind {
    fn path(self) -> &'static str {
        match self {
            Self::Event => "/v1/dead-letters/events",
            Self::Job => "/v1/dead-letters/jobs",
            Self::Received => "/v1/dead-letters/received",
        }
    }

    /// The name of the filter by account; the key of an evaluation is its account. What a call is about is not known
    /// before it is understood.
    fn account(self) -> Option<&'static str> {
        match self {
            Self::Event => Some("accountId"),
            Self::Job => Some("key"),
            Self::Received => None,
        }
    }

    /// The kind that is asked for, or all that can be about the account that is asked for.
    fn chosen(one: Option<Self>, account: Option<&str>) -> Vec<Self> {
        let all = [Self::Event, Self::Job, Self::Received].into_iter();
        let fits = |kind: &Self| {
            one.is_none_or(|one| one == *kind) && (account.is_none() || kind.account().is_some())
        };
        all.filter(fits).collect()
    }
}

#[derive(Debug, Args)]
struct List {
    /// Only of this kind.
    #[arg(long)]
    kind: Option<Kind>,
    /// Only what is about this account.
    #[arg(long)]
    account: Option<String>,
    /// At most so many of each kind.
    #[arg(long, default_value_t = 50)]
    limit: usize,
}

#[derive(Debug, Args)]
struct Retry {
    /// The dead letter's id.
    #[arg(required_unless_present_any = ["all", "account", "kind"], conflicts_with_all = ["all", "account", "kind", "dry_run"])]
    id: Option<String>,
    /// All of them.
    #[arg(long)]
    all: bool,
    /// Only of this kind.
    #[arg(long)]
    kind: Option<Kind>,
    /// Only what is about this account.
    #[arg(long)]
    account: Option<String>,
    /// Say how many it would be, and put none back.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List dead letters (the default), newest first.
    List(List),
    /// Put one back, or those that are described.
    Retry(Retry),
}

pub async fn run(args: Dead, context: &Context) -> anyhow::Result<()> {
    let client = context.client().await?;
    match args.action.unwrap_or(Action::List(args.list)) {
        Action::List(which) => list(&which, &client, context).await?,
        Action::Retry(Retry { id: Some(id), .. }) => {
            let answer = retry_one(&client, &id).await?;
            context.screen.document(&answer, |_| "It is in the queue again.".to_owned());
        }
        Action::Retry(which) => retry_many(&which, &client, context).await?,
    }
    Ok(())
}

async fn list(which: &List, client: &Client, context: &Context) -> Result<(), Failure> {
    let mut rows = Vec::new();
    for kind in Kind::chosen(which.kind, which.account.as_deref()) {
        let filters: Vec<(&str, &str)> = kind.account().zip(which.account.as_deref()).into_iter().collect();
        rows.extend(client.list(kind.path(), &filters, Some(which.limit)).await?);
    }
    let headers = ["failed", "what", "account", "error", "id"];
    context.screen.list(&rows, "No dead letters.", &headers, |row| {
        vec![
            when(row.get("failedAt").or_else(|| row.get("endedAt"))),
            text(row, &["/type", "/kind", "/connector"]),
            text(row, &["/accountId", "/key"]),
            shortened(&text(row, &["/error", "/faults/0/detail"]), ERROR_SHOWN),
            text(row, &["/deadLetterId", "/receivedId"]),
        ]
    });
    Ok(())
}

/// Puts one back, whichever kind it is: ids are unlike each other across kinds.
async fn retry_one(client: &Client, id: &str) -> Result<Value, Failure> {
    let path = |kind: Kind| format!("{}/{}/retry", kind.path(), segment(id));
    for kind in [Kind::Event, Kind::Job] {
        match client.post(&path(kind), &json!({})).await {
            Err(failure) if failure.exit == Exit::NotFound => {}
            outcome => return outcome,
        }
    }
    client.post(&path(Kind::Received), &json!({})).await
}

async fn retry_many(which: &Retry, client: &Client, context: &Context) -> Result<(), Failure> {
    for kind in Kind::chosen(which.kind, which.account.as_deref()) {
        let mut body = Map::from_iter([("dryRun".to_owned(), which.dry_run.into())]);
        if let Some((name, account)) = kind.account().zip(which.account.as_deref()) {
            body.insert(name.to_owned(), account.into());
        }
        let answer = client.post(&format!("{}/retry", kind.path()), &body.into()).await?;
        context.screen.document(&answer, |answer| told(kind, answer));
    }
    Ok(())
}

fn told(kind: Kind, answer: &Value) -> String {
    let what = match kind {
        Kind::Event => "event",
        Kind::Job => "job",
        Kind::Received => "call",
    };
    told_retried(what, answer)
}

/// How many of something were put back, or would be.
pub(super) fn told_retried(what: &str, answer: &Value) -> String {
    let number = |name: &str| answer[name].as_u64().unwrap_or_default();
    let count = counted(number("count"), what);
    let done = if answer["dryRun"] == true { "would be put back" } else { "put back" };
    let mut out = format!("{count} {done}.");
    if number("left") > 0 {
        let _ = write!(out, " {} left: run it again.", counted(number("left"), what));
    }
    for group in answer["groups"].as_array().into_iter().flatten() {
        let _ = write!(out, "\n  {}: {}", text(group, &["/of"]), text(group, &["/count"]));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_told_in_words() {
        let answer =
            json!({"dryRun": true, "count": 2, "left": 1, "groups": [{"of": "evaluate", "count": 3}]});
        assert_eq!(
            told(Kind::Job, &answer),
            "2 jobs would be put back. 1 job left: run it again.\n  evaluate: 3"
        );
        let done = json!({"dryRun": false, "count": 1, "left": 0, "groups": []});
        assert_eq!(told(Kind::Event, &done), "1 event put back.");
    }
}
