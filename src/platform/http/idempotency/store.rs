//! The rows of idempotency keys: SQL only.
//!
//! Leases are machine time (`now()`): they bound how long a crash blocks a key. The day for which an answer is kept
//! is business time, a parameter.

use sqlx::{PgConnection, PgPool};

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
