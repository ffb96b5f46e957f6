//! The roster as rows: its entries, absences, rotations, and how things stand with the reps.

use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::kernel::clock::DateTime;

/// An entry of the roster.
#[derive(Debug, Clone)]
pub struct EntryRow {
    pub kind: String,
    pub id: String,
    /// JSON text.
    pub doc: String,
}

/// An entry that is to be written.
#[derive(Debug, Clone)]
pub struct NewEntry {
    pub kind: &'static str,
    pub id: String,
    /// JSON text.
    pub doc: String,
}

/// An absence.
#[derive(Debug, Clone)]
pub struct AbsenceRow {
    pub id: Uuid,
    pub rep_id: String,
    pub from_at: DateTime,
    pub to_at: Option<DateTime>,
    pub cover: Option<String>,
    pub note: Option<String>,
    pub created_at: DateTime,
    pub created_by: String,
}

/// The accounts of a team's rotation.
#[derive(Debug, Clone)]
pub struct RotationRow {
    pub team_id: String,
    /// JSON text.
    pub doc: String,
}

/// What a rep has.
#[derive(Debug, Clone)]
pub struct LoadRow {
    pub rep_id: String,
    pub open: i64,
    pub taken: Vec<DateTime>,
}

/// An edit of the roster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EditRow {
    pub version: i64,
    /// The transaction that made it. A version that was rolled back is given again, to another edit of another transaction.
    pub writer: i64,
}

/// Which edit of the roster is in force.
pub async fn roster_edit(conn: &mut PgConnection) -> Result<EditRow, sqlx::Error> {
    sqlx::query_as!(
        EditRow,
        r#"SELECT version, xmin::text::bigint AS "writer!" FROM roster_head WHERE only_row"#
    )
    .fetch_one(conn)
    .await
}

/// As [`roster_edit`], and holds it: nobody else edits or assigns until the transaction ends.
pub async fn lock_roster(conn: &mut PgConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!("SELECT version FROM roster_head WHERE only_row FOR UPDATE").fetch_one(conn).await
}

/// Every entry, by kind and id, and the edit that they are of.
pub async fn roster_entries(conn: &mut PgConnection) -> Result<(EditRow, Vec<EntryRow>), sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT h.version, h.xmin::text::bigint AS "writer!", e.kind AS "kind?", e.id AS "id?", e.doc::text AS doc
           FROM roster_head h LEFT JOIN roster_entry e ON true WHERE h.only_row ORDER BY e.kind, e.id"#
    )
    .fetch_all(conn)
    .await?;
    let first = rows.first().ok_or(sqlx::Error::RowNotFound)?;
    let edit = EditRow { version: first.version, writer: first.writer };
    let entries =
        rows.into_iter().filter_map(|row| Some(EntryRow { kind: row.kind?, id: row.id?, doc: row.doc? }));
    Ok((edit, entries.collect()))
}

/// One entry.
pub async fn find_entry(pool: &PgPool, kind: &str, id: &str) -> Result<Option<EntryRow>, sqlx::Error> {
    sqlx::query_as!(
        EntryRow,
        r#"SELECT kind, id, doc::text AS "doc!" FROM roster_entry WHERE kind = $1 AND id = $2"#,
        kind,
        id
    )
    .fetch_optional(pool)
    .await
}

/// Entries of a kind, by id.
pub async fn list_entries(
    pool: &PgPool,
    kind: &str,
    after: Option<String>,
    limit: i64,
) -> Result<Vec<EntryRow>, sqlx::Error> {
    sqlx::query_as!(
        EntryRow,
        r#"SELECT kind, id, doc::text AS "doc!" FROM roster_entry
           WHERE kind = $1 AND id > $2 ORDER BY id LIMIT $3"#,
        kind,
        // Every id has a character.
        after.unwrap_or_default(),
        limit,
    )
    .fetch_all(pool)
    .await
}

/// Writes and removes entries under the roster's lock; gives the edit that is in force with them.
pub async fn write_entries(
    conn: &mut PgConnection,
    written: &[NewEntry],
    removed: &[(&str, &str)],
    by: &str,
    now: DateTime,
) -> Result<i64, sqlx::Error> {
    let kinds: Vec<&str> = written.iter().map(|entry| entry.kind).collect();
    let ids: Vec<&str> = written.iter().map(|entry| entry.id.as_str()).collect();
    let docs: Vec<&str> = written.iter().map(|entry| entry.doc.as_str()).collect();
    let (gone_kinds, gone_ids): (Vec<&str>, Vec<&str>) = removed.iter().copied().unzip();
    sqlx::query_scalar!(
        r#"WITH written AS (
             INSERT INTO roster_entry AS e (kind, id, doc, changed_at, changed_by)
             SELECT w.kind, w.id, w.doc::json, $6, $7
             FROM unnest($1::text[], $2::text[], $3::text[]) AS w (kind, id, doc)
             ON CONFLICT (kind, id) DO UPDATE SET doc = excluded.doc, version = e.version + 1,
               changed_at = excluded.changed_at, changed_by = excluded.changed_by),
           gone AS (
             DELETE FROM roster_entry e USING unnest($4::text[], $5::text[]) AS g (kind, id)
             WHERE e.kind = g.kind AND e.id = g.id)
           UPDATE roster_head SET version = version + 1 WHERE only_row RETURNING version"#,
        &kinds as &[&str],
        &ids as &[&str],
        &docs as &[&str],
        &gone_kinds as &[&str],
        &gone_ids as &[&str],
        now,
        by,
    )
    .fetch_one(conn)
    .await
}

/// Absences that are not over at an instant, by rep.
pub async fn absences_from(conn: &mut PgConnection, now: DateTime) -> Result<Vec<AbsenceRow>, sqlx::Error> {
    sqlx::query_as!(
        AbsenceRow,
        r#"SELECT id, rep_id, from_at, to_at, cover, note, created_at, created_by FROM absence
           WHERE coalesce(to_at, 'infinity') > $1 ORDER BY rep_id, from_at, id"#,
        now
    )
    .fetch_all(conn)
    .await
}

/// Absences of one rep, the latest first.
pub async fn list_absences(
    pool: &PgPool,
    rep_id: &str,
    before: Option<(DateTime, Uuid)>,
    limit: i64,
) -> Result<Vec<AbsenceRow>, sqlx::Error> {
    let (at, id) = before.unzip();
    sqlx::query_as!(
        AbsenceRow,
        r#"SELECT id, rep_id, from_at, to_at, cover, note, created_at, created_by FROM absence
           WHERE rep_id = $1 AND ($2::timestamptz IS NULL OR (from_at, id) < ($2, $3))
           ORDER BY from_at DESC, id DESC LIMIT $4"#,
        rep_id,
        at,
        id,
        limit,
    )
    .fetch_all(pool)
    .await
}

/// One absence of a rep.
pub async fn find_absence(
    conn: &mut PgConnection,
    rep_id: &str,
    id: Uuid,
) -> Result<Option<AbsenceRow>, sqlx::Error> {
    sqlx::query_as!(
        AbsenceRow,
        r#"SELECT id, rep_id, from_at, to_at, cover, note, created_at, created_by FROM absence
           WHERE id = $1 AND rep_id = $2"#,
        id,
        rep_id
    )
    .fetch_optional(conn)
    .await
}

/// Notes an absence.
pub async fn insert_absence(conn: &mut PgConnection, row: &AbsenceRow) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"INSERT INTO absence (id, rep_id, from_at, to_at, cover, note, created_at, created_by)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"#,
        row.id,
        row.rep_id,
        row.from_at,
        row.to_at,
        row.cover,
        row.note,
        row.created_at,
        row.created_by,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends an absence that has begun.
pub async fn end_absence(conn: &mut PgConnection, id: Uuid, at: DateTime) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE absence SET to_at = $2 WHERE id = $1", id, at).execute(conn).await?;
    Ok(())
}

/// Removes an absence that never began.
pub async fn remove_absence(conn: &mut PgConnection, id: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM absence WHERE id = $1", id).execute(conn).await?;
    Ok(())
}

/// The rotations of these teams, where there are any.
pub async fn rotations(conn: &mut PgConnection, teams: &[&str]) -> Result<Vec<RotationRow>, sqlx::Error> {
    sqlx::query_as!(
        RotationRow,
        r#"SELECT team_id, doc::text AS "doc!" FROM rotation WHERE team_id = ANY ($1)"#,
        teams as &[&str]
    )
    .fetch_all(conn)
    .await
}

/// Writes the rotations of teams, under the roster's lock.
pub async fn write_rotations(
    conn: &mut PgConnection,
    rows: &[RotationRow],
    now: DateTime,
) -> Result<(), sqlx::Error> {
    let teams: Vec<&str> = rows.iter().map(|row| row.team_id.as_str()).collect();
    let docs: Vec<&str> = rows.iter().map(|row| row.doc.as_str()).collect();
    sqlx::query!(
        r#"INSERT INTO rotation (team_id, doc, changed_at)
           SELECT r.team_id, r.doc::json, $3 FROM unnest($1::text[], $2::text[]) AS r (team_id, doc)
           ON CONFLICT (team_id) DO UPDATE SET doc = excluded.doc, changed_at = excluded.changed_at"#,
        &teams as &[&str],
        &docs as &[&str],
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What these reps have: open handoffs, and when they were given others since an instant; without those that were
/// credited back. The instants only of those that are `counted`, because a busy team has many. One row for each, in no
/// order.
pub async fn loads(
    conn: &mut PgConnection,
    reps: &[&str],
    counted: &[bool],
    since: DateTime,
) -> Result<Vec<LoadRow>, sqlx::Error> {
    sqlx::query_as!(
        LoadRow,
        r#"SELECT r.id AS "rep_id!",
                  (SELECT count(*) FROM handoff h WHERE h.owner_id = r.id
                     AND h.status IN ('assigned', 'acknowledged', 'contacted', 'meeting_booked')) AS "open!",
                  ARRAY (SELECT t.assigned_at FROM handoff_turn t
                         WHERE r.counted AND t.owner_id = r.id AND t.assigned_at > $3 AND NOT t.credited) AS "taken!"
           FROM unnest($1::text[], $2::bool[]) AS r (id, counted)"#,
        reps as &[&str],
        counted,
        since,
    )
    .fetch_all(conn)
    .await
}
