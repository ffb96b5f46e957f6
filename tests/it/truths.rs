//! What must be true of the tables after whatever happened, as queries that look at all of history.

use chrono::{DateTime, Utc};
use gtm::testing::TestDatabase;
use sqlx::PgPool;

/// Motions that never hold an account together, as the default policy has them; a motion competes with itself.
const COMPETING: &str = "(VALUES
    ('plg_self_serve', 'sales_assist'), ('plg_self_serve', 'sales_led'), ('plg_self_serve', 'partner_co_sell'),
    ('plg_self_serve', 'partner_sourced'), ('sales_assist', 'sales_led'), ('sales_assist', 'partner_sourced'),
    ('sales_led', 'partner_sourced'), ('partner_co_sell', 'partner_sourced'),
    ('plg_self_serve', 'plg_self_serve'), ('sales_assist', 'sales_assist'), ('sales_led', 'sales_led'),
    ('partner_co_sell', 'partner_co_sell'), ('partner_sourced', 'partner_sourced')) AS p (one, other)";

/// Stops the test when one of the truths does not hold.
pub async fn check(database: &TestDatabase) {
    let pool = &database.pool;
    let overlap = format!(
        "SELECT a.account_id || ': ' || a.motion || ' and ' || b.motion
         FROM motion_claim a JOIN motion_claim b ON b.account_id = a.account_id AND b.id > a.id
         JOIN {COMPETING} ON (a.motion, b.motion) IN ((p.one, p.other), (p.other, p.one))
         WHERE tstzrange(a.claimed_at, least(a.expires_at, a.released_at))
            && tstzrange(b.claimed_at, least(b.expires_at, b.released_at))"
    );
    none(pool, "competing claims on one account at once", &overlap).await;
    none(
        pool,
        "more than two touches by decisions within seven days",
        "SELECT t.account_id || ' at ' || t.touched_at FROM touch t WHERE t.origin = 'decision' AND 2 < (
           SELECT count(*) FROM touch u WHERE u.account_id = t.account_id AND u.origin = 'decision'
             AND u.touched_at > t.touched_at - interval '7 days' AND u.touched_at <= t.touched_at)",
    )
    .await;
    none(
        pool,
        "executed decisions with a claim, a touch or deliveries too many or too few; others with any",
        "SELECT d.id || ' ' || d.outcome FROM decision d,
           LATERAL (SELECT count(*) AS n FROM motion_claim c WHERE (c.account_id, c.decision_id) = (d.account_id, d.id)) c,
           LATERAL (SELECT count(*) AS n FROM touch t WHERE (t.account_id, t.decision_id) = (d.account_id, d.id)) t,
           LATERAL (SELECT count(*) AS n, count(DISTINCT destination) AS places FROM delivery v
                    WHERE (v.account_id, v.decision_id) = (d.account_id, d.id)) v,
           LATERAL (SELECT CASE WHEN d.outcome = 'executed' THEN 1 ELSE 0 END AS one,
                           1 + json_array_length(d.document -> 'recommendation' -> 'parallelActions') AS skills) e
         WHERE (c.n, t.n, v.n, v.places) <> (e.one, e.one, e.one * e.skills, e.one * e.skills)",
    )
    .await;
    none(
        pool,
        "decisions without their audit entry, and entries without their decision",
        "SELECT coalesce(d.id::text, e.subject) FROM decision d
         FULL JOIN (SELECT account_id, subject FROM audit_entry WHERE action = 'decision.recorded') e
           ON e.account_id = d.account_id AND e.subject = 'decision:' || d.id
         WHERE d.id IS NULL OR e.subject IS NULL",
    )
    .await;
    none(
        pool,
        "decisions of an account whose instants or ids are out of the order in which they were recorded",
        "SELECT account_id || ' ' || seq FROM (
           SELECT account_id, seq, at < lag(at) OVER chain AS back, subject < lag(subject) OVER chain AS shuffled
           FROM audit_entry WHERE action = 'decision.recorded'
           WINDOW chain AS (PARTITION BY account_id ORDER BY seq)) AS e
         WHERE back OR shuffled",
    )
    .await;
    none(pool, "events that could not be applied", "SELECT id::text FROM inbox_dead").await;
    none(pool, "jobs that were given up", "SELECT key || ': ' || error FROM job_dead").await;
}

async fn none(pool: &PgPool, what: &str, query: &str) {
    let found: Vec<String> =
        sqlx::query_scalar(sqlx::AssertSqlSafe(query.to_owned())).fetch_all(pool).await.unwrap();
    assert!(found.is_empty(), "{what}: {found:#?}");
}

/// Touches of any origin in the seven days before each executed decision, as the tables have them now; for
/// tests in which a touch is reported when it happens.
pub async fn touches_before_decisions(pool: &PgPool) -> Vec<(String, DateTime<Utc>, i64)> {
    sqlx::query_as(
        "SELECT d.account_id, d.decided_at, count(t.id) FROM decision d LEFT JOIN touch t
           ON t.account_id = d.account_id AND t.touched_at < d.decided_at
              AND t.touched_at > d.decided_at - interval '7 days'
         WHERE d.outcome = 'executed' GROUP BY d.account_id, d.id, d.decided_at",
    )
    .fetch_all(pool)
    .await
    .unwrap()
}
