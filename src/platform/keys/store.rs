//! The rows of API keys: SQL only.

use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::kernel::clock::DateTime;

/// A key as it is shown: everything but the key.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) id: Uuid,
    pub(super) label: String,
    pub(super) scopes: Vec<String>,
    pub(super) created_at: DateTime,
    pub(super) created_by: String,
    pub(super) expires_at: Option<DateTime>,
    pub(super) revoked_at: Option<DateTime>,
    pub(super) last_used_at: Option<DateTime>,
    pub(super) rep_id: Option<String>,
}

/// What a key that is presented needs to be judged.
pub(super) struct Live {
    pub(super) id: Uuid,
    pub(super) label: String,
    pub(super) scopes: Vec<String>,
    pub(super) expires_at: Option<DateTime>,
    pub(super) rep_id: Option<String>,
}

/// A key that was not revoked, by its hash.
pub(super) async fn live(pool: &PgPool, hash: &[u8]) -> Result<Option<Live>, sqlx::Error> {
    sqlx::query_as!(
        Live,
        "select id, label, scopes, expires_at, rep_id from api_key where hash = $1 and revoked_at is null",
        hash
    )
    .fetch_optional(pool)
    .await
}

/// Adds a key. A hash that exists already belongs to a key given by the environment, which it revives.
pub(super) async fn insert(
    conn: &mut PgConnection,
    row: &Row,
    hash: &[u8],
    origin: &str,
) -> Result<Uuid, sqlx::Error> {
    sqlx::query_scalar!(
        "insert into api_key (id, hash, label, scopes, origin, created_at, created_by, expires_at, rep_id)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         on conflict on constraint api_key_hash_once
         do update set scopes = excluded.scopes, origin = excluded.origin, expires_at = null, revoked_at = null
         returning id",
        row.id,
        hash,
        row.label,
        &row.scopes,
        origin,
        row.created_at,
        row.created_by,
        row.expires_at,
        row.rep_id,
    )
    .fetch_one(conn)
    .await
}

/// Ends a key; the answer is whether there was a live one.
pub(super) async fn revoke(conn: &mut PgConnection, id: Uuid, now: DateTime) -> Result<bool, sqlx::Error> {
    let done =
        sqlx::query!("update api_key set revoked_at = $2 where id = $1 and revoked_at is null", id, now)
            .execute(conn)
            .await?;
    Ok(done.rows_affected() == 1)
}

/// Whether a key with this id was ever made.
pub(super) async fn exists(conn: &mut PgConnection, id: Uuid) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(r#"select exists (select from api_key where id = $1) as "known!""#, id)
        .fetch_one(conn)
        .await
}

/// Keys by their ids, newest first, those before `after`.
pub(super) async fn list(pool: &PgPool, after: Option<Uuid>, fetch: i64) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        "select id, label, scopes, created_at, created_by, expires_at, revoked_at, last_used_at, rep_id
         from api_key where $1::uuid is null or id < $1 order by id desc limit $2",
        after,
        fetch
    )
    .fetch_all(pool)
    .await
}

/// Notes uses; an older instant never replaces a newer one.
pub(super) async fn note_uses(pool: &PgPool, ids: &[Uuid], at: &[DateTime]) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update api_key set last_used_at = greatest(last_used_at, used.at)
         from unnest($1::uuid[], $2::timestamptz[]) as used (id, at) where api_key.id = used.id",
        ids,
        at
    )
    .execute(pool)
    .await
    .map(drop)
}

/// Makes replicas that start together take turns (released with the transaction).
pub(super) async fn lock_first_start(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!("select pg_advisory_xact_lock(1735683331)").execute(conn).await.map(drop)
}

/// Whether a key that can make keys exists, live at `now`; the machine's own for its command line does not count.
pub(super) async fn has_admin(conn: &mut PgConnection, now: DateTime) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select exists (
             select from api_key
             where 'admin' = any (scopes) and origin <> 'local' and revoked_at is null
               and (expires_at is null or expires_at > $1)
           ) as "has!""#,
        now
    )
    .fetch_one(conn)
    .await
}

/// The live key given by the environment with this hash, if it is there already.
pub(super) async fn environment_key(
    conn: &mut PgConnection,
    hash: &[u8],
) -> Result<Option<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "select id from api_key where hash = $1 and origin = 'environment' and revoked_at is null",
        hash
    )
    .fetch_optional(conn)
    .await
}

/// Ends the keys of earlier environments.
pub(super) async fn revoke_other_environment_keys(
    conn: &mut PgConnection,
    keep: Uuid,
    now: DateTime,
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "update api_key set revoked_at = $2
         where origin = 'environment' and revoked_at is null and id <> $1 returning id",
        keep,
        now
    )
    .fetch_all(conn)
    .await
}

/// Ends the keys that earlier starts of an installation made for its command line.
pub(super) async fn revoke_other_local_keys(
    conn: &mut PgConnection,
    label: &str,
    keep: Uuid,
    now: DateTime,
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "update api_key set revoked_at = $3
         where origin = 'local' and label = $1 and revoked_at is null and id <> $2 returning id",
        label,
        keep,
        now
    )
    .fetch_all(conn)
    .await
}
