//! The SQL of what was received.

use serde_json::Value;
use serde_json::value::RawValue;
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::connectors::inbound::About;
use crate::kernel::clock::DateTime;
use crate::platform::dead::{DeadGroup, RETRY_MAX};

/// Keeps a call as it came.
pub(in crate::connectors) async fn insert_received(
    pool: &PgPool,
    id: Uuid,
    connector: &str,
    about: &About,
    body: &[u8],
    now: DateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO received (id, connector, received_at, about, body, due_at) VALUES ($1, $2, $3, $4, $5, $3)",
        id,
        connector,
        now,
        Json(about) as _,
        body,
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// A stored call in a worker's hands.
pub(in crate::connectors) struct Claimed {
    pub id: Uuid,
    pub connector: String,
    pub received_at: DateTime,
    pub about: Json<About>,
    pub body: Vec<u8>,
    pub attempts: i32,
    pub lease: i64,
}

/// Takes calls that wait to be read, oldest first. The lease is measured by the database's clock.
pub(in crate::connectors) async fn claim(
    pool: &PgPool,
    now: DateTime,
    limit: i64,
    lease_secs: f64,
) -> Result<Vec<Claimed>, sqlx::Error> {
    let mut rows = sqlx::query_as!(
        Claimed,
        r#"WITH due AS MATERIALIZED (
             SELECT id FROM received
             WHERE status = 'waiting' AND due_at <= $1
               AND (leased_until IS NULL OR leased_until <= clock_timestamp())
             ORDER BY due_at, id LIMIT $2 FOR UPDATE SKIP LOCKED)
           UPDATE received r SET lease = nextval('work_lease'), attempts = r.attempts + 1,
                  leased_until = clock_timestamp() + make_interval(secs => $3)
           FROM due WHERE r.id = due.id
           RETURNING r.id, r.connector, r.received_at, r.about AS "about!: Json<About>", r.body, r.attempts, r.lease"#,
        now,
        limit,
        lease_secs,
    )
    .fetch_all(pool)
    .await?;
    rows.sort_by_key(|row| (row.received_at, row.id));
    Ok(rows)
}

/// Whether a call is due to be read, by whomever.
pub(in crate::connectors) async fn has_unread(pool: &PgPool, now: DateTime) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM received WHERE status = 'waiting' AND due_at <= $1) AS "some!""#,
        now,
    )
    .fetch_one(pool)
    .await
}

/// What became of a stored call.
#[derive(Debug, Default)]
pub(in crate::connectors) struct Ended {
    pub id: Uuid,
    pub lease: i64,
    pub accepted: i32,
    pub duplicates: i32,
    pub ignored: i32,
    /// JSON text; none when all of it was understood.
    pub faults: Option<String>,
}

/// Ends stored calls; a stale lease changes nothing.
pub(in crate::connectors) async fn finish(
    conn: &mut PgConnection,
    ended: &[Ended],
    now: DateTime,
) -> Result<(), sqlx::Error> {
    let numbers = |get: fn(&Ended) -> i32| ended.iter().map(get).collect::<Vec<_>>();
    let ids: Vec<Uuid> = ended.iter().map(|one| one.id).collect();
    let leases: Vec<i64> = ended.iter().map(|one| one.lease).collect();
    let faults: Vec<Option<&str>> = ended.iter().map(|one| one.faults.as_deref()).collect();
    sqlx::query!(
        r#"UPDATE received r SET
             status = CASE WHEN e.faults IS NULL THEN 'done' ELSE 'dead' END, ended_at = $7, leased_until = NULL,
             lease = 0, accepted = r.accepted + e.accepted, duplicates = e.duplicates, ignored = e.ignored,
             faults = e.faults::json
           FROM unnest($1::uuid[], $2::bigint[], $3::int[], $4::int[], $5::int[], $6::text[])
             AS e (id, lease, accepted, duplicates, ignored, faults)
           WHERE r.id = e.id AND r.lease = e.lease"#,
        &ids,
        &leases,
        &numbers(|one| one.accepted),
        &numbers(|one| one.duplicates),
        &numbers(|one| one.ignored),
        &faults as &[Option<&str>],
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Gives calls back that could not be read for a reason that passes.
pub(in crate::connectors) async fn give_back(
    conn: &mut PgConnection,
    claimed: &[(Uuid, i64)],
    due_at: DateTime,
) -> Result<(), sqlx::Error> {
    let (ids, leases): (Vec<Uuid>, Vec<i64>) = claimed.iter().copied().unzip();
    sqlx::query!(
        r#"UPDATE received r SET leased_until = NULL, lease = 0, due_at = $3
           FROM unnest($1::uuid[], $2::bigint[]) AS c (id, lease) WHERE r.id = c.id AND r.lease = c.lease"#,
        &ids,
        &leases,
        due_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A call that was received, as an operator sees it.
#[derive(Debug, Clone)]
pub struct ReceivedRow {
    pub id: Uuid,
    pub connector: String,
    pub received_at: DateTime,
    pub status: String,
    pub attempts: i32,
    pub ended_at: Option<DateTime>,
    pub accepted: i32,
    pub duplicates: i32,
    pub ignored: i32,
    pub faults: Option<Json<Box<RawValue>>>,
    pub bytes: i32,
}

/// Which calls are meant; all where nothing is said.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReceivedFilter<'a> {
    pub connector: Option<&'a str>,
    pub status: Option<&'a str>,
}

/// Calls, newest first; `before` is the id of the last one seen.
pub(in crate::connectors) async fn list(
    pool: &PgPool,
    which: ReceivedFilter<'_>,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<ReceivedRow>, sqlx::Error> {
    sqlx::query_as!(
        ReceivedRow,
        r#"SELECT id, connector, received_at, status, attempts, ended_at, accepted, duplicates, ignored,
                  faults AS "faults: Json<Box<RawValue>>", octet_length(body) AS "bytes!"
           FROM received
           WHERE ($1::text IS NULL OR connector = $1) AND ($2::text IS NULL OR status = $2)
             AND ($3::uuid IS NULL OR id < $3)
           ORDER BY id DESC LIMIT $4"#,
        which.connector,
        which.status,
        before,
        limit,
    )
    .fetch_all(pool)
    .await
}

/// One call with its body.
pub(in crate::connectors) async fn find(
    pool: &PgPool,
    id: Uuid,
) -> Result<Option<(ReceivedRow, Vec<u8>)>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT id, connector, received_at, status, attempts, ended_at, accepted, duplicates, ignored,
                  faults AS "faults: Json<Box<RawValue>>", octet_length(body) AS "bytes!", body
           FROM received WHERE id = $1"#,
        id,
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(|r| {
        let row = ReceivedRow {
            id: r.id,
            connector: r.connector,
            received_at: r.received_at,
            status: r.status,
            attempts: r.attempts,
            ended_at: r.ended_at,
            accepted: r.accepted,
            duplicates: r.duplicates,
            ignored: r.ignored,
            faults: r.faults,
            bytes: r.bytes,
        };
        (row, r.body)
    }))
}

/// Which dead calls are meant; all where nothing is said.
#[derive(Debug, Clone, Copy, Default)]
pub struct DeadReceived<'a> {
    pub id: Option<Uuid>,
    pub connector: Option<&'a str>,
}

/// How many dead calls there are, by connector.
pub(in crate::connectors) async fn count_dead(
    conn: &mut PgConnection,
    which: DeadReceived<'_>,
) -> Result<Vec<DeadGroup>, sqlx::Error> {
    sqlx::query_as!(
        DeadGroup,
        r#"SELECT connector AS of, count(*) AS "count!" FROM received
           WHERE status = 'dead' AND ($1::uuid IS NULL OR id = $1) AND ($2::text IS NULL OR connector = $2)
           GROUP BY connector ORDER BY connector"#,
        which.id,
        which.connector,
    )
    .fetch_all(conn)
    .await
}

/// Has dead calls read again, oldest first, at most [`RETRY_MAX`] of them; gives how many.
pub(in crate::connectors) async fn requeue_dead(
    conn: &mut PgConnection,
    which: DeadReceived<'_>,
    now: DateTime,
) -> Result<i64, sqlx::Error> {
    let done = sqlx::query!(
        r#"WITH meant AS MATERIALIZED (
             SELECT id FROM received
             WHERE status = 'dead' AND ($1::uuid IS NULL OR id = $1) AND ($2::text IS NULL OR connector = $2)
             ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED)
           UPDATE received r SET status = 'waiting', ended_at = NULL, faults = NULL, attempts = 0, due_at = $4
           FROM meant WHERE r.id = meant.id"#,
        which.id,
        which.connector,
        RETRY_MAX,
        now,
    )
    .execute(conn)
    .await?;
    Ok(i64::try_from(done.rows_affected()).unwrap_or(i64::MAX))
}

/// What a connector has to do and when it was last heard of.
#[derive(Debug, Clone)]
pub struct Standing {
    pub connector: String,
    pub last_received_at: Option<DateTime>,
    pub waiting: i64,
    pub dead: i64,
}

/// The standing of these connectors; counting ends at `counted_max`.
pub(in crate::connectors) async fn standings(
    pool: &PgPool,
    connectors: &[String],
    counted_max: i64,
) -> Result<Vec<Standing>, sqlx::Error> {
    sqlx::query_as!(
        Standing,
        r#"SELECT c.name AS "connector!", last.received_at AS "last_received_at?", w.count AS "waiting!", d.count AS "dead!"
           FROM unnest($1::text[]) AS c (name)
           LEFT JOIN LATERAL (
             SELECT received_at FROM received r WHERE r.connector = c.name ORDER BY r.id DESC LIMIT 1) AS last ON true
           CROSS JOIN LATERAL (SELECT count(*) FROM (
             SELECT FROM received r WHERE r.status = 'waiting' AND r.connector = c.name LIMIT $2) AS few) AS w
           CROSS JOIN LATERAL (SELECT count(*) FROM (
             SELECT FROM received r WHERE r.status = 'dead' AND r.connector = c.name LIMIT $2) AS few) AS d"#,
        connectors,
        counted_max,
    )
    .fetch_all(pool)
    .await
}

/// Forgets calls that were read before an instant, some at a time; gives how many.
pub(in crate::connectors) async fn forget_before(
    pool: &PgPool,
    before: DateTime,
    limit: i64,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        r#"DELETE FROM received WHERE id IN (
             SELECT id FROM received WHERE status = 'done' AND ended_at < $1 ORDER BY ended_at LIMIT $2)"#,
        before,
        limit,
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected())
}

/// A stored call with all that can hold somebody.
#[derive(Debug)]
pub(in crate::connectors) struct HeldCall {
    pub id: Uuid,
    pub connector: String,
    pub received_at: DateTime,
    pub status: String,
    pub body: Vec<u8>,
    /// JSON text.
    pub faults: Option<String>,
}

/// Stored calls in the order of their ids, so many after one.
pub(in crate::connectors) async fn calls_after(
    conn: &mut PgConnection,
    after: Uuid,
    limit: i64,
) -> Result<Vec<HeldCall>, sqlx::Error> {
    sqlx::query_as!(
        HeldCall,
        r#"SELECT id, connector, received_at, status, body, faults::text AS faults FROM received
           WHERE id > $1 ORDER BY id LIMIT $2"#,
        after,
        limit,
    )
    .fetch_all(conn)
    .await
}

/// Forgets calls.
pub(in crate::connectors) async fn drop_calls(
    conn: &mut PgConnection,
    ids: &[Uuid],
) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM received WHERE id = ANY ($1)", ids).execute(conn).await?;
    Ok(())
}

/// Writes what is left of calls.
pub(in crate::connectors) async fn rewrite_calls(
    conn: &mut PgConnection,
    left: &[(Uuid, Vec<u8>)],
) -> Result<(), sqlx::Error> {
    let (ids, bodies): (Vec<Uuid>, Vec<Vec<u8>>) = left.iter().cloned().unzip();
    sqlx::query!(
        r#"UPDATE received r SET body = l.body FROM unnest($1::uuid[], $2::bytea[]) AS l (id, body) WHERE r.id = l.id"#,
        &ids,
        &bodies,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Faults as they are kept.
pub(in crate::connectors) fn faults_text(faults: &[crate::platform::http::Fault]) -> Option<String> {
    let as_value = |fault: &crate::platform::http::Fault| serde_json::json!({ "pointer": fault.pointer, "detail": fault.detail });
    (!faults.is_empty()).then(|| Value::from(faults.iter().map(as_value).collect::<Vec<_>>()).to_string())
}
