//! `gtm roster`: everything about who takes handoffs, in and out.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::context::Context;
use super::failure::Failure;
use super::words::{text, thousands};

#[derive(Debug, Args)]
pub struct Roster {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Bring in a whole roster (.json, .toml), tables of reps and territories (.csv), or both, at once.
    Import {
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Say what would change and write nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// What handoff types name and nobody on the roster answers for.
    Check,
    /// The whole roster as JSON.
    Export {
        /// Write to this file instead of standard output.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

pub async fn run(args: Roster, context: &Context) -> anyhow::Result<()> {
    let screen = &context.screen;
    match args.action {
        Action::Import { files, dry_run } => {
            let files = files.iter().map(|file| read(file)).collect::<Result<Vec<Value>, Failure>>()?;
            let body = json!({ "files": files, "dryRun": dry_run });
            let answer = context.client().await?.post("/v1/roster/import", &body).await?;
            screen.document(&answer, told);
        }
        Action::Check => {
            let found = context.client().await?.get("/v1/roster/findings").await?;
            let rows = found["data"].as_array().map(Vec::as_slice).unwrap_or_default();
            screen.list(rows, "Nothing to mend.", &["what", "which", "so"], |row| {
                vec![text(row, &["/code"]).replace('_', " "), text(row, &["/id"]), text(row, &["/message"])]
            });
        }
        Action::Export { out } => {
            let roster = context.client().await?.get("/v1/roster").await?;
            match out {
                Some(path) => std::fs::write(&path, format!("{roster:#}\n"))
                    .with_context(|| format!("cannot write {}", path.display()))?,
                None => screen.line(format!("{roster:#}")),
            }
        }
    }
    Ok(())
}

/// A file as the API takes it; its name alone says what it is.
fn read(path: &Path) -> Result<Value, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::usage(format!("cannot read {}: {error}", path.display())))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(json!({ "name": name, "text": text }))
}

/// What an import did, or would do.
fn told(answer: &Value) -> String {
    let mut lines = Vec::new();
    if answer["dryRun"] == true {
        lines.push("Nothing was written; this is what would change.".to_owned());
    }
    for (sign, list) in [('+', "added"), ('~', "changed"), ('-', "removed")] {
        for entry in answer[list].as_array().map(Vec::as_slice).unwrap_or_default() {
            let kind = text(entry, &["/kind"]).replace('_', " ");
            lines.push(format!("{sign} {kind} {}", text(entry, &["/id"])));
        }
    }
    let count = |list: &str| answer[list].as_array().map_or(0, Vec::len) as u64;
    lines.push(format!(
        "{} added, {} changed, {} removed, {} unchanged.",
        match count("added") {
            1 => "1 entry".to_owned(),
            many => format!("{} entries", thousands(many)),
        },
        count("changed"),
        count("removed"),
        answer["unchanged"].as_u64().unwrap_or_default()
    ));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preview_says_that_it_is_one_and_lists_every_change() {
        let answer = json!({
            "dryRun": true, "added": [{"kind": "rep", "id": "ada"}, {"kind": "named_account", "id": "acme.com"}],
            "changed": [{"kind": "team", "id": "sales"}], "removed": [], "unchanged": 3,
        });
        let lines = [
            "Nothing was written; this is what would change.",
            "+ rep ada",
            "+ named account acme.com",
            "~ team sales",
            "2 entries added, 1 changed, 0 removed, 3 unchanged.",
        ];
        assert_eq!(told(&answer), lines.join("\n"));
    }
}
