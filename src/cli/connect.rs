//! `gtm connect`: the systems that the service is connected to, tried and read.

use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use super::client::segment;
use super::context::Context;
use super::screen::Screen;
use super::words::{text, when};

#[derive(Debug, Args)]
pub struct Connect {
    /// The system, as the settings name it; without one, all are listed.
    name: Option<String>,
    /// Try everything that it needs, and say what is missing; nothing is written there.
    #[arg(long, requires = "name")]
    check: bool,
    /// Read everything of it from the beginning, in the background; run again to see how far it has come.
    #[arg(long, requires = "name", conflicts_with = "check")]
    sync: bool,
}

pub async fn run(args: Connect, context: &Context) -> anyhow::Result<ExitCode> {
    let (client, screen) = (context.client().await?, &context.screen);
    let path = |action: &str| {
        let name = args.name.as_deref().unwrap_or_default();
        format!("/v1/connectors/{}/{action}", segment(name))
    };
    if args.check {
        let answer = client.post(&path("check"), &json!({})).await?;
        screen.document(&answer, |answer| findings(answer, screen));
        // For scripts: what is amiss is a failure.
        return Ok(if answer["ok"] == true { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    if args.sync {
        let answer = client.post(&path("sync"), &json!({})).await?;
        screen.document(&answer, |answer| syncs(answer, screen));
        return Ok(ExitCode::SUCCESS);
    }
    let answer = client.get("/v1/connectors").await?;
    let all = answer["data"].as_array().cloned().unwrap_or_default();
    let named = |one: &&Value| args.name.as_ref().is_none_or(|name| one["name"] == **name);
    let rows: Vec<Value> = all.iter().filter(named).cloned().collect();
    let empty = "No system is connected. See docs/connectors.md.";
    let headers = ["system", "serves", "keeps fresh", "last read", "last call", "waiting", "dead", "quotas"];
    let alarms = alarms(&answer, args.name.as_deref());
    screen.list(&rows, empty, &headers, |row| {
        let serves: Vec<&str> =
            row["serves"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        vec![
            text(row, &["/name"]),
            serves.join(", "),
            text(row, &["/group"]),
            when(row.get("readAt")),
            when(row.get("lastReceivedAt")),
            text(row, &["/waiting"]),
            text(row, &["/dead"]),
            quotas(&row["quotas"]),
        ]
    });
    if !screen.json && !alarms.is_empty() {
        screen.line(format!("\n{}", alarms.join("\n")));
    }
    Ok(ExitCode::SUCCESS)
}

/// What is amiss, a line each: of one system, or of all and the service itself.
fn alarms(answer: &Value, name: Option<&str>) -> Vec<String> {
    let line = |of: &str, alarm: &Value| format!("{of}: {}", text(alarm, &["/said"]));
    let lines = |of: &str, alarms: &Value| {
        alarms.as_array().into_iter().flatten().map(|alarm| line(of, alarm)).collect::<Vec<_>>()
    };
    let systems = answer["data"].as_array().into_iter().flatten();
    let named = systems.filter(|one| name.is_none_or(|name| one["name"] == *name));
    let mut all: Vec<String> =
        named.flat_map(|one| lines(one["name"].as_str().unwrap_or_default(), &one["alarms"])).collect();
    if name.is_none() {
        all.extend(lines("service", &answer["alarms"]));
    }
    all
}

/// `day 71 %, second 20 %`.
fn quotas(quotas: &Value) -> String {
    let share = |(window, quota): (&String, &Value)| {
        let number = |key: &str| quota[key].as_u64().unwrap_or(0);
        format!("{window} {} %", number("used") * 100 / number("limit").max(1))
    };
    quotas.as_object().into_iter().flatten().map(share).collect::<Vec<_>>().join(", ")
}

fn findings(answer: &Value, screen: &Screen) -> String {
    let rows = answer["findings"].as_array().into_iter().flatten().map(|one| {
        let well = if one["ok"] == true { "well" } else { "AMISS" };
        vec![well.to_owned(), text(one, &["/what"]), text(one, &["/detail"])]
    });
    screen.table(&["", "what", "found"], rows)
}

fn syncs(answer: &Value, screen: &Screen) -> String {
    let rows = answer["syncs"].as_array().into_iter().flatten().map(|one| {
        let state = if one["finishedAt"].is_null() { text(one, &["/error"]) } else { "done".to_owned() };
        vec![
            text(one, &["/object"]),
            text(one, &["/objects"]),
            text(one, &["/total"]),
            when(one.get("changedAt")),
            state,
        ]
    });
    screen.table(&["objects", "read", "in all", "last page", "state"], rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alarms_are_told_a_line_each() {
        let answer = json!({
            "data": [
                {"name": "hubspot", "alarms": [{"said": "It has not called."}]}, {"name": "slack", "alarms": []},
            ],
            "alarms": [{"said": "It is full."}],
        });
        assert_eq!(alarms(&answer, None), ["hubspot: It has not called.", "service: It is full."]);
        assert_eq!(alarms(&answer, Some("slack")), Vec::<String>::new());
    }

    #[test]
    fn quotas_are_told_as_shares() {
        let told = quotas(&json!({"day": {"used": 71, "limit": 100}, "second": {"used": 1, "limit": 5}}));
        assert_eq!(told, "day 71 %, second 20 %");
        assert_eq!(quotas(&json!({})), "");
    }
}
