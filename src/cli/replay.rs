//! `gtm replay`: compute past decisions again and compare.
//!
//! Ends with code 1 when any decision comes out differently.

use clap::Args;
use serde_json::{Value, json};

use super::client::{Client, segment};
use super::context::Context;
use super::failure::Failure;
use super::words::counted;

#[derive(Debug, Args)]
pub struct Replay {
    /// The decision's id.
    #[arg(required_unless_present = "all")]
    id: Option<String>,
    /// All decisions.
    #[arg(long, conflicts_with = "id")]
    all: bool,
}

pub async fn run(args: Replay, context: &Context) -> anyhow::Result<()> {
    let client = context.client().await?;
    let ids = match args.id {
        Some(id) => vec![id],
        None => client
            .list("/v1/decisions", &[], None)
            .await?
            .iter()
            .filter_map(|row| row["decisionId"].as_str().map(str::to_owned))
            .collect(),
    };
    let mut different = 0;
    for id in &ids {
        let answer = replay(&client, id).await?;
        let identical = answer["identical"] == true;
        different += u64::from(!identical);
        if context.screen.json {
            context.screen.line(answer.to_string());
        } else if !identical {
            context.screen.line(differences(id, &answer));
        }
    }
    if !context.screen.json {
        let count = counted(ids.len() as u64, "decision");
        context.screen.line(match different {
            0 => format!("{count} replayed, all identical."),
            some => format!("{count} replayed, {some} different."),
        });
    }
    if different == 0 { Ok(()) } else { Err(Failure::said().into()) }
}

async fn replay(client: &Client, id: &str) -> Result<Value, Failure> {
    let mut answer = client.post(&format!("/v1/decisions/{}/replay", segment(id)), &json!({})).await?;
    if answer.is_object() && answer.get("decisionId").is_none() {
        answer["decisionId"] = id.into();
    }
    Ok(answer)
}

fn differences(id: &str, answer: &Value) -> String {
    let list = answer["differences"].as_array().map(Vec::as_slice).unwrap_or_default();
    let lines: Vec<String> = list.iter().map(|difference| format!("  {difference}")).collect();
    format!("{id} comes out differently:\n{}", lines.join("\n"))
}
