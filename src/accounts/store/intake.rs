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
            accounts: Vec::with_capacity(count),
            sources: Vec::with_capacity(count),
            event_ids: Vec::with_capacity(count),
            types: Vec::with_capacity(count),
            occurred: Vec::with_capacity(count),
            data: Vec::with_capacity(count),
            attributes: Vec::with_capacity(count),
        }
    }

    pub fn push(&mut self, key: Uuid, id: Uuid, event: &'a Event) {
        self.keys.push(key);
        self.ids.push(id);
        self.accounts.push(event.account_id.as_str());
        self.sources.push(&event.source);
        self.event_ids.push(event.kept_id.as_deref().unwrap_or(&event.id));
        self.types.push(event.event_type.name());
        self.occurred.push(event.time);
        self.data.push(&event.data_text);
        self.attributes.push(event.attributes_text());
    }
}

/// Which events of a group were new.
#[derive(Debug)]
pub enum Fresh {
    All,
    /// Those with these keys.
    Some(HashSet<Uuid>),
}

/// Stores events whose key is new, to be sorted to their accounts later. One statement, so that it is one transaction and
/// a caller who hangs up cannot leave half of it. Fails at the key's constraint when somebody else took one of the events
/// meanwhile.
pub async fn insert_events(
    conn: &mut PgConnection,
    rows: &NewEvents<'_>,
    lane: Lane,
    received_at: DateTime,
) -> Result<Fresh, sqlx::Error> {
    let fresh = sqlx::query_scalar!(
        r#"SELECT take_events($1::uuid[], $2::int2, $3::timestamptz, $4::text[], $5::uuid[], $6::text[], $7::text[],
                              $8::text[], $9::timestamptz[], $10::text[]::json[], $11::text[]::json[])"#,
        &rows.keys,
        lane.number(),
        received_at,
        &rows.accounts as &[&str],
        &rows.ids,
        &rows.sources as &[&str],
        &rows.event_ids as &[&str],
        &rows.types as &[&str],
        &rows.occurred,
        &rows.data as &[&str],
        &rows.attributes as &[Option<String>],
    )
    .fetch_one(conn)
    .await?;
    Ok(fresh.map_or(Fresh::All, |keys| Fresh::Some(keys.into_iter().collect())))
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
