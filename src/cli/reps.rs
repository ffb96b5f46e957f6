//! `gtm reps`: who takes handoffs, and when they are away.

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

use super::client::{Client, segment};
use super::context::Context;
use super::words::{counted, text, when};

#[derive(Debug, Args)]
pub struct Reps {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the reps (the default).
    List,
    /// A rep, with absences.
    Show { id: String },
    /// Note an absence.
    Absent {
        id: String,
        /// When it begins, such as 2027-03-01T08:00:00Z; now when left out.
        #[arg(long)]
        from: Option<String>,
        /// When it is over; until somebody ends it when left out.
        #[arg(long)]
        to: Option<String>,
        /// The rep who stands in.
        #[arg(long)]
        cover: Option<String>,
        /// What others should know.
        #[arg(long)]
        note: Option<String>,
    },
    /// End an absence now.
    Back {
        id: String,
        /// The absence, as `gtm reps show` has it.
        absence: String,
    },
    /// Alerts that were held back because somebody had too many, and what became of them.
    Alerts {
        /// Only this rep's.
        id: Option<String>,
        /// Only those that are held, digested or dropped.
        #[arg(long, value_parser = ["held", "digested", "dropped"])]
        state: Option<String>,
        /// How many to show.
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// Give everything that a rep has open to others, because the rep leaves.
    OffBoard {
        id: String,
        /// Only say where everything would go.
        #[arg(long)]
        dry_run: bool,
    },
}

pub async fn run(args: Reps, context: &Context) -> anyhow::Result<()> {
    let client = context.client().await?;
    match args.action.unwrap_or(Action::List) {
        Action::List => {
            let rows = client.list("/v1/reps", &[], None).await?;
            let headers = ["id", "name", "team", "weight", "capacity", "calendar", "leaving"];
            context.screen.list(&rows, "No reps. `gtm roster import` brings them in.", &headers, cells);
        }
        Action::Show { id } => show(&client, &id, context).await?,
        Action::Absent { id, from, to, cover, note } => {
            let from = from.map_or_else(|| json!(context.screen.now), Value::from);
            let body = json!({ "from": from, "to": to, "cover": cover, "note": note });
            let answer = client.post(&format!("/v1/reps/{}/absences", segment(&id)), &body).await?;
            context.screen.document(&answer, noted);
        }
        Action::Back { id, absence } => {
            let path = format!("/v1/reps/{}/absences/{}", segment(&id), segment(&absence));
            client.json(client.request(Method::DELETE, &path)).await?;
            let done = json!({ "repId": id, "absenceId": absence, "ended": true });
            context.screen.document(&done, |_| format!("The absence of {id} is over."));
        }
        Action::Alerts { id, state, limit } => {
            let filters = [("repId", id.as_deref()), ("state", state.as_deref())];
            let filters: Vec<(&str, &str)> =
                filters.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
            let rows = client.list("/v1/alerts", &filters, Some(limit)).await?;
            let headers = ["held", "rep", "priority", "account", "title", "became"];
            context.screen.list(&rows, "No alert was held back.", &headers, alert_cells);
        }
        Action::OffBoard { id, dry_run } => {
            let path = format!("/v1/reps/{}/offboard", segment(&id));
            let answer = client.post(&path, &json!({ "dryRun": dry_run })).await?;
            context.screen.document(&answer, off_boarded);
        }
    }
    Ok(())
}

/// Where everything went, and what is still to be edited.
fn off_boarded(answer: &Value) -> String {
    let moved = answer["moved"].as_array().map(Vec::as_slice).unwrap_or_default();
    let verb = if answer["dryRun"] == true { "would go" } else { "went" };
    let mut lines = vec![format!("{} {verb} to others", counted(moved.len() as u64, "handoff"))];
    lines.extend(moved.iter().map(|one| {
        let to = match text(one, &["/to/name", "/to/id"]) {
            nobody if nobody == "–" => "the queue".to_owned(),
            somebody => somebody,
        };
        format!("  {}  {}  → {to}", text(one, &["/handoffId"]), text(one, &["/accountId"]))
    }));
    if let Some(left) = answer["left"].as_u64().filter(|left| *left > 0) {
        lines.push(format!("The rep has {left} more than one call passes on: do it again."));
    }
    let mentions = answer["mentions"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !mentions.is_empty() {
        lines.push("Still to be edited:".to_owned());
        lines.extend(mentions.iter().filter_map(Value::as_str).map(|place| format!("  {place}")));
    }
    lines.join("\n")
}

fn cells(rep: &Value) -> Vec<String> {
    let weight = rep["weight"].as_u64().unwrap_or(1).to_string();
    let leaving = if rep["leaving"] == true { "yes" } else { "" };
    vec![
        text(rep, &["/id"]),
        text(rep, &["/name"]),
        text(rep, &["/team"]),
        weight,
        text(rep, &["/capacity"]),
        text(rep, &["/calendar"]),
        leaving.to_owned(),
    ]
}

fn alert_cells(alert: &Value) -> Vec<String> {
    let because = alert["droppedBecause"].as_str().map(|because| format!(": {}", because.replace('_', " ")));
    vec![
        when(alert.get("heldAt")),
        text(alert, &["/repId"]),
        text(alert, &["/priority"]),
        text(alert, &["/accountId"]),
        text(alert, &["/title"]),
        format!("{}{}", text(alert, &["/state"]), because.unwrap_or_default()),
    ]
}

async fn show(client: &Client, id: &str, context: &Context) -> anyhow::Result<()> {
    let path = format!("/v1/reps/{}", segment(id));
    let mut rep = client.get(&path).await?;
    rep["absences"] = client.list(&format!("{path}/absences"), &[], Some(20)).await?.into();
    context.screen.document(&rep, |rep| {
        let caps = rep["caps"].as_array().map(Vec::as_slice).unwrap_or_default();
        let caps: Vec<String> = caps.iter().map(cap).collect();
        let mut lines =
            vec![format!("{} ({}), {}", text(rep, &["/name"]), text(rep, &["/id"]), text(rep, &["/email"]))];
        for (name, value) in [
            ("team", text(rep, &["/team"])),
            ("manager", text(rep, &["/manager"])),
            ("calendar", text(rep, &["/calendar"])),
            ("pods", text(rep, &["/pods"])),
            ("skills", text(rep, &["/skills"])),
            ("weight", rep["weight"].as_u64().unwrap_or(1).to_string()),
            ("capacity", text(rep, &["/capacity"])),
            ("caps", if caps.is_empty() { "–".to_owned() } else { caps.join(", ") }),
        ] {
            lines.push(format!("  {name:<9} {value}"));
        }
        if rep["leaving"] == true {
            lines.push("  is leaving and takes nothing".to_owned());
        }
        let absences = rep["absences"].as_array().map(Vec::as_slice).unwrap_or_default();
        let rows = absences.iter().map(|absence| {
            vec![
                when(absence.get("from")),
                when(absence.get("to")),
                text(absence, &["/cover"]),
                text(absence, &["/note"]),
                text(absence, &["/absenceId"]),
            ]
        });
        if absences.is_empty() {
            lines.push("No absences.".to_owned());
        } else {
            lines.push("Absences".to_owned());
            lines.push(context.screen.table(&["from", "to", "cover", "note", "id"], rows));
        }
        lines.join("\n")
    });
    Ok(())
}

fn cap(cap: &Value) -> String {
    let kind = if cap["kind"] == "rolling" { " (rolling)" } else { "" };
    format!("{} per {}{kind}", text(cap, &["/limit"]), text(cap, &["/window"]))
}

/// An absence in a sentence.
fn noted(absence: &Value) -> String {
    let until = match absence.get("to").filter(|to| !to.is_null()) {
        Some(to) => format!("until {}", when(Some(to))),
        None => "until it is ended".to_owned(),
    };
    let cover = match absence["cover"].as_str() {
        Some(cover) => format!("; {cover} stands in"),
        None => String::new(),
    };
    format!("{} is away from {} {until}{cover}.", text(absence, &["/repId"]), when(absence.get("from")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absence_is_told_in_a_sentence() {
        let mut absence = json!({"repId": "ada", "from": "2027-03-01T08:00:00Z", "to": null, "cover": null});
        assert_eq!(noted(&absence), "ada is away from 2027-03-01 08:00 until it is ended.");
        absence["to"] = json!("2027-03-05T17:00:00Z");
        absence["cover"] = json!("ben");
        assert_eq!(
            noted(&absence),
            "ada is away from 2027-03-01 08:00 until 2027-03-05 17:00; ben stands in."
        );
    }
}
