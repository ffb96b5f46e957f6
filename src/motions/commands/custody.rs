//! What motions hold about people: nothing in decisions, whose short form goes with an export all the same, because they
//! are made by a program about the company that somebody works for; and notes on conflicts.

use futures_util::future::BoxFuture;
use serde_json::json;
use sqlx::PgConnection;

use crate::accounts::{Changed, Custodian, Erasing, Holding, Subject};
use crate::motions::store::{self, ConflictNote};

/// Decisions that go with an export, the newest.
const DECISIONS_MAX: i64 = 200;

/// Keeps what motions hold.
pub struct MotionCustodian;

impl Custodian for MotionCustodian {
    fn export<'a>(
        &'a self,
        conn: &'a mut PgConnection,
        account_id: &'a str,
        subject: &'a Subject,
    ) -> BoxFuture<'a, Result<Vec<Holding>, sqlx::Error>> {
        Box::pin(async move {
            let decided = store::decided_in_short(conn, account_id, DECISIONS_MAX).await?;
            let mut held: Vec<Holding> = decided
                .into_iter()
                .map(|decision| Holding {
                    kind: "decisions",
                    held: json!({
                        "decisionId": decision.id, "decidedAt": decision.decided_at,
                        "policyVersion": decision.policy_version, "outcome": decision.outcome,
                        "motion": decision.motion, "matchedRule": decision.matched_rule,
                        "confidence": decision.confidence, "reasoning": decision.reasoning,
                    }),
                })
                .collect();
            for conflict in store::conflict_notes(conn, account_id).await? {
                if subject.redact_text(&conflict.note).is_some() {
                    let note = json!({"conflictId": conflict.id, "note": conflict.note});
                    held.push(Holding { kind: "conflictNotes", held: note });
                }
            }
            Ok(held)
        })
    }

    fn erase<'a>(
        &'a self,
        conn: &'a mut PgConnection,
        erasing: &'a Erasing<'a>,
    ) -> BoxFuture<'a, Result<Changed, sqlx::Error>> {
        Box::pin(async move {
            let mut changed = Changed::default();
            let notes = store::conflict_notes(conn, erasing.account_id).await?.into_iter();
            let left = |held: ConflictNote| {
                Some(ConflictNote { note: erasing.subject.redact_text(&held.note)?, ..held })
            };
            let left: Vec<ConflictNote> = notes.filter_map(left).collect();
            store::rewrite_notes(conn, erasing.account_id, &left).await?;
            changed.count("conflictNotes", left.len());
            Ok(changed)
        })
    }
}
