//! The loop of the outbox: rounds of several destinations under way at once.
//!
//! Promises: a destination that answers late, or not at all, keeps only its own deliveries waiting; no more than
//! one round per destination is under way; a stop starts nothing new and waits for what is under way.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};

use super::Outbox;
use crate::platform::worker::Pace;

/// The longest pause after a failure of the database.
const BACKOFF_MAX: Duration = Duration::from_secs(10);

/// A round under way, which ends with its destination and the number of attempts.
type Round<'a> = BoxFuture<'a, (String, Result<usize, sqlx::Error>)>;

/// What is under way.
#[derive(Default)]
struct Underway<'a> {
    rounds: FuturesUnordered<Round<'a>>,
    busy: BTreeSet<String>,
}

impl Outbox {
    /// Sends what is due until told to stop. `beat` is called after each look, with whether it went well.
    pub async fn run(&self, pace: Pace<'_>, beat: impl Fn(bool)) {
        let mut underway = Underway::default();
        let mut pause = pace.idle;
        while !pace.stop.is_cancelled() {
            let mut went = self.start(&mut underway).await;
            if went.is_ok() {
                went = underway.wait(&pace, pause).await;
            }
            beat(went.is_ok());
            match went {
                Ok(()) => pause = pace.idle,
                Err(error) => {
                    tracing::error!(worker = "deliveries", %error, retry_ms = pause.as_millis(), "step failed");
                    // What is under way goes on meanwhile; what ends badly in the pause is seen in the next look.
                    let _ = underway.wait(&pace, pause).await;
                    pause = (pause * 2).min(BACKOFF_MAX);
                }
            }
        }
        while underway.rounds.next().await.is_some() {}
    }

    /// Starts a round for each destination that has something due and none under way.
    async fn start<'a>(&'a self, underway: &mut Underway<'a>) -> Result<(), sqlx::Error> {
        for destination in self.due().await? {
            if underway.busy.insert(destination.clone()) {
                underway.rounds.push(Box::pin(async move {
                    let outcome = self.round(&destination).await;
                    (destination, outcome)
                }));
            }
        }
        Ok(())
    }
}

impl Underway<'_> {
    /// Waits until there may be something to start: a round did something and its destination may have more,
    /// somebody rang, or the pause is over.
    async fn wait(&mut self, pace: &Pace<'_>, pause: Duration) -> Result<(), sqlx::Error> {
        let pause = tokio::time::sleep(pause);
        tokio::pin!(pause);
        loop {
            tokio::select! {
                Some((destination, outcome)) = self.rounds.next(), if !self.rounds.is_empty() => {
                    self.busy.remove(&destination);
                    // A round that found nothing to do (its breaker is open, another replica is at it) has its
                    // next turn after the pause.
                    if outcome? > 0 {
                        return Ok(());
                    }
                }
                () = pace.wake.notified() => return Ok(()),
                () = &mut pause => return Ok(()),
                () = pace.stop.cancelled() => return Ok(()),
            }
        }
    }
}
