//! `gtm renewal`: contracts that are renewed on purpose.
//!
//! Promises: whatever can be done with a renewal is one command away; documents can be printed or written to a folder.

mod change;
mod documents;
mod plan;
mod read;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::client::{Client, segment};
use super::context::Context;
use super::failure::{Exit, Failure};
use super::words::text;

#[derive(Debug, Args)]
pub struct Renewal {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Plan a renewal back from its date; what is not said is proposed.
    Plan(Box<plan::Plan>),
    /// Which renewals are coming, and which of them must be begun now.
    Upcoming(read::Upcoming),
    /// List renewals, newest first.
    List(read::List),
    /// A renewal: risk, tasks, checkpoints, what cannot be kept.
    Show { id: String },
    /// Let it run.
    Start {
        id: String,
        /// A finding of the pre-flight that is waived, by name; `*` for all. May be repeated.
        #[arg(long, value_name = "NAME")]
        waive: Vec<String>,
    },
    /// Make a new version: another play, tier, risk, date, or other people.
    Change(Box<change::Change>),
    /// Report on a checkpoint.
    Checkpoint {
        id: String,
        /// The number of the checkpoint.
        number: u32,
        /// green, yellow or red.
        #[arg(long)]
        rating: String,
        /// Why, in a sentence.
        #[arg(long)]
        note: Option<String>,
    },
    /// Close it: renewed, expanded, reduced, lost or cancelled.
    Close {
        id: String,
        #[arg(long)]
        outcome: String,
        /// Why.
        #[arg(long)]
        note: Option<String>,
    },
    /// What was changed when, by whom and why.
    Changes { id: String },
    /// The packet, as Markdown.
    Packet {
        id: String,
        /// As a web page instead.
        #[arg(long)]
        html: bool,
    },
    /// Tasks and escalation rules as a table to import.
    Tasks {
        id: String,
        /// hubspot, salesforce or generic.
        #[arg(long, default_value = "generic")]
        format: String,
    },
    /// The dates for a calendar program.
    Calendar { id: String },
}

pub async fn run(args: Renewal, context: &Context) -> anyhow::Result<()> {
    let client = context.client().await?;
    match args.action {
        Action::Plan(args) => plan::plan(&client, *args, context).await?,
        Action::Upcoming(args) => read::upcoming(&client, &args, context).await?,
        Action::List(args) => read::list(&client, &args, context).await?,
        Action::Show { id } => {
            let renewal = client.get(&path(&id, "")).await?;
            context.screen.document(&renewal, |renewal| read::shown(renewal, &context.screen));
        }
        Action::Start { id, waive } => {
            let renewal = client.post(&path(&id, "/start"), &json!({ "waive": waive })).await?;
            context.screen.document(&renewal, standing);
        }
        Action::Change(args) => change::change(&client, *args, context).await?,
        Action::Checkpoint { id, number, rating, note } => {
            let body = json!({ "rating": rating, "note": note });
            let renewal = client.post(&path(&id, &format!("/checkpoints/{number}")), &body).await?;
            context.screen.document(&renewal, standing);
        }
        Action::Close { id, outcome, note } => {
            let body = json!({ "outcome": outcome, "note": note });
            let renewal = client.post(&path(&id, "/close"), &body).await?;
            context.screen.document(&renewal, standing);
        }
        Action::Changes { id } => change::log(&client, &id, context).await?,
        Action::Packet { id, html } => {
            let (kind, text) = documents::packet(&client, &id, html).await?;
            show_text(context, &id, kind, &text);
        }
        Action::Tasks { id, format } => {
            let text = documents::tasks(&client, &id, &format).await?;
            show_text(context, &id, "text/csv", &text);
        }
        Action::Calendar { id } => {
            let text = documents::calendar(&client, &id).await?;
            show_text(context, &id, "text/calendar", &text);
        }
    }
    Ok(())
}

fn show_text(context: &Context, id: &str, kind: &str, text: &str) {
    let document = json!({ "renewalId": id, "mediaType": kind, "document": text });
    context.screen.document(&document, |_| text.to_owned());
}

/// The address of a renewal, or of something below it.
fn path(id: &str, below: &str) -> String {
    format!("/v1/renewals/{}{below}", segment(id))
}

/// How a renewal stands, in a sentence.
fn standing(renewal: &Value) -> String {
    let outcome = text(renewal, &["/outcome"]);
    let ended = if renewal["outcome"].is_string() { format!(" ({outcome})") } else { String::new() };
    format!(
        "Renewal {} of {} by {} is {}{ended}; risk {}, score {}.",
        text(renewal, &["/renewalId"]),
        text(renewal, &["/account", "/accountId"]),
        text(renewal, &["/deadline"]),
        text(renewal, &["/status"]),
        text(renewal, &["/risk/level"]),
        text(renewal, &["/score"]),
    )
}

/// The id of an account that was named by its id or by its name.
async fn account(client: &Client, named: &str) -> Result<String, Failure> {
    match client.get(&format!("/v1/accounts/{}", segment(named))).await {
        Ok(_) => return Ok(named.to_owned()),
        Err(failure) if failure.exit != Exit::NotFound && failure.exit != Exit::Refused => {
            return Err(failure);
        }
        Err(_) => {}
    }
    let found = client.list("/v1/accounts", &[("name", named)], Some(20)).await?;
    let exact: Vec<&Value> =
        found.iter().filter(|row| text(row, &["/name"]).eq_ignore_ascii_case(named)).collect();
    let candidates = if exact.is_empty() { found.iter().collect() } else { exact };
    match candidates.as_slice() {
        [one] => Ok(text(one, &["/accountId"])),
        [] => Err(Failure::new(Exit::NotFound, format!("No account has the id or the name {named:?}."))),
        several => {
            let named_so: Vec<String> = several
                .iter()
                .map(|row| format!("{} ({})", text(row, &["/accountId"]), text(row, &["/name"])))
                .collect();
            let message =
                format!("{named:?} names several accounts: {}. Say which by its id.", named_so.join(", "));
            Err(Failure::new(Exit::NotFound, message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_a_renewal_stands_is_a_sentence() {
        let mut renewal = json!({
            "renewalId": "r1", "account": "Acme", "deadline": "2027-03-01", "status": "running", "outcome": null,
            "risk": {"level": "yellow"}, "score": 31,
        });
        assert_eq!(standing(&renewal), "Renewal r1 of Acme by 2027-03-01 is running; risk yellow, score 31.");
        renewal["status"] = json!("closed");
        renewal["outcome"] = json!("lost");
        assert!(standing(&renewal).contains("is closed (lost);"));
        assert_eq!(path("a/b", "/packet"), "/v1/renewals/a%2Fb/packet");
    }
}
