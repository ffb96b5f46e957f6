//! Events that could not be applied: listed, and put back into the inbox when the fault is mended.
//!
//! Promises: an event that is put back counts once, like any other: it is in the inbox or among the dead, and one
//! transaction moves it, with its entry in the audit log. An older event that comes late overwrites nothing newer.

use serde_json::json;
use sqlx::PgPool;

pub use crate::accounts::store::{DeadEventRow, DeadEvents, list_dead_events};
use crate::accounts::{Accounts, store};
use crate::platform::audit::{self, AuditError, Entry, SYSTEM};
use crate::platform::db;
use crate::platform::dead::DeadRetried;
use crate::platform::jobs::Lane;

/// Counts what [`retry_dead_events`] would put back.
pub async fn preview_dead_events(pool: &PgPool, which: DeadEvents<'_>) -> Result<DeadRetried, sqlx::Error> {
    let mut conn = pool.acquire().await?;
    Ok(DeadRetried::new(true, store::count_dead_events(&mut conn, which).await?, 0))
}

/// Puts dead events back into the inbox. Many at once let everything else go first.
pub async fn retry_dead_events(
    accounts: &Accounts,
    which: DeadEvents<'_>,
    actor: &str,
) -> Result<DeadRetried, AuditError> {
    let now = accounts.clock.now();
    let lane = if which.id.is_some() { Lane::Normal } else { Lane::Bulk };
    let mut tx = db::begin(&accounts.pool).await?;
    let groups = store::count_dead_events(&mut tx, which).await?;
    let moved = store::requeue_dead_events(&mut tx, which, lane).await?;
    match (moved.as_slice(), which.id) {
        ([], _) => {}
        ([one], Some(id)) => {
            let details = json!({ "failedAt": one.failed_at });
            let entry = Entry::new(actor, "event.retried", format!("event:{id}"), details);
            audit::append(&mut tx, &one.account_id, now, &[entry]).await?;
        }
        (many, _) => {
            let details =
                json!({ "accountId": which.account_id, "type": which.type_name, "count": many.len() });
            let entry = Entry::new(actor, "events.retried", "event:dead".to_owned(), details);
            audit::append(&mut tx, SYSTEM, now, &[entry]).await?;
        }
    }
    tx.commit().await?;
    accounts.intake.arrived.notify_one();
    Ok(DeadRetried::new(false, groups, i64::try_from(moved.len()).unwrap_or(i64::MAX)))
}
