//! `gtm sla preview`: when a handoff would be due, and why then.

use clap::Args;
use reqwest::Method;
use serde_json::Value;

use crate::cli::context::Context;
use crate::cli::screen::Screen;
use crate::cli::words::{instant, plain, text, when};

/// Of what to look ahead.
#[derive(Debug, Args)]
pub struct Preview {
    /// The type of handoff, such as `mql_to_sales`.
    #[arg(long = "type")]
    type_name: String,
    /// The team that takes over; the type's when left out.
    #[arg(long)]
    team: Option<String>,
    /// The account's segment, such as `enterprise`, where it has terms of its own.
    #[arg(long)]
    segment: Option<String>,
    /// The rep who would have it.
    #[arg(long)]
    rep: Option<String>,
    /// When it would begin, such as 2027-03-26T15:00:00Z; now when left out.
    #[arg(long)]
    at: Option<String>,
}

pub async fn run(args: Preview, context: &Context) -> anyhow::Result<()> {
    let Preview { type_name, team, segment, rep, at } = args;
    let client = context.client().await?;
    let mut query = vec![("type", type_name)];
    query.extend(
        [("team", team), ("segment", segment), ("rep", rep), ("at", at)]
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    let answer = client.json(client.request(Method::GET, "/v1/sla/preview").query(&query)).await?;
    context.screen.document(&answer, |answer| shown(answer, &context.screen));
    Ok(())
}

fn shown(answer: &Value, screen: &Screen) -> String {
    let list = |name: &str| answer[name].as_array().cloned().unwrap_or_default();
    let steps = list("steps");
    let steps = steps.iter().map(|step| vec![when(step.get("at")), text(step, &["/kind"]).replace('_', " ")]);
    let days = list("days");
    let days = days.iter().map(|day| {
        vec![
            text(day, &["/date"]),
            hours(day["countedSeconds"].as_i64().unwrap_or_default()),
            hours(day["totalSeconds"].as_i64().unwrap_or_default()),
            opened(day),
            because(&day["note"]),
        ]
    });
    let mut parts = vec![
        format!("Begins {} and is due {} (UTC).", when(answer.get("startsAt")), when(answer.get("dueAt"))),
        String::new(),
        screen.table(&["at (UTC)", "step"], steps),
        String::new(),
        format!("Days of {}", text(answer, &["/zone"])),
        screen.table(&["day", "counts", "in all", "open (UTC)", "because"], days),
    ];
    if let Some(more) = answer["daysLeftOff"].as_u64().filter(|more| *more > 0) {
        parts.push(format!("… and {more} days more."));
    }
    parts.join("\n")
}

/// `4 h 30 min`.
fn hours(seconds: i64) -> String {
    match (seconds / 3_600, seconds / 60 % 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

/// When a day is open: `08:00-11:30, 12:30-16:00`.
fn opened(day: &Value) -> String {
    let clock = |value: &Value| instant(value).map_or_else(String::new, |at| at.format("%H:%M").to_string());
    let blocks = day["opened"].as_array().map(Vec::as_slice).unwrap_or_default();
    let blocks: Vec<String> =
        blocks.iter().map(|block| format!("{}-{}", clock(&block["from"]), clock(&block["to"]))).collect();
    blocks.join(", ")
}

/// Why a day gives what it gives.
fn because(note: &Value) -> String {
    let named = |what: &str| match plain(&note["name"]) {
        Some(name) => format!("{what}: {name}"),
        None => what.to_owned(),
    };
    match note["because"].as_str().unwrap_or_default() {
        "aroundTheClock" => "every hour counts".to_owned(),
        "weekday" => "the weekday's hours".to_owned(),
        "noHours" => "no hours on this weekday".to_owned(),
        "holiday" => named("holiday"),
        "specialHours" => named("special hours"),
        "ownerAway" => "the owner is not at work".to_owned(),
        "outsideHours" => "open only before the start or after the end".to_owned(),
        other => other.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn days_say_what_they_give_and_why() {
        let day = json!({"opened": [{"from": "2027-03-26T08:00:00Z", "to": "2027-03-26T11:30:00Z"}]});
        assert_eq!(opened(&day), "08:00-11:30");
        assert_eq!([0, 1_800, 7_200, 16_200].map(hours), ["0 min", "30 min", "2 h", "4 h 30 min"]);
        assert_eq!(
            because(&json!({"because": "holiday", "name": "Easter Monday"})),
            "holiday: Easter Monday"
        );
        assert_eq!(because(&json!({"because": "holiday", "name": null})), "holiday");
        assert_eq!(because(&json!({"because": "ownerAway"})), "the owner is not at work");
    }
}
