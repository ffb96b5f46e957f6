//! `gtm audit`: is the log of decisions complete and unchanged?

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
    let sound = ["ok", "intact", "valid", "verified"].iter().any(|name| answer[name] == true);
    context.screen.document(&answer, |answer| verdict(answer, sound));
    if sound { Ok(()) } else { Err(Failure::said().into()) }
}

fn verdict(answer: &Value, sound: bool) -> String {
    let count = |names: &[&str]| names.iter().find_map(|name| answer[name].as_u64());
    if sound {
        let entries = count(&["entries", "entryCount"]).unwrap_or_default();
        let chains = count(&["chains", "chainCount"]).unwrap_or_default();
        return format!(
            "The audit log is intact: {} in {}.",
            counted(entries, "entry").replace("entrys", "entries"),
            counted(chains, "chain")
        );
    }
    let mut out = "The audit log is NOT intact.".to_owned();
    let faults = ["faults", "problems", "broken", "findings"].iter().find_map(|name| answer[name].as_array());
    for fault in faults.into_iter().flatten() {
        out.push_str("\n  ");
        out.push_str(&match text(fault, &["/detail", "/reason"]).as_str() {
            super::words::NOTHING => fault.to_string(),
            detail => format!("{}: {detail}", text(fault, &["/chain", "/accountId"])),
        });
    }
    out
}
