//! The sandbox: time that moves only when told, and nothing that leaves the process.
//!
//! Promises: moving the clock runs everything that falls due on the way, each at its own instant, before it
//! answers: policies that come into force, evaluations, the sweep and the looks of the watch; and at its end what only cleans
//! up behind (old events, old answers, a checkpoint of the audit log). Deliveries never leave. Between two moves nothing is
//! decided unless somebody asks, because the time for gathering events does not pass; a database is a sandbox from its first
//! start or never.

use axum::extract::State;
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::App;
use super::start::StartError;
use crate::accounts;
use crate::designs;
use crate::handoffs::commands::KINDS;
use crate::kernel::clock::{Clock, DateTime, truncate};
use crate::motions;
use crate::plans;
use crate::platform::http::{Fault, Json, Problem, Scoped, scope};
use crate::platform::jobs;
use crate::platform::mode;
use crate::platform::outbox::{self, api::DeliveryWire};
use crate::renewals;

/// The clock of this database: marks it as sandbox or not at its first start, and keeps to that.
pub(super) async fn clock(pool: &PgPool, sandbox: bool) -> Result<Clock, StartError> {
    let present = Clock::System.now();
    let mode = mode::settle(pool, sandbox, present).await?;
    match (mode.sandbox, sandbox) {
        (false, true) => Err(StartError::NotASandbox),
        (true, false) => Err(StartError::IsASandbox),
        // Time never runs backwards, not even over a restart.
        (true, true) => Ok(Clock::manual(mode.sandbox_now.max(present))),
        (false, false) => Ok(Clock::System),
    }
}

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(move_clock)).routes(routes!(list_effects))
}

/// Where to move the clock: by a duration, or to an instant.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct MoveClock {
    /// ISO 8601 duration of weeks, days, hours, minutes and seconds, such as `PT4H` or `P3DT30M`.
    advance: Option<String>,
    /// An instant that is not in the past of the sandbox.
    to: Option<DateTime>,
}

/// The present of the sandbox.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Moved {
    pub now: DateTime,
}

/// Move the sandbox's clock
///
/// Answers once everything that fell due has run: evaluations and the sweep, each at its own instant.
#[utoipa::path(
    post, path = "/v1/sandbox/clock", tag = "sandbox", operation_id = "move_clock",
    security(("api_key" = ["admin"])),
    extensions(("x-timeout-seconds" = json!(900))),
    request_body = MoveClock,
    responses((status = 200, body = Moved, description = "The new present."))
)]
async fn move_clock(
    State(app): State<App>,
    _caller: Scoped<scope::Admin>,
    Json(body): Json<MoveClock>,
) -> Result<Json<Moved>, Problem> {
    let now = app.platform.clock.now();
    let target = match (body.advance.as_deref(), body.to) {
        (Some(text), None) => {
            now + duration(text).ok_or_else(|| fault("#/advance", "is no ISO 8601 duration such as PT4H"))?
        }
        (None, Some(to)) if to >= now => truncate(to),
        (None, Some(_)) => return Err(fault("#/to", "lies in the past of the sandbox")),
        _ => return Err(fault("#", "must say either advance or to")),
    };
    settle(&app).await?;
    let (mut swept_at, mut watched_at) = (now, now);
    loop {
        let job = next_job(&app).await?;
        let sweep = next_sweep(&app, swept_at).await?;
        let watch = app.designs.next_look(watched_at).await?;
        let next = [job, sweep, watch].into_iter().flatten().min();
        let Some(due_at) = next.filter(|due_at| *due_at <= target) else { break };
        app.platform.clock.advance_to(due_at);
        if watch == Some(due_at) {
            // What fell due with it is done first, as a look sees it.
            settle(&app).await?;
            watched_at = due_at;
            designs::jobs::watch(&app.designs).await?;
        }
        if sweep == Some(due_at) {
            swept_at = due_at;
            app.motions.sweep(app.upkeep.sweep_after).await?;
        }
        settle(&app).await?;
    }
    let now = app.platform.clock.advance_to(target);
    settle(&app).await?;
    accounts::jobs::turn_partitions(&app.accounts, app.upkeep.retention_days).await?;
    app.platform.tidy_up().await?;
    mode::note_clock(&app.platform.pool, now).await?;
    Ok(Json(Moved { now }))
}

fn fault(pointer: &str, detail: &str) -> Problem {
    Problem::invalid(vec![Fault::new(pointer, detail)])
}

/// The next instant at which something is due that the service has promised itself to do.
async fn next_job(app: &App) -> Result<Option<DateTime>, sqlx::Error> {
    let mut conn = app.platform.pool.acquire().await?;
    let mut next = None;
    let planned =
        plans::commands::KINDS.into_iter().chain(designs::commands::KINDS).chain(renewals::commands::KINDS);
    for kind in KINDS.into_iter().chain(planned).chain(motions::commands::KINDS) {
        next = next.into_iter().chain(jobs::next_due(&mut conn, kind).await?).min();
    }
    Ok(next)
}

/// The next instant, after the last sweep, at which the sweep runs and finds an account.
async fn next_sweep(app: &App, swept_at: DateTime) -> Result<Option<DateTime>, sqlx::Error> {
    let found = app.motions.next_aged(app.upkeep.sweep_after).await?;
    Ok(found.map(|aged_at| on_the_beat(aged_at.max(swept_at), app.upkeep.sweep_every)))
}

/// The first whole multiple of a span since the epoch after an instant: when a round that comes every so often comes,
/// wherever the moves of the clock begin and end.
fn on_the_beat(after: DateTime, every: TimeDelta) -> DateTime {
    let (after, every) = (after.timestamp(), every.num_seconds().max(1));
    let next = (after.div_euclid(every) + 1) * every;
    chrono::DateTime::from_timestamp(next, 0).unwrap_or_default()
}

/// Runs what is due until nothing is, the work of background workers included.
pub(super) async fn settle(app: &App) -> Result<(), Problem> {
    loop {
        let follower = app.accounts.follower.as_ref();
        let now = app.platform.clock.now();
        let read = app.connectors.read_due().await?;
        let applied = accounts::commands::apply_next(&app.platform.pool, follower, now).await?.events;
        let routed = accounts::commands::route_next(&app.accounts).await?;
        // First what changes the rules: what is decided at the same instant is decided by them.
        let evaluated = app.motions.activate_due().await?
            + app.motions.evaluate_due().await?
            + app.handoffs.work_due().await?
            + app.plans.work_due().await?
            + app.designs.work_due().await?
            + app.renewals.work_due().await?
            + app.programmes.draft_due().await?;
        app.outbox.settle_here().await?;
        let waiting =
            accounts::store::has_work(&app.platform.pool).await? || app.connectors.has_unread().await?;
        let due = next_job(app).await?.is_some_and(|due_at| due_at <= now);
        if read == 0 && applied == 0 && routed == 0 && evaluated == 0 && !waiting && !due {
            return Ok(());
        }
        if read == 0 && applied == 0 && routed == 0 && evaluated == 0 {
            // A background worker holds what is left; it is done with it in a moment.
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }
}

/// What would have left the process
#[utoipa::path(
    get, path = "/v1/sandbox/effects", tag = "sandbox", operation_id = "list_effects",
    security(("api_key" = ["admin"])),
    responses((status = 200, body = Vec<DeliveryWire>, description = "The newest 200, newest first."))
)]
async fn list_effects(
    State(app): State<App>,
    _caller: Scoped<scope::Admin>,
) -> Result<Json<Vec<DeliveryWire>>, Problem> {
    let filter = outbox::DeliveryFilter { limit: 200, ..Default::default() };
    let rows = outbox::list(&app.platform.pool, &filter).await?;
    Ok(Json(rows.into_iter().map(DeliveryWire::from).collect()))
}

/// An ISO 8601 duration without years and months, whose length depends on when they begin.
fn duration(text: &str) -> Option<TimeDelta> {
    let text = text.strip_prefix('P')?;
    let (days, time) = text.split_once('T').unwrap_or((text, ""));
    if days.is_empty() && time.is_empty() {
        return None;
    }
    let mut total = TimeDelta::zero();
    for (part, units) in
        [(days, [('W', 604_800), ('D', 86_400), ('-', 0)]), (time, [('H', 3_600), ('M', 60), ('S', 1)])]
    {
        let mut rest = part;
        while let Some(at) = rest.find(|c: char| !c.is_ascii_digit()) {
            let unit = rest[at..].chars().next()?;
            let secs = units.iter().find(|(name, secs)| *name == unit && *secs > 0)?.1;
            let count: i64 = rest[..at].parse().ok()?;
            total += TimeDelta::try_seconds(count.checked_mul(secs)?)?;
            rest = &rest[at + unit.len_utf8()..];
        }
        if !rest.is_empty() {
            return None;
        }
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_comes_on_whole_multiples_of_its_span() {
        let at = |secs| chrono::DateTime::from_timestamp(secs, 0).unwrap();
        let quarter = TimeDelta::minutes(15);
        assert_eq!(on_the_beat(at(1_800_000_001), quarter), at(1_800_000_900));
        assert_eq!(on_the_beat(at(1_800_000_899), quarter), at(1_800_000_900));
        assert_eq!(on_the_beat(at(1_800_000_900), quarter), at(1_800_001_800), "never twice at one instant");
    }

    #[test]
    fn durations_are_read_as_iso_8601_has_them() {
        assert_eq!(duration("PT4H"), Some(TimeDelta::hours(4)));
        assert_eq!(duration("P3DT30M"), Some(TimeDelta::days(3) + TimeDelta::minutes(30)));
        assert_eq!(duration("P2W"), Some(TimeDelta::weeks(2)));
        for wrong in ["", "P", "PT", "4H", "PT4", "P1M", "PTH", "PT-4H", "P1Y", "PT99999999999999999999H"] {
            assert_eq!(duration(wrong), None, "{wrong}");
        }
    }
}
