//! Calls that could not be understood: read again when the mapping is mended.
//!
//! Promises: a call that is put back is read whole; what was taken of it before counts as duplicates.

use serde_json::json;

use super::ConnectorError;
use crate::connectors::Connectors;
use crate::connectors::store::{self, DeadReceived};
use crate::platform::audit::{self, AuditError, Entry, SYSTEM};
use crate::platform::db;
use crate::platform::dead::DeadRetried;

/// Counts what [`retry_dead`] would put back.
pub async fn preview_dead(
    connectors: &Connectors,
    which: DeadReceived<'_>,
) -> Result<DeadRetried, ConnectorError> {
    let mut conn = connectors.pool.acquire().await?;
    Ok(DeadRetried::new(true, store::count_dead(&mut conn, which).await?, 0))
}

/// Has dead calls read again.
pub async fn retry_dead(
    connectors: &Connectors,
    which: DeadReceived<'_>,
    actor: &str,
) -> Result<DeadRetried, AuditError> {
    let now = connectors.clock.now();
    let mut tx = db::begin(&connectors.pool).await?;
    let groups = store::count_dead(&mut tx, which).await?;
    let count = store::requeue_dead(&mut tx, which, now).await?;
    if count > 0 {
        let subject = which.id.map_or_else(|| "received:dead".to_owned(), |id| format!("received:{id}"));
        let details = json!({ "connector": which.connector, "count": count });
        let entry = Entry::new(actor, "received.retried", subject, details);
        audit::append(&mut tx, SYSTEM, now, &[entry]).await?;
    }
    tx.commit().await?;
    connectors.work.notify_one();
    Ok(DeadRetried::new(false, groups, count))
}
