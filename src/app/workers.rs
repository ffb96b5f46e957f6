//! The background workers of the service.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use super::App;
use crate::accounts::intake::{GROUPS_IN_FLIGHT, IntakeWorker};
use crate::platform::outbox::Outbox;
use crate::platform::worker::Pace;
use crate::settings::Settings;
use crate::{accounts, motions};

/// How long a worker may be silent before the service counts as not ready: longer than any round takes.
const SILENCE_MAX: Duration = Duration::from_mins(1);
/// How long the outbox sleeps when nobody rings: retries are this much late at the most.
const DELIVER_IDLE: Duration = Duration::from_millis(500);
/// How often the partitions of raw events are looked after.
const PARTITIONS_EVERY: Duration = Duration::from_hours(1);

/// Starts everything that runs by itself.
pub(super) fn spawn(app: &App, intake: &IntakeWorker, outbox: Option<Arc<Outbox>>, settings: &Settings) {
    for _ in 0..GROUPS_IN_FLIGHT {
        let (worker, stop) = (intake.clone(), app.platform.life.soft().clone());
        app.platform.life.spawn("intake", async move {
            worker.run(stop).await;
            Ok::<_, Infallible>(())
        });
    }
    let accounts = app.accounts.clone();
    spawn_loop(app, "events", |stop, beat| accounts::jobs::apply(accounts, stop, beat));
    let accounts = app.accounts.clone();
    spawn_loop(app, "matching", |stop, beat| accounts::jobs::route(accounts, stop, beat));
    let motions = app.motions.clone();
    spawn_loop(app, "evaluate", |stop, beat| motions::jobs::evaluate(motions, stop, beat));
    if let Some(outbox) = outbox {
        let ring = app.motions.deliver.clone();
        spawn_loop(app, "deliveries", |stop, beat| async move {
            let pace = Pace { stop: &stop, wake: &ring, idle: DELIVER_IDLE };
            outbox.run(pace, beat).await;
        });
    }
    let (motions, age) =
        (app.motions.clone(), TimeDelta::hours(i64::from(settings.motions.sweep_after_hours)));
    every(
        app,
        "sweep",
        Duration::from_secs(60 * u64::from(settings.motions.sweep_every_minutes)),
        move || {
            let motions = motions.clone();
            async move { motions::jobs::sweep(&motions, age).await.map(drop) }
        },
    );
    let (accounts, days) = (app.accounts.clone(), settings.events.retention_days);
    every(app, "partitions", PARTITIONS_EVERY, move || {
        let accounts = accounts.clone();
        async move { accounts::jobs::turn_partitions(&accounts, days).await }
    });
}

/// Spawns a worker loop that shows its heartbeat at `/readyz`.
fn spawn_loop<F, Fut>(app: &App, name: &'static str, run: F)
where
    F: FnOnce(CancellationToken, Box<dyn Fn(bool) + Send + Sync>) -> Fut,
    Fut: Future<Output = ()> + Send + 'static,
{
    let pulse = app.platform.health.watch(name, SILENCE_MAX);
    let beat = move |well: bool| {
        if well { pulse.beat() } else { pulse.failed("its last round failed; see the log") }
    };
    let work = run(app.platform.life.soft().clone(), Box::new(beat));
    app.platform.life.spawn(name, async move {
        work.await;
        Ok::<_, Infallible>(())
    });
}

/// Spawns a round that repeats; a failed one is logged and has its next turn.
fn every<F, Fut>(app: &App, name: &'static str, interval: Duration, mut round: F)
where
    F: FnMut() -> Fut + Send + 'static,
    Fut: Future<Output = Result<(), sqlx::Error>> + Send,
{
    let stop = app.platform.life.soft().clone();
    let pulse = app.platform.health.watch(name, interval + SILENCE_MAX);
    app.platform.life.spawn(name, async move {
        while !stop.is_cancelled() {
            match round().await {
                Ok(()) => pulse.beat(),
                Err(error) => {
                    tracing::error!(worker = name, %error, "a round failed; the next one comes in its time");
                    pulse.failed(error);
                }
            }
            tokio::select! {
                () = tokio::time::sleep(interval) => {}
                () = stop.cancelled() => {}
            }
        }
        Ok::<_, Infallible>(())
    });
}
