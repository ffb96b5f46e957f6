//! `gtm handoff`: accounts that pass from one team to the next.
//!
//! Promises: whatever can be said of one handoff or done to it is one command away, and the figures of all of them too.
//! Leaves out: meetings and outcomes, which the systems that know them report.

mod act;
mod many;
mod metrics;
mod open;
mod read;

use std::fmt::Write as _;

use clap::{Args, Subcommand};
use serde_json::Value;

use super::client::segment;
use super::context::Context;
use super::words::{NOTHING, text, when};

#[derive(Debug, Args)]
pub struct Handoff {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Hand an account over.
    Create(open::Create),
    /// List handoffs, newest first.
    List(read::List),
    /// A handoff: who has it, until when, what is missing, and what to do next.
    Show { id: String },
    #[command(flatten)]
    Act(act::Act),
    /// Give many to others by the routing as it is now; `--dry-run` first.
    Reroute(many::Reroute),
    /// Handoffs as CSV, newest first.
    Export(many::Export),
    /// What the receiver is told, as Markdown.
    Report {
        id: String,
        /// As a web page instead.
        #[arg(long)]
        html: bool,
    },
    /// Everything that happened to a handoff, oldest first.
    Timeline { id: String },
    /// Times, deadlines, conversion, ratings and completeness, against their targets.
    Metrics(metrics::Metrics),
    /// How fairly each team's rotation shared out what came.
    Pools(metrics::Pools),
}

pub async fn run(args: Handoff, context: &Context) -> anyhow::Result<()> {
    let client = context.client().await?;
    match args.action {
        Action::Create(create) => open::create(&client, create, context).await?,
        Action::List(list) => read::list(&client, &list, context).await?,
        Action::Show { id } => {
            let handoff = client.get(&path(&id, "")).await?;
            context.screen.document(&handoff, |handoff| read::shown(handoff, &context.screen));
        }
        Action::Act(act) => act::act(&client, act, context).await?,
        Action::Reroute(args) => many::reroute(&client, args, context).await?,
        Action::Export(args) => many::export(&client, args, context).await?,
        Action::Report { id, html } => read::report(&client, &id, html, context).await?,
        Action::Timeline { id } => read::timeline(&client, &id, context).await?,
        Action::Metrics(args) => metrics::handoffs(&client, args, context).await?,
        Action::Pools(args) => metrics::pools(&client, args, context).await?,
    }
    Ok(())
}

/// The address of a handoff, or of something below it.
fn path(id: &str, below: &str) -> String {
    format!("/v1/handoffs/{}{below}", segment(id))
}

/// How a handoff stands, in a sentence.
fn standing(handoff: &Value) -> String {
    let status = text(handoff, &["/status"]).replace('_', " ");
    let mut out = format!("Handoff {} is {status}", text(handoff, &["/handoffId"]));
    let owner = owner(handoff);
    if owner != NOTHING {
        let _ = write!(out, "; {owner} has it");
    }
    let open = ["assigned", "acknowledged"].iter().any(|status| handoff["status"] == *status);
    if open && handoff["slaDeadline"].is_string() {
        let _ = write!(out, ", contact is due {}", when(handoff.get("slaDeadline")));
    }
    out.push('.');
    if let Some(question) = handoff["question"].as_str() {
        let _ = write!(out, "\nThe owner asks: {question}");
    }
    out
}

/// Who has it, by name where it is told.
fn owner(handoff: &Value) -> String {
    text(handoff, &["/assignedOwner/name", "/assignedOwner/id", "/ownerId"])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn how_a_handoff_stands_is_a_sentence() {
        let mut handoff = json!({
            "handoffId": "h1", "status": "assigned", "slaDeadline": "2027-03-01T12:00:00Z",
            "assignedOwner": {"id": "ada", "name": "Ada", "email": "ada@acme.com"},
        });
        assert_eq!(
            standing(&handoff),
            "Handoff h1 is assigned; Ada has it, contact is due 2027-03-01 12:00."
        );
        handoff["status"] = json!("meeting_booked");
        assert_eq!(standing(&handoff), "Handoff h1 is meeting booked; Ada has it.");
        let held = json!({"handoffId": "h1", "status": "held", "assignedOwner": null, "slaDeadline": null});
        assert_eq!(standing(&held), "Handoff h1 is held.");
        assert_eq!(path("a/b", "/report"), "/v1/handoffs/a%2Fb/report");
    }
}
