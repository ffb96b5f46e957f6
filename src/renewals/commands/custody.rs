//! What renewals hold about people: notes of checkpoints and of the end, what was told, who was named.
//!
//! Leaves out the plans themselves; the plan engine keeps those.

use futures_util::future::BoxFuture;
use serde_json::json;
use sqlx::PgConnection;

use crate::accounts::{Changed, Custodian, Erasing, Holding, Subject};
use crate::renewals::store::{self, HeldNote};

/// Keeps what renewals hold.
pub struct RenewalCustodian;

/// What is left of a text that holds somebody; none where it holds nobody.
fn left(note: &HeldNote, subject: &Subject) -> Option<String> {
    match note.kind.as_str() {
        "told" | "terms" => subject.redact_json(&note.text, &[]),
        _ => subject.redact_text(&note.text),
    }
}

impl Custodian for RenewalCustodian {
    fn export<'a>(
        &'a self,
        conn: &'a mut PgConnection,
        account_id: &'a str,
        subject: &'a Subject,
    ) -> BoxFuture<'a, Result<Vec<Holding>, sqlx::Error>> {
        Box::pin(async move {
            let notes = store::notes(conn, account_id).await?;
            let held = notes.into_iter().filter(|note| left(note, subject).is_some()).map(|note| Holding {
                kind: "renewals",
                held: json!({"renewalId": note.renewal_id, "of": note.kind, "place": note.place, "text": note.text}),
            });
            Ok(held.collect())
        })
    }

    fn erase<'a>(
        &'a self,
        conn: &'a mut PgConnection,
        erasing: &'a Erasing<'a>,
    ) -> BoxFuture<'a, Result<Changed, sqlx::Error>> {
        Box::pin(async move {
            let notes = store::notes(conn, erasing.account_id).await?;
            let rest: Vec<HeldNote> = notes
                .into_iter()
                .filter_map(|note| Some(HeldNote { text: left(&note, erasing.subject)?, ..note }))
                .collect();
            store::rewrite_notes(conn, erasing.account_id, &rest).await?;
            let mut changed = Changed::default();
            changed.count("renewals", rest.len());
            Ok(changed)
        })
    }
}
