//! The loop that every background worker runs.
//!
//! Promises: a worker works while there is work, sleeps until it is rung or its pause is over, takes nothing
//! new once a stop is asked for, and survives a failing database by waiting for it.

use std::fmt::Display;
use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// The pause after a failed step, doubled up to the longest.
const BACKOFF_FIRST: Duration = Duration::from_millis(200);
const BACKOFF_MAX: Duration = Duration::from_secs(10);

/// How a worker waits.
pub struct Pace<'a> {
    /// Asked to stop.
    pub stop: &'a CancellationToken,
    /// Rung when there may be work.
    pub wake: &'a Notify,
    /// How long to sleep when nobody rings: the work of other processes is found this way.
    pub idle: Duration,
}

/// How many rounds of work that nobody waits for follow each other before others are let pass again.
const ROUNDS_MAX: usize = 4;

/// When a worker lets others pass: before it begins, and again after [`ROUNDS_MAX`] rounds or once it has caught up.
/// Between two rounds it shows that it lives and sees a stop.
#[derive(Debug, Default)]
pub struct Yields(AtomicUsize);

impl Yields {
    /// Counts a round; whether others are to be let pass before it.
    pub fn are_due(&self) -> bool {
        self.0.fetch_add(1, Ordering::Relaxed).is_multiple_of(ROUNDS_MAX)
    }

    /// No more work waits: the next round is a first one.
    pub fn caught_up(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

/// Runs `step` until a stop is asked for. `step` gives how much it did; `beat` is called after each step with
/// whether it went well.
pub async fn run<S, F, E>(name: &'static str, pace: Pace<'_>, beat: impl Fn(bool), mut step: S)
where
    S: FnMut() -> F,
    F: Future<Output = Result<usize, E>>,
    E: Display,
{
    let mut backoff = BACKOFF_FIRST;
    while !pace.stop.is_cancelled() {
        let pause = match step().await {
            Ok(done) => {
                beat(true);
                backoff = BACKOFF_FIRST;
                if done > 0 {
                    // Others on this thread have their turn between two rounds.
                    tokio::task::yield_now().await;
                    continue;
                }
                pace.idle
            }
            Err(error) => {
                beat(false);
                tracing::error!(worker = name, %error, retry_ms = backoff.as_millis(), "step failed");
                let pause = backoff;
                backoff = (backoff * 2).min(BACKOFF_MAX);
                pause
            }
        };
        tokio::select! {
            () = pace.wake.notified() => {}
            () = tokio::time::sleep(pause) => {}
            () = pace.stop.cancelled() => {}
        }
    }
}
