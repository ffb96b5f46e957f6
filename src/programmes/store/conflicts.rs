//! Conflicts between outputs.

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::kernel::clock::DateTime;

/// A row of `programme_conflict`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConflictRow {
    pub programme_id: Uuid,
    pub number: i32,
    pub raised_by: String,
    pub raised_at: DateTime,
    /// The files that contradict each other; of a check the two outputs.
    pub files: Vec<String>,
    pub description: String,
    pub decision: Option<String>,
    pub rationale: Option<String>,
    pub decided_by: Option<String>,
    pub decided_at: Option<DateTime>,
    /// Files that were changed because of the decision.
    pub applied: Vec<String>,
    /// The check that found it.
    pub found_by: Option<String>,
    /// Files that the decision changes.
    pub change: Vec<String>,
    pub settled_at: Option<DateTime>,
}

impl ConflictRow {
    /// Whether the decision was applied to all that it changes.
    pub fn is_applied(&self) -> bool {
        self.decision.is_some() && self.change.iter().all(|file| self.applied.contains(file))
    }
}

/// Keeps a conflict as it now is; a new one is added.
pub async fn keep_conflict(conn: &mut PgConnection, row: &ConflictRow) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO programme_conflict SELECT * FROM jsonb_populate_record(NULL::programme_conflict, $1)
         ON CONFLICT ON CONSTRAINT programme_conflict_pkey DO UPDATE SET
           decision = excluded.decision, rationale = excluded.rationale, decided_by = excluded.decided_by,
           decided_at = excluded.decided_at, applied = excluded.applied, change = excluded.change,
           settled_at = excluded.settled_at",
        Json(row) as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// All conflicts of a programme, in order.
pub async fn conflicts(conn: &mut PgConnection, programme: Uuid) -> Result<Vec<ConflictRow>, sqlx::Error> {
    sqlx::query_as!(
        ConflictRow,
        "SELECT programme_id, number, raised_by, raised_at, files, description, decision, rationale, decided_by,
                decided_at, applied, found_by, change, settled_at
         FROM programme_conflict WHERE programme_id = $1 ORDER BY number",
        programme
    )
    .fetch_all(conn)
    .await
}
