//! Starting, watching and stopping everything that runs in the background.
//!
//! Promises: all background work is spawned here, so a stop knows and awaits it. SIGTERM or SIGINT asks softly: take
//! nothing new, finish or release what runs; after [`DRAIN`], or at a second signal, hard: futures are dropped where
//! they wait. The process is gone [`GRACE`] after the first signal at the latest. A worker that panics, fails or ends
//! before it was asked to stops the whole process with a failing exit code: a service that half works is found later
//! than one that restarts.
//! Leaves out: restarting workers; the supervisor of the process does that for all of it.

use std::fmt::Display;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Time from the first signal to the end of the process.
pub const GRACE: Duration = Duration::from_secs(30);
/// Time for finishing by themselves, before what is left is dropped.
const DRAIN: Duration = Duration::from_secs(25);

/// The running of one process. Cloning shares it.
#[derive(Debug, Clone, Default)]
pub struct Lifecycle {
    soft: CancellationToken,
    hard: CancellationToken,
    tracker: TaskTracker,
    failure: Arc<OnceLock<String>>,
}

/// How a process came to its end.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    /// Everything finished when asked.
    Clean,
    /// Something had to be dropped: it was still running after the drain.
    Dropped,
    /// A worker failed; its name and why.
    Failed(String),
}

impl End {
    /// The exit code of the process.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Clean | Self::Dropped => 0,
            Self::Failed(_) => 1,
        }
    }
}

impl Lifecycle {
    /// A process that has not been asked to stop.
    pub fn new() -> Self {
        Self::default()
    }

    /// Cancelled when nothing new may be taken. Workers wait for it between two pieces of work.
    pub fn soft(&self) -> &CancellationToken {
        &self.soft
    }

    /// Cancelled when what still runs is dropped.
    pub fn hard(&self) -> &CancellationToken {
        &self.hard
    }

    /// Spawns a worker: work that runs until [`Lifecycle::soft`] is cancelled. If it ends earlier, fails or panics,
    /// the process stops.
    pub fn spawn<F, E>(&self, name: &'static str, worker: F)
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Display + Send,
    {
        let life = self.clone();
        self.track(async move {
            let ended = tokio::select! {
                biased;
                ended = AssertUnwindSafe(worker).catch_unwind() => ended,
                () = life.hard.cancelled() => {
                    tracing::warn!(worker = name, "dropped: still running after the drain");
                    return;
                }
            };
            match ended {
                Ok(Ok(())) if life.soft.is_cancelled() => tracing::debug!(worker = name, "stopped"),
                Ok(Ok(())) => life.fail(format!("worker {name} ended although nobody asked it to")),
                Ok(Err(error)) => life.fail(format!("worker {name} failed: {error}")),
                Err(panic) => life.fail(format!("worker {name} panicked: {}", said(&*panic))),
            }
        });
    }

    /// Spawns a piece of work that ends by itself and must not be cut off when its caller goes away. A stop waits for
    /// it. The answer is an error when it panicked or was dropped by a hard stop.
    pub fn run<F>(&self, work: F) -> JoinHandle<Option<F::Output>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let hard = self.hard.clone();
        self.track(async move { hard.run_until_cancelled(work).await })
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that spawns; everything here is tracked")]
    fn track<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        tokio::spawn(self.tracker.track_future(future))
    }

    /// Stops the process as failed. The first reason counts.
    pub fn fail(&self, reason: String) {
        tracing::error!(reason, "stopping");
        // A second failure during the stop adds nothing: the first is the cause.
        let _ = self.failure.set(reason);
        self.soft.cancel();
    }

    /// Asks everything to stop softly.
    pub fn stop(&self) {
        self.soft.cancel();
    }

    /// Runs until a signal or a failure, and stops everything. Call once, from `main`.
    ///
    /// # Errors
    /// When the signals of the system cannot be listened to.
    pub async fn until_stopped(&self) -> std::io::Result<End> {
        let mut signals = Signals::listen()?;
        tokio::select! {
            name = signals.next() => {
                tracing::info!(signal = name, "stopping: taking nothing new; a second signal ends at once");
                self.soft.cancel();
            }
            () = self.soft.cancelled() => {}
        }
        let impatient = async {
            signals.next().await;
        };
        Ok(self.drain(impatient, DRAIN, GRACE.saturating_sub(DRAIN)).await)
    }

    /// Waits for what runs; after `soft_for`, or when `impatient` is ready, drops it and waits `hard_for`.
    async fn drain(
        &self,
        impatient: impl Future<Output = ()>,
        soft_for: Duration,
        hard_for: Duration,
    ) -> End {
        self.soft.cancel();
        self.tracker.close();
        let finished = tokio::select! {
            biased;
            () = self.tracker.wait() => true,
            () = impatient => false,
            () = tokio::time::sleep(soft_for) => false,
        };
        self.hard.cancel();
        if !finished && tokio::time::timeout(hard_for, self.tracker.wait()).await.is_err() {
            tracing::warn!(left = self.tracker.len(), "leaving work behind that does not yield");
        }
        match self.failure.get() {
            Some(reason) => End::Failed(reason.clone()),
            None if finished => End::Clean,
            None => End::Dropped,
        }
    }

    /// Stops at once and waits for the end, for embedded use and tests that have no signals.
    pub async fn stop_and_wait(&self) -> End {
        self.drain(std::future::pending(), DRAIN, GRACE.saturating_sub(DRAIN)).await
    }
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// The text of a panic.
pub(crate) fn said(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("without a text")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;
    use std::future::{pending, ready};

    #[tokio::test]
    async fn a_worker_that_stops_when_asked_gives_a_clean_end() {
        let life = Lifecycle::new();
        let soft = life.soft().clone();
        life.spawn("patient", async move {
            soft.cancelled().await;
            Ok::<_, Infallible>(())
        });
        let work = life.run(async { 7 });
        assert_eq!(life.stop_and_wait().await, End::Clean);
        assert_eq!(work.await.unwrap(), Some(7));
    }

    #[tokio::test]
    async fn a_worker_that_panics_fails_or_just_ends_fails_the_process() {
        let life = Lifecycle::new();
        life.spawn("a", std::future::poll_fn(|_| -> std::task::Poll<Result<(), String>> { panic!("boom") }));
        life.soft().cancelled().await;
        assert_eq!(life.stop_and_wait().await, End::Failed("worker a panicked: boom".into()));

        let life = Lifecycle::new();
        life.spawn("b", ready(Err("no".to_owned())));
        life.soft().cancelled().await;
        assert_eq!(life.stop_and_wait().await, End::Failed("worker b failed: no".into()));

        let life = Lifecycle::new();
        life.spawn("c", ready(Ok::<_, Infallible>(())));
        life.soft().cancelled().await;
        let end = life.stop_and_wait().await;
        assert_eq!(end, End::Failed("worker c ended although nobody asked it to".into()));
        assert_eq!(end.exit_code(), 1);
    }

    #[tokio::test]
    async fn a_second_signal_drops_what_will_not_stop() {
        let life = Lifecycle::new();
        life.spawn("deaf", pending::<Result<(), Infallible>>());
        let work = life.run(pending::<()>());
        assert_eq!(life.drain(ready(()), DRAIN, GRACE).await, End::Dropped);
        assert_eq!(work.await.unwrap(), None);
    }
}
