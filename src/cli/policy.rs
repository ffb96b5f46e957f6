//! `gtm policy`: the rules, as versioned data.
//!
//! `check` needs no service: it is the same code that the service checks a policy with.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};

use super::client::{Client, segment};
use super::context::Context;
use super::failure::Failure;
use super::words::{counted, text, when};
use crate::motions::policy::{Fault, Format, Policy as Compiled, vocabulary};

#[derive(Debug, Args)]
pub struct Policy {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the versions (the default).
    List,
    /// A version's content.
    Show { version: String },
    /// Check a policy file (TOML, or JSON by its name). Ends with code 1 when it has faults.
    Check { file: PathBuf },
    /// Store a policy file as a new version, without making it the live one.
    Add { file: PathBuf },
    /// Make a version the live one.
    Activate { version: String },
    /// The words that conditions are written in.
    Vocabulary,
}

pub async fn run(args: Policy, context: &Context) -> anyhow::Result<()> {
    let screen = &context.screen;
    match args.action.unwrap_or(Action::List) {
        Action::Check { file } => check(&file, context)?,
        Action::Vocabulary => {
            let words = serde_json::to_value(vocabulary())?;
            let words = words.as_array().cloned().unwrap_or_default();
            screen.list(&words, "No words.", &["name", "type", "unit", "meaning"], |word| {
                ["/name", "/type", "/unit", "/meaning"].map(|pointer| text(word, &[pointer])).to_vec()
            });
        }
        Action::List => {
            let rows = context.client().await?.list("/v1/policies", &[], None).await?;
            screen.list(&rows, "No policies.", &["name", "live", "added", "by", "version"], |row| {
                vec![
                    text(row, &["/name"]),
                    if row["active"] == true { "yes" } else { "" }.to_owned(),
                    when(row.get("createdAt")),
                    text(row, &["/createdBy"]),
                    text(row, &["/version"]),
                ]
            });
        }
        Action::Show { version } => {
            let answer = context.client().await?.get(&format!("/v1/policies/{}", segment(&version))).await?;
            screen.document(&answer, |answer| match answer["body"].as_str() {
                Some(body) => body.to_owned(),
                None => format!("{answer:#}"),
            });
        }
        Action::Add { file } => {
            let (body, format) = read(&file)?;
            // Checked here first: the place of a fault is shown in the file itself.
            compile(&file, &body, format, context)?;
            let answer = add(&context.client().await?, body, format).await?;
            screen.document(&answer, |answer| {
                let version = text(answer, &["/version"]);
                format!("Stored as {version}. `gtm policy activate {version}` makes it the live one.")
            });
        }
        Action::Activate { version } => {
            let path = format!("/v1/policies/{}/activate", segment(&version));
            let answer = context.client().await?.post(&path, &json!({})).await?;
            screen.document(&answer, |_| format!("Decisions are made by {version} from now on."));
        }
    }
    Ok(())
}

async fn add(client: &Client, body: String, format: Format) -> Result<Value, Failure> {
    let media_type = match format {
        Format::Toml => "application/toml",
        Format::Json => "application/json",
    };
    client
        .json(client.request(Method::POST, "/v1/policies").header(CONTENT_TYPE, media_type).body(body))
        .await
}

fn read(file: &Path) -> Result<(String, Format), Failure> {
    let body = std::fs::read_to_string(file)
        .map_err(|error| Failure::usage(format!("cannot read {}: {error}", file.display())))?;
    let is_json = file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
    Ok((body, if is_json { Format::Json } else { Format::Toml }))
}

fn check(file: &Path, context: &Context) -> anyhow::Result<()> {
    let (body, format) = read(file)?;
    let policy = compile(file, &body, format, context)?;
    let answer = json!({ "ok": true, "name": policy.name(), "version": policy.version() });
    context.screen.document(&answer, |_| {
        let rules = counted(policy.branches().len() as u64, "rule");
        format!("{}: no faults. {:?}, {rules}, version {}.", file.display(), policy.name(), policy.version())
    });
    Ok(())
}

/// Compiles a policy; its faults are printed and end the command.
fn compile(file: &Path, body: &str, format: Format, context: &Context) -> anyhow::Result<Compiled> {
    match Compiled::compile(body, format) {
        Ok(policy) => Ok(policy),
        Err(faults) => {
            if context.screen.json {
                context.screen.line(json!({ "ok": false, "faults": faults }).to_string());
            } else {
                context.screen.line(report(file, body, &faults));
            }
            Err(Failure::said().into())
        }
    }
}

/// Each fault with its place, the line it stands on and a mark below the column.
fn report(file: &Path, body: &str, faults: &[Fault]) -> String {
    let lines: Vec<&str> = body.lines().collect();
    let mut out = String::new();
    for fault in faults {
        let place = if fault.path.is_empty() { String::new() } else { format!("{}: ", fault.path) };
        let _ = writeln!(out, "{}:{}:{}: {place}{}", file.display(), fault.line, fault.column, fault.message);
        if let Some(line) = fault.line.checked_sub(1).and_then(|n| lines.get(n as usize)) {
            let number = fault.line.to_string();
            let before = line.chars().take(fault.column.saturating_sub(1) as usize);
            // Tabs stay tabs, so that the mark stands below its character whatever their width.
            let indent: String = before.map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
            let margin = " ".repeat(number.len());
            let _ = writeln!(out, "  {number} | {line}\n  {margin} | {indent}^");
        }
        if let Some(suggestion) = &fault.suggestion {
            let _ = writeln!(out, "  {suggestion}");
        }
    }
    let _ = write!(out, "{}.", counted(faults.len() as u64, "fault"));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_shown_in_its_line() {
        let body = crate::motions::policy::BUILT_IN[0].1.replace("!has_active_deal'", "!has_active_dael'");
        let faults = Compiled::compile(&body, Format::Toml).unwrap_err();
        let shown = report(Path::new("p.toml"), &body, &faults);
        let lines: Vec<&str> = shown.lines().collect();
        assert!(
            lines[0].starts_with(&format!("p.toml:{}:{}: ", faults[0].line, faults[0].column)),
            "{shown}"
        );
        let caret = lines[2].chars().position(|c| c == '^').unwrap();
        let under: String = lines[1].chars().skip(caret).take(15).collect();
        assert_eq!(under, "has_active_dael", "{shown}");
        assert!(shown.contains("has_active_deal"), "{shown}");
    }
}
