//! Signed statements about where chains end.
//!
//! A chain alone has no secret: whoever can write the tables could rewrite its end, head and all. A checkpoint pins the
//! ends of all chains that changed since the one before: its `heads` is SHA-256 over one line of canonical JSON
//! `[accountId, seq, hash]` per chain, in byte order of the ids; its `hash` is SHA-256 over the canonical JSON of
//! `{at, chains, heads, prev, seq, signer}`, which is also what is signed (ed25519); `prev` is the `hash` before.
//!
//! Promises: whatever a checkpoint names can no longer be changed or cut unseen. Chains that are being appended to
//! while it is made wait for the next one; nobody waits for a checkpoint.

use serde::Serialize;
use sha2::{Digest, Sha256};
use sqlx::{PgConnection, PgPool};

use super::AuditError;
use super::chain::instant;
use super::signer::Signer;
use crate::kernel::clock::DateTime;
use crate::kernel::json::{Hash, canonical, sha256};
use crate::platform::db;

/// Most chains in one checkpoint; more make several.
const CHAINS_MAX: i64 = 10_000;

/// A checkpoint as it is told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Its number, from 1.
    pub seq: i64,
    /// How many chains it names.
    pub chains: i32,
    /// Its hash; note it elsewhere to prove later that no checkpoint was taken away.
    pub hash: Hash,
}

/// What a checkpoint states and signs.
pub(super) struct Statement<'a> {
    pub(super) seq: i64,
    pub(super) at: DateTime,
    pub(super) chains: i32,
    pub(super) heads: &'a [u8],
    pub(super) prev: &'a [u8],
    pub(super) signer: &'a str,
}

#[derive(Serialize)]
struct Signed<'a> {
    at: String,
    chains: i32,
    heads: String,
    prev: String,
    seq: i64,
    signer: &'a str,
}

impl Statement<'_> {
    /// The text that is hashed and signed.
    pub(super) fn text(&self) -> Result<Vec<u8>, serde_json::Error> {
        canonical(&Signed {
            at: instant(self.at),
            chains: self.chains,
            heads: hex::encode(self.heads),
            prev: hex::encode(self.prev),
            seq: self.seq,
            signer: self.signer,
        })
    }
}

/// The digest over the heads of a checkpoint, taken line by line.
#[derive(Default)]
pub(super) struct Heads(Sha256);

impl Heads {
    pub(super) fn add(&mut self, account_id: &str, seq: i64, hash: &[u8]) -> Result<(), serde_json::Error> {
        self.0.update(canonical(&(account_id, seq, hex::encode(hash)))?);
        self.0.update(b"\n");
        Ok(())
    }

    pub(super) fn digest(self) -> Hash {
        self.0.finalize().into()
    }
}

/// Pins every chain that changed since it was last pinned. For a worker; the answer is the newest checkpoint made, if
/// any chain had changed. Replicas that do it at once take turns.
///
/// # Errors
/// When the database fails; what was made before stands.
pub async fn make(pool: &PgPool, signer: &Signer, now: DateTime) -> Result<Option<Checkpoint>, AuditError> {
    let mut newest = None;
    loop {
        let Some(made) = make_one(pool, signer, now).await? else { return Ok(newest) };
        tracing::info!(
            seq = made.seq,
            chains = made.chains,
            hash = hex::encode(made.hash),
            signer = signer.id(),
            "audit checkpoint"
        );
        let last = i64::from(made.chains) < CHAINS_MAX;
        newest = Some(made);
        if last {
            return Ok(newest);
        }
    }
}

async fn make_one(pool: &PgPool, signer: &Signer, now: DateTime) -> Result<Option<Checkpoint>, AuditError> {
    let mut tx = db::begin(pool).await?;
    sqlx::query!("select pg_advisory_xact_lock(1735683332)").execute(&mut *tx).await?;
    let ends = changed(&mut tx).await?;
    if ends.account_id.is_empty() {
        return Ok(None);
    }
    let last = sqlx::query!("select seq, hash from audit_checkpoint order by seq desc limit 1")
        .fetch_optional(&mut *tx)
        .await?;
    let (seq, prev) = last.map_or((1, vec![0; 32]), |last| (last.seq + 1, last.hash));
    let heads = ends.digest()?;
    let chains = i32::try_from(ends.account_id.len()).unwrap_or(i32::MAX);
    let text = Statement { seq, at: now, chains, heads: &heads, prev: &prev, signer: signer.id() }.text()?;
    let (hash, signature) = (sha256(&text), signer.sign(&text));
    sqlx::query!(
        "insert into audit_checkpoint (seq, at, chains, heads, prev_hash, hash, signer, signature)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        seq,
        now,
        chains,
        heads.as_slice(),
        prev,
        hash.as_slice(),
        signer.id(),
        signature.as_slice(),
    )
    .execute(&mut *tx)
    .await?;
    ends.write(&mut tx, seq).await?;
    tx.commit().await?;
    Ok(Some(Checkpoint { seq, chains, hash }))
}

/// Ends of chains, column by column.
#[derive(Default)]
struct Ends {
    account_id: Vec<String>,
    seq: Vec<i64>,
    hash: Vec<Vec<u8>>,
}

async fn changed(conn: &mut PgConnection) -> Result<Ends, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select account_id, seq, hash from audit_head where dirty order by account_id collate "C" limit $1"#,
        CHAINS_MAX
    )
    .fetch_all(conn)
    .await?;
    let mut ends = Ends::default();
    for row in rows {
        ends.account_id.push(row.account_id);
        ends.seq.push(row.seq);
        ends.hash.push(row.hash);
    }
    Ok(ends)
}

impl Ends {
    fn digest(&self) -> Result<Hash, serde_json::Error> {
        let mut heads = Heads::default();
        for ((account_id, seq), hash) in self.account_id.iter().zip(&self.seq).zip(&self.hash) {
            heads.add(account_id, *seq, hash)?;
        }
        Ok(heads.digest())
    }

    /// Writes the ends, and marks as clean the chains that have not moved on. One that somebody is appending to right
    /// now is left dirty rather than waited for.
    async fn write(&self, conn: &mut PgConnection, checkpoint: i64) -> Result<(), sqlx::Error> {
        sqlx::query!(
            "with named as (
               insert into audit_checkpoint_head (checkpoint, account_id, seq, hash)
               select $1, * from unnest($2::text[], $3::bigint[], $4::bytea[])
             ), still as (
               select head.account_id from audit_head head
               join unnest($2::text[], $3::bigint[]) as named (account_id, seq)
                 on named.account_id = head.account_id and named.seq = head.seq
               for update of head skip locked
             )
             update audit_head set dirty = false from still where still.account_id = audit_head.account_id",
            checkpoint,
            &self.account_id,
            &self.seq,
            &self.hash,
        )
        .execute(conn)
        .await
        .map(drop)
    }
}
