//! Looks at deliveries: one, lists, what waits, what is stuck and is sent again in one go.

use sqlx::{PgConnection, PgPool, Postgres, QueryBuilder};
use uuid::Uuid;

use super::Delivery;
use crate::kernel::clock::DateTime;
use crate::platform::dead::{DeadGroup, RETRY_MAX};

/// One delivery by its id.
pub async fn find(pool: &PgPool, id: Uuid) -> Result<Option<Delivery>, sqlx::Error> {
    sqlx::query_as("SELECT * FROM delivery WHERE id = $1").bind(id).fetch_optional(pool).await
}

/// Which deliveries that do not go out by themselves are meant; all where nothing is said.
#[derive(Debug, Clone, Copy)]
pub struct Stuck<'a> {
    /// `dead` or `recorded`.
    pub status: &'a str,
    pub destination: Option<&'a str>,
    pub account_id: Option<&'a str>,
}

/// How many there are, by destination.
pub(in crate::platform::outbox) async fn count_stuck(
    conn: &mut PgConnection,
    which: Stuck<'_>,
) -> Result<Vec<DeadGroup>, sqlx::Error> {
    sqlx::query_as!(
        DeadGroup,
        r#"SELECT destination AS of, count(*) AS "count!" FROM delivery
           WHERE status = $1 AND ($2::text IS NULL OR destination = $2) AND ($3::text IS NULL OR account_id = $3)
           GROUP BY destination ORDER BY destination"#,
        which.status,
        which.destination,
        which.account_id,
    )
    .fetch_all(conn)
    .await
}

/// Sends them again from their first attempt, oldest first, at most [`RETRY_MAX`] of them; gives how many.
pub(in crate::platform::outbox) async fn retry_stuck(
    conn: &mut PgConnection,
    which: Stuck<'_>,
    now: DateTime,
) -> Result<i64, sqlx::Error> {
    let done = sqlx::query!(
        r#"WITH meant AS MATERIALIZED (
             SELECT account_id, id FROM delivery
             WHERE status = $1 AND ($2::text IS NULL OR destination = $2) AND ($3::text IS NULL OR account_id = $3)
             ORDER BY id LIMIT $4 FOR UPDATE SKIP LOCKED)
           UPDATE delivery d SET status = 'pending', attempts = 0, rests = 0, held_up = false, due_at = $5,
                  leased_until = NULL, lease = 0
           FROM meant WHERE d.account_id = meant.account_id AND d.id = meant.id"#,
        which.status,
        which.destination,
        which.account_id,
        RETRY_MAX,
        now,
    )
    .execute(conn)
    .await?;
    Ok(i64::try_from(done.rows_affected()).unwrap_or(i64::MAX))
}

/// What to list.
#[derive(Debug, Clone, Default)]
pub struct DeliveryFilter {
    pub status: Option<String>,
    pub destination: Option<String>,
    pub account_id: Option<String>,
    pub decision_id: Option<Uuid>,
    pub handoff_id: Option<Uuid>,
    /// Only deliveries before this one, newest first.
    pub before: Option<Uuid>,
    pub limit: i64,
}

/// Deliveries, newest first.
pub async fn list(pool: &PgPool, filter: &DeliveryFilter) -> Result<Vec<Delivery>, sqlx::Error> {
    let mut query = QueryBuilder::<Postgres>::new("SELECT * FROM delivery WHERE true");
    if let Some(status) = &filter.status {
        query.push(" AND status = ").push_bind(status);
    }
    if let Some(destination) = &filter.destination {
        query.push(" AND destination = ").push_bind(destination);
    }
    if let Some(account_id) = &filter.account_id {
        query.push(" AND account_id = ").push_bind(account_id);
    }
    if let Some(decision_id) = filter.decision_id {
        query.push(" AND decision_id = ").push_bind(decision_id);
    }
    if let Some(handoff_id) = filter.handoff_id {
        query.push(" AND handoff_id = ").push_bind(handoff_id);
    }
    if let Some(before) = filter.before {
        query.push(" AND id < ").push_bind(before);
    }
    query.push(" ORDER BY id DESC LIMIT ").push_bind(filter.limit);
    query.build_query_as().fetch_all(pool).await
}

/// Of some handoffs, those for which something was delivered to a destination.
pub async fn delivered_for(
    pool: &PgPool,
    handoff_ids: &[Uuid],
    destination: &str,
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT DISTINCT handoff_id AS "handoff_id!" FROM delivery
           WHERE handoff_id = ANY ($1) AND destination = $2 AND status = 'delivered'"#,
        handoff_ids,
        destination
    )
    .fetch_all(pool)
    .await
}

/// Deliveries to one destination that failed and wait for another attempt.
#[derive(Debug, Clone)]
pub struct HeldBack {
    pub destination: String,
    /// Counted up to 10,000.
    pub count: i64,
    /// When the oldest of them was made.
    pub since: DateTime,
}

/// What failed and waits, by destination.
pub async fn held_back(pool: &PgPool) -> Result<Vec<HeldBack>, sqlx::Error> {
    sqlx::query_as!(
        HeldBack,
        r#"SELECT destination, count(*) AS "count!", min(created_at) AS "since!"
           FROM (SELECT destination, created_at FROM delivery WHERE status = 'retrying' LIMIT 10000) AS few
           GROUP BY destination ORDER BY destination"#,
    )
    .fetch_all(pool)
    .await
}

/// What waits for one destination.
#[derive(Debug, Clone)]
pub struct Gauge {
    pub destination: String,
    pub waiting: i64,
    /// When the first of them was or is due.
    pub due_at: Option<DateTime>,
}

/// What waits and what was given up, for the metrics.
#[derive(Debug, Clone)]
pub struct Gauges {
    /// Destinations that something waits for.
    pub lanes: Vec<Gauge>,
    pub dead: i64,
}

/// Measures what waits by destination; counting ends at `counted_max`.
pub async fn gauges(pool: &PgPool, counted_max: i64) -> Result<Gauges, sqlx::Error> {
    let rows = sqlx::query!(
        r#"WITH RECURSIVE lane AS (
             (SELECT destination FROM delivery WHERE status IN ('pending', 'retrying')
              ORDER BY destination LIMIT 1)
             UNION ALL
             SELECT (SELECT d.destination FROM delivery d
                     WHERE d.status IN ('pending', 'retrying') AND d.destination > lane.destination
                     ORDER BY d.destination LIMIT 1)
             FROM lane WHERE lane.destination IS NOT NULL),
           waits AS (
             SELECT lane.destination, w.waiting, w.due_at FROM lane
             CROSS JOIN LATERAL (
               SELECT count(*) AS waiting, min(d.due_at) AS due_at FROM (
                 SELECT due_at FROM delivery
                 WHERE destination = lane.destination AND status IN ('pending', 'retrying')
                 ORDER BY due_at LIMIT $1) AS d) AS w
             WHERE lane.destination IS NOT NULL)
           SELECT dead.count AS "dead!", waits.destination AS "destination?", waits.waiting AS "waiting?", waits.due_at
           FROM (SELECT count(*) AS count FROM (SELECT FROM delivery WHERE status = 'dead' LIMIT $1) AS few) AS dead
           LEFT JOIN waits ON true"#,
        counted_max,
    )
    .fetch_all(pool)
    .await?;
    let dead = rows.first().map_or(0, |row| row.dead);
    let lanes = rows
        .into_iter()
        .filter_map(|row| {
            Some(Gauge { destination: row.destination?, waiting: row.waiting?, due_at: row.due_at })
        })
        .collect();
    Ok(Gauges { lanes, dead })
}
