//! The SQL of how far readings of whole systems have come.

use sqlx::PgConnection;

use crate::kernel::clock::DateTime;

/// How far the reading of a kind of object has come.
#[derive(Debug, Clone, PartialEq)]
pub struct SyncProgress {
    pub connector: String,
    pub object: String,
    pub started_at: DateTime,
    pub cursor: Option<String>,
    pub pages: i64,
    pub objects: i64,
    pub total: Option<i64>,
    pub changed_at: DateTime,
    pub finished_at: Option<DateTime>,
    pub last_error: Option<String>,
}

/// The readings of a connector, in the order of their kinds' names.
pub(in crate::connectors) async fn progress(
    conn: &mut PgConnection,
    connector: &str,
) -> Result<Vec<SyncProgress>, sqlx::Error> {
    sqlx::query_as!(
        SyncProgress,
        r#"SELECT connector, object, started_at, cursor, pages, objects, total, changed_at, finished_at, last_error
           FROM sync_progress WHERE connector = $1 ORDER BY object"#,
        connector,
    )
    .fetch_all(conn)
    .await
}

/// Begins readings from the beginning; one that is under way goes on where it is.
pub(in crate::connectors) async fn begin_progress(
    conn: &mut PgConnection,
    connector: &str,
    objects: &[&str],
    now: DateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"INSERT INTO sync_progress AS s (connector, object, started_at, changed_at)
           SELECT $1, object, $3, $3 FROM unnest($2::text[]) AS o (object)
           ON CONFLICT (connector, object) DO UPDATE SET
             started_at = $3, changed_at = $3, cursor = NULL, pages = 0, objects = 0, total = NULL,
             finished_at = NULL, last_error = NULL
           WHERE s.finished_at IS NOT NULL"#,
        connector,
        objects as &[&str],
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes that a page was taken.
pub(in crate::connectors) async fn advance(
    conn: &mut PgConnection,
    connector: &str,
    object: &str,
    (objects, next, total): (i64, Option<&str>, Option<i64>),
    now: DateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"UPDATE sync_progress SET cursor = $4, pages = pages + 1, objects = objects + $3,
                  total = coalesce($5, total), changed_at = $6, last_error = NULL,
                  finished_at = CASE WHEN $4::text IS NULL THEN $6::timestamptz END
           WHERE connector = $1 AND object = $2"#,
        connector,
        object,
        objects,
        next,
        total,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes why a reading does not go on.
pub(in crate::connectors) async fn stumble(
    conn: &mut PgConnection,
    connector: &str,
    object: &str,
    error: &str,
    now: DateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE sync_progress SET last_error = $3, changed_at = $4 WHERE connector = $1 AND object = $2",
        connector,
        object,
        error,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}
