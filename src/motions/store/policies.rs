//! Policies as rows: stored once by content, one of them in force.

use sqlx::{PgConnection, PgPool};

use crate::kernel::clock::DateTime;

/// A stored policy version.
#[derive(Debug, Clone)]
pub struct PolicyRow {
    pub version: String,
    pub name: String,
    pub body: String,
    pub format: String,
    pub created_at: DateTime,
    pub created_by: String,
    /// Who made it, by name, where they gave it.
    pub author: Option<String>,
    /// Whether it is the one in force.
    pub active: bool,
    pub activated_at: Option<DateTime>,
    /// When it comes into force, where it waits for that.
    pub scheduled_at: Option<DateTime>,
}

/// A version that is to be stored.
#[derive(Debug)]
pub struct NewPolicy<'a> {
    pub version: &'a str,
    pub name: &'a str,
    pub body: &'a str,
    pub format: &'a str,
    pub created_by: &'a str,
    pub author: Option<&'a str>,
    /// The author as people are compared; empty where there is none.
    pub maker: &'a str,
}

/// Stores a version; false when it was there before.
pub async fn insert_policy(
    conn: &mut PgConnection,
    policy: &NewPolicy<'_>,
    now: DateTime,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        r#"INSERT INTO policy (version, name, body, format, created_at, created_by, author, maker)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (version) DO NOTHING"#,
        policy.version,
        policy.name,
        policy.body,
        policy.format,
        now,
        policy.created_by,
        policy.author,
        policy.maker,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// All versions, newest first.
pub async fn list_policies(
    pool: &PgPool,
    before: Option<(DateTime, String)>,
    limit: i64,
) -> Result<Vec<PolicyRow>, sqlx::Error> {
    let (at, version) = before.unzip();
    sqlx::query_as!(
        PolicyRow,
        r#"SELECT p.version, p.name, p.body, p.format, p.created_at, p.created_by, p.author,
                  a.version IS NOT NULL AS "active!", a.activated_at AS "activated_at?", s.due_at AS "scheduled_at?"
           FROM policy p LEFT JOIN policy_active a ON a.version = p.version
           LEFT JOIN policy_activation s ON s.version = p.version AND s.status = 'scheduled'
           WHERE $1::timestamptz IS NULL OR (p.created_at, p.version) < ($1, $2)
           ORDER BY p.created_at DESC, p.version DESC LIMIT $3"#,
        at,
        version,
        limit,
    )
    .fetch_all(pool)
    .await
}

/// One version.
pub async fn find_policy(pool: &PgPool, version: &str) -> Result<Option<PolicyRow>, sqlx::Error> {
    sqlx::query_as!(
        PolicyRow,
        r#"SELECT p.version, p.name, p.body, p.format, p.created_at, p.created_by, p.author,
                  a.version IS NOT NULL AS "active!", a.activated_at AS "activated_at?", s.due_at AS "scheduled_at?"
           FROM policy p LEFT JOIN policy_active a ON a.version = p.version
           LEFT JOIN policy_activation s ON s.version = p.version AND s.status = 'scheduled'
           WHERE p.version = $1"#,
        version
    )
    .fetch_optional(pool)
    .await
}

/// The text of a version, as it was given.
pub struct PolicyBody {
    pub body: String,
    pub format: String,
}

/// The text of a version.
pub async fn policy_body(conn: &mut PgConnection, version: &str) -> Result<Option<PolicyBody>, sqlx::Error> {
    sqlx::query_as!(PolicyBody, "SELECT body, format FROM policy WHERE version = $1", version)
        .fetch_optional(conn)
        .await
}

/// The version in force.
pub async fn active_version(conn: &mut PgConnection) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!("SELECT version FROM policy_active").fetch_optional(conn).await
}
