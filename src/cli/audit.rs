//! `gtm audit`: is the log of decisions complete and unchanged?

use std::fmt::Write as _;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::context::Context;
use super::failure::Failure;
use super::words::{counted, text};

#[derive(Debug, Args)]
pub struct Audit {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Check every chain and checkpoint. Ends with code 1 when something was changed, removed or reordered.
    Verify,
}

pub async fn run(args: Audit, context: &Context) -> anyhow::Result<()> {
    let Action::Verify = args.action;
    let client = context.client().await?;
    let answer = client.post("/v1/audit/verify", &json!({})).await?;
    let sound = answer["intact"] == true;
    context.screen.document(&answer, |answer| verdict(answer, sound));
    if sound { Ok(()) } else { Err(Failure::said().into()) }
}

fn verdict(answer: &Value, sound: bool) -> String {
    let count = |name: &str| answer[name].as_u64().unwrap_or_default();
    if sound {
        let erased = answer["erased"].as_array().map_or(0, Vec::len);
        let erased = match erased {
            0 => String::new(),
            count => format!(" People were erased on request from {}.", counted(count as u64, "document")),
        };
        return format!(
            "The audit log is intact: {} in {}, {}.{erased}",
            counted(count("entries"), "entry").replace("entrys", "entries"),
            counted(count("chains"), "chain"),
            counted(count("checkpoints"), "signed checkpoint")
        );
    }
    let mut out = "The audit log is NOT intact.".to_owned();
    for finding in answer["findings"].as_array().into_iter().flatten() {
        let place = text(finding, &["/accountId"]);
        let _ =
            write!(out, "\n  {place} entry {}: {}", text(finding, &["/seq"]), text(finding, &["/detail"]));
    }
    let unlisted = count("findingsUnlisted");
    if unlisted > 0 {
        let _ = write!(out, "\n  … and {unlisted} more.");
    }
    out
}
