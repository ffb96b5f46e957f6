//! Events in: one statement makes a group of them durable.

use std::collections::HashSet;

use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::accounts::events::Event;
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
    attributes: Vec<Option<String>>,
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
            attributes: Vec::with_capacity(count),
        }
    }

    pub fn push(&mut self, key: Uuid, id: Uuid, event: &'a Event, lane: Lane) {
        self.keys.push(key);
        self.ids.push(id);
        self.lanes.push(lane.number());
        self.accounts.push(event.account_id.as_str());
        self.sources.push(&event.source);
        self.event_ids.push(event.kept_id.as_deref().unwrap_or(&event.id));
        self.types.push(event.event_type.name());
        self.occurred.push(event.time);
        self.data.push(&event.data_text);
        self.attributes.push(event.attributes_text());
    }
}

/// Stores events whose key is new, with their place in the inbox; gives the keys that were new. One
/// statement, so that it is one transaction and a caller who hangs up cannot leave half of it.
pub async fn insert_events(
    conn: &mut PgConnection,
    rows: &NewEvents<'_>,
    received_at: DateTime,
) -> Result<HashSet<Uuid>, sqlx::Error> {
    let fresh = sqlx::query_scalar!(
        r#"WITH input AS MATERIALIZED (
             SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::int2[], $4::text[], $5::text[], $6::text[],
                                  $7::text[], $8::timestamptz[], $9::text[], $11::text[])
               AS u (key, id, lane, account_id, source, event_id, type, occurred_at, data, attributes)),
           fresh AS (
             -- Sorted, so that two groups with the same events wait for each other instead of deadlocking.
             INSERT INTO event_key (key, received_at) SELECT key, $10 FROM input ORDER BY key
             ON CONFLICT DO NOTHING RETURNING key),
           stored AS (
             INSERT INTO event (account_id, received_at, id, source, event_id, type, occurred_at, data, attributes)
             SELECT account_id, $10, id, source, event_id, type, occurred_at, data::json, attributes::json
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
        &rows.attributes as &[Option<String>],
    )
    .fetch_all(conn)
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
