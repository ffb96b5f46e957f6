//! `gtm conflicts`: competing motions that wait for a person.

use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use super::client::segment;
use super::context::Context;
use super::words::{text, when};

#[derive(Debug, Args)]
pub struct Conflicts {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    list: List,
}

#[derive(Debug, Args)]
struct List {
    /// Only this account.
    #[arg(long)]
    account: Option<String>,
    /// Only these: `open`, `resolved`.
    #[arg(long)]
    status: Option<String>,
    /// At most so many.
    #[arg(long, default_value_t = 50)]
    limit: usize,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List conflicts (the default), newest first.
    List(List),
    /// Decide a conflict.
    Resolve {
        /// The conflict's id.
        id: String,
        /// Keep the motion that holds the account, switch to the wanted one, or pause both.
        resolution: Resolution,
        /// Why; kept with the decision.
        #[arg(long)]
        note: String,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Resolution {
    Keep,
    Switch,
    Pause,
}

impl Resolution {
    fn name(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Switch => "switch",
            Self::Pause => "pause",
        }
    }
}

pub async fn run(args: Conflicts, context: &Context) -> anyhow::Result<()> {
    let client = context.client().await?;
    let screen = &context.screen;
    match args.action.unwrap_or(Action::List(args.list)) {
        Action::List(List { account, status, limit }) => {
            let mut filters = Vec::new();
            filters.extend(account.as_deref().map(|account| ("accountId", account)));
            filters.extend(status.as_deref().map(|status| ("status", status)));
            let rows = client.list("/v1/conflicts", &filters, Some(limit)).await?;
            let headers = ["since", "account", "holds", "wants", "status", "id"];
            screen.list(&rows, "No conflicts.", &headers, |row| {
                vec![
                    when(row.get("openedAt")),
                    text(row, &["/accountId"]),
                    text(row, &["/holder/motion"]),
                    text(row, &["/wanted/motion"]),
                    text(row, &["/resolution", "/status"]),
                    text(row, &["/conflictId"]),
                ]
            });
        }
        Action::Resolve { id, resolution, note } => {
            let path = format!("/v1/conflicts/{}/resolve", segment(&id));
            let answer =
                client.post(&path, &json!({ "resolution": resolution.name(), "note": note })).await?;
            screen.document(&answer, |answer| {
                format!(
                    "Resolved: {} on {}. The account is looked at again.",
                    resolution.name(),
                    text(answer, &["/accountId"])
                )
            });
        }
    }
    Ok(())
}
