//! `gtm renewal upcoming`, `list` and `show`.

use clap::Args;
use reqwest::Method;
use serde_json::Value;

use super::standing;
use crate::cli::client::Client;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::screen::Screen;
use crate::cli::words::{NOTHING, counted, shortened, text};
use crate::kernel::text::wrapped;
use crate::renewals::measures::told_amount;

/// Characters of a name or a title that a line shows.
const NAME_CHARS: usize = 28;
const TITLE_CHARS: usize = 60;

#[derive(Debug, Args)]
pub struct Upcoming {
    /// Within so many days.
    #[arg(long, default_value_t = 90)]
    days: u32,
    /// At most so many.
    #[arg(long, default_value_t = 50)]
    limit: usize,
}

pub async fn upcoming(client: &Client, args: &Upcoming, context: &Context) -> Result<(), Failure> {
    let query = [("days", args.days.to_string()), ("limit", args.limit.to_string())];
    let answer = client.json(client.request(Method::GET, "/v1/renewals/upcoming").query(&query)).await?;
    let rows = answer["data"].as_array().cloned().unwrap_or_default();
    let headers = ["account", "name", "renews", "value a year", "risk", "tier", "play", "begin"];
    context.screen.list(&rows, "Nothing renews in this time.", &headers, |row| {
        let begun = text(row, &["/renewalId"]);
        vec![
            text(row, &["/accountId"]),
            shortened(&text(row, &["/name"]), NAME_CHARS),
            text(row, &["/deadline"]),
            money(row.pointer("/value")),
            format!("{} {}", text(row, &["/risk/risk"]), text(row, &["/risk/score"])),
            text(row, &["/tier/tier"]),
            text(row, &["/play/play"]),
            if begun == NOTHING { text(row, &["/whenToStart"]) } else { "under way".to_owned() },
        ]
    });
    let total = answer["total"].as_u64().unwrap_or_default();
    if !context.screen.json && total > rows.len() as u64 {
        context.screen.line(format!("{} of {}; more with --limit.", rows.len(), counted(total, "renewal")));
    }
    Ok(())
}

/// `64,800 USD`.
fn money(value: Option<&Value>) -> String {
    let Some(value) = value.filter(|value| value.is_object()) else { return NOTHING.to_owned() };
    told_amount(&text(value, &["/amount"]), Some(&text(value, &["/currency"])))
}

#[derive(Debug, Args)]
pub struct List {
    /// Only these: planned, running, closed.
    #[arg(long)]
    status: Option<String>,
    /// Only these: green, yellow, red.
    #[arg(long)]
    risk: Option<String>,
    /// Only this account, by its id.
    #[arg(long)]
    account: Option<String>,
    /// Only those whose date is not later.
    #[arg(long)]
    due_by: Option<String>,
    /// At most so many.
    #[arg(long, default_value_t = 50)]
    limit: usize,
}

pub async fn list(client: &Client, args: &List, context: &Context) -> Result<(), Failure> {
    let asked = [
        ("status", args.status.as_deref()),
        ("risk", args.risk.as_deref()),
        ("accountId", args.account.as_deref()),
        ("dueBy", args.due_by.as_deref()),
    ];
    let filters: Vec<(&str, &str)> =
        asked.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    let rows = client.list("/v1/renewals", &filters, Some(args.limit)).await?;
    let headers = ["account", "renews", "status", "risk", "tier", "play", "outcome", "renewal"];
    context.screen.list(&rows, "No such renewals.", &headers, |row| {
        vec![
            text(row, &["/accountId"]),
            text(row, &["/deadline"]),
            text(row, &["/status"]),
            format!("{} {}", text(row, &["/risk/level"]), text(row, &["/score"])),
            text(row, &["/tier"]),
            text(row, &["/play"]),
            text(row, &["/outcome"]),
            text(row, &["/renewalId"]),
        ]
    });
    Ok(())
}

/// A renewal on one screen.
pub fn shown(renewal: &Value, screen: &Screen) -> String {
    let mut lines = vec![standing(renewal)];
    for (name, pointer) in
        [("play", "/play"), ("tier", "/tier"), ("version", "/version"), ("shape", "/pattern/explanation")]
    {
        lines.push(format!("  {name:<9} {}", wrapped(&text(renewal, &[pointer]), screen.width(), 12)));
    }
    let reasons = array(renewal, "/rating/reasons");
    for reason in reasons {
        lines.push(format!("  {:>3}  {}", text(reason, &["/points"]), text(reason, &["/text"])));
    }
    let tasks = array(renewal, "/tasks");
    if !tasks.is_empty() {
        let rows = tasks.iter().map(|task| {
            let late = if task["late"] == true { " (late)" } else { "" };
            vec![
                format!("{}{late}", day(task, "/endAt")),
                shortened(&text(task, &["/title"]), TITLE_CHARS),
                text(task, &["/owner"]),
                text(task, &["/status"]),
            ]
        });
        lines.push(screen.table(&["done by", "task", "who", "status"], rows));
    }
    let checkpoints = array(renewal, "/checkpoints");
    if !checkpoints.is_empty() {
        let rows = checkpoints.iter().map(|one| {
            let status = text(one, &["/held/rating", "/status"]);
            vec![text(one, &["/number"]), day(one, "/dueAt"), text(one, &["/owner"]), status]
        });
        lines.push(screen.table(&["no.", "checkpoint", "who", "status"], rows));
    }
    for escalation in array(renewal, "/escalations") {
        lines.push(format!("! {}: {}", text(escalation, &["/title"]), text(escalation, &["/body"])));
    }
    for remedy in array(renewal, "/remedies") {
        lines.push(format!("→ {}", text(remedy, &[""])));
    }
    lines.join("\n")
}

/// The date of an instant.
fn day(value: &Value, pointer: &str) -> String {
    text(value, &[pointer]).chars().take(10).collect()
}

fn array<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_renewal_fits_one_screen() {
        let screen = Screen { json: false, terminal: false, now: chrono::DateTime::UNIX_EPOCH };
        let renewal = json!({
            "renewalId": "r1", "account": "Acme", "deadline": "2027-03-01", "status": "planned", "score": 20,
            "risk": {"level": "green"}, "play": "exec-save", "tier": "scale", "version": 1,
            "pattern": {"explanation": "One after the other."},
            "rating": {"reasons": [{"points": 20, "text": "Usage fell."}]},
            "tasks": [{"endAt": "2027-01-04T17:00:00Z", "title": "Send the offer", "owner": "ae", "status": "waiting", "late": true}],
            "checkpoints": [{"number": 1, "dueAt": "2027-01-05T17:00:00Z", "owner": "csm", "status": "held", "held": {"rating": "red"}}],
            "escalations": [{"title": "It stays red", "body": "Decide."}],
            "remedies": ["Start now."],
        });
        let shown = shown(&renewal, &screen);
        for line in [
            "Renewal r1 of Acme",
            "20  Usage fell.",
            "2027-01-04 (late)",
            "red",
            "! It stays red: Decide.",
            "→ Start now.",
        ] {
            assert!(shown.contains(line), "{line} in\n{shown}");
        }
        assert_eq!(money(Some(&json!({"amount": "1000.00", "currency": "USD"}))), "1,000 USD");
        assert_eq!(money(None), NOTHING);
    }
}
