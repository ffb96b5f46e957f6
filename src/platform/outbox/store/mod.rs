//! The SQL of deliveries: written, claimed, finished, sent again; the looks at them are in [`look`].

mod look;

use serde_json::value::RawValue;
use serde_json::{Value, json};
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::kernel::clock::DateTime;
use crate::kernel::ids::new_id;
use crate::platform::audit::SYSTEM;

pub use look::{
    DeliveryFilter, Gauge, Gauges, HeldBack, Stuck, delivered_for, find, gauges, held_back, list,
};
pub(super) use look::{count_stuck, retry_stuck};

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
    /// The alarm that it tells of.
    pub alarm_id: Option<Uuid>,
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
    /// Those of them at which the receiver took nothing from anybody.
    pub rests: i32,
    /// An earlier attempt ended without anybody knowing whether it arrived.
    pub unsure: bool,
    pub due_at: DateTime,
    pub lease: i64,
}

/// What a claim takes.
pub(super) struct Claim<'a> {
    pub destination: &'a str,
    pub limit: i64,
    /// How long, by the database's clock.
    pub lease_secs: f64,
    /// Only what no older delivery of the same account waits before: one that was not tried yet, is under way, or found
    /// the receiver unwell. One that was refused for what it is holds up no other, and those of no account never do.
    pub in_order: bool,
}

/// Takes due deliveries of one destination, those of hot accounts first, oldest first.
pub(super) async fn claim(
    pool: &PgPool,
    claim: &Claim<'_>,
    now: DateTime,
) -> Result<Vec<Claimed>, sqlx::Error> {
    sqlx::query_as!(
        Claimed,
        r#"WITH hot AS MATERIALIZED (
             SELECT account_id, id FROM delivery d
             WHERE destination = $1 AND due_at <= $2 AND status IN ('pending', 'retrying') AND hot
               AND (leased_until IS NULL OR leased_until <= clock_timestamp())
               AND NOT ($5 AND d.account_id <> $6 AND EXISTS (
                 SELECT FROM delivery e WHERE e.account_id = d.account_id AND e.destination = $1 AND e.id < d.id
                   AND e.status IN ('pending', 'retrying')
                   AND (e.attempts = 0 OR e.held_up OR e.leased_until IS NOT NULL)))
             ORDER BY due_at, id LIMIT $3 FOR UPDATE SKIP LOCKED),
           other AS MATERIALIZED (
             SELECT account_id, id FROM delivery d
             WHERE destination = $1 AND due_at <= $2 AND status IN ('pending', 'retrying') AND NOT hot
               AND (leased_until IS NULL OR leased_until <= clock_timestamp())
               AND NOT ($5 AND d.account_id <> $6 AND EXISTS (
                 SELECT FROM delivery e WHERE e.account_id = d.account_id AND e.destination = $1 AND e.id < d.id
                   AND e.status IN ('pending', 'retrying')
                   AND (e.attempts = 0 OR e.held_up OR e.leased_until IS NOT NULL)))
             ORDER BY due_at, id LIMIT $3 - (SELECT count(*) FROM hot) FOR UPDATE SKIP LOCKED),
           due AS (SELECT * FROM hot UNION ALL SELECT * FROM other)
           UPDATE delivery d SET lease = nextval('work_lease'), attempts = d.attempts + 1,
                  -- Whoever held a lease that ran out may have sent it.
                  unsure = d.unsure OR d.leased_until IS NOT NULL,
                  leased_until = clock_timestamp() + make_interval(secs => $4)
           FROM due WHERE d.account_id = due.account_id AND d.id = due.id
           RETURNING d.account_id, d.id, d.payload::text AS "payload!", d.attempts, d.rests, d.unsure, d.due_at,
                     d.lease"#,
        claim.destination,
        now,
        claim.limit,
        claim.lease_secs,
        claim.in_order,
        SYSTEM,
    )
    .fetch_all(pool)
    .await
}

/// Takes one delivery that found the receiver unwell, before its time: to see whether the receiver takes anything again.
/// Where it is the only one that waits it has its own times.
pub(super) async fn claim_probe(
    pool: &PgPool,
    destination: &str,
    lease_secs: f64,
) -> Result<Vec<Claimed>, sqlx::Error> {
    sqlx::query_as!(
        Claimed,
        r#"WITH probe AS MATERIALIZED (
             SELECT account_id, id FROM delivery
             WHERE destination = $1 AND status = 'retrying' AND held_up
               AND (leased_until IS NULL OR leased_until <= clock_timestamp())
               AND (SELECT count(*) FROM (
                      SELECT FROM delivery WHERE destination = $1 AND status IN ('pending', 'retrying') LIMIT 2) AS few) > 1
             ORDER BY hot DESC, id LIMIT 1 FOR UPDATE SKIP LOCKED)
           UPDATE delivery d SET lease = nextval('work_lease'), attempts = d.attempts + 1,
                  unsure = d.unsure OR d.leased_until IS NOT NULL,
                  leased_until = clock_timestamp() + make_interval(secs => $2)
           FROM probe WHERE d.account_id = probe.account_id AND d.id = probe.id
           RETURNING d.account_id, d.id, d.payload::text AS "payload!", d.attempts, d.rests, d.unsure, d.due_at,
                     d.lease"#,
        destination,
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
    /// The receiver took nothing from anybody.
    pub rested: bool,
    /// The receiver was not well, whatever it was brought.
    pub held_up: bool,
    /// Nobody knows whether it arrived.
    pub unsure: bool,
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
                  rests = rests + $10::boolean::int, held_up = $11, unsure = unsure OR $12,
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
        ended.rested,
        ended.held_up,
        ended.unsure,
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Has everything that found a receiver unwell tried at once: it takes deliveries again.
pub(super) async fn hasten(pool: &PgPool, destination: &str, now: DateTime) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE delivery SET due_at = $2
         WHERE destination = $1 AND status = 'retrying' AND held_up AND due_at > $2",
        destination,
        now,
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected())
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
           SELECT destination AS "destination!" FROM lane WHERE destination IS NOT NULL AND (
             EXISTS (SELECT FROM delivery d WHERE d.destination = lane.destination AND d.due_at <= $1
               AND d.status IN ('pending', 'retrying'))
             -- Whether it takes anything again has to be tried.
             OR EXISTS (SELECT FROM delivery d WHERE d.destination = lane.destination AND d.status = 'retrying'
               AND d.held_up))"#,
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
    /// An alarm, of no account: at most one effect for each destination.
    Alarm(Uuid),
}

/// An effect of handoffs or plans.
#[derive(Debug, Clone)]
pub struct NewEffect {
    cause: Cause,
    id: Uuid,
    destination: &'static str,
    /// JSON text.
    payload: String,
    hot: bool,
}

impl NewEffect {
    /// A command to a destination.
    pub fn new(cause: Cause, destination: &'static str, data: &Value, now: DateTime) -> Self {
        let payload = json!({ "type": destination, "timestamp": now, "data": data }).to_string();
        Self { cause, id: new_id(now), destination, payload, hot: false }
    }

    /// The same, before those of accounts that are not hot.
    #[must_use]
    pub fn hot(self, hot: bool) -> Self {
        Self { hot, ..self }
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
        Cause::Digest(_) | Cause::Alarm(_) => SYSTEM,
    });
    let handoffs = ids(|cause| match cause {
        Cause::Entry { handoff_id, .. } => Some(*handoff_id),
        Cause::Digest(_) | Cause::PlanEntry { .. } | Cause::Alarm(_) => None,
    });
    let entries = ids(|cause| match cause {
        Cause::Entry { entry_id, .. } | Cause::PlanEntry { entry_id, .. } => Some(*entry_id),
        Cause::Digest(_) | Cause::Alarm(_) => None,
    });
    let digests = ids(|cause| match cause {
        Cause::Digest(id) => Some(*id),
        Cause::Entry { .. } | Cause::PlanEntry { .. } | Cause::Alarm(_) => None,
    });
    let plans = ids(|cause| match cause {
        Cause::PlanEntry { plan_id, .. } => Some(*plan_id),
        Cause::Entry { .. } | Cause::Digest(_) | Cause::Alarm(_) => None,
    });
    let alarms = ids(|cause| match cause {
        Cause::Alarm(id) => Some(*id),
        Cause::Entry { .. } | Cause::PlanEntry { .. } | Cause::Digest(_) => None,
    });
    sqlx::query!(
        r#"INSERT INTO delivery
             (account_id, id, destination, handoff_id, entry_id, digest_id, plan_id, alarm_id, hot, payload, status,
              due_at, created_at)
           SELECT account_id, id, destination, handoff_id, entry_id, digest_id, plan_id, alarm_id, hot, payload::json,
                  'pending', $11, $11
           FROM unnest($1::text[], $2::uuid[], $3::text[], $4::uuid[], $5::uuid[], $6::uuid[], $7::uuid[], $8::text[],
                       $9::uuid[], $10::boolean[])
             AS e (account_id, id, destination, handoff_id, entry_id, digest_id, plan_id, payload, alarm_id, hot)"#,
        &accounts as &[&str],
        &effects.iter().map(|e| e.id).collect::<Vec<_>>(),
        &column(|e| e.destination) as &[&str],
        &handoffs as &[Option<Uuid>],
        &entries as &[Option<Uuid>],
        &digests as &[Option<Uuid>],
        &plans as &[Option<Uuid>],
        &column(|e| &e.payload) as &[&str],
        &alarms as &[Option<Uuid>],
        &effects.iter().map(|e| e.hot).collect::<Vec<_>>(),
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

/// Sends a dead, recorded or waiting delivery again, from its first attempt. Gives it back as it then is;
/// none when it does not exist or was delivered.
pub async fn retry(
    conn: &mut PgConnection,
    id: Uuid,
    now: DateTime,
) -> Result<Option<Delivery>, sqlx::Error> {
    sqlx::query_as(
        r"UPDATE delivery SET status = 'pending', attempts = 0, rests = 0, held_up = false, due_at = $2,
                 leased_until = NULL, lease = 0
          WHERE id = $1 AND status <> 'delivered' RETURNING *",
    )
    .bind(id)
    .bind(now)
    .fetch_optional(conn)
    .await
}
