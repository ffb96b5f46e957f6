//! The figures of handoffs, the turns of rotations, and what the gauges read.
//!
//! Promises: groups and their total are one statement and see the same rows; a stretch of time is found by an index, and
//! what belongs to a handoff by its key.

#[cfg(test)]
mod tests;

use sqlx::PgPool;

use crate::handoffs::metrics::Period;
use crate::kernel::clock::DateTime;

/// What the handoffs of one group amount to, or all of them.
#[derive(Debug, Clone)]
pub struct TallyRow {
    /// All groups together.
    pub total: bool,
    pub key: Option<String>,
    /// In the order of [`Status::ALL`](crate::handoffs::handoff::Status::ALL).
    pub by_status: Vec<i64>,
    pub contacted: i64,
    /// The percentiles 50, 90 and 95, here and below.
    pub contact_seconds: Option<Vec<f64>>,
    pub met: i64,
    pub breached: i64,
    pub open: i64,
    pub ended_before: i64,
    pub meetings: i64,
    pub meeting_seconds: Option<Vec<f64>>,
    pub assigned: i64,
    pub assignment_seconds: Option<Vec<f64>>,
    pub acknowledge_met: i64,
    pub acknowledge_breached: i64,
    pub acknowledge_open: i64,
    pub acknowledge_ended_before: i64,
    pub ratings: i64,
    pub ratings_sum: i64,
    pub completeness_sum: i64,
    pub reassigned: i64,
    pub rejected: i64,
    pub fell_back: i64,
}

/// The handoffs that were made in a stretch of time, by group and in total; the total is there even when they are none.
/// A deadline that has come by `now` without contact is breached, whether or not the clock has taken its step.
///
/// A contact that is recorded after the deadline and says that it was made before it is in time: a breach that was noted
/// in the present owner's turn is overruled by the contact's own instant, one in an earlier turn is not.
pub async fn handoff_tallies(
    pool: &PgPool,
    period: &Period,
    group_by: Option<&str>,
    now: DateTime,
) -> Result<Vec<TallyRow>, sqlx::Error> {
    sqlx::query_as!(
        TallyRow,
        r#"
        WITH read AS (
          SELECT (CASE $3::text
                    WHEN 'type' THEN h.type
                    WHEN 'team' THEN h.to_team
                    WHEN 'rep' THEN h.owner_id
                    WHEN 'segment' THEN h.segment
                    WHEN 'week' THEN to_char(date_trunc('week', h.created_at AT TIME ZONE 'UTC'), 'YYYY-MM-DD')
                  END) COLLATE "C" AS key,
                 h.status, h.nps, h.completeness, h.reassignments, h.fell_back, h.assigned_at, h.contacted_at, h.closed_at,
                 CASE
                   WHEN h.breached_at <= h.assigned_at THEN 'breached'
                   WHEN h.contacted_at > h.due_at THEN 'breached'
                   WHEN h.contacted_at IS NOT NULL THEN 'met'
                   WHEN h.breached_at IS NOT NULL OR h.closed_at > h.due_at THEN 'breached'
                   WHEN h.closed_at IS NOT NULL THEN 'ended_before'
                   WHEN h.due_at <= $4 THEN 'breached'
                   ELSE 'open' END AS contact,
                 CASE
                   WHEN h.clock -> 'terms' ->> 'acknowledgeWithin' IS NULL THEN NULL
                   WHEN EXISTS (SELECT FROM handoff_entry e
                                WHERE e.account_id = h.account_id AND e.handoff_id = h.id
                                  AND e.once LIKE 'turn %: acknowledge\_breach') THEN 'breached'
                   WHEN h.acknowledged_at IS NOT NULL THEN 'met'
                   WHEN h.closed_at IS NOT NULL THEN 'ended_before'
                   ELSE 'open' END AS acknowledgement,
                 extract(epoch FROM h.contacted_at - h.created_at)::float8 AS contact_seconds,
                 extract(epoch FROM h.meeting_at - h.created_at)::float8 AS meeting_seconds,
                 extract(epoch FROM (SELECT t.assigned_at FROM handoff_turn t
                                     WHERE t.account_id = h.account_id AND t.handoff_id = h.id AND t.number = 1)
                                    - h.created_at)::float8 AS assignment_seconds,
                 EXISTS (SELECT FROM handoff_turn t WHERE t.account_id = h.account_id AND t.handoff_id = h.id
                           AND t.end_reason = 'rejected') AS rejected
          FROM handoff h
          WHERE h.created_at >= $1 AND h.created_at < $2)
        SELECT grouping(key) = 1 AS "total!", key AS "key?",
               ARRAY [count(*) FILTER (WHERE status = 'held'),
                      count(*) FILTER (WHERE status = 'pending'),
                      count(*) FILTER (WHERE status = 'assigned'),
                      count(*) FILTER (WHERE status = 'acknowledged'),
                      count(*) FILTER (WHERE status = 'contacted'),
                      count(*) FILTER (WHERE status = 'meeting_booked'),
                      count(*) FILTER (WHERE status = 'converted'),
                      count(*) FILTER (WHERE status = 'lost'),
                      count(*) FILTER (WHERE status = 'rejected'),
                      count(*) FILTER (WHERE status = 'cancelled'),
                      count(*) FILTER (WHERE status = 'rolled_back')] AS "by_status!",
               count(contact_seconds) AS "contacted!",
               percentile_cont(ARRAY [0.5, 0.9, 0.95]) WITHIN GROUP (ORDER BY contact_seconds) AS "contact_seconds?",
               count(*) FILTER (WHERE contact = 'met') AS "met!",
               count(*) FILTER (WHERE contact = 'breached') AS "breached!",
               count(*) FILTER (WHERE contact = 'open') AS "open!",
               count(*) FILTER (WHERE contact = 'ended_before') AS "ended_before!",
               count(meeting_seconds) AS "meetings!",
               percentile_cont(ARRAY [0.5, 0.9, 0.95]) WITHIN GROUP (ORDER BY meeting_seconds) AS "meeting_seconds?",
               count(assignment_seconds) AS "assigned!",
               percentile_cont(ARRAY [0.5, 0.9, 0.95]) WITHIN GROUP (ORDER BY assignment_seconds) AS "assignment_seconds?",
               count(*) FILTER (WHERE acknowledgement = 'met') AS "acknowledge_met!",
               count(*) FILTER (WHERE acknowledgement = 'breached') AS "acknowledge_breached!",
               count(*) FILTER (WHERE acknowledgement = 'open') AS "acknowledge_open!",
               count(*) FILTER (WHERE acknowledgement = 'ended_before') AS "acknowledge_ended_before!",
               count(nps) AS "ratings!",
               coalesce(sum(nps), 0)::bigint AS "ratings_sum!",
               coalesce(sum(completeness), 0)::bigint AS "completeness_sum!",
               count(*) FILTER (WHERE reassignments > 0) AS "reassigned!",
               count(*) FILTER (WHERE rejected) AS "rejected!",
               count(*) FILTER (WHERE fell_back) AS "fell_back!"
        FROM read
        GROUP BY GROUPING SETS ((key), ())
        ORDER BY 1 DESC, key"#,
        period.from,
        period.to,
        group_by,
        now,
    )
    .fetch_all(pool)
    .await
}

/// What the turns of a stretch of time amount to: of a rep in a rotation, or of a way around the rotations.
#[derive(Debug, Clone)]
pub struct TurnsRow {
    pub team_id: String,
    /// Set for turns of the team's rotation.
    pub rep_id: Option<String>,
    /// Set for handoffs to the team that took no turn.
    pub route: Option<String>,
    pub turns: i64,
    /// Of the rep's account, in 1/UNIT.
    pub moved: i64,
}

/// Turns that began in a stretch of time and were not taken back.
///
/// The index of turns begins with the owner. Hence the owners are found first, each by one look into it.
pub async fn turns_between(pool: &PgPool, period: &Period) -> Result<Vec<TurnsRow>, sqlx::Error> {
    sqlx::query_as!(
        TurnsRow,
        r#"
        WITH RECURSIVE owner AS (
          SELECT (SELECT min(owner_id) FROM handoff_turn WHERE NOT credited) AS id
          UNION ALL
          SELECT (SELECT min(t.owner_id) FROM handoff_turn t WHERE NOT t.credited AND t.owner_id > o.id)
          FROM owner o WHERE o.id IS NOT NULL),
        begun AS (
          SELECT t.account_id, t.handoff_id, t.owner_id,
                 t.outcome #>> '{rotation,team}' AS team_id,
                 t.outcome #> '{rotation,turn,moves}' AS moves,
                 coalesce(t.outcome #>> '{route,kind}', t.outcome ->> 'outcome') AS route
          FROM owner o
          JOIN handoff_turn t ON t.owner_id = o.id AND NOT t.credited AND t.assigned_at >= $1 AND t.assigned_at < $2),
        told AS (
          SELECT team_id, owner_id COLLATE "default" AS rep_id, NULL AS route, 1 AS turns, 0::bigint AS moved
          FROM begun WHERE team_id IS NOT NULL
          UNION ALL
          SELECT b.team_id, m.move ->> 'rep', NULL, 0,
                 (m.move ->> 'balanceAfter')::bigint - (m.move ->> 'balanceBefore')::bigint
          FROM begun b CROSS JOIN LATERAL json_array_elements(b.moves) AS m (move)
          WHERE b.team_id IS NOT NULL
          UNION ALL
          SELECT (SELECT h.to_team FROM handoff h WHERE h.account_id = b.account_id AND h.id = b.handoff_id),
                 NULL, b.route, 1, 0
          FROM begun b WHERE b.team_id IS NULL)
        SELECT team_id AS "team_id!", rep_id, route, sum(turns)::bigint AS "turns!", sum(moved)::bigint AS "moved!"
        FROM told GROUP BY team_id, rep_id, route ORDER BY team_id, rep_id, route"#,
        period.from,
        period.to,
    )
    .fetch_all(pool)
    .await
}

/// What is under way, by status.
#[derive(Debug, Clone)]
pub struct LiveRow {
    pub status: String,
    pub count: i64,
    /// Of these, past the deadline without contact.
    pub overdue: i64,
    /// Since when the longest of these waits for an owner.
    pub oldest: Option<DateTime>,
}

/// What is under way, counted up to `counted_max` in each of: held, waiting, with an owner. What has none is no row.
pub async fn handoff_gauges(
    pool: &PgPool,
    now: DateTime,
    counted_max: i64,
) -> Result<Vec<LiveRow>, sqlx::Error> {
    sqlx::query_as!(
        LiveRow,
        r#"
        WITH live AS (
          (SELECT status, due_at, NULL::timestamptz AS waiting_since FROM handoff
           WHERE status IN ('assigned', 'acknowledged', 'contacted', 'meeting_booked') LIMIT $2)
          UNION ALL
          (SELECT status, NULL, waiting_since FROM handoff WHERE status = 'pending' ORDER BY waiting_since, id LIMIT $2)
          UNION ALL
          (SELECT status, NULL, NULL FROM handoff WHERE status = 'held' LIMIT $2))
        SELECT status AS "status!", count(*) AS "count!",
               count(*) FILTER (WHERE status IN ('assigned', 'acknowledged') AND due_at <= $1) AS "overdue!",
               min(waiting_since) AS oldest
        FROM live GROUP BY status"#,
        now,
        counted_max,
    )
    .fetch_all(pool)
    .await
}
