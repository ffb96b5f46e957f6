//! Windows that are over, and what was told of them, as rows.

use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::kernel::clock::DateTime;

/// How a scope stood in a window.
#[derive(Debug, Clone)]
pub struct WindowRow {
    pub scope_kind: String,
    pub scope: String,
    pub from_at: DateTime,
    pub to_at: DateTime,
    pub under: bool,
    /// JSON text.
    pub finding: String,
}

/// What was told.
#[derive(Debug, Clone)]
pub struct EscalationRow {
    pub id: Uuid,
    pub scope_kind: String,
    pub scope: String,
    pub rule: String,
    pub occasion: DateTime,
    /// JSON text.
    pub told: String,
    pub at: DateTime,
}

/// Writes windows that nobody has written yet.
pub async fn insert_windows(conn: &mut PgConnection, rows: &[WindowRow]) -> Result<(), sqlx::Error> {
    let texts = |get: fn(&WindowRow) -> &str| rows.iter().map(get).collect::<Vec<_>>();
    sqlx::query!(
        "INSERT INTO watch_window (scope_kind, scope, from_at, to_at, under, finding)
         SELECT u.scope_kind, u.scope, u.from_at, u.to_at, u.under, u.finding::json
         FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::bool[], $6::text[])
           AS u (scope_kind, scope, from_at, to_at, under, finding)
         ORDER BY 1, 2
         ON CONFLICT ON CONSTRAINT watch_window_pkey DO NOTHING",
        &texts(|row| &row.scope_kind) as &[&str],
        &texts(|row| &row.scope) as &[&str],
        &rows.iter().map(|row| row.from_at).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.to_at).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.under).collect::<Vec<_>>(),
        &texts(|row| &row.finding) as &[&str],
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Windows that ended from one instant to another, both included; newest first within each scope.
pub async fn windows(
    conn: &mut PgConnection,
    from: DateTime,
    to: DateTime,
) -> Result<Vec<WindowRow>, sqlx::Error> {
    sqlx::query_as!(
        WindowRow,
        r#"SELECT scope_kind, scope, from_at, to_at, under, finding::text AS "finding!" FROM watch_window
           WHERE to_at >= $1 AND to_at <= $2 ORDER BY scope_kind, scope, to_at DESC"#,
        from,
        to
    )
    .fetch_all(conn)
    .await
}

/// Notes that something is told; false when it was told before.
pub async fn insert_escalation(conn: &mut PgConnection, row: &EscalationRow) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "INSERT INTO watch_escalation (id, scope_kind, scope, rule, occasion, told, at)
         VALUES ($1, $2, $3, $4, $5, $6::text::json, $7)
         ON CONFLICT ON CONSTRAINT watch_escalation_once DO NOTHING",
        row.id,
        row.scope_kind,
        row.scope,
        row.rule,
        row.occasion,
        row.told,
        row.at,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// When each scope was last told of by a rule.
pub async fn last_told(
    conn: &mut PgConnection,
    rule: &str,
) -> Result<Vec<(String, String, DateTime)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT scope_kind, scope, max(occasion) AS "occasion!" FROM watch_escalation
           WHERE rule = $1 GROUP BY scope_kind, scope"#,
        rule
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.scope_kind, row.scope, row.occasion)).collect())
}

/// What was told since an instant, newest first.
pub async fn escalations(
    pool: &PgPool,
    since: DateTime,
    limit: i64,
) -> Result<Vec<EscalationRow>, sqlx::Error> {
    sqlx::query_as!(
        EscalationRow,
        r#"SELECT id, scope_kind, scope, rule, occasion, told::text AS "told!", at FROM watch_escalation
           WHERE at >= $1 ORDER BY at DESC, id DESC LIMIT $2"#,
        since,
        limit
    )
    .fetch_all(pool)
    .await
}

/// One look at a time: others wait until the transaction ends.
pub async fn take_turn(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    // Any number that nothing else takes.
    sqlx::query!("SELECT pg_advisory_xact_lock(7103)").execute(conn).await?;
    Ok(())
}
