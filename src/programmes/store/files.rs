//! The files of workspaces, each in its versions.

use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::kernel::clock::DateTime;

/// A row of `programme_file`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRow {
    pub path: String,
    pub version: i32,
    pub content: String,
    pub kind: Option<String>,
    pub agent: String,
    pub task: Option<String>,
    pub made_at: DateTime,
    pub made_by: String,
}

/// A file without its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileHead {
    pub path: String,
    pub version: i32,
    pub kind: Option<String>,
    pub agent: String,
    pub task: Option<String>,
    pub made_at: DateTime,
    pub made_by: String,
    /// Of the content.
    pub bytes: i32,
}

/// A file to be kept.
#[derive(Debug, Clone, Serialize)]
pub struct NewFile {
    pub path: String,
    pub content: String,
    pub kind: Option<String>,
}

/// Who made files, of which task, and when.
#[derive(Debug, Clone, Copy)]
pub struct Made<'m> {
    pub agent: &'m str,
    pub task: Option<&'m str>,
    pub at: DateTime,
    pub by: &'m str,
}

/// Keeps the next version of each file; gives path and version.
pub async fn insert_files(
    conn: &mut PgConnection,
    programme: Uuid,
    files: &[NewFile],
    made: Made<'_>,
) -> Result<Vec<(String, i32)>, sqlx::Error> {
    let paths: Vec<String> = files.iter().map(|file| file.path.clone()).collect();
    let contents: Vec<String> = files.iter().map(|file| file.content.clone()).collect();
    let kinds: Vec<Option<String>> = files.iter().map(|file| file.kind.clone()).collect();
    let rows = sqlx::query!(
        r#"INSERT INTO programme_file (programme_id, path, version, content, kind, agent, task, made_at, made_by)
           SELECT $1, f.path, coalesce((SELECT max(o.version) FROM programme_file o
                                        WHERE o.programme_id = $1 AND o.path = f.path), 0) + 1,
                  f.content, f.kind, $5, $6, $7, $8
           FROM unnest($2::text[], $3::text[], $4::text[]) AS f (path, content, kind)
           RETURNING path, version"#,
        programme,
        &paths,
        &contents,
        &kinds as &[Option<String>],
        made.agent,
        made.task,
        made.at,
        made.by,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.path, row.version)).collect())
}

/// The newest version of each file without its content, by path.
pub async fn heads(conn: &mut PgConnection, programme: Uuid) -> Result<Vec<FileHead>, sqlx::Error> {
    sqlx::query_as!(
        FileHead,
        r#"SELECT DISTINCT ON (path) path, version, kind, agent, task, made_at, made_by, octet_length(content) AS "bytes!"
           FROM programme_file WHERE programme_id = $1 ORDER BY path, version DESC"#,
        programme
    )
    .fetch_all(conn)
    .await
}

/// The newest version of each file, by path.
pub async fn files(conn: &mut PgConnection, programme: Uuid) -> Result<Vec<FileRow>, sqlx::Error> {
    sqlx::query_as!(
        FileRow,
        "SELECT DISTINCT ON (path) path, version, content, kind, agent, task, made_at, made_by
         FROM programme_file WHERE programme_id = $1 ORDER BY path, version DESC",
        programme
    )
    .fetch_all(conn)
    .await
}

/// One file, the newest version or a certain one.
pub async fn file(
    conn: &mut PgConnection,
    programme: Uuid,
    path: &str,
    version: Option<i32>,
) -> Result<Option<FileRow>, sqlx::Error> {
    sqlx::query_as!(
        FileRow,
        "SELECT path, version, content, kind, agent, task, made_at, made_by FROM programme_file
         WHERE programme_id = $1 AND path = $2 AND ($3::integer IS NULL OR version = $3)
         ORDER BY version DESC LIMIT 1",
        programme,
        path,
        version,
    )
    .fetch_optional(conn)
    .await
}

/// All versions of all files.
pub async fn all_files(conn: &mut PgConnection, programme: Uuid) -> Result<Vec<FileRow>, sqlx::Error> {
    sqlx::query_as!(
        FileRow,
        "SELECT path, version, content, kind, agent, task, made_at, made_by
         FROM programme_file WHERE programme_id = $1 ORDER BY path, version",
        programme
    )
    .fetch_all(conn)
    .await
}
