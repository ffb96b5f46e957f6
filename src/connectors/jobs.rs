//! The background work of connectors: reading what came in, asking for what was only hinted at, forgetting in time.

use std::time::Duration;

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use super::commands::ConnectorError;
use super::limits::Quota;
use super::{Connectors, store};
use crate::platform::worker::{self, Pace};

/// How long the worker sleeps when nobody rings: what another replica stored waits this long at the most.
const IDLE: Duration = Duration::from_millis(250);
/// Calls that are forgotten in one statement.
const FORGET: i64 = 5_000;

/// Reads stored calls until told to stop.
pub async fn read(connectors: Connectors, stop: CancellationToken, beat: impl Fn(bool)) {
    let pace = Pace { stop: &stop, wake: &connectors.work, idle: IDLE };
    worker::run("received", pace, beat, || async {
        let done = connectors.read_due().await?;
        if done > 0 {
            connectors.fetch.notify_one();
        }
        Ok::<_, ConnectorError>(done)
    })
    .await;
}

/// Reads from systems until told to stop.
pub async fn fetch(connectors: Connectors, stop: CancellationToken, beat: impl Fn(bool)) {
    let pace = Pace { stop: &stop, wake: &connectors.fetch, idle: IDLE };
    worker::run("connectors", pace, beat, || async {
        let done = connectors.fetch_due().await?;
        Ok::<_, ConnectorError>(done)
    })
    .await;
}

/// Looks after connected systems once; `own` are the service's own quotas. A failure is one of the database: the next look
/// comes in its time.
pub async fn watch(connectors: &Connectors, own: &[(&'static str, Quota)]) -> Result<(), sqlx::Error> {
    match connectors.watch(own).await {
        Err(ConnectorError::Database(error)) => Err(error),
        Err(error) => {
            tracing::error!(%error, "connected systems could not be looked after");
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}

/// Forgets calls that were read and whose time is over.
pub async fn forget(connectors: &Connectors, retention_days: u32) -> Result<(), sqlx::Error> {
    let before = connectors.clock.now() - TimeDelta::days(i64::from(retention_days));
    while store::forget_before(&connectors.pool, before, FORGET).await? > 0 {}
    Ok(())
}
