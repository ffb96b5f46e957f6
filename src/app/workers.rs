//! The background workers of the service.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use super::App;
use super::gauges::{Gauges, lasting, own_quotas};
use crate::accounts::intake::IntakeWorker;
use crate::motions::commands::DeskWorker;
use crate::platform::outbox::Outbox;
use crate::platform::worker::Pace;
use crate::settings::Settings;
use crate::{accounts, connectors, designs, handoffs, motions, plans, programmes, renewals};

/// How long a worker may be silent before the service counts as not ready: longer than any round takes.
const SILENCE_MAX: Duration = Duration::from_mins(1);
/// The workers that decide for those who ask: while one waits for its commit the next group is being decided.
const DECISIONS: [&str; 2] = ["decisions-1", "decisions-2"];
/// How long the outbox sleeps when nobody rings: retries are this much late at the most.
const DELIVER_IDLE: Duration = Duration::from_millis(500);
/// How often what waits is measured: finer than any scrape needs.
const MEASURE_EVERY: Duration = Duration::from_secs(10);
/// How often connected systems are looked after.
const WATCH_EVERY: Duration = Duration::from_mins(1);
/// How often the list of those who were erased is looked at for what other replicas have added.
const SUPPRESSIONS_EVERY: Duration = Duration::from_secs(2);
/// How often the dates on which something renews are noted anew: they change with events, and else by the day.
const RENEWAL_DATES_EVERY: Duration = Duration::from_hours(24);
/// How often the partitions of raw events are looked after.
const PARTITIONS_EVERY: Duration = Duration::from_hours(1);

/// What the service does every so often, as the settings have it.
#[derive(Debug, Clone, Copy)]
pub struct Upkeep {
    /// Accounts that nobody has looked at for so long are looked at.
    pub sweep_after: TimeDelta,
    pub sweep_every: TimeDelta,
    /// How long raw events are kept.
    pub retention_days: u32,
}

impl Upkeep {
    pub(super) fn of(settings: &Settings) -> Self {
        Self {
            sweep_after: TimeDelta::hours(i64::from(settings.motions.sweep_after_hours)),
            sweep_every: TimeDelta::minutes(i64::from(settings.motions.sweep_every_minutes)),
            retention_days: settings.events.retention_days,
        }
    }
}

/// Starts everything that runs by itself.
pub(super) fn spawn(app: &App, intake: IntakeWorker, desk: &DeskWorker, outbox: Option<Arc<Outbox>>) {
    spawn_loop(app, "intake", |stop, beat| intake.run(stop, beat));
    for name in DECISIONS {
        let (worker, motions) = (desk.clone(), app.motions.clone());
        spawn_loop(app, name, |stop, beat| worker.run(motions, stop, beat));
    }
    let accounts = app.accounts.clone();
    spawn_loop(app, "events", |stop, beat| accounts::jobs::apply(accounts, stop, beat));
    let accounts = app.accounts.clone();
    spawn_loop(app, "matching", |stop, beat| accounts::jobs::route(accounts, stop, beat));
    let motions = app.motions.clone();
    spawn_loop(app, "evaluate", |stop, beat| motions::jobs::evaluate(motions, stop, beat));
    let motions = app.motions.clone();
    spawn_loop(app, "policies", |stop, beat| motions::jobs::activate(motions, stop, beat));
    let handoffs = app.handoffs.clone();
    spawn_loop(app, "handoffs", |stop, beat| handoffs::jobs::work(handoffs, stop, beat));
    let planned = app.plans.clone();
    spawn_loop(app, "plans", |stop, beat| plans::jobs::work(planned, stop, beat));
    let designing = app.designs.clone();
    spawn_loop(app, "designs", |stop, beat| designs::jobs::work(designing, stop, beat));
    let renewed = app.renewals.clone();
    spawn_loop(app, "renewals", |stop, beat| renewals::jobs::work(renewed, stop, beat));
    let drafted = app.programmes.clone();
    spawn_loop(app, "drafter", |stop, beat| programmes::jobs::draft(drafted, stop, beat));
    let connected = app.connectors.clone();
    spawn_loop(app, "received", |stop, beat| connectors::jobs::read(connected, stop, beat));
    if let Some(outbox) = outbox {
        if app.programmes.model.is_some() {
            // An answer of a model takes as long as it takes, so it shows no heartbeat.
            let (asked, stop) = (app.programmes.clone(), app.platform.life.soft().clone());
            app.platform.life.spawn("model", async move {
                programmes::jobs::ask(asked, stop).await;
                Ok::<_, Infallible>(())
            });
        }
        // A sandbox asks nobody outside either.
        let connected = app.connectors.clone();
        spawn_loop(app, "connectors", |stop, beat| connectors::jobs::fetch(connected, stop, beat));
        let (watched, mut before) = (app.clone(), None);
        every(app, "watch", WATCH_EVERY, move || {
            let (connected, now) = (watched.connectors.clone(), own_quotas(&watched));
            let own = lasting(before.replace(now), now);
            async move { connectors::jobs::watch(&connected, &own).await }
        });
        let ring = app.motions.deliver.clone();
        spawn_loop(app, "deliveries", |stop, beat| async move {
            let pace = Pace { stop: &stop, wake: &ring, idle: DELIVER_IDLE };
            outbox.run(pace, beat).await;
        });
    }
    let Upkeep { sweep_after, sweep_every, retention_days } = app.upkeep;
    let motions = app.motions.clone();
    every(app, "sweep", sweep_every.to_std().unwrap_or(SILENCE_MAX), move || {
        let motions = motions.clone();
        async move { motions::jobs::sweep(&motions, sweep_after).await.map(drop) }
    });
    if !app.platform.clock.is_manual() {
        // A sandbox looks when its clock moves, at the same instants.
        let designing = app.designs.clone();
        let watch_every = Duration::from_secs(60 * u64::from(app.designs.terms.every_minutes));
        every(app, "sla-watch", watch_every, move || {
            let designing = designing.clone();
            async move { designs::jobs::watch(&designing).await }
        });
    }
    let accounts = app.accounts.clone();
    every(app, "partitions", PARTITIONS_EVERY, move || {
        let accounts = accounts.clone();
        async move { accounts::jobs::turn_partitions(&accounts, retention_days).await }
    });
    let connected = app.connectors.clone();
    every(app, "received-retention", PARTITIONS_EVERY, move || {
        let connected = connected.clone();
        async move { connectors::jobs::forget(&connected, retention_days).await }
    });
    let (accounts, pool) = (app.accounts.clone(), app.platform.pool.clone());
    every(app, "suppressions", SUPPRESSIONS_EVERY, move || {
        let (accounts, pool) = (accounts.clone(), pool.clone());
        async move { accounts.suppressions.refresh(&pool).await }
    });
    let renewed = app.renewals.clone();
    every(app, "renewal-dates", RENEWAL_DATES_EVERY, move || {
        let renewed = renewed.clone();
        async move { renewed.note_all_dates().await }
    });
    let gauges = Gauges::new(app.clone());
    every(app, "measurements", MEASURE_EVERY, move || {
        let gauges = gauges.clone();
        async move { gauges.sample().await }
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
fn every<F, Fut, E>(app: &App, name: &'static str, interval: Duration, mut round: F)
where
    F: FnMut() -> Fut + Send + 'static,
    Fut: Future<Output = Result<(), E>> + Send,
    E: std::fmt::Display + Send,
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
