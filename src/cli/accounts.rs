//! `gtm accounts`: what is known of accounts, and what happened with them.

use clap::{Args, Subcommand};
use serde_json::Value;

use super::client::segment;
use super::context::Context;
use super::words::{NOTHING, age, instant, plain, shortened, text, when};

/// Characters of a value in a table; `--json` gives all of it.
const VALUE_CHARS_MAX: usize = 80;

#[derive(Debug, Args)]
pub struct Accounts {
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
    /// List accounts (the default).
    List(List),
    /// Everything known of an account, with source and age.
    Show { account: String },
    /// What a decision would see now.
    Signals { account: String },
    /// Events, decisions and touches, newest first.
    Timeline {
        account: String,
        /// At most so many.
        #[arg(long, default_value_t = 30)]
        limit: usize,
    },
}

pub async fn run(args: Accounts, context: &Context) -> anyhow::Result<()> {
    let client = context.client().await?;
    let screen = &context.screen;
    match args.action.unwrap_or(Action::List(args.list)) {
        Action::List(List { limit }) => {
            let rows = client.list("/v1/accounts", &[], Some(limit)).await?;
            let headers = ["account", "name", "domain", "owner", "changed"];
            screen.list(
                &rows,
                "No accounts yet. `gtm import` or `gtm events send` brings some in.",
                &headers,
                |row| {
                    vec![
                        text(row, &["/accountId"]),
                        text(row, &["/name"]),
                        text(row, &["/domain"]),
                        text(row, &["/ownerId"]),
                        when(row.get("changedAt")),
                    ]
                },
            );
        }
        Action::Show { account } => {
            let state = client.get(&format!("/v1/accounts/{}", segment(&account))).await?;
            screen.document(&state, |state| facts(context, state));
        }
        Action::Signals { account } => {
            let signals = client.get(&format!("/v1/accounts/{}/signals", segment(&account))).await?;
            screen.document(&signals, |signals| facts(context, signals));
        }
        Action::Timeline { account, limit } => {
            let path = format!("/v1/accounts/{}/timeline", segment(&account));
            let rows = client.list(&path, &[], Some(limit)).await?;
            screen.list(
                &rows,
                "Nothing happened with this account yet.",
                &["when", "what", "detail"],
                |row| vec![when(row.get("at")), text(row, &["/kind"]), text(row, &["/title"])],
            );
        }
    }
    Ok(())
}

/// Any document as rows of name, value, source and age: what carries a source is a fact, what does not is
/// gone through.
fn facts(context: &Context, document: &Value) -> String {
    let mut rows = Vec::new();
    gather(context, String::new(), document, &mut rows);
    context.screen.table(&["what", "value", "source", "age"], rows)
}

fn gather(context: &Context, name: String, value: &Value, rows: &mut Vec<Vec<String>>) {
    let aged = |value: &Value| {
        value
            .get("asOf")
            .and_then(instant)
            .map_or_else(|| NOTHING.to_owned(), |at| age(context.screen.now, at))
    };
    match value {
        Value::Object(members) if members.contains_key("value") && members.contains_key("source") => {
            rows.push(vec![name, text(value, &["/value"]), text(value, &["/source"]), aged(value)]);
        }
        Value::Object(members) => {
            if let Some(provenance) = members.get("provenance") {
                rows.push(vec![
                    name.clone(),
                    String::new(),
                    text(provenance, &["/source"]),
                    aged(provenance),
                ]);
            }
            for (key, member) in members.iter().filter(|(key, _)| *key != "provenance") {
                let name = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
                gather(context, name, member, rows);
            }
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            for (n, item) in items.iter().enumerate() {
                gather(context, format!("{name}[{n}]"), item, rows);
            }
        }
        other => {
            if let Some(text) = plain(other) {
                rows.push(vec![name, shortened(&text, VALUE_CHARS_MAX), String::new(), String::new()]);
            }
        }
    }
}
