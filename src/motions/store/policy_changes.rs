//! The way of policies into force and back as rows: reviews, and the history of activations.
//!
//! Promises: whoever changes what is in force holds the one row of `policy_active` ([`lock_active`]), and whoever weighs or
//! writes a review the row of its version ([`hold_policy`]).

use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::kernel::clock::DateTime;

/// Which version is in force, by which activation.
#[derive(Debug, Clone)]
pub struct ActiveRow {
    pub version: String,
    pub activation_id: Uuid,
}

/// An activation.
#[derive(Debug, Clone)]
pub struct ActivationRow {
    pub id: Uuid,
    pub version: String,
    pub kind: String,
    pub status: String,
    /// The version that was in force when it was asked for.
    pub base: Option<String>,
    /// The activation that a roll-back of this one puts back.
    pub back_to: Option<Uuid>,
    pub asked_by: String,
    pub asked_at: DateTime,
    pub note: Option<String>,
    pub due_at: DateTime,
    /// Whose approval it rests on, as people are compared.
    pub approved_by: Option<String>,
    pub in_force_at: Option<DateTime>,
    pub ended_at: Option<DateTime>,
    pub ended_by: Option<String>,
    pub ended_why: Option<String>,
}

/// An activation as it is listed.
#[derive(Debug, Clone)]
pub struct ActivationLine {
    pub row: ActivationRow,
    /// The name of its policy.
    pub name: String,
    /// Whose approval it rests on, by name.
    pub approver: Option<String>,
    /// The version that a roll-back would put back; of the one in force only.
    pub rollback_to: Option<String>,
}

/// How an activation ends.
#[derive(Debug)]
pub struct Ending<'a> {
    pub status: &'a str,
    pub by: &'a str,
    pub why: Option<&'a str>,
}

/// A review.
#[derive(Debug, Clone)]
pub struct ReviewRow {
    /// The name as people are compared.
    pub person: String,
    pub name: String,
    pub actor: String,
    pub verdict: String,
    pub comment: Option<String>,
    pub at: DateTime,
}

/// What is in force, held until the transaction ends.
pub async fn lock_active(conn: &mut PgConnection) -> Result<Option<ActiveRow>, sqlx::Error> {
    sqlx::query_as!(ActiveRow, "SELECT version, activation_id FROM policy_active FOR UPDATE")
        .fetch_optional(conn)
        .await
}

/// Holds a version, so that no review comes in between; false when there is none.
pub async fn hold_policy(conn: &mut PgConnection, version: &str) -> Result<bool, sqlx::Error> {
    let held =
        sqlx::query_scalar!("SELECT version FROM policy WHERE version = $1 FOR NO KEY UPDATE", version)
            .fetch_optional(conn)
            .await?;
    Ok(held.is_some())
}

/// Writes a review, with who made the version as its row has it.
pub async fn insert_review(
    conn: &mut PgConnection,
    version: &str,
    row: &ReviewRow,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO policy_review (version, person, name, actor, verdict, comment, at, made_with, maker)
         SELECT version, $2, $3, $4, $5, $6, $7, created_by, maker FROM policy WHERE version = $1",
        version,
        row.person,
        row.name,
        row.actor,
        row.verdict,
        row.comment,
        row.at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The reviews of a version, the first one first.
pub async fn reviews(conn: &mut PgConnection, version: &str) -> Result<Vec<ReviewRow>, sqlx::Error> {
    sqlx::query_as!(
        ReviewRow,
        "SELECT person, name, actor, verdict, comment, at FROM policy_review WHERE version = $1 ORDER BY at, person",
        version
    )
    .fetch_all(conn)
    .await
}

/// Writes an activation.
pub async fn insert_activation(conn: &mut PgConnection, row: &ActivationRow) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO policy_activation
           (id, version, kind, status, base, back_to, asked_by, asked_at, note, due_at, approved_by, in_force_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        row.id,
        row.version,
        row.kind,
        row.status,
        row.base,
        row.back_to,
        row.asked_by,
        row.asked_at,
        row.note,
        row.due_at,
        row.approved_by,
        row.in_force_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes that a scheduled activation is in force.
pub async fn begin_activation(conn: &mut PgConnection, row: &ActivationRow) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE policy_activation SET status = 'in_force', back_to = $2, approved_by = $3, in_force_at = $4 WHERE id = $1",
        row.id,
        row.back_to,
        row.approved_by,
        row.in_force_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes how an activation ended.
pub async fn end_activation(
    conn: &mut PgConnection,
    id: Uuid,
    ending: &Ending<'_>,
    now: DateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE policy_activation SET status = $2, ended_at = $3, ended_by = $4, ended_why = $5 WHERE id = $1",
        id,
        ending.status,
        now,
        ending.by,
        ending.why,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Has decisions made by the version of an activation; the activation itself is written by the caller.
pub async fn put_in_force(
    conn: &mut PgConnection,
    row: &ActivationRow,
    by: &str,
    now: DateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"INSERT INTO policy_active (version, activation_id, activated_at, activated_by) VALUES ($1, $2, $3, $4)
           ON CONFLICT (only_row) DO UPDATE SET version = excluded.version, activation_id = excluded.activation_id,
             activated_at = excluded.activated_at, activated_by = excluded.activated_by"#,
        row.version,
        row.id,
        now,
        by,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// One activation.
pub async fn find_activation(
    conn: &mut PgConnection,
    id: Uuid,
) -> Result<Option<ActivationRow>, sqlx::Error> {
    sqlx::query_as!(
        ActivationRow,
        "SELECT id, version, kind, status, base, back_to, asked_by, asked_at, note, due_at, approved_by, in_force_at,
                ended_at, ended_by, ended_why
         FROM policy_activation WHERE id = $1",
        id
    )
    .fetch_optional(conn)
    .await
}

/// The activation that waits for its instant.
pub async fn scheduled_activation(conn: &mut PgConnection) -> Result<Option<ActivationRow>, sqlx::Error> {
    sqlx::query_as!(
        ActivationRow,
        "SELECT id, version, kind, status, base, back_to, asked_by, asked_at, note, due_at, approved_by, in_force_at,
                ended_at, ended_by, ended_why
         FROM policy_activation WHERE status = 'scheduled'",
    )
    .fetch_optional(conn)
    .await
}

/// Activations, the one asked for last first; or the one of an id.
pub async fn list_activations(
    pool: &PgPool,
    only: Option<Uuid>,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<ActivationLine>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT a.id, a.version, a.kind, a.status, a.base, a.back_to, a.asked_by, a.asked_at, a.note, a.due_at,
                  a.approved_by, a.in_force_at, a.ended_at, a.ended_by, a.ended_why, p.name,
                  r.name AS "approver?", b.version AS "rollback_to?"
           FROM policy_activation a JOIN policy p ON p.version = a.version
           LEFT JOIN policy_review r ON r.version = a.version AND r.person = a.approved_by
           LEFT JOIN policy_activation b ON b.id = a.back_to AND a.status = 'in_force'
           WHERE ($1::uuid IS NULL OR a.id = $1) AND ($2::uuid IS NULL OR a.id < $2)
           ORDER BY a.id DESC LIMIT $3"#,
        only,
        before,
        limit,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| ActivationLine {
            row: ActivationRow {
                id: row.id,
                version: row.version,
                kind: row.kind,
                status: row.status,
                base: row.base,
                back_to: row.back_to,
                asked_by: row.asked_by,
                asked_at: row.asked_at,
                note: row.note,
                due_at: row.due_at,
                approved_by: row.approved_by,
                in_force_at: row.in_force_at,
                ended_at: row.ended_at,
                ended_by: row.ended_by,
                ended_why: row.ended_why,
            },
            name: row.name,
            approver: row.approver,
            rollback_to: row.rollback_to,
        })
        .collect())
}
