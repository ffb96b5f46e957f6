//! The SQL of deliveries: claim, finish, list, send again.

use serde_json::value::RawValue;
use serde_json::{Value, json};
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool, Postgres, QueryBuilder};
use uuid::Uuid;

use crate::kernel::clock::DateTime;
use crate::kernel::ids::new_id;
use crate::platform::audit::SYSTEM;

/// One effect on its way out, as an operator sees it.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Delivery {
    pub account_id: String,
    pub id: Uuid,
    pub destination: String,
    pub decision_id: Option<Uuid>,
    pub handoff_id: Option<Uuid>,
    pub digest_id: Option<Uuid>,
    pub plan_id: Option<Uuid>,
    /// The erasure or the end of a consent that caused it.
    pub privacy_id: Option<Uuid>,
    pub payload: Json<Box<RawValue>>,
    pub status: String,
    pub attempts: i32,
    pub due_at: DateTime,
    pub last_status: Option<i32>,
    pub last_error: Option<String>,
    pub created_at: DateTime,
    pub delivered_at: Option<DateTime>,
    /// Who made it: `webhook`, the name of a connector, or `local` when the service kept it itself; none while nobody has.
    pub provider: Option<String>,
}

/// A delivery in a worker's hands.
pub(super) struct Claimed {
    pub account_id: String,
    pub id: Uuid,
    pub payload: String,
    /// This attempt included.
    pub attempts: i32,
    pub lease: i64,
}

/// Takes up to `limit` due deliveries of one destination. The lease is measured by the database's clock.
pub(super) async fn claim(
    pool: &PgPool,
    destination: &str,
    now: DateTime,
    limit: i64,
    lease_secs: f64,
) -> Result<Vec<Claimed>, sqlx::Error> {
    sqlx::query_as!(
        Claimed,
        r#"WITH due AS MATERIALIZED (
             SELECT account_id, id FROM delivery
             WHERE destination = $1 AND due_at <= $2 AND status IN ('pending', 'retrying')
               AND (leased_until IS NULL OR leased_until <= clock_timestamp())
             ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED)
           UPDATE delivery d SET lease = nextval('work_lease'), attempts = d.attempts + 1,
                  leased_until = clock_timestamp() + make_interval(secs => $4)
           FROM due WHERE d.account_id = due.account_id AND d.id = due.id
           RETURNING d.account_id, d.id, d.payload::text AS "payload!", d.attempts, d.lease"#,
        destination,
        now,
        limit,
        lease_secs,
    )
    .fetch_all(pool)
    .await
}

/// How an attempt ended.
pub(super) struct Ended<'a> {
    pub status: &'a str,
    pub due_at: DateTime,
    pub last_status: Option<i32>,
    pub last_error: Option<String>,
    pub delivered_at: Option<DateTime>,
}

/// Records how an attempt ended; a stale lease changes nothing.
pub(super) async fn finish(
    pool: &PgPool,
    claimed: &Claimed,
    ended: &Ended<'_>,
    provider: &str,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        r#"UPDATE delivery SET status = $4, due_at = $5, last_status = $6, last_error = $7, delivered_at = $8,
                  provider = CASE WHEN $4 = 'delivered' THEN $9 END, leased_until = NULL, lease = 0,
                  -- Who has been asked knows whom; we need not any more.
                  payload = CASE WHEN $4 = 'delivered' AND privacy_id IS NOT NULL
                    THEN (payload::jsonb #- '{data,contactIds}' #- '{data,emails}')::json ELSE payload END
           WHERE account_id = $1 AND id = $2 AND lease = $3"#,
        claimed.account_id,
        claimed.id,
        claimed.lease,
        ended.status,
        ended.due_at,
        ended.last_status,
        ended.last_error,
        ended.delivered_at,
        provider,
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Notes that what a receiver had taken has not arrived after all: it is dead, and can be sent again.
pub async fn note_undelivered(pool: &PgPool, id: Uuid, why: &str) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"UPDATE delivery SET status = 'dead', delivered_at = NULL, provider = NULL, last_error = $2
           WHERE id = $1 AND status = 'delivered'"#,
        id,
        why,
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Destinations that have something to send.
pub(super) async fn due_destinations(pool: &PgPool, now: DateTime) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"WITH RECURSIVE lane AS (
             (SELECT destination FROM delivery WHERE status IN ('pending', 'retrying')
              ORDER BY destination LIMIT 1)
             UNION ALL
             SELECT (SELECT d.destination FROM delivery d
                     WHERE d.status IN ('pending', 'retrying') AND d.destination > lane.destination
                     ORDER BY d.destination LIMIT 1)
             FROM lane WHERE lane.destination IS NOT NULL)
           SELECT destination AS "destination!" FROM lane WHERE destination IS NOT NULL AND EXISTS (
             SELECT FROM delivery d WHERE d.destination = lane.destination AND d.due_at <= $1
               AND d.status IN ('pending', 'retrying'))"#,
        now
    )
    .fetch_all(pool)
    .await
}

/// What an effect of handoffs or plans is because of.
#[derive(Debug, Clone)]
pub enum Cause {
    /// Something that happened to a handoff: at most one effect for each destination.
    Entry { account_id: String, handoff_id: Uuid, entry_id: Uuid },
    /// A digest of several things, of no account alone: one effect.
    Digest(Uuid),
    /// Something that happened to a plan: at most one effect for each destination.
    PlanEntry { account_id: String, plan_id: Uuid, entry_id: Uuid },
}

/// An effect of handoffs or plans.
#[derive(Debug, Clone)]
pub struct NewEffect {
    cause: Cause,
    id: Uuid,
    destination: &'static str,
    /// JSON text.
    payload: String,
}

impl NewEffect {
    /// A command to a destination.
    pub fn new(cause: Cause, destination: &'static str, data: &Value, now: DateTime) -> Self {
        let payload = json!({ "type": destination, "timestamp": now, "data": data }).to_string();
        Self { cause, id: new_id(now), destination, payload }
    }
}

/// Puts effects into the outbox. Joins the caller's transaction.
pub async fn enqueue(
    conn: &mut PgConnection,
    effects: &[NewEffect],
    now: DateTime,
) -> Result<(), sqlx::Error> {
    if effects.is_empty() {
        return Ok(());
    }
    let column = |get: fn(&NewEffect) -> &str| effects.iter().map(get).collect::<Vec<_>>();
    let ids = |get: fn(&Cause) -> Option<Uuid>| effects.iter().map(|e| get(&e.cause)).collect::<Vec<_>>();
    let accounts = column(|e| match &e.cause {
        Cause::Entry { account_id, .. } | Cause::PlanEntry { account_id, .. } => account_id,
        Cause::Digest(_) => SYSTEM,
    });
    let handoffs = ids(|cause| match cause {
        Cause::Entry { handoff_id, .. } => Some(*handoff_id),
        Cause::Digest(_) | Cause::PlanEntry { .. } => None,
    });
    let entries = ids(|cause| match cause {
        Cause::Entry { entry_id, .. } | Cause::PlanEntry { entry_id, .. } => Some(*entry_id),
        Cause::Digest(_) => None,
    });
    let digests = ids(|cause| match cause {
        Cause::Entry { .. } | Cause::PlanEntry { .. } => None,
        Cause::Digest(id) => Some(*id),
    });
    let plans = ids(|cause| match cause {
        Cause::PlanEntry { plan_id, .. } => Some(*plan_id),
        Cause::Entry { .. } | Cause::Digest(_) => None,
    });
    sqlx::query!(
        r#"INSERT INTO delivery
             (account_id, id, destination, handoff_id, entry_id, digest_id, plan_id, payload, status, due_at, created_at)
           SELECT account_id, id, destination, handoff_id, entry_id, digest_id, plan_id, payload::json, 'pending', $9, $9
           FROM unnest($1::text[], $2::uuid[], $3::text[], $4::uuid[], $5::uuid[], $6::uuid[], $7::uuid[], $8::text[])
             AS e (account_id, id, destination, handoff_id, entry_id, digest_id, plan_id, payload)"#,
        &accounts as &[&str],
        &effects.iter().map(|e| e.id).collect::<Vec<_>>(),
        &column(|e| e.destination) as &[&str],
        &handoffs as &[Option<Uuid>],
        &entries as &[Option<Uuid>],
        &digests as &[Option<Uuid>],
        &plans as &[Option<Uuid>],
        &column(|e| &e.payload) as &[&str],
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends what is due to a destination that the service serves by itself: kept, visible, and done.
pub(super) async fn keep_here(pool: &PgPool, destination: &str, now: DateTime) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        r#"UPDATE delivery SET status = 'delivered', delivered_at = $2, provider = 'local', attempts = attempts + 1,
                  last_error = NULL,
                  payload = CASE WHEN privacy_id IS NOT NULL
                    THEN (payload::jsonb #- '{data,contactIds}' #- '{data,emails}')::json ELSE payload END
           WHERE destination = $1 AND due_at <= $2 AND status IN ('pending', 'retrying')
             AND (leased_until IS NULL OR leased_until <= clock_timestamp())"#,
        destination,
        now
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected())
}

/// Marks deliveries without an endpoint as recorded: kept and visible.
pub(super) async fn record_unsent(
    pool: &PgPool,
    destination: &str,
    now: DateTime,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        r#"UPDATE delivery SET status = 'recorded',
                  last_error = 'no endpoint is configured for this destination'
           WHERE destination = $1 AND due_at <= $2 AND status IN ('pending', 'retrying')
             AND (leased_until IS NULL OR leased_until <= clock_timestamp())"#,
        destination,
        now
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected())
}

/// One delivery by its id.
pub async fn find(pool: &PgPool, id: Uuid) -> Result<Option<Delivery>, sqlx::Error> {
    sqlx::query_as("SELECT * FROM delivery WHERE id = $1").bind(id).fetch_optional(pool).await
}

/// Sends a dead, recorded or waiting delivery again, from its first attempt. Gives it back as it then is;
/// none when it does not exist or was delivered.
pub async fn retry(
    conn: &mut PgConnection,
    id: Uuid,
    now: DateTime,
) -> Result<Option<Delivery>, sqlx::Error> {
    sqlx::query_as(
        r"UPDATE delivery SET status = 'pending', attempts = 0, due_at = $2, leased_until = NULL, lease = 0
          WHERE id = $1 AND status <> 'delivered' RETURNING *",
    )
    .bind(id)
    .bind(now)
    .fetch_optional(conn)
    .await
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
