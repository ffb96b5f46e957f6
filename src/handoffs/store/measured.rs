//! Handoffs of a stretch of time, one by one, with how they stand with their deadline.
//!
//! Promises: found by an index, whichever end of a handoff the stretch is about.

use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::kernel::clock::DateTime;

/// Which handoffs.
#[derive(Debug, Clone)]
pub struct MeasureFilter {
    pub from: DateTime,
    /// Exclusive.
    pub to: DateTime,
    /// Those that were due in this time (by the first deadline that passed, where one did), or were told of as waiting too
    /// long; else those that were made in it.
    pub by_deadline: bool,
    pub handoff_type: Option<String>,
    pub segment: Option<String>,
    pub team: Option<String>,
    pub limit: i64,
}

/// A handoff.
#[derive(Debug, Clone)]
pub struct MeasuredRow {
    pub id: Uuid,
    pub account_id: String,
    pub handoff_type: String,
    pub segment: String,
    pub team: String,
    pub owner_id: Option<String>,
    pub created_at: DateTime,
    pub first_assigned_at: Option<DateTime>,
    pub acknowledged_at: Option<DateTime>,
    pub contacted_at: Option<DateTime>,
    pub due_at: Option<DateTime>,
    pub late_at: Option<DateTime>,
    pub in_time: Option<bool>,
    pub alarmed_at: Option<DateTime>,
    pub fell_back: bool,
    pub reassignments: i16,
    pub rejected: bool,
    pub load: Option<i64>,
}

/// Handoffs, the earliest first: one more than the limit where there are more. A deadline that has come by `now` without
/// contact is late.
pub async fn measured(
    conn: &mut PgConnection,
    filter: &MeasureFilter,
    now: DateTime,
) -> Result<Vec<MeasuredRow>, sqlx::Error> {
    sqlx::query_as!(
        MeasuredRow,
        r#"
        WITH found AS (
          SELECT account_id, id FROM handoff WHERE NOT $3 AND created_at >= $1 AND created_at < $2
          UNION
          SELECT account_id, id FROM handoff
          WHERE $3 AND due_at IS NOT NULL AND coalesce(breached_at, due_at) >= $1
            AND coalesce(breached_at, due_at) < $2
          UNION
          SELECT account_id, id FROM handoff WHERE $3 AND alarmed_at >= $1 AND alarmed_at < $2)
        SELECT h.id, h.account_id, h.type AS handoff_type, h.segment, h.to_team AS team, h.owner_id, h.created_at,
               first.assigned_at AS "first_assigned_at?", h.acknowledged_at, h.contacted_at,
               coalesce(h.breached_at, h.due_at) AS due_at,
               CASE WHEN s.stands = 'late' THEN coalesce(h.breached_at, h.due_at) END AS late_at,
               CASE s.stands WHEN 'met' THEN true WHEN 'late' THEN false END AS in_time,
               h.alarmed_at, h.fell_back, h.reassignments,
               EXISTS (SELECT FROM handoff_turn t WHERE t.account_id = h.account_id AND t.handoff_id = h.id
                         AND t.end_reason = 'rejected') AS "rejected!",
               (SELECT count(*) FROM handoff_turn t
                WHERE t.owner_id = h.owner_id AND NOT t.credited AND t.assigned_at <= h.assigned_at
                  AND t.assigned_at > h.assigned_at - interval '30 days'
                  AND (t.ended_at IS NULL OR t.ended_at > h.assigned_at)) AS load
        FROM found f
        JOIN handoff h ON h.account_id = f.account_id AND h.id = f.id
        LEFT JOIN handoff_turn first
          ON first.account_id = h.account_id AND first.handoff_id = h.id AND first.number = 1
        CROSS JOIN LATERAL (SELECT CASE
            WHEN h.breached_at <= h.assigned_at THEN 'late'
            WHEN h.contacted_at > h.due_at THEN 'late'
            WHEN h.contacted_at IS NOT NULL THEN 'met'
            WHEN h.breached_at IS NOT NULL OR h.closed_at > h.due_at THEN 'late'
            WHEN h.closed_at IS NOT NULL THEN 'ended_before'
            WHEN h.due_at <= $4 THEN 'late'
            ELSE 'open' END AS stands) AS s
        WHERE ($5::text IS NULL OR h.type = $5) AND ($6::text IS NULL OR h.segment = $6)
          AND ($7::text IS NULL OR h.to_team = $7)
        ORDER BY h.created_at, h.id LIMIT $8"#,
        filter.from,
        filter.to,
        filter.by_deadline,
        now,
        filter.handoff_type.as_deref(),
        filter.segment.as_deref(),
        filter.team.as_deref(),
        filter.limit + 1,
    )
    .fetch_all(conn)
    .await
}

/// The first deadline after an instant, of those that count: the first of a handoff that passed, or the one that is open.
pub async fn next_due(pool: &PgPool, after: DateTime) -> Result<Option<DateTime>, sqlx::Error> {
    let found = sqlx::query_scalar!(
        r#"SELECT min(coalesce(breached_at, due_at)) AS "due_at?" FROM handoff
           WHERE due_at IS NOT NULL AND coalesce(breached_at, due_at) > $1"#,
        after
    );
    found.fetch_one(pool).await
}

/// Whether a deadline lies in a stretch of time.
pub async fn any_due(pool: &PgPool, from: DateTime, to: DateTime) -> Result<bool, sqlx::Error> {
    let found = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM handoff WHERE due_at IS NOT NULL AND coalesce(breached_at, due_at) >= $1
                                         AND coalesce(breached_at, due_at) < $2) AS "found!""#,
        from,
        to
    );
    found.fetch_one(pool).await
}
