//! What motions hold about people: the words of those who resolved conflicts; and what was decided, in short.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::kernel::clock::DateTime;

/// A decision in short.
#[derive(Debug)]
pub struct DecidedInShort {
    pub id: Uuid,
    pub decided_at: DateTime,
    pub policy_version: String,
    pub outcome: String,
    pub motion: Option<String>,
    pub matched_rule: String,
    pub confidence: f64,
    /// Why, in words.
    pub reasoning: Option<String>,
}

/// The decisions about an account, the newest first.
pub async fn decided_in_short(
    conn: &mut PgConnection,
    account_id: &str,
    limit: i64,
) -> Result<Vec<DecidedInShort>, sqlx::Error> {
    sqlx::query_as!(
        DecidedInShort,
        r#"SELECT id, decided_at, policy_version, outcome, motion, matched_rule, confidence,
                  document ->> 'reasoning' AS reasoning
           FROM decision WHERE account_id = $1 ORDER BY id DESC LIMIT $2"#,
        account_id,
        limit,
    )
    .fetch_all(conn)
    .await
}

/// What somebody wrote when they resolved a conflict.
#[derive(Debug)]
pub struct ConflictNote {
    pub id: Uuid,
    pub note: String,
}

/// The notes on conflicts of an account.
pub async fn conflict_notes(
    conn: &mut PgConnection,
    account_id: &str,
) -> Result<Vec<ConflictNote>, sqlx::Error> {
    sqlx::query_as!(
        ConflictNote,
        r#"SELECT id, note AS "note!" FROM conflict WHERE account_id = $1 AND note IS NOT NULL ORDER BY id"#,
        account_id
    )
    .fetch_all(conn)
    .await
}

/// Writes what is left of notes.
pub async fn rewrite_notes(
    conn: &mut PgConnection,
    account_id: &str,
    left: &[ConflictNote],
) -> Result<(), sqlx::Error> {
    let ids: Vec<Uuid> = left.iter().map(|conflict| conflict.id).collect();
    let notes: Vec<&str> = left.iter().map(|conflict| conflict.note.as_str()).collect();
    sqlx::query!(
        r#"UPDATE conflict c SET note = l.note FROM unnest($2::uuid[], $3::text[]) AS l (id, note)
           WHERE c.account_id = $1 AND c.id = l.id"#,
        account_id,
        &ids,
        &notes as &[&str],
    )
    .execute(conn)
    .await?;
    Ok(())
}
