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
use super::screen::Screen;
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
    Add {
        file: PathBuf,
        /// Who made it, by name: they do not review it.
        #[arg(long)]
        author: Option<String>,
    },
    /// Say of a version that somebody else made that it may become the live one, or must not.
    #[command(group(clap::ArgGroup::new("verdict").required(true).args(["approve", "object"])))]
    Review {
        version: String,
        /// Who reviews.
        #[arg(long)]
        name: String,
        #[arg(long)]
        approve: bool,
        /// Needs a comment that says what is wrong.
        #[arg(long)]
        object: bool,
        #[arg(long)]
        comment: Option<String>,
    },
    /// What was said of a version.
    Reviews { version: String },
    /// Make a version the live one.
    Activate {
        version: String,
        /// At an instant, such as 2027-03-01T08:00:00Z, instead of now.
        #[arg(long)]
        at: Option<String>,
        /// Why; kept in the history.
        #[arg(long)]
        note: Option<String>,
    },
    /// Call off a version that waits for its instant.
    CallOff {
        version: String,
        /// Why; kept in the history.
        #[arg(long)]
        note: String,
    },
    /// Put back what was live before, without a review.
    Rollback {
        /// Why; kept in the history.
        #[arg(long)]
        note: String,
        /// Only if this version is still the live one.
        #[arg(long, value_name = "VERSION")]
        from: Option<String>,
    },
    /// What was live when, and why; what waits; what was stopped.
    History {
        /// At most so many.
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
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
                    live(row),
                    when(row.get("createdAt")),
                    text(row, &["/author", "/createdBy"]),
                    text(row, &["/version"]),
                ]
            });
        }
        Action::Show { version } => {
            let answer = context.client().await?.get(&path(&version, "")).await?;
            screen.document(&answer, |answer| match answer["body"].as_str() {
                Some(body) => body.to_owned(),
                None => format!("{answer:#}"),
            });
        }
        Action::Add { file, author } => {
            let (body, format) = read(&file)?;
            // Checked here first: the place of a fault is shown in the file itself.
            compile(&file, &body, format, context)?;
            let answer = add(&context.client().await?, body, format, author).await?;
            screen.document(&answer, |answer| {
                let version = text(answer, &["/version"]);
                format!("Stored as {version}. `gtm policy activate {version}` makes it the live one.")
            });
        }
        Action::Review { version, name, approve, object: _, comment } => {
            let verdict = if approve { "approve" } else { "object" };
            let body = json!({ "name": name, "verdict": verdict, "comment": comment });
            let answer = context.client().await?.post(&path(&version, "/reviews"), &body).await?;
            screen.document(&answer, |answer| reviews(answer, screen));
        }
        Action::Reviews { version } => {
            let answer = context.client().await?.get(&path(&version, "")).await?;
            screen.document(&answer["reviews"], |_| reviews(&answer, screen));
        }
        Action::Activate { version, at, note } => {
            let mut body = json!({ "note": note });
            if let Some(at) = at {
                body["at"] = json!(at);
            }
            let answer = context.client().await?.post(&path(&version, "/activate"), &body).await?;
            screen.document(&answer, |answer| match answer["scheduledAt"].as_str() {
                Some(_) => format!(
                    "{version} becomes the live one at {} UTC if nothing else does before. `gtm policy call-off {version}` \
                     calls it off.",
                    when(answer.get("scheduledAt"))
                ),
                None => format!("Decisions are made by {version} from now on."),
            });
        }
        Action::CallOff { version, note } => {
            let body = json!({ "note": note });
            let answer = context.client().await?.post(&path(&version, "/call-off"), &body).await?;
            screen.document(&answer, |_| format!("Called off: {version} does not become the live one."));
        }
        Action::Rollback { note, from } => {
            let body = json!({ "note": note, "from": from });
            let answer = context.client().await?.post("/v1/policies/rollback", &body).await?;
            screen.document(&answer, |answer| {
                let (version, base) = (text(answer, &["/version"]), text(answer, &["/base"]));
                format!("Decisions are made by {version} from now on, and no longer by {base}.")
            });
        }
        Action::History { limit } => {
            let rows = context.client().await?.list("/v1/policies/activations", &[], Some(limit)).await?;
            history(&rows, screen);
        }
    }
    Ok(())
}

/// The address of a version, or of something below it.
fn path(version: &str, below: &str) -> String {
    format!("/v1/policies/{}{below}", segment(version))
}

/// Whether a version is the live one, or when it becomes that.
fn live(row: &Value) -> String {
    match row["scheduledAt"].as_str() {
        _ if row["active"] == true => "yes".to_owned(),
        Some(_) => format!("at {}", when(row.get("scheduledAt"))),
        None => String::new(),
    }
}

/// What was live when, and why.
fn history(rows: &[Value], screen: &Screen) {
    let headers = ["version", "status", "asked", "by", "from", "to", "approved by", "why"];
    screen.list(rows, "No activations.", &headers, |row| {
        vec![
            text(row, &["/version"]),
            text(row, &["/status"]).replace('_', " "),
            when(row.get("askedAt")),
            text(row, &["/askedBy"]),
            when(row.get("inForceAt").filter(|at| !at.is_null())),
            when(row.get("endedAt")),
            text(row, &["/approvedBy"]),
            why(row),
        ]
    });
}

/// When an activation is due while it waits, why it ended otherwise, and why it was asked for.
fn why(row: &Value) -> String {
    match row["status"].as_str() {
        Some("scheduled") => format!("due {}; {}", when(row.get("dueAt")), text(row, &["/note"])),
        _ => text(row, &["/endedWhy", "/note"]),
    }
}

/// What was said of a version.
fn reviews(policy: &Value, screen: &Screen) -> String {
    let reviews = policy["reviews"].as_array().map_or(&[][..], Vec::as_slice);
    if reviews.is_empty() {
        return "Nobody has reviewed it.".to_owned();
    }
    let rows = reviews.iter().map(|review| {
        vec![
            text(review, &["/name"]),
            text(review, &["/verdict"]),
            when(review.get("at")),
            text(review, &["/comment"]),
        ]
    });
    screen.table(&["who", "says", "when", "comment"], rows)
}

async fn add(
    client: &Client,
    body: String,
    format: Format,
    author: Option<String>,
) -> Result<Value, Failure> {
    let media_type = match format {
        Format::Toml => "application/toml",
        Format::Json => "application/json",
    };
    let author = author.map(|name| ("author", name));
    let request = client.request(Method::POST, "/v1/policies").query(&author.as_slice());
    client.json(request.header(CONTENT_TYPE, media_type).body(body)).await
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
