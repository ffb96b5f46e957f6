//! Lets the verification of the audit log look at the decisions that it refers to.
//!
//! Promises: a decision whose document or ledger was changed after it was recorded is found, as is one that is
//! gone; the digests are those of the stored texts, to the letter.

use std::collections::HashMap;

use futures_util::future::BoxFuture;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::store;
use crate::kernel::json::sha256;
use crate::platform::audit::Row;
use crate::platform::audit::verify::{Checked, Mismatch, Recheck};

/// The action under which decisions stand in the audit log.
pub const DECISION_RECORDED: &str = "decision.recorded";

/// Compares recorded decisions with the digests in the audit log.
pub struct DecisionDigests;

/// The digest of a stored text as the audit log writes it.
pub fn digest(text: &str) -> String {
    format!("sha256:{}", hex::encode(sha256(text.as_bytes())))
}

impl Recheck for DecisionDigests {
    fn check<'a>(
        &'a self,
        conn: &'a mut PgConnection,
        rows: &'a [Row],
    ) -> BoxFuture<'a, Result<Checked, sqlx::Error>> {
        Box::pin(async move {
            let decisions: Vec<(&Row, Uuid)> = rows
                .iter()
                .filter(|row| row.action == DECISION_RECORDED)
                .filter_map(|row| Some((row, row.subject.strip_prefix("decision:")?.parse().ok()?)))
                .collect();
            let ids: Vec<Uuid> = decisions.iter().map(|(_, id)| *id).collect();
            let texts: HashMap<Uuid, store::DecisionTexts> =
                store::decision_texts(conn, &ids).await?.into_iter().map(|texts| (texts.id, texts)).collect();
            let mismatches = decisions
                .into_iter()
                .filter_map(|(row, id)| {
                    let detail = mismatch(&row.details, texts.get(&id))?;
                    Some(Mismatch { account_id: row.account_id.clone(), seq: row.seq, detail })
                })
                .collect();
            Ok(Checked { mismatches, erased: Vec::new() })
        })
    }
}

/// How a decision differs from what its entry says; nothing when it does not.
fn mismatch(details: &str, stored: Option<&store::DecisionTexts>) -> Option<String> {
    let Some(stored) = stored else { return Some("the decision is gone".to_owned()) };
    let details: Value = serde_json::from_str(details).ok()?;
    if details["decision"] != digest(&stored.document) {
        return Some("the decision's document was changed".to_owned());
    }
    (details["ledger"] != digest(&stored.ledger)).then(|| "the decision's ledger was changed".to_owned())
}
