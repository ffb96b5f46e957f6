//! The rows of the chains: SQL only.

use std::collections::BTreeMap;

use sqlx::PgConnection;

use super::AuditError;
use super::chain::{Chain, Entry};
use crate::kernel::clock::DateTime;

/// Entries with the ends of the chains that they lead to, for one statement over any number of chains.
///
/// Each chain is in it once, however many entries it gains. As columns for `unnest`: a statement that writes more
/// than the log takes them in, does to `audit_entry` and `audit_head` what [`write()`] does, and asks
/// [`Growth::check`] whether every head has moved.
#[derive(Debug, Default)]
pub struct Growth {
    pub entries: EntryColumns,
    pub heads: HeadColumns,
}

/// Rows of `audit_entry`.
#[derive(Debug, Default)]
pub struct EntryColumns {
    pub account_id: Vec<String>,
    pub seq: Vec<i64>,
    pub at: Vec<DateTime>,
    pub actor: Vec<String>,
    pub action: Vec<String>,
    pub subject: Vec<String>,
    /// JSON text.
    pub details: Vec<String>,
    pub prev_hash: Vec<Vec<u8>>,
    pub hash: Vec<Vec<u8>>,
}

/// The end of each chain, before and after.
#[derive(Debug, Default)]
pub struct HeadColumns {
    pub account_id: Vec<String>,
    pub seq: Vec<i64>,
    pub hash: Vec<Vec<u8>>,
    pub seq_before: Vec<i64>,
    pub hash_before: Vec<Vec<u8>>,
}

impl Growth {
    /// Puts entries behind the end of a chain that is not in it yet; gives the new end.
    ///
    /// # Errors
    /// When the details hold a number that JSON cannot carry.
    pub fn add(
        &mut self,
        before: &Chain,
        at: DateTime,
        entries: &[Entry],
    ) -> Result<Chain, serde_json::Error> {
        let mut end = before.clone();
        for entry in entries {
            let row = end.link(at, entry)?;
            let columns = &mut self.entries;
            columns.account_id.push(row.account_id);
            columns.seq.push(row.seq);
            columns.at.push(row.at);
            columns.actor.push(row.actor);
            columns.action.push(row.action);
            columns.subject.push(row.subject);
            columns.details.push(row.details);
            columns.prev_hash.push(row.prev_hash.to_vec());
            columns.hash.push(row.hash.to_vec());
        }
        if end.seq != before.seq {
            let heads = &mut self.heads;
            heads.account_id.push(before.account_id.clone());
            heads.seq.push(end.seq);
            heads.hash.push(end.hash.to_vec());
            heads.seq_before.push(before.seq);
            heads.hash_before.push(before.hash.to_vec());
        }
        Ok(end)
    }

    /// Whether all heads have moved, given the chains whose heads did.
    ///
    /// # Errors
    /// [`AuditError::Moved`] names the first that did not: somebody else appended since its end was read. Nothing
    /// must be committed then.
    pub fn check(&self, moved: &[String]) -> Result<(), AuditError> {
        match self.heads.account_id.iter().find(|chain| !moved.contains(chain)) {
            Some(stuck) => Err(AuditError::Moved(stuck.clone())),
            None => Ok(()),
        }
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

/// As [`lock`] for several chains, each named once, in the order of their accounts.
pub(super) async fn lock_all(
    conn: &mut PgConnection,
    account_ids: &[&str],
) -> Result<Vec<Chain>, AuditError> {
    let heads = sqlx::query!(
        "insert into audit_head (account_id, seq, hash, dirty)
         select account_id, 0, $2, false from unnest($1::text[]) as a (account_id) order by account_id
         on conflict on constraint audit_head_pkey do update set seq = audit_head.seq
         returning account_id, seq, hash",
        account_ids as &[&str],
        &[0_u8; 32],
    )
    .fetch_all(conn)
    .await?;
    heads.iter().map(|head| Ok(Chain::at(&head.account_id, head.seq, &head.hash)?)).collect()
}

/// Writes entries behind the ends that they were linked to, and moves those, in one statement.
///
/// # Errors
/// [`AuditError::Moved`] when a chain no longer ends there; nothing must be committed then.
pub(super) async fn write(conn: &mut PgConnection, growth: &Growth) -> Result<(), AuditError> {
    let (entries, heads) = (&growth.entries, &growth.heads);
    let moved = sqlx::query_scalar!(
        r#"with entry as (
             insert into audit_entry (account_id, seq, at, actor, action, subject, details, prev_hash, hash)
             select * from unnest($1::text[], $2::bigint[], $3::timestamptz[], $4::text[], $5::text[], $6::text[],
                                  $7::text[], $8::bytea[], $9::bytea[])
           ), n as materialized (
             select * from unnest($10::text[], $11::bigint[], $12::bytea[], $13::bigint[], $14::bytea[])
               as n (account_id, seq, hash, seq_before, hash_before)
           ), opened as (
             insert into audit_head as h (account_id, seq, hash, dirty)
             select account_id, seq, hash, true from n where seq_before = 0
             on conflict on constraint audit_head_pkey
             do update set seq = excluded.seq, hash = excluded.hash, dirty = true where h.seq = 0
             returning account_id
           ), moved as (
             update audit_head h set seq = n.seq, hash = n.hash, dirty = true from n
             where h.account_id = n.account_id and n.seq_before > 0
               and h.seq = n.seq_before and h.hash = n.hash_before
             returning h.account_id
           )
           select account_id as "account_id!" from opened union all select account_id from moved"#,
        &entries.account_id,
        &entries.seq,
        &entries.at,
        &entries.actor,
        &entries.action,
        &entries.subject,
        &entries.details,
        &entries.prev_hash,
        &entries.hash,
        &heads.account_id,
        &heads.seq,
        &heads.hash,
        &heads.seq_before,
        &heads.hash_before,
    )
    .fetch_all(conn)
    .await
    .map_err(|error| {
        match error.as_database_error().and_then(sqlx::error::DatabaseError::constraint) {
            Some("audit_entry_pkey") => {
                AuditError::Moved(heads.account_id.first().cloned().unwrap_or_default())
            }
            _ => AuditError::Database(error),
        }
    })?;
    growth.check(&moved)
}

/// Of some subjects, each in its chain, the number of the newest entry of an action, by chain and subject.
///
/// # Errors
/// When the database fails.
pub async fn newest_of(
    conn: &mut PgConnection,
    subjects: &[(&str, &str)],
    action: &str,
) -> Result<BTreeMap<(String, String), i64>, sqlx::Error> {
    let (accounts, subjects): (Vec<&str>, Vec<&str>) = subjects.iter().copied().unzip();
    let rows = sqlx::query!(
        r#"select e.account_id, e.subject, max(e.seq) as "seq!" from audit_entry e
           where e.account_id = any ($1) and e.subject = any ($2) and e.action = $3
           group by e.account_id, e.subject"#,
        &accounts as &[&str],
        &subjects as &[&str],
        action,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| ((row.account_id, row.subject), row.seq)).collect())
}
