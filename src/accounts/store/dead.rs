//! Events that could not be applied: what they were, why, and putting them back into the inbox.

use serde_json::value::RawValue;
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::kernel::clock::DateTime;
use crate::platform::dead::{DeadGroup, RETRY_MAX};
use crate::platform::jobs::Lane;

/// An event that was accepted and could not be applied.
#[derive(Debug, Clone)]
pub struct DeadEventRow {
    pub account_id: String,
    pub id: Uuid,
    pub received_at: DateTime,
    pub occurred_at: DateTime,
    pub source: String,
    pub event_id: String,
    pub type_name: String,
    pub data: Json<Box<RawValue>>,
    pub error: String,
    pub failed_at: DateTime,
}

/// Which dead events are meant; all where nothing is said.
#[derive(Debug, Clone, Copy, Default)]
pub struct DeadEvents<'a> {
    pub id: Option<Uuid>,
    pub account_id: Option<&'a str>,
    pub type_name: Option<&'a str>,
}

/// Dead events, those received last first; `before` is the id of the last one seen.
pub async fn list_dead_events(
    pool: &PgPool,
    which: DeadEvents<'_>,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<DeadEventRow>, sqlx::Error> {
    sqlx::query_as!(
        DeadEventRow,
        r#"SELECT d.account_id, d.id, d.received_at, e.occurred_at, e.source, e.event_id, e.type AS type_name,
                  e.data AS "data!: Json<Box<RawValue>>", d.error, d.failed_at
           FROM inbox_dead d JOIN event e USING (account_id, received_at, id)
           WHERE ($1::uuid IS NULL OR d.id = $1) AND ($2::text IS NULL OR d.account_id = $2)
             AND ($3::text IS NULL OR e.type = $3) AND ($4::uuid IS NULL OR d.id < $4)
           ORDER BY d.id DESC LIMIT $5"#,
        which.id,
        which.account_id,
        which.type_name,
        before,
        limit,
    )
    .fetch_all(pool)
    .await
}

/// How many dead events there are, by type.
pub async fn count_dead_events(
    conn: &mut PgConnection,
    which: DeadEvents<'_>,
) -> Result<Vec<DeadGroup>, sqlx::Error> {
    sqlx::query_as!(
        DeadGroup,
        r#"SELECT e.type AS of, count(*) AS "count!"
           FROM inbox_dead d JOIN event e USING (account_id, received_at, id)
           WHERE ($1::uuid IS NULL OR d.id = $1) AND ($2::text IS NULL OR d.account_id = $2)
             AND ($3::text IS NULL OR e.type = $3)
           GROUP BY e.type ORDER BY e.type"#,
        which.id,
        which.account_id,
        which.type_name,
    )
    .fetch_all(conn)
    .await
}

/// A dead event that is in the inbox again.
#[derive(Debug)]
pub struct Requeued {
    pub account_id: String,
    pub failed_at: DateTime,
}

/// Moves dead events back into the inbox, in the order in which they came, at most [`RETRY_MAX`] of them. One
/// statement: whoever moves one has it alone, and at no moment is it nowhere or in both.
pub async fn requeue_dead_events(
    conn: &mut PgConnection,
    which: DeadEvents<'_>,
    lane: Lane,
) -> Result<Vec<Requeued>, sqlx::Error> {
    sqlx::query_as!(
        Requeued,
        r#"WITH meant AS (
             SELECT d.account_id, d.received_at, d.id
             FROM inbox_dead d JOIN event e USING (account_id, received_at, id)
             WHERE ($1::uuid IS NULL OR d.id = $1) AND ($2::text IS NULL OR d.account_id = $2)
               AND ($3::text IS NULL OR e.type = $3)
             ORDER BY d.id LIMIT $4 FOR UPDATE OF d SKIP LOCKED),
           back AS (
             DELETE FROM inbox_dead d USING meant
             WHERE d.account_id = meant.account_id AND d.received_at = meant.received_at AND d.id = meant.id
             RETURNING d.account_id, d.received_at, d.id, d.failed_at),
           queued AS (
             INSERT INTO inbox (lane, account_id, received_at, id)
             SELECT $5, account_id, received_at, id FROM back ORDER BY id)
           SELECT account_id, failed_at FROM back"#,
        which.id,
        which.account_id,
        which.type_name,
        RETRY_MAX,
        lane.number(),
    )
    .fetch_all(conn)
    .await
}
