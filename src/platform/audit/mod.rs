//! The record of what was done and why: append-only, one hash chain per account, with signed checkpoints.
//!
//! Promises: an entry is written in the transaction of what it records, so neither exists without the other; a
//! changed, missing, reordered or inserted entry, a cut tail behind a checkpoint and a forged checkpoint are found by
//! [`verify::verify`], which names the first broken entry of each chain; entries are never updated or deleted (a
//! trigger refuses it). Personal data is not in the log but referred to by digest, so that erasure leaves it valid.
//!
//! What it cannot do: between two checkpoints, whoever may write to the database and bypass triggers can rewrite the
//! end of a chain completely, because the chain has no secret; the checkpoint interval bounds that window. Whoever
//! also holds the signing key can forge everything; compare the newest checkpoint with one noted elsewhere (each is
//! logged; `POST /v1/audit/verify` takes it as `expect`).
//!
//! Owns the tables `audit_entry`, `audit_head`, `audit_checkpoint`, `audit_checkpoint_head`.

pub mod api;
pub mod chain;
pub mod checkpoint;
pub mod signer;
pub mod store;
#[cfg(test)]
mod tests;
pub mod verify;

use std::collections::BTreeMap;

use sqlx::PgConnection;

pub use chain::{Chain, Entry, Row, SYSTEM};
pub use signer::Signer;
pub use store::{Growth, newest_of};
pub use verify::{Finding, Recheck, Report};

use super::http::Problem;
use crate::kernel::clock::DateTime;

/// Why the log could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// Somebody else appended since the end of the chain was read. Roll back and repeat.
    #[error("the audit chain of {0} has moved on since its end was read; repeat the transaction")]
    Moved(String),
    /// The database failed.
    #[error("audit log: {0}")]
    Database(#[from] sqlx::Error),
    /// Details that JSON cannot carry.
    #[error("audit details cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

impl From<AuditError> for Problem {
    fn from(error: AuditError) -> Self {
        match error {
            AuditError::Moved(_) => {
                Self::unavailable("Somebody else was faster; try again.", 1).because(error)
            }
            AuditError::Database(error) => error.into(),
            AuditError::Json(_) => Self::internal(error),
        }
    }
}

/// Appends entries to the chain of an account (or [`SYSTEM`]) inside the caller's transaction: one round trip for the
/// lock, one for the rest. Whoever appends to the same chain waits until the transaction ends, so append late.
///
/// # Errors
/// When the database fails or the details are no JSON; nothing must be committed then.
pub async fn append(
    conn: &mut PgConnection,
    account_id: &str,
    now: DateTime,
    entries: &[Entry],
) -> Result<Chain, AuditError> {
    let chain = store::lock(conn, account_id).await?;
    append_to(conn, &chain, now, entries).await
}

/// Appends entries behind a known end: one round trip. For a transaction that has read the head already.
///
/// # Errors
/// As [`append`]; and [`AuditError::Moved`] when the chain does not end there any more.
pub async fn append_to(
    conn: &mut PgConnection,
    chain: &Chain,
    now: DateTime,
    entries: &[Entry],
) -> Result<Chain, AuditError> {
    if entries.is_empty() {
        return Ok(chain.clone());
    }
    let mut growth = Growth::default();
    let end = growth.add(chain, now, entries)?;
    store::write(conn, &growth).await?;
    Ok(end)
}

/// Appends entries to several chains inside the caller's transaction: one round trip for all locks, one for the rest. The
/// chains are locked in the order of their accounts.
///
/// # Errors
/// As [`append`].
pub async fn append_all(
    conn: &mut PgConnection,
    now: DateTime,
    entries: &BTreeMap<String, Vec<Entry>>,
) -> Result<(), AuditError> {
    let accounts: Vec<&str> = entries.keys().map(String::as_str).collect();
    if accounts.is_empty() {
        return Ok(());
    }
    let mut growth = Growth::default();
    for chain in store::lock_all(conn, &accounts).await? {
        if let Some(entries) = entries.get(&chain.account_id) {
            growth.add(&chain, now, entries)?;
        }
    }
    store::write(conn, &growth).await
}
