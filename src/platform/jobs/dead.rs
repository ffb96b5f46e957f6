//! Jobs that were given up: what they were, why, and putting them back into the queue.

use std::collections::BTreeMap;

use serde_json::json;
use serde_json::value::RawValue;
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::{Lane, NewJob, enqueue};
use crate::kernel::clock::DateTime;
use crate::platform::audit::{self, AuditError, Entry, SYSTEM};
use crate::platform::db;
use crate::platform::dead::{DeadGroup, DeadRetried, RETRY_MAX};

/// A job that failed too often.
#[derive(Debug, Clone)]
pub struct DeadJob {
    pub id: Uuid,
    pub kind: String,
    pub key: String,
    pub payload: Json<Box<RawValue>>,
    pub attempts: i32,
    pub error: String,
    pub failed_at: DateTime,
}

/// Which dead jobs are meant; all where nothing is said.
#[derive(Debug, Clone, Copy, Default)]
pub struct DeadJobs<'a> {
    pub id: Option<Uuid>,
    pub kind: Option<&'a str>,
    pub key: Option<&'a str>,
}

/// Dead jobs, newest first; `before` is the id of the last one seen.
pub async fn list(
    pool: &PgPool,
    which: DeadJobs<'_>,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<DeadJob>, sqlx::Error> {
    sqlx::query_as!(
        DeadJob,
        r#"SELECT id, kind, key, payload AS "payload!: Json<Box<RawValue>>", attempts, error, failed_at FROM job_dead
           WHERE ($1::uuid IS NULL OR id = $1) AND ($2::text IS NULL OR kind = $2) AND ($3::text IS NULL OR key = $3)
             AND ($4::uuid IS NULL OR id < $4)
           ORDER BY id DESC LIMIT $5"#,
        which.id,
        which.kind,
        which.key,
        before,
        limit,
    )
    .fetch_all(pool)
    .await
}

/// How many dead jobs there are, by kind.
pub async fn count(conn: &mut PgConnection, which: DeadJobs<'_>) -> Result<Vec<DeadGroup>, sqlx::Error> {
    sqlx::query_as!(
        DeadGroup,
        r#"SELECT kind AS of, count(*) AS "count!" FROM job_dead
           WHERE ($1::uuid IS NULL OR id = $1) AND ($2::text IS NULL OR kind = $2) AND ($3::text IS NULL OR key = $3)
           GROUP BY kind ORDER BY kind"#,
        which.id,
        which.kind,
        which.key,
    )
    .fetch_all(conn)
    .await
}

/// Takes dead jobs out, oldest first; whoever takes one has it alone.
async fn take(conn: &mut PgConnection, which: DeadJobs<'_>) -> Result<Vec<DeadJob>, sqlx::Error> {
    sqlx::query_as!(
        DeadJob,
        r#"WITH meant AS (
             SELECT id FROM job_dead
             WHERE ($1::uuid IS NULL OR id = $1) AND ($2::text IS NULL OR kind = $2) AND ($3::text IS NULL OR key = $3)
             ORDER BY id LIMIT $4 FOR UPDATE SKIP LOCKED)
           DELETE FROM job_dead d USING meant WHERE d.id = meant.id
           RETURNING d.id, d.kind, d.key, d.payload AS "payload!: Json<Box<RawValue>>", d.attempts, d.error,
                     d.failed_at"#,
        which.id,
        which.kind,
        which.key,
        RETRY_MAX,
    )
    .fetch_all(conn)
    .await
}

/// Puts dead jobs back into the queue, due now and with all their attempts before them, in one transaction with
/// its entry in the audit log. A job that was asked for again meanwhile stays one job. Many at once let everything
/// else go first.
pub async fn retry(
    pool: &PgPool,
    which: DeadJobs<'_>,
    actor: &str,
    now: DateTime,
) -> Result<DeadRetried, AuditError> {
    let mut tx = db::begin(pool).await?;
    let groups = count(&mut tx, which).await?;
    let taken = take(&mut tx, which).await?;
    let done = i64::try_from(taken.len()).unwrap_or(i64::MAX);
    if done > 0 {
        let lane = if which.id.is_some() { Lane::Normal } else { Lane::Bulk };
        let mut kinds: BTreeMap<&str, Vec<NewJob>> = BTreeMap::new();
        for job in &taken {
            let (key, payload) = (job.key.clone(), job.payload.0.get().to_owned());
            kinds.entry(&job.kind).or_default().push(NewJob { key, payload, lane, due_at: now });
        }
        for (kind, jobs) in kinds {
            enqueue(&mut tx, kind, &jobs, now).await?;
        }
        audit::append(&mut tx, SYSTEM, now, &[entry(which, &taken, actor)]).await?;
    }
    tx.commit().await?;
    Ok(DeadRetried::new(false, groups, done))
}

fn entry(which: DeadJobs<'_>, taken: &[DeadJob], actor: &str) -> Entry {
    match taken {
        [one] if which.id.is_some() => {
            let details = json!({ "attempts": one.attempts, "failedAt": one.failed_at });
            Entry::new(actor, "job.retried", format!("job:{}:{}", one.kind, one.key), details)
        }
        _ => {
            let details = json!({ "kind": which.kind, "key": which.key, "count": taken.len() });
            Entry::new(actor, "jobs.retried", "job:dead".to_owned(), details)
        }
    }
}
