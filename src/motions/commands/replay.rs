//! Computing a past decision again from what was stored with it.

use serde_json::Value;
use uuid::Uuid;

use super::{MotionError, Motions};
use crate::kernel::ids::AccountId;
use crate::motions::decide::decide;
use crate::motions::document::{DecisionDocument, Meta, document};
use crate::motions::model::Ledger;
use crate::motions::store;

/// Whether a decision comes out the same when it is computed again.
#[derive(Debug)]
pub struct Replayed {
    pub identical: bool,
    /// JSON pointers into the document at which the two differ, with both values.
    pub differences: Vec<Difference>,
}

/// One place at which a replay differs from the record.
#[derive(Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Difference {
    /// JSON pointer into the decision document.
    pub pointer: String,
    /// What is on record; null when it is absent there.
    pub recorded: Value,
    /// What the replay gives.
    pub replayed: Value,
}

impl Motions {
    /// Decides again from the stored signals, ledger, instant and policy version, and compares the documents
    /// in every field. Nothing is written.
    pub async fn replay(&self, id: Uuid) -> Result<Replayed, MotionError> {
        let row = store::find_decision(&self.pool, id).await?.ok_or(MotionError::NoDecision(id))?;
        let recorded: Value = serde_json::from_str(row.document.0.get())?;
        let stored: DecisionDocument = serde_json::from_str(row.document.0.get())?;
        let ledger: Ledger = serde_json::from_str(row.ledger.0.get())?;
        let mut conn = self.pool.acquire().await?;
        let policy = self.policies.get(&mut conn, &row.policy_version).await?;
        drop(conn);
        let decision = decide(&policy, &stored.signals, &ledger, row.decided_at);
        let meta =
            Meta { account_id: AccountId::parse(row.account_id)?, decision_id: row.id, dry_run: false };
        let again = document(&policy, &stored.signals, &ledger, &decision, &meta);
        let mut differences = Vec::new();
        compare(&recorded, &serde_json::to_value(&again)?, String::new(), &mut differences);
        Ok(Replayed { identical: differences.is_empty(), differences })
    }
}

/// Collects the places at which two documents differ.
fn compare(recorded: &Value, replayed: &Value, pointer: String, differences: &mut Vec<Difference>) {
    match (recorded, replayed) {
        (Value::Object(a), Value::Object(b)) => {
            for key in a.keys().chain(b.keys().filter(|key| !a.contains_key(*key))) {
                let (one, other) = (a.get(key).unwrap_or(&Value::Null), b.get(key).unwrap_or(&Value::Null));
                let step = key.replace('~', "~0").replace('/', "~1");
                compare(one, other, format!("{pointer}/{step}"), differences);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (index, (one, other)) in a.iter().zip(b).enumerate() {
                compare(one, other, format!("{pointer}/{index}"), differences);
            }
        }
        (one, other) if one == other => {}
        (one, other) => {
            differences.push(Difference { pointer, recorded: one.clone(), replayed: other.clone() });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn differences_name_their_place() {
        let mut found = Vec::new();
        let (one, other) = (json!({"a": {"b/c": [1, 2]}, "x": 1}), json!({"a": {"b/c": [1, 3]}, "y": 1}));
        compare(&one, &other, String::new(), &mut found);
        let places: Vec<&str> = found.iter().map(|d| d.pointer.as_str()).collect();
        assert_eq!(places, ["/a/b~1c/1", "/x", "/y"]);
    }
}
