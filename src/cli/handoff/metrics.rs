//! `gtm handoff metrics` and `gtm handoff pools`: the figures of handoffs, and how fairly they were shared out.

use clap::Args;
use reqwest::Method;
use serde_json::Value;

use crate::cli::client::Client;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::screen::Screen;
use crate::cli::words::{NOTHING, number, percent, text, when};

#[derive(Debug, Args)]
struct Stretch {
    /// From when on, such as 2027-03-01T00:00:00Z; 28 days before the end when left out.
    #[arg(long)]
    from: Option<String>,
    /// Up to when; now when left out.
    #[arg(long)]
    to: Option<String>,
}

#[derive(Debug, Args)]
pub struct Metrics {
    #[command(flatten)]
    stretch: Stretch,
    /// A line for each `type`, `team`, `rep`, `segment` or `week`.
    #[arg(long)]
    by: Option<String>,
}

#[derive(Debug, Args)]
pub struct Pools {
    #[command(flatten)]
    stretch: Stretch,
}

impl Stretch {
    fn query(self) -> Vec<(&'static str, String)> {
        let ends = [("from", self.from), ("to", self.to)];
        ends.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

pub async fn handoffs(client: &Client, args: Metrics, context: &Context) -> Result<(), Failure> {
    let mut query = args.stretch.query();
    query.extend(args.by.map(|by| ("groupBy", by)));
    let answer = client.json(client.request(Method::GET, "/v1/metrics/handoffs").query(&query)).await?;
    context.screen.document(&answer, |answer| figures(answer, &context.screen));
    Ok(())
}

pub async fn pools(client: &Client, args: Pools, context: &Context) -> Result<(), Failure> {
    let query = args.stretch.query();
    let answer = client.json(client.request(Method::GET, "/v1/metrics/pools").query(&query)).await?;
    context.screen.document(&answer, |answer| fairness(answer, &context.screen));
    Ok(())
}

/// How much of a group's name a line shows: with it the lines fit 100 columns.
const KEY_MAX: usize = 22;

/// A line for each group, in two tables: one with all figures is wider than a terminal.
fn figures(answer: &Value, screen: &Screen) -> String {
    let by = text(answer, &["/groupBy"]);
    let first = if by == NOTHING { "" } else { by.as_str() };
    let groups = answer["groups"].as_array().map(Vec::as_slice).unwrap_or_default();
    let groups: Vec<(String, &Value)> = groups
        .iter()
        .map(|group| (shortened(&text(group, &["/key"])), &group["figures"]))
        .chain([("all".to_owned(), &answer["total"])])
        .collect();
    let table = |headers: &[&str], cells: fn(&Value) -> Vec<String>| {
        let headers: Vec<&str> = [first].iter().chain(headers).copied().collect();
        let line = |(key, figures): &(String, &Value)| [vec![key.clone()], cells(figures)].concat();
        screen.table(&headers, groups.iter().map(line))
    };
    let times = ["handoffs", "contact p50", "p90", "p95", "in time", "owner p50", "acknowledged"];
    let outcomes = ["converts", "rated", "complete", "passed on", "given back", "fell back", "held"];
    format!(
        "Handoffs made from {} to {} (UTC); `!` marks a missed target.\n\n{}\n\n{}",
        when(answer.get("from")),
        when(answer.get("to")),
        table(&times, times_of),
        table(&outcomes, outcomes_of),
    )
}

fn shortened(key: &str) -> String {
    if key.chars().count() <= KEY_MAX {
        return key.to_owned();
    }
    key.chars().take(KEY_MAX - 1).chain(['…']).collect()
}

/// How many there were, how long they took, and what part of them was in time.
fn times_of(figures: &Value) -> Vec<String> {
    vec![
        text(figures, &["/count"]),
        span(figures.pointer("/contactTime/p50Seconds")),
        span(figures.pointer("/contactTime/p90Seconds")),
        span(figures.pointer("/contactTime/p95Seconds")),
        percent(figures.pointer("/contactSla/share")),
        span(figures.pointer("/assignmentTime/p50Seconds")),
        percent(figures.pointer("/acknowledgement/share")),
    ]
}

fn outcomes_of(figures: &Value) -> Vec<String> {
    vec![
        aim(&figures["conversion"]["rate"], |value| format!("{:.0} %", value * 100.0)),
        aim(&figures["nps"]["mean"], |value| number(value, 1)),
        aim(&figures["completeness"]["mean"], |value| format!("{value:.0} %")),
        text(figures, &["/reassigned"]),
        text(figures, &["/rejected"]),
        percent(figures.pointer("/fellBack/share")),
        text(figures, &["/heldNow"]),
    ]
}

/// A figure with a target; `!` behind it when the target is missed.
fn aim(figure: &Value, words: impl Fn(f64) -> String) -> String {
    let Some(value) = figure["value"].as_f64() else { return NOTHING.to_owned() };
    format!("{}{}", words(value), if figure["met"] == false { " !" } else { "" })
}

/// Seconds in the unit that fits.
fn span(seconds: Option<&Value>) -> String {
    let Some(seconds) = seconds.and_then(Value::as_f64) else { return NOTHING.to_owned() };
    match seconds {
        ..120.0 => format!("{seconds:.0} s"),
        ..7_200.0 => format!("{:.0} min", seconds / 60.0),
        ..172_800.0 => format!("{} h", number(seconds / 3_600.0, 1)),
        _ => format!("{} d", number(seconds / 86_400.0, 1)),
    }
}

fn fairness(answer: &Value, screen: &Screen) -> String {
    let pools = answer["pools"].as_array().map(Vec::as_slice).unwrap_or_default();
    if pools.is_empty() {
        return "No teams. `gtm roster import` brings them in.".to_owned();
    }
    let head = format!(
        "Turns from {} to {} (UTC). A deviation above 0 is owed, below 0 ahead, in handoffs.",
        when(answer.get("from")),
        when(answer.get("to"))
    );
    std::iter::once(head)
        .chain(pools.iter().map(|pool| one_pool(pool, screen)))
        .collect::<Vec<_>>()
        .join("\n\n")
}

fn one_pool(pool: &Value, screen: &Screen) -> String {
    let outside = pool["outside"].as_array().map(Vec::as_slice).unwrap_or_default();
    let outside: Vec<String> = outside
        .iter()
        .map(|way| format!("{} by {}", text(way, &["/count"]), text(way, &["/route"]).replace('_', " ")))
        .collect();
    let deviation =
        |value: &Value| value.as_f64().map_or_else(|| NOTHING.to_owned(), |value| number(value, 3));
    let mut lines = vec![format!(
        "{}: {} turns, largest deviation {}; outside of the rotation: {}",
        text(pool, &["/teamId"]),
        text(pool, &["/turns"]),
        deviation(&pool["largestDeviation"]),
        if outside.is_empty() { "none".to_owned() } else { outside.join(", ") }
    )];
    let reps = pool["reps"].as_array().map(Vec::as_slice).unwrap_or_default();
    let rows = reps.iter().map(|rep| {
        let name = text(rep, &["/repId"]);
        vec![
            if rep["member"] == true { name } else { format!("{name} (left)") },
            text(rep, &["/weight"]),
            text(rep, &["/turns"]),
            deviation(&rep["expected"]),
            percent(rep.get("actualShare")),
            percent(rep.get("expectedShare")),
            deviation(&rep["deviation"]),
        ]
    });
    if !reps.is_empty() {
        lines.push(screen.table(&["rep", "weight", "turns", "due", "share", "share due", "deviation"], rows));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn figures_are_read_with_their_targets() {
        assert_eq!(aim(&json!({"value": 0.7, "target": 0.7, "met": false}), |v| format!("{v}")), "0.7 !");
        assert_eq!(aim(&json!({"value": 8.5, "target": 8, "met": true}), |v| number(v, 1)), "8.5");
        assert_eq!(aim(&json!({"value": null, "target": 8, "met": null}), |v| number(v, 1)), NOTHING);
        let spans = [0.4, 119.0, 120.0, 9_000.0, 216_000.0].map(|seconds| span(Some(&json!(seconds))));
        assert_eq!(spans, ["0 s", "119 s", "2 min", "2.5 h", "2.5 d"]);
        assert_eq!(span(Some(&Value::Null)), NOTHING);
    }

    #[test]
    fn figures_fit_a_terminal_of_a_hundred_columns() {
        let screen = Screen { json: false, terminal: false, now: chrono::DateTime::UNIX_EPOCH };
        let figures = json!({
            "count": 10_000_000, "contactTime": {"p50Seconds": 216_000.0, "p90Seconds": 8_640_000.0, "p95Seconds": 8_700_000.0},
            "contactSla": {"share": 0.3333}, "assignmentTime": {"p50Seconds": 8_640_000.0}, "acknowledgement": {"share": 1.0},
            "conversion": {"rate": {"value": 0.5, "met": false}}, "nps": {"mean": {"value": 7.25, "met": false}},
            "completeness": {"mean": {"value": 100.0, "met": false}}, "reassigned": 1_000_000, "rejected": 1_000_000,
            "fellBack": {"share": 1.0}, "heldNow": 1_000_000,
        });
        let key = "a-team-with-a-name-that-nobody-wants-to-type";
        let answer = json!({"from": "2027-03-01T00:00:00Z", "to": "2027-03-29T00:00:00Z", "groupBy": "team",
            "groups": [{"key": key, "figures": figures}], "total": figures});
        let shown = super::figures(&answer, &screen);
        let widest = shown.lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(100), "{widest:?}\n{shown}");
        assert!(shown.contains("a-team-with-a-name-th…") && shown.contains("50 % !"), "{shown}");
    }

    #[test]
    fn a_pool_names_who_left_and_what_came_another_way() {
        let screen = Screen { json: false, terminal: false, now: chrono::DateTime::UNIX_EPOCH };
        let rep = |name: &str, member: bool, deviation: f64| {
            json!({"repId": name, "member": member, "weight": member.then_some(1), "turns": 2, "expected": 1.5,
                "actualShare": 0.5, "expectedShare": 0.375, "deviation": deviation})
        };
        let pool = json!({"teamId": "sales", "turns": 4, "largestDeviation": 0.5, "outsideCount": 1,
            "outside": [{"route": "account_owner", "count": 1}], "reps": [rep("ada", true, -0.5), rep("old", false, 0.25)]});
        let shown = one_pool(&pool, &screen);
        let lines: Vec<String> =
            shown.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        let expected = [
            "sales: 4 turns, largest deviation 0.5; outside of the rotation: 1 by account owner",
            "rep weight turns due share share due deviation",
            "ada 1 2 1.5 50 % 38 % -0.5",
            "old (left) – 2 1.5 50 % 38 % 0.25",
        ];
        assert_eq!(lines, expected);
    }
}
