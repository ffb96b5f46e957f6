//! The use cases of accounts: applying what came in.
//!
//! Promises: each accepted event changes its account exactly once: taking it out of the inbox and changing
//! the account are one transaction under the account's lock; an event that cannot be applied is set aside
//! with its reason and holds up nothing; whoever depends on accounts ([`Follower`]) joins that transaction.

use std::collections::BTreeMap;

use futures_util::future::BoxFuture;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::events::Event;
use super::fold::{self, Applied};
use super::model::{AccountState, Contact, Stamp, UsageDay, value};
use super::store::{self, Locked, StoredEvent};
use crate::kernel::clock::DateTime;
use crate::platform::db;

/// How many accounts one transaction of the background work takes.
pub const APPLY_ACCOUNTS_MAX: i64 = 128;

/// What a transaction has applied, for those who follow accounts.
#[derive(Default)]
pub struct Batch {
    /// Accounts with at least one applied event.
    pub changed: Vec<ChangedAccount>,
    /// What each event asks of others.
    pub applied: Vec<AppliedEvent>,
}

/// An account as it stands after the batch.
pub struct ChangedAccount {
    pub account_id: String,
    pub state: AccountState,
    /// Something changed that a decision could depend on.
    pub relevant: bool,
}

/// One applied event.
pub struct AppliedEvent {
    pub account_id: String,
    pub id: Uuid,
    pub applied: Applied,
}

/// A slice that acts on what changes about accounts, in the transaction of the change. This is how
/// consequences flow to the right without accounts knowing who is there.
pub trait Follower: Send + Sync {
    fn after_apply<'a>(
        &'a self,
        conn: &'a mut PgConnection,
        batch: &'a Batch,
        now: DateTime,
    ) -> BoxFuture<'a, Result<(), sqlx::Error>>;
}

/// Applies the pending events of the accounts that wait longest; gives the number of events.
pub async fn apply_next(
    pool: &PgPool,
    follower: &dyn Follower,
    now: DateTime,
) -> Result<usize, sqlx::Error> {
    let mut tx = db::begin(pool).await?;
    let mut waiting = store::pending_accounts(&mut tx, APPLY_ACCOUNTS_MAX).await?;
    if waiting.is_empty() {
        return Ok(0);
    }
    waiting.sort_unstable();
    store::ensure_accounts(&mut tx, &waiting, now).await?;
    // Accounts that a decision or another replica is busy with have their turn in the next round.
    let locked = store::lock_accounts(&mut tx, &waiting, true).await?;
    let count = apply_locked(&mut tx, locked, follower, now).await?.1;
    tx.commit().await?;
    Ok(count)
}

/// An account under its lock, with every event applied that was accepted before.
pub struct Current {
    pub account_id: String,
    pub state: AccountState,
    pub version: i64,
}

/// Locks one account and applies what is pending, in the caller's transaction. None when nobody has ever
/// heard of the account.
pub async fn lock_current(
    conn: &mut PgConnection,
    account_id: &str,
    follower: &dyn Follower,
    now: DateTime,
) -> Result<Option<Current>, sqlx::Error> {
    let ids = [account_id.to_owned()];
    let mut locked = store::lock_accounts(conn, &ids, false).await?;
    let pending = store::has_pending(conn, account_id).await?;
    if !pending {
        return Ok(locked.pop().map(|l| Current { account_id: l.account_id, state: l.state, version: l.version }));
    }
    if locked.is_empty() {
        store::ensure_accounts(conn, &ids, now).await?;
        locked = store::lock_accounts(conn, &ids, false).await?;
    }
    let (mut current, _) = apply_locked(conn, locked, follower, now).await?;
    Ok(current.pop())
}

/// Applies the pending events of accounts that the caller has locked.
async fn apply_locked(
    conn: &mut PgConnection,
    locked: Vec<Locked>,
    follower: &dyn Follower,
    now: DateTime,
) -> Result<(Vec<Current>, usize), sqlx::Error> {
    let ids: Vec<String> = locked.iter().map(|l| l.account_id.clone()).collect();
    if ids.is_empty() {
        return Ok((Vec::new(), 0));
    }
    let events = store::take_pending(conn, &ids).await?;
    let count = events.len();
    let mut folding = Folding::new(locked);
    for stored in events {
        folding.add(stored, now);
    }
    for (account_id, date) in std::mem::take(&mut folding.refold) {
        let entries = store::usage_events_of_day(conn, &account_id, &date.to_string()).await?;
        folding.replace_day(&account_id, date, &entries);
    }
    let contacts = merge_contacts(conn, &mut folding).await?;
    store::write_batch(conn, &folding.changes(), &contacts, &folding.notes, &folding.dead, now).await?;
    let (batch, current) = folding.finish();
    follower.after_apply(conn, &batch, now).await?;
    Ok((current, count))
}
