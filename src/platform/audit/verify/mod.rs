//! The proof that the log is what was written.
//!
//! Promises: entries that were changed, removed, reordered or inserted are found, as are heads that do not fit, a cut
//! or rewritten end that a checkpoint had pinned, and checkpoints that are missing, unlinked, altered or not signed by
//! a trusted key. The first broken entry of each chain is named. All is read in one snapshot, so appending goes on
//! meanwhile and raises no false alarm, and in batches, so memory does not grow with the log.
//! Leaves out: what the entries refer to, which the slices check by a [`Recheck`].

mod chains;
mod checkpoints;

use std::collections::HashSet;

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, PgPool};
use utoipa::ToSchema;

use super::AuditError;
use super::chain::Row;
use super::signer::Signer;
use crate::kernel::clock::DateTime;
use crate::platform::db;

/// Rows per round trip.
const BATCH: i64 = 1_000;
/// Most findings that are listed; more are only counted.
const FINDINGS_MAX: usize = 1_000;

/// Checks that what entries refer to by digest is still there and unchanged. A slice implements it for the documents
/// it keeps (`decision.made` → the decision's text, say); what was erased on purpose is no mismatch.
pub trait Recheck: Send + Sync {
    /// Looks at a batch of entries, whatever they are.
    fn check<'a>(
        &'a self,
        conn: &'a mut PgConnection,
        rows: &'a [Row],
    ) -> BoxFuture<'a, Result<Checked, sqlx::Error>>;
}

/// What a recheck has found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checked {
    /// Entries whose documents do not fit.
    pub mismatches: Vec<Mismatch>,
    /// Entries that record an erasure, whose documents are what it left.
    pub erased: Vec<Mismatch>,
}

/// A document from which people were erased on request, and which is otherwise as it was left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ErasedDocument {
    /// The chain.
    pub account_id: String,
    /// The entry that records the erasure.
    pub seq: i64,
    /// Which document, and when.
    pub detail: String,
}

/// An entry, and what is to be said of the document that it refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// The chain.
    pub account_id: String,
    /// The entry.
    pub seq: i64,
    /// Which document, and how it differs.
    pub detail: String,
}

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The content of an entry does not give its hash.
    Changed,
    /// An entry is not linked to the one before it.
    Unlinked,
    /// Entries are missing from the beginning or the middle of a chain.
    Missing,
    /// The head of a chain does not name its last entry.
    Head,
    /// A checkpoint names an entry that is gone: the end of the chain was cut.
    Truncated,
    /// A checkpoint names an entry that was another then: the chain was rewritten.
    Rewritten,
    /// A checkpoint is missing, altered, unlinked or not signed by a trusted key.
    Checkpoint,
    /// A document that an entry refers to by digest does not fit it.
    Document,
}

/// One thing that is wrong: the first of its chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// What is wrong.
    pub kind: Kind,
    /// The chain, unless a checkpoint is at fault.
    #[schema(required = true)]
    pub account_id: Option<String>,
    /// The number of the entry or checkpoint.
    pub seq: i64,
    /// What was expected and what was found.
    pub detail: String,
}

/// A checkpoint noted outside of the database.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Expected {
    /// Its number.
    #[schema(minimum = 1)]
    pub seq: i64,
    /// Its hash in hex.
    #[schema(min_length = 64, max_length = 64)]
    pub hash: String,
}

/// The newest checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Newest {
    /// Its number.
    pub seq: i64,
    /// When it was made.
    pub at: DateTime,
    /// Its hash in hex: note it elsewhere, and give it as `expect` later.
    pub hash: String,
    /// Fingerprint of the key that signed it.
    pub signer: String,
}

/// The outcome.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Whether nothing is wrong.
    pub intact: bool,
    /// Chains looked at.
    pub chains: u64,
    /// Entries looked at.
    pub entries: u64,
    /// Checkpoints looked at.
    pub checkpoints: u64,
    /// Where the checkpoints end.
    #[schema(required = true)]
    pub newest_checkpoint: Option<Newest>,
    /// What is wrong, at most 1000.
    pub findings: Vec<Finding>,
    /// How many findings are not listed.
    pub findings_unlisted: u64,
    /// Documents that do not fit their first digest because people were erased from them on request, and do fit the one of
    /// what was left; at most 1000. No fault.
    #[serde(default)]
    pub erased: Vec<ErasedDocument>,
    /// How many of these are not listed.
    #[serde(default)]
    pub erased_unlisted: u64,
}

/// What is verified, and against what.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// One chain; all when absent. For one chain, the heads of those checkpoints are checked that name it.
    pub account_id: Option<String>,
    /// A checkpoint that must be there as it was noted.
    pub expect: Option<Expected>,
}

/// Findings while they are gathered: one per chain.
#[derive(Default)]
struct Gathering {
    report: Report,
    broken: HashSet<String>,
}

impl Gathering {
    fn in_chain(&mut self, kind: Kind, account_id: &str, seq: i64, detail: impl Into<String>) {
        if self.broken.contains(account_id) {
            return;
        }
        if self.broken.len() < FINDINGS_MAX {
            self.broken.insert(account_id.to_owned());
        }
        self.add(Finding { kind, account_id: Some(account_id.to_owned()), seq, detail: detail.into() });
    }

    fn in_checkpoint(&mut self, seq: i64, detail: impl Into<String>) {
        self.add(Finding { kind: Kind::Checkpoint, account_id: None, seq, detail: detail.into() });
    }

    fn erased(&mut self, found: Mismatch) {
        let Mismatch { account_id, seq, detail } = found;
        if self.report.erased.len() < FINDINGS_MAX {
            self.report.erased.push(ErasedDocument { account_id, seq, detail });
        } else {
            self.report.erased_unlisted += 1;
        }
    }

    fn add(&mut self, finding: Finding) {
        if self.report.findings.len() < FINDINGS_MAX {
            self.report.findings.push(finding);
        } else {
            self.report.findings_unlisted += 1;
        }
    }
}

/// Verifies the log, or one chain of it.
///
/// # Errors
/// When the log cannot be read; that it was tampered with is no error but the report.
pub async fn verify(
    pool: &PgPool,
    signer: &Signer,
    rechecks: &[Box<dyn Recheck>],
    scope: &Scope,
) -> Result<Report, AuditError> {
    let mut tx = db::begin(pool).await?;
    sqlx::query!("set transaction isolation level repeatable read, read only").execute(&mut *tx).await?;
    let mut gathering = Gathering::default();
    let only = scope.account_id.as_deref();
    chains::check(&mut tx, only, rechecks, &mut gathering).await?;
    checkpoints::check(&mut tx, only, signer, &mut gathering).await?;
    if let Some(expected) = &scope.expect {
        checkpoints::check_expected(&mut tx, expected, &mut gathering).await?;
    }
    tx.rollback().await?;
    let mut report = gathering.report;
    report.intact = report.findings.is_empty();
    Ok(report)
}
