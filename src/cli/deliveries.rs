//! `gtm deliveries`: what leaves the service, and what could not.

use clap::{Args, Subcommand};
use serde_json::json;

use super::client::segment;
use super::context::Context;
use super::dead::told_retried;
use super::words::{text, when};

#[derive(Debug, Args)]
pub struct Deliveries {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    list: List,
}

#[derive(Debug, Args)]
struct List {
    /// Only these: `pending`, `delivered`, `retrying`, `dead`, `recorded`.
    #[arg(long)]
    status: Option<String>,
    /// At most so many.
    #[arg(long, default_value_t = 50)]
    limit: usize,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List deliveries (the default), newest first.
    List(List),
    /// Send a dead delivery again, or all that are described, in the order in which they were made.
    Retry(Retry),
    /// Note that somebody has seen to a command about a person, where its recipient cannot be told by itself.
    Settle {
        /// The delivery's id.
        id: String,
    },
}

#[derive(Debug, Args)]
struct Retry {
    /// The delivery's id.
    #[arg(required_unless_present_any = ["all", "to", "account"], conflicts_with_all = ["all", "to", "account", "recorded", "dry_run"])]
    id: Option<String>,
    /// All of them.
    #[arg(long)]
    all: bool,
    /// Only those to this destination.
    #[arg(long)]
    to: Option<String>,
    /// Only those about this account.
    #[arg(long)]
    account: Option<String>,
    /// Those that had no endpoint, instead of those that were given up.
    #[arg(long)]
    recorded: bool,
    /// Say how many it would be, and send none.
    #[arg(long)]
    dry_run: bool,
}

pub async fn run(args: Deliveries, context: &Context) -> anyhow::Result<()> {
    let client = context.client().await?;
    let screen = &context.screen;
    match args.action.unwrap_or(Action::List(args.list)) {
        Action::List(List { status, limit }) => {
            let filters: Vec<(&str, &str)> =
                status.as_deref().map(|status| ("status", status)).into_iter().collect();
            let rows = client.list("/v1/deliveries", &filters, Some(limit)).await?;
            let headers = ["created", "to", "account", "status", "attempts", "last error", "id"];
            screen.list(&rows, "No deliveries.", &headers, |row| {
                vec![
                    when(row.get("createdAt")),
                    text(row, &["/destination"]),
                    text(row, &["/accountId"]),
                    text(row, &["/status"]),
                    text(row, &["/attempts"]),
                    text(row, &["/lastError"]),
                    text(row, &["/deliveryId"]),
                ]
            });
        }
        Action::Settle { id } => {
            let answer = client.post(&format!("/v1/deliveries/{}/settle", segment(&id)), &json!({})).await?;
            screen.document(&answer, |_| "Noted. Whom it was about is forgotten.".to_owned());
        }
        Action::Retry(Retry { id: None, to, account, recorded, dry_run, .. }) => {
            let status = if recorded { "recorded" } else { "dead" };
            let asked = json!({"status": status, "destination": to, "accountId": account, "dryRun": dry_run});
            let answer = client.post("/v1/deliveries/retry", &asked).await?;
            screen.document(&answer, |answer| told_retried("delivery", answer));
        }
        Action::Retry(Retry { id: Some(id), .. }) => {
            let answer = client.post(&format!("/v1/deliveries/{}/retry", segment(&id)), &json!({})).await?;
            screen.document(&answer, |_| "The delivery is sent again now.".to_owned());
        }
    }
    Ok(())
}
