//! Programmes, the definitions that they run by, and their history.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::types::Json;
use sqlx::{PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use crate::kernel::clock::DateTime;

/// A row of `programme`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ProgrammeRow {
    pub id: Uuid,
    pub company: String,
    pub product: String,
    pub mode: Option<String>,
    pub config: String,
    pub definition: String,
    pub scope: Value,
    pub workers: Value,
    pub advice: Value,
    pub based_on: Option<Uuid>,
    pub created_at: DateTime,
    pub created_by: String,
}

/// A row of `programme_entry`.
#[derive(Debug, Clone)]
pub struct EntryRow {
    pub number: i32,
    pub once: String,
    pub doc: Value,
    pub at: DateTime,
}

/// Keeps a definition; one that is there stays.
pub async fn keep_definition(
    conn: &mut PgConnection,
    digest: &str,
    files: &Value,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO programme_definition (digest, files) VALUES ($1, $2) ON CONFLICT (digest) DO NOTHING",
        digest,
        Json(files) as _,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The files of a definition.
pub async fn definition(conn: &mut PgConnection, digest: &str) -> Result<Option<Value>, sqlx::Error> {
    let row = sqlx::query_scalar!(
        r#"SELECT files AS "files!: Json<Value>" FROM programme_definition WHERE digest = $1"#,
        digest
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| row.0))
}

pub async fn insert_programme(conn: &mut PgConnection, row: &ProgrammeRow) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO programme SELECT * FROM json_populate_record(NULL::programme, $1)",
        Json(row) as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Who fills the agents, as it was changed.
pub async fn set_workers(conn: &mut PgConnection, id: Uuid, workers: &Value) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE programme SET workers = $2 WHERE id = $1", id, Json(workers) as _)
        .execute(conn)
        .await?;
    Ok(())
}

pub async fn find_programme(conn: &mut PgConnection, id: Uuid) -> Result<Option<ProgrammeRow>, sqlx::Error> {
    let row = sqlx::query_scalar!(
        r#"SELECT row_to_json(p) AS "programme!: Json<ProgrammeRow>" FROM programme p WHERE id = $1"#,
        id
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| row.0))
}

/// Which programmes to list.
#[derive(Debug, Clone, Default)]
pub struct ProgrammeFilter {
    pub company: Option<String>,
    /// Made before this one.
    pub before: Option<Uuid>,
    pub limit: i64,
}

/// Programmes, newest first.
pub async fn list_programmes(
    conn: &mut PgConnection,
    filter: &ProgrammeFilter,
) -> Result<Vec<ProgrammeRow>, sqlx::Error> {
    let mut query = QueryBuilder::<Postgres>::new("SELECT row_to_json(p) FROM programme p WHERE true");
    if let Some(company) = &filter.company {
        query.push(" AND company = ").push_bind(company);
    }
    if let Some(before) = filter.before {
        query.push(" AND id < ").push_bind(before);
    }
    query.push(" ORDER BY id DESC LIMIT ").push_bind(filter.limit);
    let rows: Vec<Json<ProgrammeRow>> = query.build_query_scalar().fetch_all(conn).await?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

/// Adds to the history what did not happen before; gives whether it was new.
pub async fn add_entry(
    conn: &mut PgConnection,
    programme: Uuid,
    once: &str,
    doc: &Value,
    at: DateTime,
) -> Result<bool, sqlx::Error> {
    let added = sqlx::query!(
        "INSERT INTO programme_entry (programme_id, number, once, doc, at)
         SELECT $1, coalesce((SELECT max(number) FROM programme_entry WHERE programme_id = $1), 0) + 1, $2, $3, $4
         ON CONFLICT ON CONSTRAINT programme_entry_once DO NOTHING",
        programme,
        once,
        Json(doc) as _,
        at,
    )
    .execute(conn)
    .await?;
    Ok(added.rows_affected() > 0)
}

/// The history of a programme, in order.
pub async fn entries(conn: &mut PgConnection, programme: Uuid) -> Result<Vec<EntryRow>, sqlx::Error> {
    sqlx::query_as!(
        EntryRow,
        r#"SELECT number, once, doc AS "doc!: Value", at FROM programme_entry
           WHERE programme_id = $1 ORDER BY number"#,
        programme
    )
    .fetch_all(conn)
    .await
}
