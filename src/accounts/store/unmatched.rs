//! Events that do not name their account: stored before anybody looks for it, routed when it is clear.

use std::collections::HashSet;

use serde_json::value::RawValue;
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::accounts::events::Unaddressed;
use crate::kernel::clock::DateTime;
use crate::platform::jobs::Lane;

/// The lock that keeps corrections and routing apart: whoever routes holds it together with others, whoever
/// corrects holds it alone. The number means nothing; it must only differ from other advisory locks.
const MATCHING_LOCK: i64 = 0x006d_6174_6368;

/// Events as columns, ready for one insert.
#[derive(Default)]
pub struct NewUnmatched<'a> {
    keys: Vec<Uuid>,
    ids: Vec<Uuid>,
    sources: Vec<&'a str>,
    event_ids: Vec<&'a str>,
    types: Vec<&'a str>,
    occurred: Vec<DateTime>,
    data: Vec<&'a str>,
    attributes: Vec<Option<&'a str>>,
    clue_ids: Vec<Uuid>,
    clues: Vec<String>,
}

impl<'a> NewUnmatched<'a> {
    pub fn push(&mut self, key: Uuid, id: Uuid, event: &'a Unaddressed) {
        self.keys.push(key);
        self.ids.push(id);
        self.sources.push(&event.source);
        self.event_ids.push(event.kept_id.as_deref().unwrap_or(&event.id));
        self.types.push(event.event_type.name());
        self.occurred.push(event.time);
        self.data.push(&event.data_text);
        self.attributes.push(event.attributes_text.as_deref());
        for clue in event.clues.keys() {
            self.clue_ids.push(id);
            self.clues.push(clue);
        }
    }
}

/// Stores events whose key is new; gives their ids. One statement, as for events that name their account.
pub async fn insert_unmatched(
    pool: &PgPool,
    rows: &NewUnmatched<'_>,
    lane: Lane,
    received_at: DateTime,
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"WITH input AS MATERIALIZED (
             SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[],
                                  $6::timestamptz[], $7::text[], $12::text[])
               AS u (key, id, source, event_id, type, occurred_at, data, attributes)),
           fresh AS (
             INSERT INTO event_key (key, received_at) SELECT key, $10 FROM input ORDER BY key
             ON CONFLICT DO NOTHING RETURNING key),
           stored AS (
             INSERT INTO unmatched_event (id, received_at, lane, source, event_id, type, occurred_at, data,
                                          attributes)
             SELECT id, $10, $11, source, event_id, type, occurred_at, data::json, attributes::json
             FROM input JOIN fresh USING (key)),
           keyed AS (
             INSERT INTO unmatched_key (id, key)
             SELECT c.id, c.clue FROM unnest($8::uuid[], $9::text[]) AS c (id, clue)
             JOIN input i ON i.id = c.id JOIN fresh f ON f.key = i.key)
           SELECT id AS "id!" FROM input JOIN fresh USING (key)"#,
        &rows.keys,
        &rows.ids,
        &rows.sources as &[&str],
        &rows.event_ids as &[&str],
        &rows.types as &[&str],
        &rows.occurred,
        &rows.data as &[&str],
        &rows.clue_ids,
        &rows.clues,
        received_at,
        lane.number(),
        &rows.attributes as &[Option<&str>],
    )
    .fetch_all(pool)
    .await
}

/// Lets nobody correct until the transaction ends; false when somebody is correcting now.
pub async fn try_share_matching(conn: &mut PgConnection) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT pg_try_advisory_xact_lock_shared($1) AS "taken!""#, MATCHING_LOCK)
        .fetch_one(conn)
        .await
}

/// Lets nobody route or correct until the transaction ends; waits for those who do.
pub async fn hold_matching(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!("SELECT pg_advisory_xact_lock($1)", MATCHING_LOCK).execute(conn).await?;
    Ok(())
}

/// An event whose account is sought.
#[derive(Debug)]
pub struct UnmatchedEvent {
    pub id: Uuid,
    pub received_at: DateTime,
    pub occurred_at: DateTime,
    pub source: String,
    pub event_id: String,
    pub type_name: String,
    pub data: Json<Box<RawValue>>,
}

/// Locks some unmatched events, leaving out those that somebody else is at.
pub async fn lock_unmatched(
    conn: &mut PgConnection,
    ids: &[Uuid],
) -> Result<Vec<UnmatchedEvent>, sqlx::Error> {
    sqlx::query_as!(
        UnmatchedEvent,
        r#"SELECT id, received_at, occurred_at, source, event_id, type AS type_name,
                  data AS "data: Json<Box<RawValue>>"
           FROM unmatched_event WHERE id = ANY ($1) ORDER BY id FOR UPDATE SKIP LOCKED"#,
        ids
    )
    .fetch_all(conn)
    .await
}

/// Locks unmatched events that were last looked at before an instant, or are to be looked at again.
pub async fn lock_unmatched_before(
    conn: &mut PgConnection,
    looked_before: DateTime,
    limit: i64,
) -> Result<Vec<UnmatchedEvent>, sqlx::Error> {
    sqlx::query_as!(
        UnmatchedEvent,
        r#"SELECT id, received_at, occurred_at, source, event_id, type AS type_name,
                  data AS "data: Json<Box<RawValue>>"
           FROM unmatched_event WHERE looked_at < $1 ORDER BY looked_at LIMIT $2 FOR UPDATE SKIP LOCKED"#,
        looked_before,
        limit
    )
    .fetch_all(conn)
    .await
}

/// Locks all unmatched events with a key.
pub async fn lock_unmatched_with(
    conn: &mut PgConnection,
    key: &str,
) -> Result<Vec<UnmatchedEvent>, sqlx::Error> {
    sqlx::query_as!(
        UnmatchedEvent,
        r#"SELECT id, received_at, occurred_at, source, event_id, type AS type_name,
                  data AS "data: Json<Box<RawValue>>"
           FROM unmatched_event WHERE id IN (SELECT id FROM unmatched_key WHERE key = $1) ORDER BY id FOR UPDATE"#,
        key
    )
    .fetch_all(conn)
    .await
}

/// Waits for one unmatched event and locks it; nothing when it is not there (any more).
pub async fn lock_unmatched_one(
    conn: &mut PgConnection,
    id: Uuid,
) -> Result<Option<UnmatchedEvent>, sqlx::Error> {
    sqlx::query_as!(
        UnmatchedEvent,
        r#"SELECT id, received_at, occurred_at, source, event_id, type AS type_name,
                  data AS "data: Json<Box<RawValue>>"
           FROM unmatched_event WHERE id = $1 FOR UPDATE"#,
        id
    )
    .fetch_optional(conn)
    .await
}

/// What waits for the matcher.
pub struct MatchingWork {
    /// Keys that some account became known by.
    pub news: i64,
    /// Whether there are events to look at.
    pub due: bool,
}

/// Asks for another look at the unmatched events that carry keys which an account became known by, and says whether
/// events are to be looked at, by this or because they were last looked at before an instant.
pub async fn spread_news(
    conn: &mut PgConnection,
    looked_before: DateTime,
    limit: i64,
) -> Result<MatchingWork, sqlx::Error> {
    sqlx::query_as!(
        MatchingWork,
        r#"WITH news AS (
             DELETE FROM match_news
             WHERE ctid = ANY (ARRAY (SELECT ctid FROM match_news LIMIT $2 FOR UPDATE SKIP LOCKED))
             RETURNING key),
           waiting AS MATERIALIZED (
             SELECT id FROM unmatched_event
             WHERE id IN (SELECT k.id FROM unmatched_key k JOIN news USING (key)) ORDER BY id FOR UPDATE),
           asked AS (
             UPDATE unmatched_event u SET looked_at = '-infinity' FROM waiting w WHERE u.id = w.id)
           SELECT (SELECT count(*) FROM news) AS "news!",
                  EXISTS (SELECT FROM waiting)
                  OR EXISTS (SELECT FROM unmatched_event WHERE looked_at < $1) AS "due!""#,
        looked_before,
        limit
    )
    .fetch_one(conn)
    .await
}

/// Notes that some events were looked at and their account is not clear. `looked_at` counts for those received
/// after `young`, `now` for the others.
pub async fn note_looked_at(
    conn: &mut PgConnection,
    ids: &[Uuid],
    now: DateTime,
    young: DateTime,
    looked_at: DateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"UPDATE unmatched_event SET looked_at = CASE WHEN received_at > $3 THEN $4 ELSE $2::timestamptz END
           WHERE id = ANY ($1)"#,
        ids,
        now,
        young,
        looked_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Hands locked unmatched events to the queues of their accounts, with the keys that led there; gives those that
/// were still there. One statement, so an event is in one place at every moment.
pub async fn route_events(
    conn: &mut PgConnection,
    ids: &[Uuid],
    account_ids: &[String],
) -> Result<HashSet<Uuid>, sqlx::Error> {
    if ids.is_empty() {
        return Ok(HashSet::new());
    }
    let routed = sqlx::query_scalar!(
        r#"WITH gone AS (
             DELETE FROM unmatched_event u USING unnest($1::uuid[], $2::text[]) AS t (id, account_id)
             WHERE u.id = t.id RETURNING u.*, t.account_id),
           keyed AS (
             DELETE FROM unmatched_key WHERE id = ANY ($1) RETURNING id, key),
           stored AS (
             INSERT INTO event (account_id, received_at, id, source, event_id, type, occurred_at, data, attributes)
             SELECT account_id, received_at, id, source, event_id, type, occurred_at, data, attributes FROM gone),
           traced AS (
             INSERT INTO matched_event (account_id, received_at, id, key)
             SELECT g.account_id, g.received_at, g.id, k.key FROM gone g JOIN keyed k USING (id)),
           queued AS (
             INSERT INTO inbox (lane, account_id, received_at, id)
             SELECT lane, account_id, received_at, id FROM gone ORDER BY id)
           SELECT id AS "id!" FROM gone"#,
        ids,
        account_ids,
    )
    .fetch_all(conn)
    .await?;
    Ok(routed.into_iter().collect())
}

/// Unmatched events, newest first; `before` is the id of the last one seen.
pub async fn list_unmatched(
    conn: &mut PgConnection,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<UnmatchedEvent>, sqlx::Error> {
    sqlx::query_as!(
        UnmatchedEvent,
        r#"SELECT id, received_at, occurred_at, source, event_id, type AS type_name,
                  data AS "data: Json<Box<RawValue>>"
           FROM unmatched_event WHERE $1::uuid IS NULL OR id < $1 ORDER BY id DESC LIMIT $2"#,
        before,
        limit
    )
    .fetch_all(conn)
    .await
}
