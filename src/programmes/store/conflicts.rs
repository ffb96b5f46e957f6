//! Conflicts between outputs.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::kernel::clock::DateTime;

/// A row of `programme_conflict`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConflictRow {
    pub number: i32,
    pub raised_by: String,
    pub raised_at: DateTime,
    pub files: Vec<String>,
    pub description: String,
    pub decision: Option<String>,
    pub rationale: Option<String>,
    pub decided_by: Option<String>,
    pub decided_at: Option<DateTime>,
    pub applied: Vec<String>,
}

/// Notes a conflict; gives its number.
pub async fn insert_conflict(
    conn: &mut PgConnection,
    programme: Uuid,
    raised_by: &str,
    files: &[String],
    description: &str,
    at: DateTime,
) -> Result<i32, sqlx::Error> {
    sqlx::query_scalar!(
        "INSERT INTO programme_conflict (programme_id, number, raised_by, raised_at, files, description, applied)
         SELECT $1, coalesce((SELECT max(number) FROM programme_conflict WHERE programme_id = $1), 0) + 1, $2, $3, $4, $5, '{}'
         RETURNING number",
        programme,
        raised_by,
        at,
        files,
        description,
    )
    .fetch_one(conn)
    .await
}

/// Writes the decision on a conflict that has none; gives whether it was written.
pub async fn decide_conflict(
    conn: &mut PgConnection,
    programme: Uuid,
    number: i32,
    (decision, rationale, by): (&str, &str, &str),
    at: DateTime,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE programme_conflict SET decision = $3, rationale = $4, decided_by = $5, decided_at = $6
         WHERE programme_id = $1 AND number = $2 AND decision IS NULL",
        programme,
        number,
        decision,
        rationale,
        by,
        at,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Notes that a file was changed because of the decision on a conflict.
pub async fn apply_conflict(
    conn: &mut PgConnection,
    programme: Uuid,
    number: i32,
    path: &str,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE programme_conflict SET applied = array_append(array_remove(applied, $3), $3)
         WHERE programme_id = $1 AND number = $2 AND decision IS NOT NULL",
        programme,
        number,
        path,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// All conflicts of a programme, in order.
pub async fn conflicts(conn: &mut PgConnection, programme: Uuid) -> Result<Vec<ConflictRow>, sqlx::Error> {
    sqlx::query_as!(
        ConflictRow,
        "SELECT number, raised_by, raised_at, files, description, decision, rationale, decided_by, decided_at, applied
         FROM programme_conflict WHERE programme_id = $1 ORDER BY number",
        programme
    )
    .fetch_all(conn)
    .await
}
