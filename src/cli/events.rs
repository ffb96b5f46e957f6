//! `gtm events send`: events from a file or from standard input, as they are.
//!
//! Takes one JSON event, a JSON list of them, or one event per line. Ends with code 1 when the service refused
//! some of them.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde_json::Value;

use super::context::Context;
use super::failure::Failure;
use super::words::{counted, text};

/// Events sent in one request; the service takes a thousand.
const EVENTS_PER_CALL: usize = 500;

#[derive(Debug, Args)]
pub struct Events {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Send `CloudEvents`.
    Send {
        /// A file of events; `-` is standard input.
        #[arg(default_value = "-")]
        file: PathBuf,
    },
}

pub async fn run(args: Events, context: &Context) -> anyhow::Result<()> {
    let Action::Send { file } = args.action;
    let events =
        parse(&read(&file)?).map_err(|reason| Failure::usage(format!("{}: {reason}", file.display())))?;
    let client = context.client().await?;
    let (mut accepted, mut duplicates, mut unmatched, mut rejected) = (0, 0, 0, Vec::new());
    for (part, batch) in events.chunks(EVENTS_PER_CALL).enumerate() {
        let request = client
            .request(Method::POST, "/v1/events")
            .header(CONTENT_TYPE, "application/cloudevents-batch+json")
            .body(serde_json::to_vec(batch)?);
        let mut answer = client.json(request).await?;
        if context.screen.json {
            context.screen.line(answer.to_string());
        }
        accepted += answer["accepted"].as_u64().unwrap_or_default();
        duplicates += answer["duplicates"].as_u64().unwrap_or_default();
        unmatched += answer["unmatched"].as_u64().unwrap_or_default();
        if let Value::Array(list) = answer["rejected"].take() {
            rejected.extend(list.into_iter().map(|fault| (part * EVENTS_PER_CALL, fault)));
        }
    }
    if !context.screen.json {
        for (offset, fault) in &rejected {
            let index =
                offset + usize::try_from(fault["index"].as_u64().unwrap_or_default()).unwrap_or_default();
            context.screen.line(format!("event {}: {}", index + 1, text(fault, &["/detail", "/code"])));
        }
        context.screen.line(format!(
            "{} accepted, {} known already, {} refused.",
            counted(accepted, "event"),
            duplicates,
            rejected.len()
        ));
        if unmatched > 0 {
            let events = counted(unmatched, "event");
            context.screen.line(format!("{events} wait for their account; see `gtm matches`."));
        }
    }
    if rejected.is_empty() { Ok(()) } else { Err(Failure::said().into()) }
}

fn read(file: &Path) -> anyhow::Result<String> {
    if file == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().lock().read_to_string(&mut text).context("cannot read standard input")?;
        return Ok(text);
    }
    let read = std::fs::read_to_string(file);
    Ok(read.map_err(|error| Failure::usage(format!("cannot read {}: {error}", file.display())))?)
}

/// One event, a list, or one per line.
fn parse(text: &str) -> Result<Vec<Value>, String> {
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Array(events)) => return Ok(events),
        Ok(event @ Value::Object(_)) => return Ok(vec![event]),
        Ok(_) => return Err("holds neither an event nor a list of events".to_owned()),
        Err(_) => {}
    }
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(n, line)| serde_json::from_str(line).map_err(|error| format!("line {}: {error}", n + 1)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_three_forms_are_read() {
        assert_eq!(parse("{\"id\":\"1\"}").unwrap().len(), 1);
        assert_eq!(parse("[{\"id\":\"1\"},\n{\"id\":\"2\"}]").unwrap().len(), 2);
        assert_eq!(parse("{\"id\":\"1\"}\n\n{\"id\":\"2\"}\n").unwrap().len(), 2);
        assert!(parse("{\"id\":\"1\"}\nnonsense").unwrap_err().starts_with("line 2"));
        assert!(parse("3").is_err());
    }
}
