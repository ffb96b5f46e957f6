//! `gtm keys`: who may call the service.

use clap::{Args, Subcommand};
use serde_json::json;

use super::client::segment;
use super::context::Context;
use super::words::{text, when};

#[derive(Debug, Args)]
pub struct Keys {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List keys (the default). The keys themselves are kept nowhere.
    List,
    /// Make a key; it is shown this once.
    Create {
        /// What the key is for.
        label: String,
        /// What it may do, for example `events:write`; may be given several times.
        #[arg(long = "scope", required = true, value_delimiter = ',')]
        scopes: Vec<String>,
        /// When it ends, as an instant such as 2027-01-31T00:00:00Z.
        #[arg(long)]
        expires_at: Option<String>,
        /// The rep whom it acts for, who may note absences of the team that they lead.
        #[arg(long)]
        rep: Option<String>,
    },
    /// End a key.
    Revoke {
        /// The key's id.
        id: String,
    },
}

pub async fn run(args: Keys, context: &Context) -> anyhow::Result<()> {
    let client = context.client().await?;
    let screen = &context.screen;
    match args.action.unwrap_or(Action::List) {
        Action::List => {
            let rows = client.list("/v1/keys", &[], None).await?;
            let headers = ["label", "scopes", "rep", "created", "last used", "ends", "id"];
            screen.list(&rows, "No keys.", &headers, |row| {
                vec![
                    text(row, &["/label"]),
                    text(row, &["/scopes"]),
                    text(row, &["/repId"]),
                    when(row.get("createdAt")),
                    when(row.get("lastUsedAt")),
                    when(row.get("revokedAt").filter(|at| !at.is_null()).or_else(|| row.get("expiresAt"))),
                    text(row, &["/id"]),
                ]
            });
        }
        Action::Create { label, scopes, expires_at, rep } => {
            let mut body = json!({ "label": label, "scopes": scopes });
            if let Some(expires_at) = expires_at {
                body["expiresAt"] = expires_at.into();
            }
            if let Some(rep) = rep {
                body["repId"] = rep.into();
            }
            let answer = client.post("/v1/keys", &body).await?;
            screen.document(&answer, |answer| {
                format!(
                    "{}\n\nThis is the only time the key is shown. It may: {}. Its id is {}.",
                    text(answer, &["/key"]),
                    text(answer, &["/scopes"]),
                    text(answer, &["/id"]),
                )
            });
        }
        Action::Revoke { id } => {
            let answer = client.delete(&format!("/v1/keys/{}", segment(&id))).await?;
            screen.document(&answer, |_| "Revoked. It stops working within seconds everywhere.".to_owned());
        }
    }
    Ok(())
}
