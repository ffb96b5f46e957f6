//! Designs, their versions, sign-offs and applications as rows.

use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::kernel::clock::DateTime;

/// A design.
#[derive(Debug, Clone)]
pub struct DesignRow {
    pub id: Uuid,
    pub segment: String,
    pub goal: String,
    pub handoff_type: String,
    pub team: String,
    pub status: String,
    pub version: i32,
    pub created_at: DateTime,
    pub changed_at: DateTime,
}

/// A version. Documents are JSON text.
#[derive(Debug, Clone)]
pub struct VersionRow {
    pub design_id: Uuid,
    pub number: i32,
    pub inputs: String,
    pub packet: String,
    /// Of the plan with the design's id.
    pub plan_version: i32,
    pub entries: String,
    pub base: String,
    pub author: String,
    pub actor: String,
    pub why: String,
    pub at: DateTime,
}

/// A sign-off.
#[derive(Debug, Clone)]
pub struct ApprovalRow {
    pub role: String,
    pub name: String,
    pub actor: String,
    pub comment: Option<String>,
    pub at: DateTime,
}

/// A version on its way to the live roster.
#[derive(Debug, Clone)]
pub struct ApplicationRow {
    pub id: Uuid,
    pub design_id: Uuid,
    pub version: i32,
    pub status: String,
    pub asked_by: String,
    pub asked_at: DateTime,
    pub due_at: DateTime,
    pub applied_at: Option<DateTime>,
    /// JSON text.
    pub replaced: Option<String>,
    /// JSON text.
    pub stopped_for: Option<String>,
    pub rolled_back_at: Option<DateTime>,
    pub rolled_back_by: Option<String>,
    pub rolled_back_why: Option<String>,
}

/// Writes a design for the first time.
pub async fn insert_design(conn: &mut PgConnection, row: &DesignRow) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO handoff_design
           (id, segment, goal, handoff_type, team, status, version, created_at, changed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        row.id,
        row.segment,
        row.goal,
        row.handoff_type,
        row.team,
        row.status,
        row.version,
        row.created_at,
        row.changed_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes where a design stands; the caller holds its row.
pub async fn update_design(conn: &mut PgConnection, row: &DesignRow) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE handoff_design SET segment = $2, goal = $3, handoff_type = $4, team = $5, status = $6, version = $7,
                changed_at = $8
         WHERE id = $1",
        row.id,
        row.segment,
        row.goal,
        row.handoff_type,
        row.team,
        row.status,
        row.version,
        row.changed_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A design, held until the transaction ends.
pub async fn lock_design(conn: &mut PgConnection, id: Uuid) -> Result<Option<DesignRow>, sqlx::Error> {
    sqlx::query_as!(
        DesignRow,
        "SELECT id, segment, goal, handoff_type, team, status, version, created_at, changed_at
         FROM handoff_design WHERE id = $1 FOR UPDATE",
        id
    )
    .fetch_optional(conn)
    .await
}

/// A design.
pub async fn find_design(pool: &PgPool, id: Uuid) -> Result<Option<DesignRow>, sqlx::Error> {
    sqlx::query_as!(
        DesignRow,
        "SELECT id, segment, goal, handoff_type, team, status, version, created_at, changed_at
         FROM handoff_design WHERE id = $1",
        id
    )
    .fetch_optional(pool)
    .await
}

/// Which designs.
#[derive(Debug, Clone, Default)]
pub struct DesignFilter {
    pub status: Option<&'static str>,
    pub segment: Option<&'static str>,
    pub before: Option<Uuid>,
    pub limit: i64,
}

/// Designs, newest first.
pub async fn list_designs(pool: &PgPool, filter: &DesignFilter) -> Result<Vec<DesignRow>, sqlx::Error> {
    sqlx::query_as!(
        DesignRow,
        "SELECT id, segment, goal, handoff_type, team, status, version, created_at, changed_at
         FROM handoff_design
         WHERE ($1::text IS NULL OR status = $1) AND ($2::text IS NULL OR segment = $2) AND ($3::uuid IS NULL OR id < $3)
         ORDER BY id DESC LIMIT $4",
        filter.status,
        filter.segment,
        filter.before,
        filter.limit,
    )
    .fetch_all(pool)
    .await
}

/// Writes a version.
pub async fn insert_version(conn: &mut PgConnection, row: &VersionRow) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO design_version
           (design_id, number, inputs, packet, plan_version, entries, base, author, actor, why, at)
         VALUES ($1, $2, $3::text::json, $4::text::json, $5, $6::text::json, $7::text::json, $8, $9, $10, $11)",
        row.design_id,
        row.number,
        row.inputs,
        row.packet,
        row.plan_version,
        row.entries,
        row.base,
        row.author,
        row.actor,
        row.why,
        row.at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A version of a design.
pub async fn find_version(
    conn: &mut PgConnection,
    design_id: Uuid,
    number: i32,
) -> Result<Option<VersionRow>, sqlx::Error> {
    sqlx::query_as!(
        VersionRow,
        r#"SELECT design_id, number, inputs::text AS "inputs!", packet::text AS "packet!", plan_version,
                  entries::text AS "entries!", base::text AS "base!", author, actor, why, at
           FROM design_version WHERE design_id = $1 AND number = $2"#,
        design_id,
        number
    )
    .fetch_optional(conn)
    .await
}

/// All versions of a design, the first one first.
pub async fn versions(pool: &PgPool, design_id: Uuid) -> Result<Vec<VersionRow>, sqlx::Error> {
    sqlx::query_as!(
        VersionRow,
        r#"SELECT design_id, number, inputs::text AS "inputs!", packet::text AS "packet!", plan_version,
                  entries::text AS "entries!", base::text AS "base!", author, actor, why, at
           FROM design_version WHERE design_id = $1 ORDER BY number"#,
        design_id
    )
    .fetch_all(pool)
    .await
}

/// Writes a sign-off.
pub async fn insert_approval(
    conn: &mut PgConnection,
    (design_id, version): (Uuid, i32),
    person: &str,
    row: &ApprovalRow,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO design_approval (design_id, version, role, person, name, actor, comment, at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        design_id,
        version,
        row.role,
        person,
        row.name,
        row.actor,
        row.comment,
        row.at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The sign-offs of a version.
pub async fn approvals(
    conn: &mut PgConnection,
    design_id: Uuid,
    version: i32,
) -> Result<Vec<ApprovalRow>, sqlx::Error> {
    sqlx::query_as!(
        ApprovalRow,
        "SELECT role, name, actor, comment, at FROM design_approval
         WHERE design_id = $1 AND version = $2 ORDER BY at, role",
        design_id,
        version
    )
    .fetch_all(conn)
    .await
}

/// Writes an application that is asked for.
pub async fn insert_application(conn: &mut PgConnection, row: &ApplicationRow) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO design_application
           (id, design_id, version, status, asked_by, asked_at, due_at, applied_at, replaced)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::text::json)",
        row.id,
        row.design_id,
        row.version,
        row.status,
        row.asked_by,
        row.asked_at,
        row.due_at,
        row.applied_at,
        row.replaced,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes what became of an application; the caller holds its design.
pub async fn update_application(conn: &mut PgConnection, row: &ApplicationRow) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE design_application
         SET status = $2, applied_at = $3, replaced = $4::text::json, stopped_for = $5::text::json,
             rolled_back_at = $6, rolled_back_by = $7, rolled_back_why = $8
         WHERE id = $1",
        row.id,
        row.status,
        row.applied_at,
        row.replaced,
        row.stopped_for,
        row.rolled_back_at,
        row.rolled_back_by,
        row.rolled_back_why,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The newest application of a design.
pub async fn newest_application(
    conn: &mut PgConnection,
    design_id: Uuid,
) -> Result<Option<ApplicationRow>, sqlx::Error> {
    sqlx::query_as!(
        ApplicationRow,
        r#"SELECT id, design_id, version, status, asked_by, asked_at, due_at, applied_at, replaced::text AS replaced,
                  stopped_for::text AS stopped_for, rolled_back_at, rolled_back_by, rolled_back_why
           FROM design_application WHERE design_id = $1 ORDER BY asked_at DESC, id DESC LIMIT 1"#,
        design_id
    )
    .fetch_optional(conn)
    .await
}

/// The design that an application is of.
pub async fn design_of_application(conn: &mut PgConnection, id: Uuid) -> Result<Option<Uuid>, sqlx::Error> {
    sqlx::query_scalar!("SELECT design_id FROM design_application WHERE id = $1", id)
        .fetch_optional(conn)
        .await
}

/// The packet of the newest version of a design, as JSON text.
pub async fn newest_packet(conn: &mut PgConnection, design_id: Uuid) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT packet::text AS "packet!" FROM design_version WHERE design_id = $1 ORDER BY number DESC LIMIT 1"#,
        design_id
    )
    .fetch_optional(conn)
    .await
}
