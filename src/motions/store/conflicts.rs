//! Conflicts: `RevOps`' queue.

use sqlx::{PgConnection, PgPool, Postgres, QueryBuilder};
use uuid::Uuid;

use crate::kernel::clock::DateTime;

/// A conflict with both sides' reasons.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Conflict {
    pub account_id: String,
    pub id: Uuid,
    pub opened_at: DateTime,
    pub holder_claim: Uuid,
    pub holder_motion: String,
    pub holder_reason: String,
    pub wanted_motion: String,
    pub wanted_reason: String,
    pub decision_id: Uuid,
    pub resolution: Option<String>,
    pub note: Option<String>,
    pub resolved_by: Option<String>,
    pub resolved_at: Option<DateTime>,
}

/// What to list.
#[derive(Debug, Clone, Default)]
pub struct ConflictFilter {
    /// Some(true): open ones; Some(false): resolved ones.
    pub open: Option<bool>,
    pub account_id: Option<String>,
    pub before: Option<Uuid>,
    pub limit: i64,
}

/// Conflicts, newest first.
pub async fn list_conflicts(pool: &PgPool, filter: &ConflictFilter) -> Result<Vec<Conflict>, sqlx::Error> {
    let mut query = QueryBuilder::<Postgres>::new("SELECT * FROM conflict WHERE true");
    match filter.open {
        Some(true) => {
            query.push(" AND resolution IS NULL");
        }
        Some(false) => {
            query.push(" AND resolution IS NOT NULL");
        }
        None => {}
    }
    if let Some(account_id) = &filter.account_id {
        query.push(" AND account_id = ").push_bind(account_id);
    }
    if let Some(before) = filter.before {
        query.push(" AND id < ").push_bind(before);
    }
    query.push(" ORDER BY id DESC LIMIT ").push_bind(filter.limit);
    query.build_query_as().fetch_all(pool).await
}

/// One conflict by its id.
pub async fn find_conflict(pool: &PgPool, id: Uuid) -> Result<Option<Conflict>, sqlx::Error> {
    sqlx::query_as("SELECT * FROM conflict WHERE id = $1").bind(id).fetch_optional(pool).await
}

/// Resolves an open conflict; gives it back, or none when it was resolved before.
pub async fn resolve_conflict(
    conn: &mut PgConnection,
    account_id: &str,
    id: Uuid,
    resolution: &str,
    note: &str,
    by: &str,
    now: DateTime,
) -> Result<Option<Conflict>, sqlx::Error> {
    sqlx::query_as!(
        Conflict,
        r#"UPDATE conflict SET resolution = $3, note = $4, resolved_by = $5, resolved_at = $6
           WHERE account_id = $1 AND id = $2 AND resolution IS NULL RETURNING *"#,
        account_id,
        id,
        resolution,
        note,
        by,
        now,
    )
    .fetch_optional(conn)
    .await
}

/// Closes the open conflicts of accounts whose holder no longer holds them: the question has answered itself.
pub async fn lapse_conflicts(
    conn: &mut PgConnection,
    account_ids: &[&str],
    now: DateTime,
) -> Result<(), sqlx::Error> {
    if account_ids.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        r#"UPDATE conflict c SET resolution = 'lapsed', resolved_by = 'system', resolved_at = $2
           FROM motion_claim h
           WHERE c.account_id = ANY ($1) AND c.resolution IS NULL
             AND h.account_id = c.account_id AND h.id = c.holder_claim AND h.released_at IS NOT NULL"#,
        account_ids as &[&str],
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}
