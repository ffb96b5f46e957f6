//! Plans, their versions, gates and timelines.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool, Postgres, QueryBuilder};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::kernel::clock::DateTime;
use crate::plans::lifecycle::{GateState, Watch};
use crate::plans::model::PlanKind;

/// A row of `plan`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlanRow {
    pub account_id: String,
    pub id: Uuid,
    pub kind: PlanKind,
    /// `draft`, `running`, `done` or `cancelled`.
    pub status: String,
    pub objective: String,
    pub version: i32,
    pub starts_at: DateTime,
    pub ends_at: DateTime,
    pub deadline: Option<DateTime>,
    pub watch: Watch,
    pub alarms: i32,
    pub created_at: DateTime,
    pub created_by: String,
    pub started_at: Option<DateTime>,
    pub ended_at: Option<DateTime>,
    /// While nobody is given a task of it.
    pub paused: Option<Paused>,
    /// How long it was held in all, in seconds, without the pause that goes on.
    pub paused_secs: i64,
}

impl PlanRow {
    /// Ends the pause that goes on.
    pub fn go_on(&mut self, now: DateTime) {
        if let Some(paused) = self.paused.take() {
            self.paused_secs += (now - paused.at).num_seconds().max(0);
        }
    }

    /// Ends the plan.
    pub fn end(&mut self, status: &str, now: DateTime) {
        self.go_on(now);
        status.clone_into(&mut self.status);
        self.ended_at = Some(now);
    }
}

/// Who holds a plan, since when and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = PlanPaused)]
pub struct Paused {
    pub at: DateTime,
    pub by: String,
    pub why: String,
}

/// A row of `plan_version`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct VersionRow {
    pub account_id: String,
    pub plan_id: Uuid,
    pub version: i32,
    /// The document.
    pub doc: Box<RawValue>,
    /// A list of changes.
    pub changes: Box<RawValue>,
    pub why: String,
    pub created_by: String,
    pub created_at: DateTime,
}

/// A row of `plan_gate`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GateRow {
    pub account_id: String,
    pub plan_id: Uuid,
    pub name: String,
    pub state: GateState,
}

/// A row of `plan_entry`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EntryRow {
    pub account_id: String,
    pub plan_id: Uuid,
    pub id: Uuid,
    pub at: DateTime,
    pub noted_at: DateTime,
    pub name: Option<String>,
    pub what: String,
    pub actor: String,
    pub doc: Value,
    pub once: Option<String>,
}

/// Reads a plan and locks it.
pub async fn lock_plan(conn: &mut PgConnection, id: Uuid) -> Result<Option<PlanRow>, sqlx::Error> {
    let row = sqlx::query_scalar!(
        r#"SELECT row_to_json(p) AS "plan!: Json<PlanRow>" FROM plan p WHERE id = $1 FOR NO KEY UPDATE OF p"#,
        id
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| row.0))
}

/// A plan as it stands.
pub async fn find_plan(conn: &mut PgConnection, id: Uuid) -> Result<Option<PlanRow>, sqlx::Error> {
    let row = sqlx::query_scalar!(
        r#"SELECT row_to_json(p) AS "plan!: Json<PlanRow>" FROM plan p WHERE id = $1"#,
        id
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| row.0))
}

/// Makes a plan.
pub async fn insert_plan(conn: &mut PgConnection, plan: &PlanRow) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO plan SELECT * FROM json_populate_record(NULL::plan, $1::json)",
        Json(plan) as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes where a plan stands. It is locked by the caller.
pub async fn update_plan(conn: &mut PgConnection, plan: &PlanRow) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"UPDATE plan p SET status = r.status, objective = r.objective, version = r.version, starts_at = r.starts_at,
                  ends_at = r.ends_at, deadline = r.deadline, watch = r.watch, alarms = r.alarms,
                  started_at = r.started_at, ended_at = r.ended_at, paused = r.paused, paused_secs = r.paused_secs
           FROM json_populate_record(NULL::plan, $1::json) AS r
           WHERE p.account_id = r.account_id AND p.id = r.id"#,
        Json(plan) as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Adds a version.
pub async fn insert_version(conn: &mut PgConnection, version: &VersionRow) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO plan_version SELECT * FROM json_populate_record(NULL::plan_version, $1::json)",
        Json(version) as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// One version of a plan.
pub async fn version(
    conn: &mut PgConnection,
    account_id: &str,
    plan_id: Uuid,
    version: i32,
) -> Result<Option<VersionRow>, sqlx::Error> {
    let row = sqlx::query_scalar!(
        r#"SELECT row_to_json(v) AS "version!: Json<VersionRow>" FROM plan_version v
           WHERE account_id = $1 AND plan_id = $2 AND version = $3"#,
        account_id,
        plan_id,
        version,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| row.0))
}

/// The versions of a plan before one, newest first; `None` is the newest.
pub async fn versions(
    conn: &mut PgConnection,
    account_id: &str,
    plan_id: Uuid,
    before: Option<i32>,
    limit: i64,
) -> Result<Vec<VersionRow>, sqlx::Error> {
    let rows = sqlx::query_scalar!(
        r#"SELECT row_to_json(v) AS "version!: Json<VersionRow>" FROM plan_version v
           WHERE account_id = $1 AND plan_id = $2 AND version < coalesce($3, 2147483647)
           ORDER BY version DESC LIMIT $4"#,
        account_id,
        plan_id,
        before,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

/// The gates of a plan.
pub async fn gates(
    conn: &mut PgConnection,
    account_id: &str,
    plan_id: Uuid,
) -> Result<Vec<GateRow>, sqlx::Error> {
    let rows = sqlx::query_scalar!(
        r#"SELECT row_to_json(g) AS "gate!: Json<GateRow>" FROM plan_gate g WHERE account_id = $1 AND plan_id = $2"#,
        account_id,
        plan_id,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

/// Writes where gates stand, and makes those that are new.
pub async fn upsert_gates(conn: &mut PgConnection, gates: &[GateRow]) -> Result<(), sqlx::Error> {
    if gates.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        r#"INSERT INTO plan_gate (account_id, plan_id, name, state)
           SELECT account_id, plan_id, name, state FROM json_populate_recordset(NULL::plan_gate, $1::json)
           ON CONFLICT ON CONSTRAINT plan_gate_pkey DO UPDATE SET state = excluded.state"#,
        Json(gates) as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Adds to timelines.
pub async fn insert_entries(conn: &mut PgConnection, entries: &[EntryRow]) -> Result<(), sqlx::Error> {
    if entries.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO plan_entry SELECT * FROM json_populate_recordset(NULL::plan_entry, $1::json)",
        Json(entries) as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What happened to a plan, newest first, before one entry.
pub async fn entries(
    conn: &mut PgConnection,
    account_id: &str,
    plan_id: Uuid,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<EntryRow>, sqlx::Error> {
    let rows = sqlx::query_scalar!(
        r#"SELECT row_to_json(e) AS "entry!: Json<EntryRow>" FROM plan_entry e
           WHERE account_id = $1 AND plan_id = $2 AND ($3::uuid IS NULL OR id < $3) ORDER BY id DESC LIMIT $4"#,
        account_id,
        plan_id,
        before,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

/// Which plans to list.
#[derive(Debug, Clone, Default)]
pub struct PlanFilter {
    pub kind: Option<PlanKind>,
    pub status: Option<&'static str>,
    pub account_id: Option<String>,
    /// Only plans before this one, newest first.
    pub before: Option<Uuid>,
    pub limit: i64,
}

/// Plans, newest first.
pub async fn list_plans(conn: &mut PgConnection, filter: &PlanFilter) -> Result<Vec<PlanRow>, sqlx::Error> {
    let mut query = QueryBuilder::<Postgres>::new("SELECT row_to_json(p) FROM plan p WHERE true");
    if let Some(kind) = filter.kind {
        query.push(" AND kind = ").push_bind(kind.name());
    }
    if let Some(status) = filter.status {
        query.push(" AND status = ").push_bind(status);
    }
    if let Some(account_id) = &filter.account_id {
        query.push(" AND account_id = ").push_bind(account_id);
    }
    if let Some(before) = filter.before {
        query.push(" AND id < ").push_bind(before);
    }
    query.push(" ORDER BY id DESC LIMIT ").push_bind(filter.limit);
    let rows: Vec<Json<PlanRow>> = query.build_query_scalar().fetch_all(conn).await?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

/// How many there are of a status, for the measurements.
#[derive(Debug)]
pub struct PlanGauge {
    /// Of a plan its kind, of a task its status.
    pub name: String,
    pub count: i64,
    pub overdue: i64,
}

/// Plans that run by kind, and tasks that are not over by status; counting ends at `counted_max`.
pub async fn plan_gauges(
    pool: &PgPool,
    now: DateTime,
    counted_max: i64,
) -> Result<(Vec<PlanGauge>, Vec<PlanGauge>), sqlx::Error> {
    let plans = sqlx::query_as!(
        PlanGauge,
        r#"SELECT kind AS name, count(*) AS "count!", count(*) FILTER (WHERE deadline <= $1) AS "overdue!"
           FROM (SELECT kind, deadline FROM plan WHERE status = 'running' LIMIT $2) AS p GROUP BY kind"#,
        now,
        counted_max,
    )
    .fetch_all(pool)
    .await?;
    let tasks = sqlx::query_as!(
        PlanGauge,
        r#"SELECT status AS name, count(*) AS "count!", count(*) FILTER (WHERE end_at <= $1) AS "overdue!"
           FROM (SELECT t.status, t.end_at FROM plan_task t
                 JOIN plan p ON p.account_id = t.account_id AND p.id = t.plan_id AND p.status = 'running'
                 WHERE t.status IN ('waiting', 'ready', 'claimed', 'escalated') LIMIT $2) AS t GROUP BY status"#,
        now,
        counted_max,
    )
    .fetch_all(pool)
    .await?;
    Ok((plans, tasks))
}
