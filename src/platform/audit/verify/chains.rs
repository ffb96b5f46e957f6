//! The chains themselves, entry by entry, and their heads.

use std::collections::HashMap;

use sqlx::PgConnection;

use super::{BATCH, Gathering, Kind, Recheck};
use crate::kernel::json::Hash;
use crate::platform::audit::AuditError;
use crate::platform::audit::chain::{Chain, Row};

/// Checks every entry, then every head.
pub(super) async fn check(
    conn: &mut PgConnection,
    only: Option<&str>,
    rechecks: &[Box<dyn Recheck>],
    gathering: &mut Gathering,
) -> Result<(), AuditError> {
    let mut walk = Walk { chain: None, broken: false, ends: Vec::new() };
    let mut after: Option<(String, i64)> = None;
    loop {
        let rows = batch(conn, only, after.as_ref()).await?;
        for row in &rows {
            walk.step(row, gathering)?;
        }
        for recheck in rechecks {
            let checked = recheck.check(conn, &rows).await?;
            for found in checked.mismatches {
                gathering.in_chain(Kind::Document, &found.account_id, found.seq, found.detail);
            }
            checked.erased.into_iter().for_each(|found| gathering.erased(found));
        }
        let Some(last) = rows.last() else { break };
        after = Some((last.account_id.clone(), last.seq));
        check_heads(conn, std::mem::take(&mut walk.ends), gathering).await?;
    }
    walk.end_chain();
    check_heads(conn, walk.ends, gathering).await?;
    check_lonely_heads(conn, only, gathering).await
}

async fn batch(
    conn: &mut PgConnection,
    only: Option<&str>,
    after: Option<&(String, i64)>,
) -> Result<Vec<Row>, sqlx::Error> {
    // No account is empty, so the first batch begins before all.
    let (account, seq) = after.map_or((only.unwrap_or(""), i64::MIN), |(account, seq)| (account, *seq));
    let rows = match only {
        Some(only) => {
            sqlx::query_as!(
                Stored,
                "select account_id, seq, at, actor, action, subject, details, prev_hash, hash from audit_entry
                 where account_id = $1 and seq > $2 order by seq limit $3",
                only,
                seq,
                BATCH
            )
            .fetch_all(conn)
            .await?
        }
        None => {
            sqlx::query_as!(
                Stored,
                "select account_id, seq, at, actor, action, subject, details, prev_hash, hash from audit_entry
                 where (account_id, seq) > ($1, $2) order by account_id, seq limit $3",
                account,
                seq,
                BATCH
            )
            .fetch_all(conn)
            .await?
        }
    };
    Ok(rows.into_iter().map(Row::from).collect())
}

/// An entry as it is found, whatever was done to it.
struct Stored {
    account_id: String,
    seq: i64,
    at: crate::kernel::clock::DateTime,
    actor: String,
    action: String,
    subject: String,
    details: String,
    prev_hash: Vec<u8>,
    hash: Vec<u8>,
}

impl From<Stored> for Row {
    fn from(stored: Stored) -> Self {
        // A hash of another length can only be the work of tampering; zeros fit nothing either.
        let hash = |bytes: Vec<u8>| Hash::try_from(bytes).unwrap_or_default();
        Self {
            account_id: stored.account_id,
            seq: stored.seq,
            at: stored.at,
            actor: stored.actor,
            action: stored.action,
            subject: stored.subject,
            details: stored.details,
            prev_hash: hash(stored.prev_hash),
            hash: hash(stored.hash),
        }
    }
}

/// Where the walk along the entries stands.
struct Walk {
    chain: Option<Chain>,
    /// Whether the present chain is broken; its first break is the one that counts.
    broken: bool,
    /// The ends of the chains walked to the end, whose heads are still to be looked at.
    ends: Vec<Chain>,
}

impl Walk {
    fn step(&mut self, row: &Row, gathering: &mut Gathering) -> Result<(), AuditError> {
        if self.chain.as_ref().is_none_or(|chain| chain.account_id != row.account_id) {
            self.end_chain();
            self.chain = Some(Chain::start(row.account_id.clone()));
            self.broken = false;
            gathering.report.chains += 1;
        }
        gathering.report.entries += 1;
        let Some(chain) = &mut self.chain else { return Ok(()) };
        if !self.broken
            && let Some((kind, detail)) = fault(chain, row)?
        {
            self.broken = true;
            gathering.in_chain(kind, &row.account_id, row.seq, detail);
        }
        (chain.seq, chain.hash) = (row.seq, row.hash);
        Ok(())
    }

    fn end_chain(&mut self) {
        self.ends.extend(self.chain.take());
    }
}

/// What is wrong with `row` as the successor of `chain`'s end.
fn fault(chain: &Chain, row: &Row) -> Result<Option<(Kind, String)>, AuditError> {
    let expected = chain.seq + 1;
    Ok(if row.computed_hash()? != row.hash {
        Some((Kind::Changed, format!("the content of entry {} does not give its hash", row.seq)))
    } else if row.seq != expected {
        Some((Kind::Missing, format!("entry {expected} is missing; the next one there is {}", row.seq)))
    } else if row.prev_hash != chain.hash {
        Some((Kind::Unlinked, format!("entry {} is linked to another entry than {}", row.seq, chain.seq)))
    } else {
        None
    })
}

/// Compares the ends of chains with their heads.
async fn check_heads(
    conn: &mut PgConnection,
    ends: Vec<Chain>,
    gathering: &mut Gathering,
) -> Result<(), AuditError> {
    if ends.is_empty() {
        return Ok(());
    }
    let accounts: Vec<_> = ends.iter().map(|end| end.account_id.clone()).collect();
    let rows =
        sqlx::query!("select account_id, seq, hash from audit_head where account_id = any ($1)", &accounts)
            .fetch_all(conn)
            .await?;
    let heads: HashMap<_, _> = rows.into_iter().map(|row| (row.account_id, (row.seq, row.hash))).collect();
    for end in ends {
        let detail = match heads.get(&end.account_id) {
            None => format!("the chain ends with entry {} and has no head", end.seq),
            Some((seq, _)) if *seq != end.seq => {
                format!("the head names entry {seq}, the chain ends with entry {}", end.seq)
            }
            Some((_, hash)) if *hash != end.hash => {
                format!("the head has another hash than entry {}", end.seq)
            }
            Some(_) => continue,
        };
        gathering.in_chain(Kind::Head, &end.account_id, end.seq, detail);
    }
    Ok(())
}

/// Heads of chains that have no entries left, and heads that claim to be pinned by a checkpoint and are not.
async fn check_lonely_heads(
    conn: &mut PgConnection,
    only: Option<&str>,
    gathering: &mut Gathering,
) -> Result<(), AuditError> {
    let lonely = sqlx::query!(
        "select account_id, seq from audit_head head
         where seq > 0 and ($1::text is null or account_id = $1)
           and not exists (select from audit_entry entry where entry.account_id = head.account_id)
         limit $2",
        only,
        BATCH
    )
    .fetch_all(&mut *conn)
    .await?;
    for head in lonely {
        let detail = format!("the head names entry {}, and the chain has no entries", head.seq);
        gathering.in_chain(Kind::Head, &head.account_id, head.seq, detail);
    }
    let unpinned = sqlx::query!(
        "select account_id, seq from audit_head head
         where seq > 0 and not dirty and ($1::text is null or account_id = $1)
           and not exists (select from audit_checkpoint_head named
                           where named.account_id = head.account_id and named.seq = head.seq
                             and named.hash = head.hash)
         limit $2",
        only,
        BATCH
    )
    .fetch_all(conn)
    .await?;
    for head in unpinned {
        let detail = format!("the head at entry {} counts as signed, and no checkpoint names it", head.seq);
        gathering.in_chain(Kind::Head, &head.account_id, head.seq, detail);
    }
    Ok(())
}
