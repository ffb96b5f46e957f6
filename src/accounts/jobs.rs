//! The background work of accounts: applying what came in, finding accounts, and forgetting raw events in time.

use std::time::Duration;

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use super::commands::Round;
use super::{Accounts, commands, store};
use crate::platform::worker::{self, Pace, Yields};

/// How long the applier sleeps when nobody rings; events that another process stored wait this long at most.
const APPLY_IDLE: Duration = Duration::from_millis(200);
/// How long the matcher sleeps when nobody rings; an account that another process made known is found this late.
const ROUTE_IDLE: Duration = Duration::from_secs(1);

/// Applies pending events until told to stop.
pub async fn apply(accounts: Accounts, stop: CancellationToken, beat: impl Fn(bool)) {
    let pace = Pace { stop: &stop, wake: &accounts.intake.arrived, idle: APPLY_IDLE };
    let yields = Yields::default();
    worker::run("events", pace, beat, || async {
        if yields.are_due() {
            accounts.intake.let_pass().await;
        }
        let (pool, follower) = (&accounts.pool, accounts.follower.as_ref());
        let Round { events, caught_up } = commands::apply_next(pool, follower, accounts.clock.now()).await?;
        if caught_up {
            yields.caught_up();
        }
        if events > 0 {
            accounts.matching.notify_one();
        }
        Ok::<_, sqlx::Error>(events)
    })
    .await;
}

/// Seeks the accounts of unmatched events until told to stop.
pub async fn route(accounts: Accounts, stop: CancellationToken, beat: impl Fn(bool)) {
    let pace = Pace { stop: &stop, wake: &accounts.matching, idle: ROUTE_IDLE };
    worker::run("matching", pace, beat, || async {
        accounts.intake.let_pass().await;
        commands::route_next(&accounts).await
    })
    .await;
}

/// Makes the partitions of the weeks ahead and drops those whose time is over.
pub async fn turn_partitions(accounts: &Accounts, retention_days: u32) -> Result<(), sqlx::Error> {
    let now = accounts.clock.now();
    store::ensure_event_partitions(&accounts.pool, now).await?;
    let dropped =
        store::drop_events_before(&accounts.pool, now - TimeDelta::days(i64::from(retention_days))).await?;
    if dropped > 0 {
        tracing::info!(weeks = dropped, retention_days, "raw events whose time is over were dropped");
    }
    Ok(())
}
