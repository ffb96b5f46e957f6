//! Jobs and timers: what the service has promised itself to do, by kind and key, from an instant on.
//!
//! Promises: asking twice for the same kind and key leaves one row, due at the earlier of the two instants;
//! asked for while it runs, it runs once more afterwards; at most one worker holds a job; a worker that dies
//! gives it back when its lease runs out, and if it comes back late its finish changes nothing, because the
//! fencing token has moved on. A million pending timers cost an idle claim nothing.
//! Leaves out: what a job does. A kind belongs to the slice that runs it.
//!
//! Owns the tables `job` and `job_dead`.

pub mod api;
pub mod dead;
#[cfg(test)]
mod tests;

use serde_json::value::RawValue;
use sqlx::{PgConnection, PgPool};

use crate::kernel::clock::DateTime;
use crate::kernel::ids::new_id;

/// How long a claimed job is held for its worker before another may take it, by the database's clock.
pub const LEASE_SECS: f64 = 60.0;
/// A job that failed this often is set aside in `job_dead`.
pub const MAX_ATTEMPTS: i32 = 10;

/// Which jobs go first when there is more to do than time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    Hot = 0,
    Normal = 1,
    Bulk = 2,
}

impl Lane {
    /// The number in the database.
    pub fn number(self) -> i16 {
        self as i16
    }

    /// The lane as a label.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hot => "hot",
            Self::Normal => "normal",
            Self::Bulk => "bulk",
        }
    }

    /// The lane of a number in the database.
    pub fn from_number(number: i16) -> Self {
        match number {
            0 => Self::Hot,
            1 => Self::Normal,
            _ => Self::Bulk,
        }
    }
}

/// A job to be asked for.
#[derive(Debug, Clone)]
pub struct NewJob {
    pub key: String,
    /// JSON text; belongs to the kind.
    pub payload: String,
    pub lane: Lane,
    pub due_at: DateTime,
}

/// A job in a worker's hands.
#[derive(Debug, Clone)]
pub struct Claimed {
    pub id: i64,
    pub key: String,
    pub payload: Box<RawValue>,
    /// The fencing token.
    pub lease: i64,
    /// This attempt included.
    pub attempts: i32,
    pub due_at: DateTime,
    pub lane: Lane,
}

/// Asks for jobs of one kind. Joins the caller's transaction.
pub async fn enqueue(
    conn: &mut PgConnection,
    kind: &str,
    jobs: &[NewJob],
    now: DateTime,
) -> Result<(), sqlx::Error> {
    if jobs.is_empty() {
        return Ok(());
    }
    let keys: Vec<&str> = jobs.iter().map(|job| job.key.as_str()).collect();
    let payloads: Vec<&str> = jobs.iter().map(|job| job.payload.as_str()).collect();
    let lanes: Vec<i16> = jobs.iter().map(|job| job.lane.number()).collect();
    let due: Vec<DateTime> = jobs.iter().map(|job| job.due_at).collect();
    sqlx::query!(
        r#"INSERT INTO job AS j (kind, key, payload, lane, due_at, created_at)
           -- In the order of the column's own collation, as `finish` locks them: two who work on the same jobs
           -- then never wait in a circle, whatever the collation of the database.
           SELECT DISTINCT ON (u.key COLLATE "C") $1, u.key, u.payload::json, u.lane, u.due_at, $6
           FROM unnest($2::text[], $3::text[], $4::int2[], $5::timestamptz[]) AS u (key, payload, lane, due_at)
           ORDER BY u.key COLLATE "C", u.due_at
           ON CONFLICT (kind, key) DO UPDATE SET
             lane = least(j.lane, excluded.lane),
             -- The payload says why the job runs next. The worker of a live lease has its own in hand already.
             payload = CASE WHEN excluded.due_at < CASE WHEN j.leased_until > clock_timestamp()
                                                        THEN coalesce(j.want_at, 'infinity') ELSE j.due_at END
                            THEN excluded.payload ELSE j.payload END,
             -- A live lease is left to its worker and the wish noted; a lease that ran out is taken back.
             want_at = CASE WHEN j.leased_until > clock_timestamp()
                            THEN least(j.want_at, excluded.due_at) ELSE NULL END,
             due_at = CASE WHEN j.leased_until > clock_timestamp()
                           THEN j.due_at ELSE least(j.due_at, excluded.due_at) END,
             lease = CASE WHEN j.leased_until > clock_timestamp() THEN j.lease ELSE 0 END,
             leased_until = CASE WHEN j.leased_until > clock_timestamp() THEN j.leased_until END"#,
        kind,
        &keys as &[&str],
        &payloads as &[&str],
        &lanes,
        &due,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Of several kinds, those of which something is due and in nobody's hands: one round trip for a worker of many kinds
/// that has nothing to do.
pub async fn due_kinds(
    conn: &mut PgConnection,
    kinds: &[&str],
    now: DateTime,
) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!(
        // The first condition is found out once: as long as nothing at all is due, no kind is looked at.
        r#"SELECT k.kind AS "kind!" FROM unnest($1::text[]) AS k (kind)
           WHERE (SELECT min(due_at) FROM job) <= $2 AND EXISTS (
             SELECT FROM (VALUES (0::int2), (1::int2), (2::int2)) AS l (lane)
             CROSS JOIN LATERAL (
               SELECT FROM job j
               WHERE j.kind = k.kind AND j.lane = l.lane AND j.due_at <= $2
                 AND (j.leased_until IS NULL OR j.leased_until <= clock_timestamp())
               ORDER BY j.due_at LIMIT 1) AS d)"#,
        kinds as &[&str],
        now,
    )
    .fetch_all(conn)
    .await
}

/// Takes up to `limit` due jobs of one kind, hot ones first, oldest first within a lane.
pub async fn claim(
    conn: &mut PgConnection,
    kind: &str,
    now: DateTime,
    limit: i64,
) -> Result<Vec<Claimed>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"WITH due AS MATERIALIZED (
             SELECT d.id FROM (VALUES (0::int2), (1::int2), (2::int2)) AS l (lane)
             CROSS JOIN LATERAL (
               SELECT j.id, j.due_at FROM job j
               WHERE j.kind = $1 AND j.lane = l.lane AND j.due_at <= $2
                 AND (j.leased_until IS NULL OR j.leased_until <= clock_timestamp())
               ORDER BY j.due_at LIMIT $3 FOR UPDATE SKIP LOCKED
             ) AS d
             ORDER BY l.lane, d.due_at LIMIT $3)
           UPDATE job SET lease = nextval('work_lease'), attempts = attempts + 1,
                          leased_until = clock_timestamp() + make_interval(secs => $4)
           -- An array: row by row through the key, whatever the planner thinks of the length of the list.
           WHERE id = ANY (ARRAY (SELECT id FROM due))
           RETURNING id, key, payload AS "payload!: sqlx::types::Json<Box<RawValue>>", lease, attempts, lane, due_at"#,
        kind,
        now,
        limit,
        LEASE_SECS,
    )
    .fetch_all(conn)
    .await?;
    let mut rows: Vec<_> = rows.into_iter().collect();
    rows.sort_by_key(|row| (row.lane, row.due_at, row.id));
    Ok(rows
        .into_iter()
        .map(|row| Claimed {
            id: row.id,
            key: row.key,
            payload: row.payload.0,
            lease: row.lease,
            attempts: row.attempts,
            due_at: row.due_at,
            lane: Lane::from_number(row.lane),
        })
        .collect())
}

/// Ends jobs that are done: gone, or due again when they were asked for while they ran. A stale token
/// changes nothing.
pub async fn finish(conn: &mut PgConnection, done: &[Claimed]) -> Result<(), sqlx::Error> {
    if done.is_empty() {
        return Ok(());
    }
    let ids: Vec<i64> = done.iter().map(|job| job.id).collect();
    let leases: Vec<i64> = done.iter().map(|job| job.lease).collect();
    sqlx::query!(
        r#"WITH held AS MATERIALIZED (
             SELECT j.id, j.want_at FROM job j
             JOIN unnest($1::bigint[], $2::bigint[]) AS d (id, lease) ON j.id = d.id AND j.lease = d.lease
             -- By key, as `enqueue` locks them.
             ORDER BY j.kind, j.key FOR UPDATE OF j),
           again AS (
             UPDATE job SET due_at = held.want_at, want_at = NULL, leased_until = NULL, lease = 0, attempts = 0,
                            last_error = NULL
             FROM held WHERE job.id = held.id AND held.want_at IS NOT NULL)
           DELETE FROM job USING held WHERE job.id = held.id AND held.want_at IS NULL"#,
        &ids,
        &leases,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Gives a job back after a failure: due again at `retry_at`, or set aside after [`MAX_ATTEMPTS`]. What was asked
/// for meanwhile is not lost with it: a retry that comes later serves it too, and a job that is set aside begins
/// anew for it.
pub async fn fail(
    conn: &mut PgConnection,
    job: &Claimed,
    error: &str,
    retry_at: DateTime,
    now: DateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"WITH held AS MATERIALIZED (
             SELECT id, kind, key, payload, attempts, want_at, attempts >= $3 AS spent FROM job
             WHERE id = $1 AND lease = $2 FOR UPDATE),
           dead AS (
             INSERT INTO job_dead (id, kind, key, payload, attempts, error, failed_at)
             SELECT $7, kind, key, payload, attempts, $4, $6 FROM held WHERE spent
             ON CONFLICT (kind, key) DO UPDATE
               SET id = excluded.id, payload = excluded.payload, attempts = excluded.attempts, error = excluded.error,
                   failed_at = excluded.failed_at),
           gone AS (
             DELETE FROM job USING held WHERE job.id = held.id AND spent AND held.want_at IS NULL)
           UPDATE job SET leased_until = NULL, lease = 0, last_error = $4,
                  due_at = CASE WHEN spent THEN held.want_at ELSE $5 END,
                  want_at = CASE WHEN NOT spent AND held.want_at > $5 THEN held.want_at END,
                  attempts = CASE WHEN spent THEN 0 ELSE held.attempts END
           FROM held WHERE job.id = held.id AND NOT (spent AND held.want_at IS NULL)"#,
        job.id,
        job.lease,
        MAX_ATTEMPTS,
        error,
        retry_at,
        now,
        new_id(now),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The earliest instant at which something of a kind is due, what a worker holds included; for tests, the
/// sandbox and the operator's view.
pub async fn next_due(conn: &mut PgConnection, kind: &str) -> Result<Option<DateTime>, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT min(due_at) FROM job WHERE kind = $1"#, kind).fetch_one(conn).await
}

/// How much of a kind is to be done in a lane.
#[derive(Debug, Clone)]
pub struct Queue {
    pub kind: String,
    pub lane: i16,
    /// Due or running.
    pub due: i64,
    /// When the first of them was due.
    pub oldest: Option<DateTime>,
}

/// What waits and what was given up, for the metrics.
#[derive(Debug, Clone)]
pub struct Gauges {
    /// Each kind that was asked about, in each lane.
    pub queues: Vec<Queue>,
    pub dead: i64,
}

/// Measures the queues of these kinds; counting ends at `counted_max`.
pub async fn gauges(
    pool: &PgPool,
    kinds: &[&str],
    now: DateTime,
    counted_max: i64,
) -> Result<Gauges, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT k.kind AS "kind!", l.lane AS "lane!", q.due AS "due!", q.oldest, d.dead AS "dead!"
           FROM unnest($1::text[]) AS k (kind)
           CROSS JOIN (VALUES (0::int2), (1::int2), (2::int2)) AS l (lane)
           CROSS JOIN LATERAL (
             SELECT count(*) AS due, min(j.due_at) AS oldest FROM (
               SELECT due_at FROM job WHERE kind = k.kind AND lane = l.lane AND due_at <= $2
               ORDER BY due_at LIMIT $3) AS j) AS q
           CROSS JOIN (SELECT count(*) AS dead FROM (SELECT FROM job_dead LIMIT $3) AS few) AS d"#,
        kinds as &[&str],
        now,
        counted_max,
    )
    .fetch_all(pool)
    .await?;
    let dead = rows.first().map_or(0, |row| row.dead);
    let queues = rows
        .into_iter()
        .map(|row| Queue { kind: row.kind, lane: row.lane, due: row.due, oldest: row.oldest })
        .collect();
    Ok(Gauges { queues, dead })
}
