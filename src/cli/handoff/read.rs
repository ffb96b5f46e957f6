//! `gtm handoff list`, `show`, `report` and `timeline`.

use clap::Args;
use reqwest::Method;
use reqwest::header::ACCEPT;
use serde_json::Value;

use super::many::{self, Filters};
use super::{owner, path, standing};
use crate::cli::client::Client;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::screen::Screen;
use crate::cli::words::{NOTHING, plain, shortened, text, when};

/// Characters of a detail that a line of the timeline shows.
const DETAIL_CHARS: usize = 80;

#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    filters: Filters,
    /// At most so many.
    #[arg(long, default_value_t = 50)]
    limit: usize,
}

pub async fn list(client: &Client, args: &List, context: &Context) -> Result<(), Failure> {
    let rows = many::listed(client, &args.filters, args.limit).await?;
    let headers = ["made", "account", "type", "status", "owner", "due", "complete", "handoff"];
    context.screen.list(&rows, "No such handoffs.", &headers, |row| {
        vec![
            when(row.get("createdAt")),
            text(row, &["/accountId"]),
            text(row, &["/handoffType", "/type"]),
            text(row, &["/status"]).replace('_', " "),
            owner(row),
            when(row.get("slaDeadline")),
            complete(row),
            text(row, &["/handoffId"]),
        ]
    });
    Ok(())
}

/// A handoff on one screen.
pub fn shown(handoff: &Value, screen: &Screen) -> String {
    let mut lines = vec![standing(handoff)];
    for (name, value) in [
        ("account", text(handoff, &["/accountId"])),
        ("type", text(handoff, &["/handoffType", "/type"])),
        ("deal", text(handoff, &["/dealId"])),
        ("complete", complete(handoff)),
        ("why", text(handoff, &["/assignment/reason"])),
    ] {
        if value != NOTHING {
            lines.push(format!("  {name:<9} {value}"));
        }
    }
    lines.extend(listed(handoff, "heldFor", "Waits for"));
    lines.extend(listed(handoff, "missing", "Missing"));
    let considered = array(handoff, "/assignment/considered");
    if !considered.is_empty() {
        let rows = considered
            .iter()
            .map(|candidate| vec![text(candidate, &["/repId"]), told(&candidate["reasons"])]);
        lines.push(screen.table(&["rep", "because"], rows));
    }
    lines.join("\n")
}

/// Completeness as a percentage.
fn complete(handoff: &Value) -> String {
    match plain(&handoff["completeness"]) {
        Some(percent) => format!("{percent} %"),
        None => text(handoff, &["/completeness/percent"]),
    }
}

/// A list of the handoff under a heading; nothing when it is empty.
fn listed(handoff: &Value, field: &str, heading: &str) -> Vec<String> {
    let items = array(handoff, &format!("/{field}"));
    if items.is_empty() {
        return Vec::new();
    }
    let items = items.iter().map(|item| format!("  {}", line_of(item)));
    std::iter::once(format!("{heading}:")).chain(items).collect()
}

fn array<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// An object in a line: what it is about, and what to do or why.
fn line_of(item: &Value) -> String {
    let about = plain(item).unwrap_or_else(|| text(item, &["/field", "/code"]));
    let more = text(item, &["/whatToDo", "/detail"]);
    if more == NOTHING { about } else { format!("{about}: {more}") }
}

fn told(reasons: &Value) -> String {
    let reasons: Vec<String> = reasons.as_array().into_iter().flatten().map(line_of).collect();
    if reasons.is_empty() { NOTHING.to_owned() } else { reasons.join(", ").replace('_', " ") }
}

pub async fn report(client: &Client, id: &str, html: bool, context: &Context) -> Result<(), Failure> {
    let kind = if html { "text/html" } else { "text/markdown" };
    let request = client.request(Method::GET, &path(id, "/report")).header(ACCEPT, kind);
    let answer = client.send(request).await?;
    let text = answer.text().await.map_err(|error| Failure::unreachable(client.url(), &error))?;
    let document = serde_json::json!({ "handoffId": id, "mediaType": kind, "report": text });
    context.screen.document(&document, |_| text.clone());
    Ok(())
}

pub async fn timeline(client: &Client, id: &str, context: &Context) -> Result<(), Failure> {
    let answer = client.get(&path(id, "/timeline")).await?;
    let rows = array(&answer, "/data");
    context.screen.list(rows, "Nothing has happened.", &["at", "what", "by", "detail"], |row| {
        let detail = match &row["detail"] {
            detail @ Value::Object(_) => in_words(detail),
            detail => plain(detail).unwrap_or_default(),
        };
        vec![
            when(row.get("at")),
            text(row, &["/kind"]).replace('_', " "),
            text(row, &["/actor"]),
            shortened(&detail, DETAIL_CHARS),
        ]
    });
    Ok(())
}

/// The fields of an object in a line: `owner ada, turn 1`.
fn in_words(detail: &Value) -> String {
    let fields = detail.as_object().into_iter().flatten().filter(|(name, _)| *name != "kind");
    let fields: Vec<String> =
        fields.filter_map(|(name, value)| Some(format!("{name} {}", plain(value)?))).collect();
    fields.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_handoff_shows_who_was_considered_and_what_is_missing() {
        let screen = Screen { json: false, terminal: false, now: chrono::DateTime::UNIX_EPOCH };
        let handoff = json!({
            "handoffId": "h1", "accountId": "acc_1", "handoffType": "mql_to_sales", "status": "held",
            "assignedOwner": null, "slaDeadline": null, "completeness": 60,
            "missing": [{"field": "deal.amount", "whatToDo": "ask for the amount"}],
            "heldFor": [{"code": "no_customer_contact", "detail": "nobody can be reached", "releasedBy": "x"}],
            "assignment": {"reason": "nobody_now", "considered": [{"repId": "ada", "reasons": ["outside_hours"]}]},
        });
        let expected = "\
Handoff h1 is held.
  account   acc_1
  type      mql_to_sales
  complete  60 %
  why       nobody_now
Waits for:
  no_customer_contact: nobody can be reached
Missing:
  deal.amount: ask for the amount
rep  because
ada  outside hours";
        assert_eq!(
            shown(&handoff, &screen).lines().map(str::trim).collect::<Vec<_>>(),
            expected.lines().map(str::trim).collect::<Vec<_>>()
        );
    }

    #[test]
    fn a_detail_becomes_a_line() {
        assert_eq!(
            in_words(&json!({"kind": "assigned", "owner": "ada", "dueAt": null, "turn": 1})),
            "owner ada, turn 1"
        );
    }
}
