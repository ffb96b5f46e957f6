//! The rows of idempotency keys: SQL only.
//!
//! Leases are machine time (`now()`): they bound how long a crash blocks a key. The day for which an answer is kept
//! is business time, a parameter.

use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::{Slot, StoredAnswer};
use crate::kernel::clock::DateTime;

/// What stands at a key.
pub(super) struct Found {
    pub(super) ours: bool,
    pub(super) fingerprint: Vec<u8>,
    pub(super) status: Option<i16>,
    pub(super) headers: Option<serde_json::Value>,
    pub(super) body: Option<Vec<u8>>,
}

/// Takes a key that is free, whose answer has expired, or whose holder's lease has run out; else says what is there.
///
/// One statement, so two replicas cannot both take it: the loser of the race waits at the primary key and then finds
/// the winner's row, which its own snapshot cannot show yet (nothing is returned; the caller asks again).
pub(super) async fn claim(
    pool: &PgPool,
    slot: &Slot,
    now: DateTime,
    expires_at: DateTime,
    lease_seconds: f64,
) -> Result<Option<Found>, sqlx::Error> {
    sqlx::query_as!(
        Found,
        r#"with taken as (
             insert into idempotency_key as old
               (api_key, route, key, fingerprint, lease, leased_until, expires_at)
             values ($1, $2, $3, $4, $5, now() + make_interval(secs => $6), $7)
             on conflict on constraint idempotency_key_pkey do update
             set fingerprint = excluded.fingerprint, lease = excluded.lease,
                 leased_until = excluded.leased_until, expires_at = excluded.expires_at,
                 status = null, headers = null, body = null
             where old.expires_at <= $8 or (old.status is null and old.leased_until <= now())
             returning 1
           )
           select true as "ours!", $4 as "fingerprint!", null::smallint as status, null::jsonb as headers,
                  null::bytea as body
           from taken
           union all
           select false, fingerprint, status, headers, body from idempotency_key
           where api_key = $1 and route = $2 and key = $3 and not exists (select from taken)"#,
        slot.api_key,
        slot.route,
        slot.key,
        &slot.fingerprint,
        slot.lease,
        lease_seconds,
        expires_at,
        now,
    )
    .fetch_optional(pool)
    .await
}

/// Keeps the answer of a claim that is still held and has none; the answer is whether it was kept.
pub(super) async fn keep(
    conn: &mut PgConnection,
    slot: &Slot,
    answer: &StoredAnswer,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "update idempotency_key set status = $5, headers = $6, body = $7
         where api_key = $1 and route = $2 and key = $3 and lease = $4 and status is null",
        slot.api_key,
        slot.route,
        slot.key,
        slot.lease,
        answer.status,
        answer.headers,
        answer.body.as_ref(),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Frees a key whose request changed nothing.
pub(super) async fn release(pool: &PgPool, slot: &Slot) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "delete from idempotency_key
         where api_key = $1 and route = $2 and key = $3 and lease = $4 and status is null",
        slot.api_key,
        slot.route,
        slot.key,
        slot.lease
    )
    .execute(pool)
    .await
    .map(drop)
}

/// Forgets answers whose day is over, some at a time.
pub(super) async fn purge(pool: &PgPool, now: DateTime) -> Result<u64, sqlx::Error> {
    sqlx::query!(
        "delete from idempotency_key where (api_key, route, key) in
           (select api_key, route, key from idempotency_key where expires_at <= $1 limit 5000)",
        now
    )
    .execute(pool)
    .await
    .map(|done| done.rows_affected())
}

/// A stored answer with the key it is kept under.
#[derive(Debug)]
pub struct HeldAnswer {
    pub api_key: Uuid,
    pub route: String,
    pub key: String,
    pub body: Vec<u8>,
}

/// Answers that hold one of some texts, in the order of their keys, so many after one.
pub async fn held(
    conn: &mut PgConnection,
    texts: &[&str],
    after: Option<&HeldAnswer>,
    limit: i64,
) -> Result<Vec<HeldAnswer>, sqlx::Error> {
    sqlx::query_as!(
        HeldAnswer,
        r#"select api_key, route, key, body as "body!" from idempotency_key
           where (api_key, route, key) > ($2::uuid, $3::text, $4::text) and body is not null
             and exists (select from unnest($1::text[]) as t (held)
                         where position(convert_to(t.held, 'UTF8') in body) > 0)
           order by api_key, route, key limit $5"#,
        texts as &[&str],
        after.map_or(Uuid::nil(), |answer| answer.api_key),
        after.map_or("", |answer| &answer.route),
        after.map_or("", |answer| &answer.key),
        limit,
    )
    .fetch_all(conn)
    .await
}

/// Writes what is left of an answer.
pub async fn rewrite(conn: &mut PgConnection, answer: &HeldAnswer) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update idempotency_key set body = $4 where api_key = $1 and route = $2 and key = $3 and body is not null",
        answer.api_key,
        answer.route,
        answer.key,
        &answer.body,
    )
    .execute(conn)
    .await
    .map(drop)
}
