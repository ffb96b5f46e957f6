//! The checkpoints: their own chain, their signatures, and what they pinned.

use sqlx::PgConnection;

use super::{BATCH, Expected, Gathering, Kind, Newest};
use crate::kernel::clock::DateTime;
use crate::kernel::json::sha256;
use crate::platform::audit::AuditError;
use crate::platform::audit::checkpoint::{Heads, Statement};
use crate::platform::audit::signer::Signer;

/// A checkpoint as it is found.
struct Stored {
    seq: i64,
    at: DateTime,
    chains: i32,
    heads: Vec<u8>,
    prev_hash: Vec<u8>,
    hash: Vec<u8>,
    signer: String,
    signature: Vec<u8>,
}

/// Checks every checkpoint; the heads of all, or of those that name `only`.
pub(super) async fn check(
    conn: &mut PgConnection,
    only: Option<&str>,
    signer: &Signer,
    gathering: &mut Gathering,
) -> Result<(), AuditError> {
    let (mut seq, mut hash) = (0, vec![0; 32]);
    loop {
        let stored = sqlx::query_as!(
            Stored,
            "select seq, at, chains, heads, prev_hash, hash, signer, signature from audit_checkpoint
             where seq > $1 order by seq limit $2",
            seq,
            BATCH
        )
        .fetch_all(&mut *conn)
        .await?;
        let Some(last) = stored.last() else { return check_stray_heads(conn, seq, gathering).await };
        gathering.report.newest_checkpoint = Some(Newest {
            seq: last.seq,
            at: last.at,
            hash: hex::encode(&last.hash),
            signer: last.signer.clone(),
        });
        for checkpoint in stored {
            gathering.report.checkpoints += 1;
            if let Some(detail) = fault(&checkpoint, seq, &hash, signer)? {
                gathering.in_checkpoint(checkpoint.seq, detail);
            }
            check_named(conn, &checkpoint, only, gathering).await?;
            (seq, hash) = (checkpoint.seq, checkpoint.hash);
        }
    }
}

/// What is wrong with a checkpoint as the successor of the one with this number and hash.
fn fault(
    checkpoint: &Stored,
    seq: i64,
    hash: &[u8],
    signer: &Signer,
) -> Result<Option<String>, serde_json::Error> {
    let statement = Statement {
        seq: checkpoint.seq,
        at: checkpoint.at,
        chains: checkpoint.chains,
        heads: &checkpoint.heads,
        prev: &checkpoint.prev_hash,
        signer: &checkpoint.signer,
    };
    let text = statement.text()?;
    Ok(if checkpoint.seq != seq + 1 {
        Some(format!("checkpoint {} is missing; the next one there is {}", seq + 1, checkpoint.seq))
    } else if checkpoint.prev_hash != hash {
        Some(format!("checkpoint {} is linked to another checkpoint than {seq}", checkpoint.seq))
    } else if sha256(&text).as_slice() != checkpoint.hash {
        Some(format!("the content of checkpoint {} does not give its hash", checkpoint.seq))
    } else {
        let wrong = signer.fault(&checkpoint.signer, &text, &checkpoint.signature);
        wrong.map(|wrong| format!("checkpoint {} {wrong}", checkpoint.seq))
    })
}

/// Compares what a checkpoint named with the entries that are there now, and with its own digest.
async fn check_named(
    conn: &mut PgConnection,
    checkpoint: &Stored,
    only: Option<&str>,
    gathering: &mut Gathering,
) -> Result<(), AuditError> {
    if let Some(only) = only {
        let named = sqlx::query_scalar!(
            r#"select exists (select from audit_checkpoint_head where checkpoint = $1 and account_id = $2) as "it!""#,
            checkpoint.seq,
            only
        );
        if !named.fetch_one(&mut *conn).await? {
            return Ok(());
        }
    }
    let (mut heads, mut count, mut after) = (Heads::default(), 0, String::new());
    loop {
        let named = sqlx::query!(
            r#"select named.account_id, named.seq, named.hash, entry.hash as "now?"
               from audit_checkpoint_head named
               left join audit_entry entry on entry.account_id = named.account_id and entry.seq = named.seq
               where named.checkpoint = $1 and named.account_id collate "C" > $2
               order by named.account_id collate "C" limit $3"#,
            checkpoint.seq,
            after,
            BATCH
        )
        .fetch_all(&mut *conn)
        .await?;
        let Some(last) = named.last() else { break };
        after.clone_from(&last.account_id);
        for end in named {
            heads.add(&end.account_id, end.seq, &end.hash)?;
            count += 1;
            let (account_id, seq) = (end.account_id.as_str(), end.seq);
            if only.is_some_and(|only| only != account_id) {
                continue;
            }
            match end.now {
                Some(now) if now == end.hash => {}
                Some(_) => gathering.in_chain(
                    Kind::Rewritten,
                    account_id,
                    seq,
                    format!("entry {seq} is not the one that checkpoint {} pinned", checkpoint.seq),
                ),
                None => gathering.in_chain(
                    Kind::Truncated,
                    account_id,
                    seq,
                    format!("entry {seq}, which checkpoint {} pinned, is gone", checkpoint.seq),
                ),
            }
        }
    }
    if count != checkpoint.chains || heads.digest().as_slice() != checkpoint.heads {
        let detail =
            format!("the ends that checkpoint {} named are not the ones stored with it", checkpoint.seq);
        gathering.in_checkpoint(checkpoint.seq, detail);
    }
    Ok(())
}

/// Ends without their checkpoint: the newest checkpoints were taken away.
async fn check_stray_heads(
    conn: &mut PgConnection,
    newest: i64,
    gathering: &mut Gathering,
) -> Result<(), AuditError> {
    let stray = sqlx::query_scalar!(
        "select min(checkpoint) from audit_checkpoint_head where checkpoint > $1 or checkpoint < 1",
        newest
    )
    .fetch_one(conn)
    .await?;
    if let Some(stray) = stray {
        gathering
            .in_checkpoint(stray, format!("checkpoint {stray} is gone; the ends it named are still there"));
    }
    Ok(())
}

/// Looks for the checkpoint that was noted outside.
pub(super) async fn check_expected(
    conn: &mut PgConnection,
    expected: &Expected,
    gathering: &mut Gathering,
) -> Result<(), AuditError> {
    let hash = sqlx::query_scalar!("select hash from audit_checkpoint where seq = $1", expected.seq)
        .fetch_optional(conn)
        .await?;
    match hash {
        None => {
            let detail = format!("the expected checkpoint {} is gone", expected.seq);
            gathering.in_checkpoint(expected.seq, detail);
        }
        Some(hash) if hex::encode(&hash) != expected.hash.to_ascii_lowercase() => {
            let detail = format!("checkpoint {} is not the expected one", expected.seq);
            gathering.in_checkpoint(expected.seq, detail);
        }
        Some(_) => {}
    }
    Ok(())
}
