//! Keeping what people corrected, and moving what went to the wrong account before.
//!
//! Promises: a correction, the events that it moves, the accounts that they leave and the audit entries are one
//! transaction; a preview computes the same and writes nothing. A pin brings to its account what its key led
//! elsewhere; an exclusion takes from its account what its key led there, to the account that fits now or back to
//! the unmatched events. Only events that came without an account id are moved: what names its account stays.
//! Leaves out: taking decisions back. The accounts are looked at again; what was decided before stays on record.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use sqlx::PgConnection;
use uuid::Uuid;

use super::rebuild::{self, Rebuilt};
use super::routing::{clues_of, judge};
use super::{Batch, Follower, Occasion};
use crate::accounts::Accounts;
use crate::accounts::matching::{self, Verdict};
pub use crate::accounts::store::Correction;
use crate::accounts::store::{self, Locked, Move, StoredEvent};
use crate::kernel::clock::DateTime;
use crate::platform::audit::{self, AuditError, Entry};
use crate::platform::db::{self, Tx};

/// What a correction moved, or would move.
#[derive(Debug, Default)]
pub struct Corrected {
    /// Unmatched events that found their account by it.
    pub matched: usize,
    /// By account, in the order of their ids.
    pub moved: Vec<MovedAway>,
}

/// Events that leave an account.
#[derive(Debug)]
pub struct MovedAway {
    pub account_id: String,
    pub events: usize,
    /// Where they go.
    pub to: BTreeSet<String>,
    /// Of these events: those whose account is not clear now.
    pub unmatched: usize,
    /// False: the account rests on raw events that are no longer kept, and keeps what it learned.
    pub rebuilt: bool,
}

/// Keeps a correction and moves what it concerns; none when there is no such account. With `dry_run` it says what
/// would be moved and writes nothing.
pub async fn correct_match(
    accounts: &Accounts,
    correction: &Correction<'_>,
    dry_run: bool,
) -> Result<Option<Corrected>, AuditError> {
    let now = accounts.clock.now();
    let mut tx = db::begin(&accounts.pool).await?;
    store::hold_matching(&mut tx).await?;
    if store::read_accounts(&mut tx, &[correction.account_id.to_owned()]).await?.is_empty() {
        return Ok(None);
    }
    let mut log = Log::default();
    let corrected = keep(&mut tx, accounts.follower.as_ref(), correction, &mut log, now).await?;
    if !dry_run {
        log.write(&mut tx, now).await?;
        commit(accounts, tx).await?;
    }
    Ok(Some(corrected))
}

/// Commits a correction and wakes up whoever goes on from there.
pub(super) async fn commit(accounts: &Accounts, tx: Tx) -> Result<(), sqlx::Error> {
    tx.commit().await?;
    accounts.intake.arrived.notify_one();
    accounts.matching.notify_one();
    accounts.follower.after_commit(None);
    Ok(())
}

/// Audit entries of several accounts, written last and in the order of accounts: then two who write to the same
/// chains never wait in a circle.
#[derive(Default)]
pub(super) struct Log(BTreeMap<String, Vec<Entry>>);

impl Log {
    pub(super) fn note(&mut self, account_id: &str, entry: Entry) {
        self.0.entry(account_id.to_owned()).or_default().push(entry);
    }

    pub(super) async fn write(self, conn: &mut PgConnection, now: DateTime) -> Result<(), AuditError> {
        for (account_id, entries) in self.0 {
            audit::append(conn, &account_id, now, &entries).await?;
        }
        Ok(())
    }
}

/// Keeps a correction and moves what it concerns, under the matching lock.
pub(super) async fn keep(
    conn: &mut PgConnection,
    follower: &dyn Follower,
    correction: &Correction<'_>,
    log: &mut Log,
    now: DateTime,
) -> Result<Corrected, sqlx::Error> {
    store::correct_match(conn, correction, now).await?;
    let matched = match_waiting(conn, correction.key).await?;
    let moved = move_past(conn, follower, correction, now).await?;
    let action = if correction.belongs { "match.pinned" } else { "match.ruled_out" };
    let subject = format!("match:{}", correction.key);
    let details = serde_json::json!({
        "note": correction.note, "matched": matched,
        "moved": moved.iter().map(|moved| moved.events).sum::<usize>(),
    });
    log.note(correction.account_id, Entry::new(correction.by, action, subject.clone(), details));
    for moved in &moved {
        let details = serde_json::json!({
            "events": moved.events, "to": moved.to, "unmatched": moved.unmatched, "rebuilt": moved.rebuilt,
        });
        log.note(
            &moved.account_id,
            Entry::new(correction.by, "match.events_moved", subject.clone(), details),
        );
    }
    Ok(Corrected { matched, moved })
}

/// Routes the unmatched events with a key whose account is clear now.
async fn match_waiting(conn: &mut PgConnection, key: &str) -> Result<usize, sqlx::Error> {
    let waiting = store::lock_unmatched_with(conn, key).await?;
    let verdicts = judge(conn, waiting.iter().map(clues_of).collect()).await?;
    let (ids, account_ids): (Vec<Uuid>, Vec<String>) = waiting
        .iter()
        .zip(verdicts)
        .filter_map(|(event, verdict)| match verdict {
            Verdict::Clear(account_id) => Some((event.id, String::from(account_id))),
            Verdict::Open(_) => None,
        })
        .unzip();
    Ok(store::route_events(conn, &ids, &account_ids).await?.len())
}

/// Moves the events that a correction sends elsewhere.
async fn move_past(
    conn: &mut PgConnection,
    follower: &dyn Follower,
    correction: &Correction<'_>,
    now: DateTime,
) -> Result<Vec<MovedAway>, sqlx::Error> {
    let mut holders = store::accounts_matched_by(conn, correction.key).await?;
    // A pin takes from all but its account, an exclusion from its account alone.
    holders.retain(|holder| (holder == correction.account_id) != correction.belongs);
    if holders.is_empty() {
        return Ok(Vec::new());
    }
    let locked = store::lock_accounts(conn, &holders).await?;
    let events = store::events_matched_by(conn, correction.key).await?;
    let events: Vec<StoredEvent> =
        events.into_iter().filter(|event| holders.contains(&event.account_id)).collect();
    let queries = events.iter().map(|event| matching::clues(&event.type_name, event.data.get())).collect();
    let verdicts = judge(conn, queries).await?;
    let moves: Vec<Move> = events
        .iter()
        .zip(verdicts)
        .filter_map(|(event, verdict)| moved(correction, event, verdict))
        .collect();
    if moves.is_empty() {
        return Ok(Vec::new());
    }
    carry_out(conn, follower, locked, &moves, now).await
}

/// Where a correction sends an event; nothing when it stays.
fn moved(correction: &Correction<'_>, event: &StoredEvent, verdict: Verdict) -> Option<Move> {
    let to = match verdict {
        Verdict::Clear(account_id) => Some(String::from(account_id)),
        Verdict::Open(_) => None,
    };
    // A surer key may say otherwise than the pin: then the event stays where that key led it.
    let goes = if correction.belongs {
        to.as_deref() == Some(correction.account_id)
    } else {
        to.as_deref() != Some(event.account_id.as_str())
    };
    goes.then(|| Move { from: event.account_id.clone(), received_at: event.received_at, id: event.id, to })
}

/// Takes events from their locked accounts, rebuilds these without them, and tells those who follow accounts.
async fn carry_out(
    conn: &mut PgConnection,
    follower: &dyn Follower,
    locked: Vec<Locked>,
    moves: &[Move],
    now: DateTime,
) -> Result<Vec<MovedAway>, sqlx::Error> {
    let leaving: HashSet<Uuid> = moves.iter().map(|moved| moved.id).collect();
    let mut rebuilds: Vec<(Rebuilt, MovedAway)> = Vec::new();
    for account in locked {
        let own: Vec<&Move> = moves.iter().filter(|moved| moved.from == account.account_id).collect();
        if own.is_empty() {
            continue;
        }
        let account_id = account.account_id.clone();
        let rebuilt = rebuild::without(conn, account, &leaving).await?;
        let away = MovedAway {
            account_id,
            events: own.len(),
            to: own.iter().filter_map(|moved| moved.to.clone()).collect(),
            unmatched: own.iter().filter(|moved| moved.to.is_none()).count(),
            rebuilt: rebuilt.is_anew(),
        };
        rebuilds.push((rebuilt, away));
    }
    store::move_events(conn, moves, now).await?;
    follower.after_move(conn, moves).await?;
    let (mut batch, mut away) = (Batch::none(Occasion::UseCase), Vec::new());
    for (rebuilt, moved) in rebuilds {
        batch.accounts.extend(rebuild::write(conn, rebuilt, now).await?);
        away.push(moved);
    }
    follower.after_apply(conn, &mut batch, now).await?;
    Ok(away)
}
