//! Events that do not name their account: stored first, then routed where the account is clear.
//!
//! Promises: what was accepted is in one place at every moment, among the unmatched events or in an account's queue;
//! an event whose account is clear when it comes in is in that account's queue before the answer is given, unless a
//! correction is being made just then; all others are looked at again when an account becomes known by one of their
//! keys, once more after [`SECOND_LOOK`], and every [`LOOK_AGAIN`].

use std::collections::HashSet;
use std::sync::Arc;

use chrono::TimeDelta;
use sqlx::PgConnection;
use uuid::Uuid;

use super::finding::weigh;
use super::returning::blank_waiting;
use crate::accounts::Accounts;
use crate::accounts::events::{Arrived, Unaddressed};
use crate::accounts::intake::{IntakeError, Taken, event_key, is_missing_partition};
use crate::accounts::matching::{self, Match, Query, Verdict, Why, verdict};
use crate::accounts::privacy::Salt;
use crate::accounts::store::{self, NewUnmatched, UnmatchedEvent};
use crate::kernel::clock::DateTime;
use crate::kernel::ids::new_id;
use crate::platform::db;
use crate::platform::jobs::Lane;

/// Events that one round of the matcher takes.
const ROUND: i64 = 256;
/// Keys that one round takes notice of.
const NEWS: i64 = 1_000;
/// After so long an event is looked at again without news: what a known account is said to be may have changed.
const LOOK_AGAIN: TimeDelta = TimeDelta::hours(6);
/// What came in within this time is looked at again after as long. A transaction that makes an account known leaves
/// no news when it found no unmatched event, and it may have been under way when this one came in; it is over by
/// then, because the server ends a session that idles in a transaction for half of this time.
const SECOND_LOOK: TimeDelta = TimeDelta::minutes(1);

/// What became of the events of one request that did not name their account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TakenUnaddressed {
    pub accepted: usize,
    pub duplicates: usize,
    /// Of the accepted ones: those whose account is not clear yet.
    pub unmatched: usize,
}

/// Stores events, then routes those whose account is clear. When the routing fails they are stored all the same,
/// and the matcher has its turn.
pub async fn take_unaddressed(
    accounts: &Accounts,
    mut events: Vec<Unaddressed>,
    lane: Lane,
) -> Result<TakenUnaddressed, sqlx::Error> {
    if events.is_empty() {
        return Ok(TakenUnaddressed::default());
    }
    let now = accounts.clock.now();
    for event in &mut events {
        accounts.suppressions.blank_unaddressed(event);
    }
    let (mut rows, mut seen) = (NewUnmatched::default(), HashSet::new());
    for event in &events {
        let key = event_key(&event.source, &event.id);
        if seen.insert(key) {
            rows.push(key, new_id(now), event);
        }
    }
    let fresh = store::insert_unmatched(&accounts.pool, &rows, lane, now).await?;
    let routed = match round(accounts, Some(&fresh)).await {
        Ok((_, routed)) => routed,
        Err(error) => {
            tracing::warn!(%error, "events without an account could not be routed at once");
            0
        }
    };
    accounts.matching.notify_one();
    Ok(TakenUnaddressed {
        accepted: fresh.len(),
        duplicates: events.len() - fresh.len(),
        unmatched: fresh.len() - routed,
    })
}

/// Stores events of both kinds that came by another way than `POST /v1/events`; gives how many were new and how many
/// known before.
pub async fn take_arrived(
    accounts: &Accounts,
    arrived: Vec<Arrived>,
    lane: Lane,
) -> Result<(usize, usize), IntakeError> {
    let (mut events, mut unaddressed) = (Vec::new(), Vec::new());
    for event in arrived {
        match event {
            Arrived::Addressed(event) => events.push(event),
            Arrived::Unaddressed(event) => unaddressed.push(*event),
        }
    }
    let taken = accounts.intake.take(events, lane).await?;
    let sought = take_unaddressed(accounts, unaddressed, lane)
        .await
        .map_err(|error| IntakeError::Database(Arc::new(error)))?;
    let accepted = taken.iter().filter(|taken| **taken == Taken::Accepted).count();
    Ok((accepted + sought.accepted, taken.len() - accepted + sought.duplicates))
}

/// Looks for the accounts of unmatched events that were not looked at yet, or that there is news for; gives how
/// much was done.
pub async fn route_next(accounts: &Accounts) -> Result<usize, sqlx::Error> {
    let work = {
        let mut conn = accounts.pool.acquire().await?;
        store::spread_news(&mut conn, accounts.clock.now() - LOOK_AGAIN, NEWS).await?
    };
    let looked_at = if work.due { round(accounts, None).await?.0 } else { 0 };
    Ok(looked_at + usize::try_from(work.news).unwrap_or_default())
}

/// One transaction of routing: some events by their ids, or those whose turn it is. Gives how many were looked at
/// and how many of them routed.
async fn round(accounts: &Accounts, ids: Option<&[Uuid]>) -> Result<(usize, usize), sqlx::Error> {
    let now = accounts.clock.now();
    let mut tx = db::begin(&accounts.pool).await?;
    // Whoever corrects may be at it for a while; the matcher comes back to these.
    if ids.is_some_and(<[Uuid]>::is_empty) || !store::try_share_matching(&mut tx).await? {
        return Ok((0, 0));
    }
    let events = match ids {
        Some(ids) => store::lock_unmatched(&mut tx, ids).await?,
        None => store::lock_unmatched_before(&mut tx, now - LOOK_AGAIN, ROUND).await?,
    };
    let routed = match route(&mut tx, &events, accounts.suppressions.salt().as_ref(), now).await {
        Err(error) if is_missing_partition(&error) => {
            tx.rollback().await?;
            for received_at in events.iter().map(|event| event.received_at) {
                store::ensure_event_partitions(&accounts.pool, received_at).await?;
            }
            return Box::pin(round(accounts, ids)).await;
        }
        outcome => outcome?,
    };
    tx.commit().await?;
    if routed > 0 {
        accounts.intake.arrived.notify_one();
    }
    Ok((events.len(), routed))
}

/// Routes locked events whose account is clear and notes that the others were looked at; gives how many were routed.
async fn route(
    conn: &mut PgConnection,
    events: &[UnmatchedEvent],
    salt: Option<&Salt>,
    now: DateTime,
) -> Result<usize, sqlx::Error> {
    if events.is_empty() {
        return Ok(0);
    }
    let verdicts = judge(conn, events.iter().map(clues_of).collect()).await?;
    let (mut ids, mut account_ids, mut open, mut waiting) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (event, verdict) in events.iter().zip(verdicts) {
        match verdict {
            Verdict::Clear(account_id) => {
                ids.push(event.id);
                account_ids.push(String::from(account_id));
            }
            Verdict::Open(_) => {
                open.push(event.id);
                waiting.push(event);
            }
        }
    }
    let routed = store::route_events(conn, &ids, &account_ids).await?;
    if !open.is_empty() {
        let soon = now - LOOK_AGAIN + SECOND_LOOK;
        store::note_looked_at(conn, &open, now, now - SECOND_LOOK, soon).await?;
    }
    if let Some(salt) = salt {
        blank_waiting(conn, &waiting, salt).await?;
    }
    Ok(routed.len())
}

pub(super) fn clues_of(event: &UnmatchedEvent) -> Query {
    matching::clues(&event.type_name, event.data.get())
}

/// Whose the records are, as far as it is clear.
pub(super) async fn judge(conn: &mut PgConnection, queries: Vec<Query>) -> Result<Vec<Verdict>, sqlx::Error> {
    Ok(weigh(conn, queries).await?.iter().map(|ranked| verdict(ranked)).collect())
}

/// An event that waits for its account, with the accounts that come into question now.
#[derive(Debug)]
pub struct Unmatched {
    pub event: UnmatchedEvent,
    /// What it is looked up by, the surest first.
    pub keys: Vec<String>,
    pub candidates: Vec<Match>,
    /// None: its account has become clear, and it is about to go there.
    pub why: Option<Why>,
}

/// Unmatched events with their candidates, newest first; `before` is the id of the last one seen.
pub async fn list_unmatched(
    accounts: &Accounts,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Unmatched>, sqlx::Error> {
    let mut conn = accounts.pool.acquire().await?;
    let events = store::list_unmatched(&mut conn, before, limit).await?;
    let queries: Vec<Query> = events.iter().map(clues_of).collect();
    let keys: Vec<Vec<String>> = queries.iter().map(Query::keys).collect();
    let ranked = weigh(&mut conn, queries).await?;
    let show = |((event, keys), candidates): ((UnmatchedEvent, Vec<String>), Vec<Match>)| {
        let why = match verdict(&candidates) {
            Verdict::Clear(_) => None,
            Verdict::Open(why) => Some(why),
        };
        Unmatched { event, keys, candidates, why }
    };
    Ok(events.into_iter().zip(keys).zip(ranked).map(show).collect())
}
