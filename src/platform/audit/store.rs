//! The rows of the chains: SQL only.

use sqlx::PgConnection;

use super::AuditError;
use super::chain::{Chain, Row};
use crate::kernel::clock::DateTime;

/// The columns of rows, for `unnest` in a statement that writes more than the log.
///
/// All rows of one value belong to one chain. A statement that takes them in writes `audit_entry` and moves
/// `audit_head` as [`write()`] does.
#[derive(Debug, Default)]
pub struct Columns {
    /// Numbers, ascending.
    pub seq: Vec<i64>,
    /// Instants.
    pub at: Vec<DateTime>,
    /// Actors.
    pub actor: Vec<String>,
    /// Actions.
    pub action: Vec<String>,
    /// Subjects.
    pub subject: Vec<String>,
    /// Details as JSON text.
    pub details: Vec<String>,
    /// Hashes of the entries before.
    pub prev_hash: Vec<Vec<u8>>,
    /// Hashes.
    pub hash: Vec<Vec<u8>>,
}

impl FromIterator<Row> for Columns {
    fn from_iter<I: IntoIterator<Item = Row>>(rows: I) -> Self {
        let mut columns = Self::default();
        for row in rows {
            columns.seq.push(row.seq);
            columns.at.push(row.at);
            columns.actor.push(row.actor);
            columns.action.push(row.action);
            columns.subject.push(row.subject);
            columns.details.push(row.details);
            columns.prev_hash.push(row.prev_hash.to_vec());
            columns.hash.push(row.hash.to_vec());
        }
        columns
    }
}

/// Locks the end of a chain until the transaction ends, and reads it. A chain without entries gets its row here, so
/// that two first entries meet at the lock and not at the primary key.
pub(super) async fn lock(conn: &mut PgConnection, account_id: &str) -> Result<Chain, AuditError> {
    let head = sqlx::query!(
        "insert into audit_head (account_id, seq, hash, dirty) values ($1, 0, $2, false)
         on conflict on constraint audit_head_pkey do update set seq = audit_head.seq
         returning seq, hash",
        account_id,
        &[0_u8; 32],
    )
    .fetch_one(conn)
    .await?;
    Ok(Chain::at(account_id, head.seq, &head.hash)?)
}

/// Writes rows behind `before` and moves the head from there to `after`, in one statement.
///
/// # Errors
/// [`AuditError::Moved`] when the chain no longer ends at `before`; nothing must be committed then.
pub(super) async fn write(
    conn: &mut PgConnection,
    before: &Chain,
    after: &Chain,
    rows: Columns,
) -> Result<(), AuditError> {
    let moved = sqlx::query_scalar!(
        r#"with head as (
             insert into audit_head as h (account_id, seq, hash, dirty)
             select $1, $10, $11, true
             where $12 = 0::bigint or exists (select from audit_head where account_id = $1)
             on conflict on constraint audit_head_pkey
             do update set seq = excluded.seq, hash = excluded.hash, dirty = true
             where h.seq = $12 and h.hash = $13
             returning 1 as one
           ), entry as (
             insert into audit_entry (account_id, seq, at, actor, action, subject, details, prev_hash, hash)
             select $1, * from unnest($2::bigint[], $3::timestamptz[], $4::text[], $5::text[], $6::text[],
                                      $7::text[], $8::bytea[], $9::bytea[])
           )
           select count(*) as "moved!" from head"#,
        before.account_id,
        &rows.seq,
        &rows.at,
        &rows.actor,
        &rows.action,
        &rows.subject,
        &rows.details,
        &rows.prev_hash,
        &rows.hash,
        after.seq,
        after.hash.as_slice(),
        before.seq,
        before.hash.as_slice(),
    )
    .fetch_one(conn)
    .await
    .map_err(|error| {
        match error.as_database_error().and_then(sqlx::error::DatabaseError::constraint) {
            Some("audit_entry_pkey") => AuditError::Moved(before.account_id.clone()),
            _ => AuditError::Database(error),
        }
    })?;
    if moved == 1 { Ok(()) } else { Err(AuditError::Moved(before.account_id.clone())) }
}
