//! The use cases of accounts: applying what came in.
//!
//! Promises: each accepted event changes its account exactly once: taking it out of the inbox and changing
//! the account are one transaction under the account's lock; an event that cannot be applied is set aside
//! with its reason and holds up nothing; whoever depends on accounts ([`Follower`]) joins that transaction.

mod correct;
mod dead;
mod erase;
mod export;
mod finding;
mod folding;
mod identify;
mod portrait;
mod rebuild;
mod resolve;
mod returning;
mod routing;

use std::collections::BTreeSet;

use futures_util::future::BoxFuture;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::Accounts;
use super::fold::Applied;
use super::model::{AccountState, Contact, ContactChange};
use super::store::{self, ContactRow, Identity, Locked};
use crate::kernel::clock::DateTime;
use crate::platform::db;
use crate::platform::jobs::Lane;
use folding::Folding;

// What of a system's words an account can be found by.
pub use super::matching::{clues, domain_of};
pub use correct::{Corrected, Correction, MovedAway, correct_match};
pub use dead::{DeadEventRow, DeadEvents, list_dead_events, preview_dead_events, retry_dead_events};
pub use erase::{Erased, erase, erase_at, lift_suppression};
pub use export::{Export, export, place};
pub use finding::find_matches;
pub use identify::Who;
pub use portrait::{Portrait, portrait};
pub use resolve::{Resolution, ResolveError, resolve_unmatched};
pub use routing::{Unmatched, list_unmatched, route_next, take_arrived, take_unaddressed};
// A timeline is read as it lies: other slices show it beside what is theirs.
pub use super::store::{EventRow, Move, list_events};

/// How many accounts one transaction of the background work takes.
pub const APPLY_ACCOUNTS_MAX: i64 = 256;

/// In whose time events are applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// In the background: whoever follows may finish what the events ask for in the same transaction.
    Background,
    /// In somebody's use case, which holds the accounts for what it has to do itself: followers are brief.
    UseCase,
}

/// What a transaction has applied, for those who follow accounts.
pub struct Batch {
    pub occasion: Occasion,
    /// The accounts that were locked, as they now stand, by id.
    pub accounts: Vec<Folded>,
    /// What each event asks of others.
    pub applied: Vec<AppliedEvent>,
    /// How many events were taken out of the inbox.
    pub events: usize,
}

impl Batch {
    /// Nothing applied.
    pub(super) fn none(occasion: Occasion) -> Self {
        Self { occasion, accounts: Vec::new(), applied: Vec::new(), events: 0 }
    }
}

/// An account after its pending events.
pub struct Folded {
    pub current: Current,
    /// Something changed that a decision could depend on.
    pub relevant: bool,
    /// The most urgent lane that one of the events came in by.
    pub lane: Lane,
    /// When the first event that changed something of the kind was received; none when nothing did.
    pub asked_at: Option<DateTime>,
    /// A follower has found that nothing follows from it.
    pub settled: bool,
}

/// One applied event.
pub struct AppliedEvent {
    pub account_id: String,
    pub id: Uuid,
    /// When it was true, by the sender.
    pub at: DateTime,
    pub applied: Applied,
}

/// A slice that acts on what changes about accounts, in the transaction of the change. This is how
/// consequences flow to the right without accounts knowing who is there.
pub trait Follower: Send + Sync {
    fn after_apply<'a>(
        &'a self,
        conn: &'a mut PgConnection,
        batch: &'a mut Batch,
        now: DateTime,
    ) -> BoxFuture<'a, Result<(), sqlx::Error>>;

    /// Events were taken from the account that they had been applied to: what was written because of them is to be
    /// taken back. In the transaction of the move; their next account applies them like any other.
    fn after_move<'a>(
        &'a self,
        conn: &'a mut PgConnection,
        moves: &'a [Move],
    ) -> BoxFuture<'a, Result<(), sqlx::Error>>;

    /// Called once the transaction is committed: the moment to wake up workers. The batch is there when nobody but the
    /// background work waited for it.
    fn after_commit(&self, batch: Option<&Batch>);
}

/// An account under its lock, with every event applied that was accepted before.
pub struct Current {
    pub account_id: String,
    pub state: AccountState,
    pub version: i64,
}

/// What one round of applying did.
#[derive(Debug, Clone, Copy)]
pub struct Round {
    /// Events taken out of the inbox.
    pub events: usize,
    /// No more accounts waited than one round takes.
    pub caught_up: bool,
}

/// Applies the pending events of the accounts that wait longest.
pub async fn apply_next(pool: &PgPool, follower: &dyn Follower, now: DateTime) -> Result<Round, sqlx::Error> {
    let mut waiting = {
        let mut conn = pool.acquire().await?;
        store::pending_accounts(&mut conn, APPLY_ACCOUNTS_MAX).await?
    };
    let caught_up = waiting.len() < usize::try_from(APPLY_ACCOUNTS_MAX).unwrap_or(usize::MAX);
    if waiting.is_empty() {
        return Ok(Round { events: 0, caught_up });
    }
    waiting.sort_unstable();
    let mut tx = db::begin(pool).await?;
    // Accounts that a decision or another replica is busy with have their turn in the next round.
    let mut locked = store::lock_idle_accounts(&mut tx, &waiting).await?;
    if locked.len() < waiting.len() {
        let found: BTreeSet<&str> = locked.iter().map(|l| l.account_id.as_str()).collect();
        let missing: Vec<String> =
            waiting.iter().filter(|id| !found.contains(id.as_str())).cloned().collect();
        store::ensure_accounts(&mut tx, &missing, now).await?;
        locked.extend(store::lock_idle_accounts(&mut tx, &missing).await?);
    }
    let batch = apply_locked(&mut tx, locked, follower, Occasion::Background, now).await?;
    tx.commit().await?;
    follower.after_commit(Some(&batch));
    Ok(Round { events: batch.events, caught_up })
}

/// Locks one account and applies what is pending, in the caller's transaction. None when nobody has ever
/// heard of the account.
pub async fn lock_current(
    conn: &mut PgConnection,
    account_id: &str,
    follower: &dyn Follower,
    now: DateTime,
) -> Result<Option<Current>, sqlx::Error> {
    let (mut locked, pending) = store::lock_account(conn, account_id).await?;
    if !pending {
        return Ok(locked.map(|l| Current { account_id: l.account_id, state: l.state, version: l.version }));
    }
    if locked.is_none() {
        store::ensure_accounts(conn, &[account_id.to_owned()], now).await?;
        locked = store::lock_account(conn, account_id).await?.0;
    }
    let mut batch =
        apply_locked(conn, locked.into_iter().collect(), follower, Occasion::UseCase, now).await?;
    Ok(batch.accounts.pop().map(|folded| folded.current))
}

/// Locks those of the accounts that nobody is busy with and applies what is pending, in the caller's transaction: for
/// work on many accounts that leaves the busy ones for later.
pub async fn lock_current_idle(
    conn: &mut PgConnection,
    account_ids: &[String],
    follower: &dyn Follower,
    now: DateTime,
) -> Result<Vec<Current>, sqlx::Error> {
    let locked = store::lock_idle_accounts(conn, account_ids).await?;
    let batch = apply_locked(conn, locked, follower, Occasion::UseCase, now).await?;
    Ok(batch.accounts.into_iter().map(|folded| folded.current).collect())
}

/// Accounts as their applied events make them, without holding them and without their pending events: for looks
/// that are repeated when those are applied.
pub async fn glance(
    conn: &mut PgConnection,
    account_ids: &[String],
) -> Result<Vec<(String, AccountState)>, sqlx::Error> {
    let views = store::read_accounts(conn, account_ids).await?;
    Ok(views.into_iter().map(|view| (view.row.account_id, view.state)).collect())
}

/// As [`glance`], of all accounts behind one in the order of ids: for whoever goes through all of them step by step.
pub async fn glance_after(
    conn: &mut PgConnection,
    after: &str,
    limit: i64,
) -> Result<Vec<(String, AccountState)>, sqlx::Error> {
    let ids = store::ids_after(conn, after, limit).await?;
    glance(conn, &ids).await
}

/// The account as every event accepted so far makes it, with its people, without holding it.
pub async fn view(
    accounts: &Accounts,
    account_id: &str,
) -> Result<Option<(Current, Vec<ContactRow>)>, sqlx::Error> {
    let mut conn = accounts.pool.acquire().await?;
    if store::has_pending(&mut conn, account_id).await? {
        drop(conn);
        let mut tx = db::begin(&accounts.pool).await?;
        lock_current(&mut tx, account_id, accounts.follower.as_ref(), accounts.clock.now()).await?;
        tx.commit().await?;
        accounts.follower.after_commit(None);
        conn = accounts.pool.acquire().await?;
    }
    let Some(found) = store::read_accounts(&mut conn, &[account_id.to_owned()]).await?.pop() else {
        return Ok(None);
    };
    let contacts = store::list_contacts(&mut conn, account_id).await?;
    let current =
        Current { account_id: found.row.account_id, state: found.state, version: found.row.version };
    Ok(Some((current, contacts)))
}

/// Applies the pending events of accounts that the caller has locked.
async fn apply_locked(
    conn: &mut PgConnection,
    locked: Vec<Locked>,
    follower: &dyn Follower,
    occasion: Occasion,
    now: DateTime,
) -> Result<Batch, sqlx::Error> {
    let ids: Vec<String> = locked.iter().map(|l| l.account_id.clone()).collect();
    if ids.is_empty() {
        return Ok(Batch::none(occasion));
    }
    let (mut events, guarded) = store::take_pending(conn, &ids).await?;
    if guarded {
        returning::blank_returning(conn, &mut events).await?;
    }
    let mut folding = Folding::new(locked);
    if events.is_empty() {
        return Ok(folding.finish(occasion, 0));
    }
    for stored in &events {
        folding.add(stored);
    }
    for (account_id, date) in std::mem::take(&mut folding.refold) {
        let entries = store::usage_events_of_day(conn, &account_id, &date.to_string()).await?;
        folding.replace_day(&account_id, date, &entries);
    }
    store::update_accounts(conn, &folding.changes(), now).await?;
    write_people(conn, &mut folding, now).await?;
    store::insert_notes(conn, &folding.notes).await?;
    store::insert_dead_events(conn, &folding.dead, now).await?;
    let identities: Vec<Identity> = std::mem::take(&mut folding.identities);
    store::insert_identities(conn, &identities).await?;
    let mut batch = folding.finish(occasion, events.len());
    follower.after_apply(conn, &mut batch, now).await?;
    Ok(batch)
}

/// Merges what events said of people into what is known of them.
async fn write_people(
    conn: &mut PgConnection,
    folding: &mut Folding,
    now: DateTime,
) -> Result<(), sqlx::Error> {
    if folding.contacts.is_empty() {
        return Ok(());
    }
    let (accounts, contacts): (Vec<String>, Vec<String>) = folding.contacts.keys().cloned().unzip();
    let known = store::contacts_by_id(conn, &accounts, &contacts).await?;
    let known = known.into_iter().map(|row| ((row.account_id, row.contact_id), row.doc)).collect();
    let rows = people_of(folding, known);
    store::upsert_contacts(conn, &rows, now).await
}

/// The people that events spoke of, as they are known after these events.
fn people_of(
    folding: &mut Folding,
    mut known: std::collections::BTreeMap<(String, String), Contact>,
) -> Vec<ContactRow> {
    let merge = |((account_id, contact_id), changes): ((String, String), Vec<ContactChange>)| {
        let key = (account_id, contact_id);
        let mut doc = known.remove(&key).unwrap_or_default();
        for change in changes {
            doc.merge(change.said);
        }
        ContactRow { account_id: key.0, contact_id: key.1, doc }
    };
    std::mem::take(&mut folding.contacts).into_iter().map(merge).collect()
}
