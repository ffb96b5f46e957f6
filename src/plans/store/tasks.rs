//! Tasks: those of a plan, and those that somebody can take.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::types::Json;
use sqlx::{PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use crate::kernel::clock::DateTime;
use crate::plans::lifecycle::TaskState;

/// A row of `plan_task`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TaskRow {
    pub account_id: String,
    pub plan_id: Uuid,
    pub id: Uuid,
    pub name: String,
    /// In the document; none once it was taken out.
    pub place: Option<i32>,
    pub title: String,
    pub work: String,
    pub owner: String,
    pub checkpoint: bool,
    pub start_at: DateTime,
    pub end_at: DateTime,
    pub state: TaskState,
    pub next_at: Option<DateTime>,
    pub result: Option<Value>,
    pub ended_at: Option<DateTime>,
    pub ended_by: Option<String>,
}

/// The tasks of a plan in the order of the document, then those that were taken out of it.
pub async fn tasks_of(
    conn: &mut PgConnection,
    account_id: &str,
    plan_id: Uuid,
) -> Result<Vec<TaskRow>, sqlx::Error> {
    let rows = sqlx::query_scalar!(
        r#"SELECT row_to_json(t) AS "task!: Json<TaskRow>" FROM plan_task t
           WHERE account_id = $1 AND plan_id = $2 ORDER BY place NULLS LAST, name"#,
        account_id,
        plan_id,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

/// Locks tasks of a plan, whose row is locked by the caller, and reads them anew: somebody may have taken one meanwhile.
pub async fn lock_tasks(
    conn: &mut PgConnection,
    account_id: &str,
    plan_id: Uuid,
    ids: &[Uuid],
) -> Result<Vec<TaskRow>, sqlx::Error> {
    let rows = sqlx::query_scalar!(
        r#"SELECT row_to_json(t) AS "task!: Json<TaskRow>" FROM plan_task t
           WHERE account_id = $1 AND plan_id = $2 AND id = ANY ($3) ORDER BY id FOR NO KEY UPDATE OF t"#,
        account_id,
        plan_id,
        ids,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

/// A task that is ready, locked, and the token for whoever takes it.
pub struct Claimable {
    pub task: TaskRow,
    pub token: i64,
}

/// Locks up to `limit` tasks that can be taken, those that are planned to begin first before the others. One for which time
/// has something in store by now is left to the job that brings it; of a plan that is held nobody gets any.
pub async fn claim(
    conn: &mut PgConnection,
    works: Option<&[String]>,
    plan_id: Option<Uuid>,
    now: DateTime,
    limit: i64,
) -> Result<Vec<Claimable>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"WITH found AS MATERIALIZED (
             SELECT row_to_json(t) AS task FROM plan_task t
             WHERE t.status = 'ready' AND (t.next_at IS NULL OR t.next_at > $3)
               AND ($1::text[] IS NULL OR t.work = ANY ($1)) AND ($2::uuid IS NULL OR t.plan_id = $2)
               AND NOT EXISTS (SELECT FROM plan p
                               WHERE p.account_id = t.account_id AND p.id = t.plan_id AND p.paused IS NOT NULL)
             ORDER BY t.start_at, t.id LIMIT $4 FOR NO KEY UPDATE OF t SKIP LOCKED)
           SELECT task AS "task!: Json<TaskRow>", nextval('work_lease') AS "token!" FROM found"#,
        works,
        plan_id,
        now,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| Claimable { task: row.task.0, token: row.token }).collect())
}

/// Writes how far tasks have come. They are locked by the caller.
pub async fn update_tasks(conn: &mut PgConnection, tasks: &[TaskRow]) -> Result<(), sqlx::Error> {
    if tasks.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        r#"UPDATE plan_task t SET state = r.state, next_at = r.next_at, result = r.result, ended_at = r.ended_at,
                  ended_by = r.ended_by
           FROM json_populate_recordset(NULL::plan_task, $1::json) AS r
           WHERE t.account_id = r.account_id AND t.plan_id = r.plan_id AND t.id = r.id"#,
        Json(tasks) as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes tasks as a version has them, and makes those that are new.
pub async fn upsert_tasks(conn: &mut PgConnection, tasks: &[TaskRow]) -> Result<(), sqlx::Error> {
    if tasks.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        r#"INSERT INTO plan_task AS t (account_id, plan_id, id, name, place, title, work, owner, checkpoint, start_at, end_at,
                                  state, next_at, result, ended_at, ended_by)
           SELECT account_id, plan_id, id, name, place, title, work, owner, checkpoint, start_at, end_at, state, next_at,
                  result, ended_at, ended_by
           FROM json_populate_recordset(NULL::plan_task, $1::json)
           ON CONFLICT ON CONSTRAINT plan_task_pkey DO UPDATE SET
             place = excluded.place, title = excluded.title, work = excluded.work, owner = excluded.owner,
             checkpoint = excluded.checkpoint, start_at = excluded.start_at, end_at = excluded.end_at,
             state = excluded.state, next_at = excluded.next_at, result = excluded.result,
             ended_at = excluded.ended_at, ended_by = excluded.ended_by"#,
        Json(tasks) as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The plan of a task.
pub async fn plan_of(conn: &mut PgConnection, task_id: Uuid) -> Result<Option<Uuid>, sqlx::Error> {
    sqlx::query_scalar!("SELECT plan_id FROM plan_task WHERE id = $1", task_id).fetch_optional(conn).await
}

/// A task as it stands.
pub async fn find_task(conn: &mut PgConnection, id: Uuid) -> Result<Option<TaskRow>, sqlx::Error> {
    let row = sqlx::query_scalar!(
        r#"SELECT row_to_json(t) AS "task!: Json<TaskRow>" FROM plan_task t WHERE id = $1"#,
        id
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| row.0))
}

/// Which tasks to list.
#[derive(Debug, Clone, Default)]
pub struct TaskFilter {
    pub status: Option<&'static str>,
    pub work: Option<String>,
    pub owner: Option<String>,
    pub held_by: Option<String>,
    pub plan_id: Option<Uuid>,
    pub account_id: Option<String>,
    /// Only those past their planned end and not over, or only the others; by now.
    pub overdue: Option<(bool, DateTime)>,
    /// Only tasks behind this one: (start, id).
    pub after: Option<(DateTime, Uuid)>,
    pub limit: i64,
}

/// Tasks of plans that run, in the order in which they are planned to begin.
pub async fn list_tasks(conn: &mut PgConnection, filter: &TaskFilter) -> Result<Vec<TaskRow>, sqlx::Error> {
    let mut query =
        QueryBuilder::<Postgres>::new("SELECT row_to_json(t) FROM plan_task t WHERE t.place IS NOT NULL");
    if let Some(status) = filter.status {
        query.push(" AND status = ").push_bind(status);
    }
    for (column, value) in [("work", &filter.work), ("owner", &filter.owner), ("held_by", &filter.held_by)] {
        if let Some(value) = value {
            query.push(format!(" AND {column} = ")).push_bind(value);
        }
    }
    if let Some(plan_id) = filter.plan_id {
        query.push(" AND plan_id = ").push_bind(plan_id);
    }
    if let Some(account_id) = &filter.account_id {
        query.push(" AND account_id = ").push_bind(account_id);
    }
    if let Some((overdue, now)) = filter.overdue {
        query.push(if overdue { " AND " } else { " AND NOT " });
        query.push("(end_at <= ").push_bind(now);
        query.push(" AND status IN ('waiting', 'ready', 'claimed', 'escalated'))");
    }
    if let Some((start_at, id)) = filter.after {
        query.push(" AND (start_at, id) > (").push_bind(start_at).push(", ").push_bind(id).push(")");
    }
    query.push(" ORDER BY start_at, id LIMIT ").push_bind(filter.limit);
    let rows: Vec<Json<TaskRow>> = query.build_query_scalar().fetch_all(conn).await?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}
