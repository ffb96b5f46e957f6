//! `gtm deliveries`: what leaves the service, and what could not.

use clap::{Args, Subcommand};
use serde_json::json;

use super::client::segment;
use super::context::Context;
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
    /// Send a dead delivery again.
    Retry {
        /// The delivery's id.
        id: String,
    },
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
        Action::Retry { id } => {
            let answer = client.post(&format!("/v1/deliveries/{}/retry", segment(&id)), &json!({})).await?;
            screen.document(&answer, |_| "The delivery is sent again now.".to_owned());
        }
    }
    Ok(())
}
