//! The SQL of accounts: events in, facts out.
//!
//! Promises: no decision is taken here; every function is one statement, takes the connection first and
//! business time as an argument.

use std::collections::HashSet;

use serde_json::value::RawValue;
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::events::Event;
use super::model::AccountState;
use crate::kernel::clock::DateTime;
use crate::platform::jobs::Lane;

/// Events as columns, ready for one insert.
#[derive(Default)]
pub struct NewEvents<'a> {
    keys: Vec<Uuid>,
    ids: Vec<Uuid>,
    lanes: Vec<i16>,
    accounts: Vec<&'a str>,
    sources: Vec<&'a str>,
    event_ids: Vec<&'a str>,
    types: Vec<&'a str>,
    occurred: Vec<DateTime>,
    data: Vec<&'a str>,
}

impl<'a> NewEvents<'a> {
    pub fn with_capacity(count: usize) -> Self {
        Self {
            keys: Vec::with_capacity(count),
            ids: Vec::with_capacity(count),
            lanes: Vec::with_capacity(count),
            accounts: Vec::with_capacity(count),
            sources: Vec::with_capacity(count),
            event_ids: Vec::with_capacity(count),
            types: Vec::with_capacity(count),
            occurred: Vec::with_capacity(count),
            data: Vec::with_capacity(count),
        }
    }

    pub fn push(&mut self, key: Uuid, id: Uuid, event: &'a Event, lane: Lane) {
        self.keys.push(key);
        self.ids.push(id);
        self.lanes.push(lane.number());
        self.accounts.push(event.account_id.as_str());
        self.sources.push(&event.source);
        self.event_ids.push(&event.id);
        self.types.push(event.type_name());
        self.occurred.push(event.time);
        self.data.push(event.data_text());
    }
}

/// Stores events whose key is new, with their place in the inbox; gives the keys that were new. One
/// statement, so that it is one transaction and a caller who hangs up cannot leave half of it.
pub async fn insert_events(
    pool: &PgPool,
    rows: &NewEvents<'_>,
    received_at: DateTime,
) -> Result<HashSet<Uuid>, sqlx::Error> {
    let fresh = sqlx::query_scalar!(
        r#"WITH input AS MATERIALIZED (
             SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::int2[], $4::text[], $5::text[], $6::text[],
                                  $7::text[], $8::timestamptz[], $9::text[])
               AS u (key, id, lane, account_id, source, event_id, type, occurred_at, data)),
           fresh AS (
             -- Sorted, so that two groups with the same events wait for each other instead of deadlocking.
             INSERT INTO event_key (key, received_at) SELECT key, $10 FROM input ORDER BY key
             ON CONFLICT DO NOTHING RETURNING key),
           stored AS (
             INSERT INTO event (account_id, received_at, id, source, event_id, type, occurred_at, data)
             SELECT account_id, $10, id, source, event_id, type, occurred_at, data::json
             FROM input JOIN fresh USING (key)),
           queued AS (
             INSERT INTO inbox (lane, account_id, received_at, id)
             SELECT lane, account_id, $10, id FROM input JOIN fresh USING (key))
           SELECT key AS "key!" FROM fresh"#,
        &rows.keys,
        &rows.ids,
        &rows.lanes,
        &rows.accounts as &[&str],
        &rows.sources as &[&str],
        &rows.event_ids as &[&str],
        &rows.types as &[&str],
        &rows.occurred,
        &rows.data as &[&str],
        received_at,
    )
    .fetch_all(pool)
    .await?;
    Ok(fresh.into_iter().collect())
}

/// Makes the weekly partitions from last week to three weeks ahead of `now`; those that exist are left.
pub async fn ensure_event_partitions(pool: &PgPool, now: DateTime) -> Result<(), sqlx::Error> {
    sqlx::query!("SELECT ensure_event_partitions($1)", now).execute(pool).await?;
    Ok(())
}

/// Drops the partitions that end before `limit`, and forgets the keys of events received before it.
pub async fn drop_events_before(pool: &PgPool, limit: DateTime) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT drop_events_before($1) AS "dropped!""#, limit).fetch_one(pool).await
}

/// Accounts with pending events, those in the hottest lane and waiting longest first.
pub async fn pending_accounts(conn: &mut PgConnection, limit: i64) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT account_id FROM (
             SELECT DISTINCT ON (account_id) account_id, lane, seq
             FROM (SELECT account_id, lane, seq FROM inbox ORDER BY lane, seq LIMIT 4 * $1) AS oldest
             ORDER BY account_id, lane, seq) AS first
           ORDER BY lane, seq LIMIT $1"#,
        limit,
    )
    .fetch_all(conn)
    .await
}

/// Whether the account has events that were accepted but not yet applied.
pub async fn has_pending(conn: &mut PgConnection, account_id: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM inbox WHERE account_id = $1) AS "pending!""#,
        account_id
    )
    .fetch_one(conn)
    .await
}

/// Makes sure that each account has its row, of which nothing is known yet. Ids sorted by the caller.
pub async fn ensure_accounts(
    conn: &mut PgConnection,
    account_ids: &[String],
    now: DateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"INSERT INTO account (account_id, state, created_at, changed_at)
           SELECT a, '{}', $2, $2 FROM unnest($1::text[]) AS a
           WHERE NOT EXISTS (SELECT FROM account WHERE account_id = a)
           ORDER BY a ON CONFLICT DO NOTHING"#,
        account_ids,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// An account's row, locked by whoever read it.
pub struct Locked {
    pub account_id: String,
    pub state: AccountState,
    pub version: i64,
}

/// Locks accounts and reads their state. With `skip_busy`, those that somebody else is working on are left
/// out instead of waited for.
pub async fn lock_accounts(
    conn: &mut PgConnection,
    account_ids: &[String],
    skip_busy: bool,
) -> Result<Vec<Locked>, sqlx::Error> {
    struct Row {
        account_id: String,
        state: Json<AccountState>,
        version: i64,
    }
    let rows = if skip_busy {
        sqlx::query_as!(
            Row,
            r#"SELECT account_id, state AS "state: Json<AccountState>", version FROM account
               WHERE account_id = ANY ($1) ORDER BY account_id FOR NO KEY UPDATE SKIP LOCKED"#,
            account_ids
        )
        .fetch_all(conn)
        .await?
    } else {
        sqlx::query_as!(
            Row,
            r#"SELECT account_id, state AS "state: Json<AccountState>", version FROM account
               WHERE account_id = ANY ($1) ORDER BY account_id FOR NO KEY UPDATE"#,
            account_ids
        )
        .fetch_all(conn)
        .await?
    };
    Ok(rows
        .into_iter()
        .map(|row| Locked { account_id: row.account_id, state: row.state.0, version: row.version })
        .collect())
}

/// An event as it lies in the store.
pub struct StoredEvent {
    pub account_id: String,
    pub received_at: DateTime,
    pub id: Uuid,
    pub source: String,
    pub event_id: String,
    pub type_name: String,
    pub occurred_at: DateTime,
    pub data: Box<RawValue>,
}

/// Takes the pending events of locked accounts out of the inbox, in the order of their arrival.
pub async fn take_pending(
    conn: &mut PgConnection,
    account_ids: &[String],
) -> Result<Vec<StoredEvent>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"WITH taken AS (
             DELETE FROM inbox WHERE account_id = ANY ($1) RETURNING account_id, received_at, id, seq)
           SELECT e.account_id, e.received_at, e.id, e.source, e.event_id, e.type AS type_name, e.occurred_at,
                  e.data AS "data!: Json<Box<RawValue>>"
           FROM taken t JOIN event e USING (account_id, received_at, id) ORDER BY t.seq"#,
        account_ids
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| StoredEvent {
            account_id: row.account_id,
            received_at: row.received_at,
            id: row.id,
            source: row.source,
            event_id: row.event_id,
            type_name: row.type_name,
            occurred_at: row.occurred_at,
            data: row.data.0,
        })
        .collect())
}

/// All usage events of one account and day that are applied or being applied: those still waiting are left
/// out, because they will be counted when their turn comes.
pub async fn usage_events_of_day(
    conn: &mut PgConnection,
    account_id: &str,
    date: &str,
) -> Result<Vec<StoredEvent>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT e.account_id, e.received_at, e.id, e.source, e.event_id, e.type AS type_name, e.occurred_at,
                  e.data AS "data!: Json<Box<RawValue>>"
           FROM event e
           WHERE e.account_id = $1 AND e.type = 'gtm.usage.recorded' AND e.data ->> 'date' = $2
             AND NOT EXISTS (SELECT FROM inbox i WHERE i.account_id = e.account_id AND i.id = e.id)
             AND NOT EXISTS (SELECT FROM inbox_dead d WHERE d.account_id = e.account_id AND d.id = e.id)"#,
        account_id,
        date,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| StoredEvent {
            account_id: row.account_id,
            received_at: row.received_at,
            id: row.id,
            source: row.source,
            event_id: row.event_id,
            type_name: row.type_name,
            occurred_at: row.occurred_at,
            data: row.data.0,
        })
        .collect())
}
