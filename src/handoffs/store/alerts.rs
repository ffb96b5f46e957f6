//! The rows of alerts: what people had of late, and what was held back.
//!
//! Promises: whoever reads what somebody had holds it until the end of the transaction, so that two never give out the
//! same last place.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool, Postgres, QueryBuilder};
use uuid::Uuid;

use crate::handoffs::alerts::{HeldAlert, Matters, Sent};
use crate::handoffs::assign::names::RepId;
use crate::kernel::clock::DateTime;
use crate::motions::Urgency;

/// What people had of late; holds them until the transaction ends, always in the same order.
pub async fn lock_budgets(
    conn: &mut PgConnection,
    reps: &[&str],
) -> Result<BTreeMap<RepId, Sent>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"INSERT INTO alert_budget AS b (rep_id, sent)
           SELECT DISTINCT u.rep_id COLLATE "C", '{}'::timestamptz[] FROM unnest($1::text[]) AS u (rep_id) ORDER BY 1
           ON CONFLICT (rep_id) DO UPDATE SET sent = b.sent
           RETURNING rep_id, sent"#,
        reps as &[&str],
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().filter_map(|row| Some((RepId::parse(&row.rep_id).ok()?, Sent(row.sent)))).collect())
}

/// Writes what people have had, under their locks.
pub async fn write_budgets(conn: &mut PgConnection, sent: &BTreeMap<RepId, Sent>) -> Result<(), sqlx::Error> {
    #[derive(Serialize)]
    struct Row<'a> {
        rep_id: &'a RepId,
        sent: &'a Sent,
    }
    let rows: Vec<Row<'_>> = sent.iter().map(|(rep_id, sent)| Row { rep_id, sent }).collect();
    sqlx::query!(
        "UPDATE alert_budget b SET sent = r.sent
         FROM json_populate_recordset(NULL::alert_budget, $1::json) AS r WHERE b.rep_id = r.rep_id",
        Json(rows) as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// An alert that was held back, column by column.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HeldAlertRow {
    pub account_id: String,
    pub id: Uuid,
    pub rep_id: RepId,
    pub handoff_id: Uuid,
    pub entry_id: Uuid,
    pub account_name: String,
    pub title: String,
    pub body: String,
    pub priority: Urgency,
    pub matters: Matters,
    pub reason: String,
    pub held_at: DateTime,
    pub state: String,
    pub digest_id: Option<Uuid>,
    pub settled_at: Option<DateTime>,
    pub dropped_because: Option<String>,
}

/// Holds alerts back.
pub async fn insert_held(conn: &mut PgConnection, held: &[HeldAlertRow]) -> Result<(), sqlx::Error> {
    if held.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO held_alert SELECT * FROM json_populate_recordset(NULL::held_alert, $1::json)",
        Json(held) as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What is held for a person, oldest first, each with how its handoff stands. Under the lock of [`lock_budgets`].
pub async fn held_for(
    conn: &mut PgConnection,
    rep: &RepId,
    limit: i64,
) -> Result<Vec<HeldAlert>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT a.account_id, a.id, a.handoff_id, a.account_name, a.title, a.body, a.held_at,
                  to_json(a.priority) AS "priority!: Json<Urgency>", to_json(a.matters) AS "matters!: Json<Matters>",
                  to_json(h.status) AS "status!: Json<crate::handoffs::handoff::Status>",
                  h.owner_id
           FROM held_alert a JOIN handoff h ON h.account_id = a.account_id AND h.id = a.handoff_id
           WHERE a.rep_id = $1 AND a.state = 'held' ORDER BY a.id LIMIT $2"#,
        rep.as_str(),
        limit,
    )
    .fetch_all(conn)
    .await?;
    let held = rows.into_iter().map(|row| HeldAlert {
        account_id: row.account_id,
        id: row.id,
        handoff_id: row.handoff_id,
        account_name: row.account_name,
        title: row.title,
        body: row.body,
        priority: row.priority.0,
        matters: row.matters.0,
        held_at: row.held_at,
        status: row.status.0,
        owner_id: row.owner_id.and_then(|owner| RepId::parse(&owner).ok()),
    });
    Ok(held.collect())
}

/// What became of a held alert.
#[derive(Debug, Clone)]
pub struct Settled {
    pub account_id: String,
    pub id: Uuid,
    /// Why it was dropped; none for one that is in the digest.
    pub dropped_because: Option<&'static str>,
}

/// Notes what became of held alerts: part of the digest, or dropped. Gives how many were still held.
pub async fn settle_held(
    conn: &mut PgConnection,
    settled: &[Settled],
    digest_id: Uuid,
    now: DateTime,
) -> Result<u64, sqlx::Error> {
    let accounts: Vec<&str> = settled.iter().map(|one| one.account_id.as_str()).collect();
    let ids: Vec<Uuid> = settled.iter().map(|one| one.id).collect();
    let reasons: Vec<Option<&str>> = settled.iter().map(|one| one.dropped_because).collect();
    let done = sqlx::query!(
        r#"UPDATE held_alert a SET settled_at = $5, dropped_because = s.reason,
                  state = CASE WHEN s.reason IS NULL THEN 'digested' ELSE 'dropped' END,
                  digest_id = CASE WHEN s.reason IS NULL THEN $4::uuid END
           FROM unnest($1::text[], $2::uuid[], $3::text[]) AS s (account_id, id, reason)
           WHERE a.account_id = s.account_id AND a.id = s.id AND a.state = 'held'"#,
        &accounts as &[&str],
        &ids,
        &reasons as &[Option<&str>],
        digest_id,
        now,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Which held alerts to list.
#[derive(Debug, Clone, Default)]
pub struct HeldFilter {
    pub rep_id: Option<String>,
    pub state: Option<&'static str>,
    pub handoff_id: Option<Uuid>,
    /// Only alerts before this one, newest first.
    pub before: Option<Uuid>,
    pub limit: i64,
}

/// Alerts that were held back, newest first.
pub async fn list_held(pool: &PgPool, filter: &HeldFilter) -> Result<Vec<HeldAlertRow>, sqlx::Error> {
    let mut query = QueryBuilder::<Postgres>::new("SELECT row_to_json(a) FROM held_alert a WHERE true");
    if let Some(rep_id) = &filter.rep_id {
        query.push(" AND rep_id = ").push_bind(rep_id);
    }
    if let Some(state) = filter.state {
        query.push(" AND state = ").push_bind(state);
    }
    if let Some(handoff_id) = filter.handoff_id {
        query.push(" AND handoff_id = ").push_bind(handoff_id);
    }
    if let Some(before) = filter.before {
        query.push(" AND id < ").push_bind(before);
    }
    query.push(" ORDER BY id DESC LIMIT ").push_bind(filter.limit);
    let rows: Vec<Json<HeldAlertRow>> = query.build_query_scalar().fetch_all(pool).await?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}
