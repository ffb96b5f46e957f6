//! The demo beside a running service: its events go in over the API, its decisions come out on the screen.
//!
//! Promises: it never mixes invented accounts into a database with real ones; a demo that starts again goes
//! on with new companies; a service that is busy is waited for, and one that stops ends the demo with it.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::client::Client;
use super::failure::{Exit, Failure};
use super::screen::Screen;
use super::words::{counted, shortened, text};
use crate::demo::{COHORT_TICKS, Demo, ID_PREFIX, roster};
use crate::kernel::clock::Clock;
use crate::motions::model::Motion;

/// The demo's story; another number would tell others.
const SEED: u64 = 1;
/// One tick.
const TICK: Duration = Duration::from_secs(1);
/// Events of one request.
const BATCH: usize = 500;
/// Decisions and handoffs looked at after each tick; more than a tick makes.
const DECISIONS: usize = 50;
/// Decisions looked at after the first one: those that the history led to.
const DECISIONS_OF_HISTORY: usize = 200;
/// Ids remembered, so that nothing is shown twice.
const REMEMBERED: usize = DECISIONS_OF_HISTORY + 2 * DECISIONS;
/// Characters of a line before the reasoning.
const REASONING_AT: usize = 65;
/// Characters of a line where no terminal sets the limit.
const WIDTH_ELSEWHERE: usize = 200;
/// Fewest characters of reasoning that are worth a line.
const REASONING_MIN: usize = 30;

/// The demo, ready to run.
pub struct Feed {
    client: Client,
    clock: Clock,
    screen: Screen,
    demo: Demo,
    tick: u64,
    shown: VecDeque<String>,
}

/// Checks that the database is the demo's, and sends its history where it is new.
pub async fn prepare(client: Client, clock: Clock, screen: Screen) -> Result<Feed, Failure> {
    let known = client.list("/v1/accounts", &[], Some(1)).await?;
    let fresh = known.is_empty();
    if known.iter().any(|row| row["accountId"].as_str().is_some_and(|id| !id.starts_with(ID_PREFIX))) {
        return Err(Failure::new(
            Exit::Refused,
            "This database holds accounts that are not the demo's. Give the demo a place of its own: \
             gtm serve --demo --data-dir ./gtm-demo",
        ));
    }
    let demo = Demo::new(SEED);
    if fresh {
        let body = serde_json::json!({ "roster": roster() });
        client.json(client.request(Method::POST, "/v1/roster/import").json(&body)).await?;
        let history = demo.history(clock.now());
        let count = counted(history.len() as u64, "event");
        for batch in history.chunks(BATCH) {
            send(&client, "bulk", batch).await?;
        }
        screen
            .line(format!("\nThe demo: an invented software company with 120 accounts, told in {count}.\n"));
    }
    // A demo that starts again begins with a cohort of newcomers that no earlier run had: one by the clock.
    let seconds = u64::try_from(clock.now().timestamp()).unwrap_or_default();
    let tick = if fresh { 0 } else { seconds / COHORT_TICKS * COHORT_TICKS };
    Ok(Feed { client, clock, screen, demo, tick, shown: VecDeque::new() })
}

async fn send(client: &Client, lane: &str, events: &[Value]) -> Result<(), Failure> {
    let request = client
        .request(Method::POST, "/v1/events")
        .query(&[("lane", lane)])
        .header(CONTENT_TYPE, "application/cloudevents-batch+json")
        .body(Value::from(events.to_vec()).to_string());
    client.json(request).await.map(drop)
}

impl Feed {
    /// Shows the handoffs that were opened since the last tick.
    async fn show_handoffs(&mut self) -> Result<(), Failure> {
        let mut news = self.client.list("/v1/handoffs", &[], Some(DECISIONS)).await?;
        news.reverse();
        for handoff in &news {
            let id = text(handoff, &["/handoffId"]);
            if !self.shown.contains(&id) {
                self.screen.line(handoff_line(handoff));
                self.shown.push_back(id);
            }
        }
        Ok(())
    }

    /// Tells tick after tick until told to stop.
    pub async fn run(mut self, stop: CancellationToken) -> Result<(), Infallible> {
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(TICK) => {}
            }
            if let Err(failure) = self.tick().await {
                // The next tick tries again; the stories of this one are lost, which harms no one.
                tracing::warn!(%failure, "the demo could not tell a tick");
            }
        }
    }

    async fn tick(&mut self) -> Result<(), Failure> {
        let events = self.demo.live(self.clock.now(), self.tick);
        self.tick += 1;
        if !events.is_empty() {
            send(&self.client, "normal", &events).await?;
        }
        let count = if self.shown.is_empty() { DECISIONS_OF_HISTORY } else { DECISIONS };
        let mut news = self.client.list("/v1/decisions", &[], Some(count)).await?;
        news.reverse();
        for decision in &news {
            let id = text(decision, &["/decisionId"]);
            if !self.shown.contains(&id) {
                if decision["outcome"] != "monitoring" {
                    let width = if self.screen.terminal { self.screen.width() } else { WIDTH_ELSEWHERE };
                    self.screen.line(line(decision, width));
                }
                self.shown.push_back(id);
            }
        }
        self.show_handoffs().await?;
        while self.shown.len() > REMEMBERED {
            self.shown.pop_front();
        }
        Ok(())
    }
}

/// A handoff in one line.
fn handoff_line(handoff: &Value) -> String {
    let at = handoff["createdAt"].as_str().and_then(|at| at.get(11..19)).unwrap_or_default();
    let (account, kind) = (text(handoff, &["/accountId"]), text(handoff, &["/handoffType"]));
    let what = match handoff["status"].as_str() {
        Some("held") => format!("held: {}", text(handoff, &["/heldFor/0/code"])),
        Some("pending") => "waits for somebody".to_owned(),
        _ => format!(
            "→ {}, contact by {}",
            text(handoff, &["/assignedOwner/name", "/assignedOwner/id"]),
            text(handoff, &["/slaDeadline"]).get(..16).unwrap_or_default().replace('T', " ")
        ),
    };
    format!("{at}  {account:<24} {kind:<18} handoff    {what}")
}

/// A decision in one line.
fn line(decision: &Value, width: usize) -> String {
    let at = decision["decidedAt"].as_str().and_then(|at| at.get(11..19)).unwrap_or_default();
    let name = text(decision, &["/signals/crm/name", "/accountId"]);
    let motion =
        decision.pointer("/recommendation/motion").and_then(Value::as_str).and_then(Motion::from_name);
    let motion = motion.map_or("–", Motion::label);
    let room = width.saturating_sub(REASONING_AT).max(REASONING_MIN);
    let reasoning = shortened(&text(decision, &["/recommendation/reasoning"]), room);
    format!("{at}  {name:<24} {motion:<18} {:<10} {reasoning}", text(decision, &["/outcome"]))
}
