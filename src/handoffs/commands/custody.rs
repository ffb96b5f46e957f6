//! What handoffs hold about people: packages, timelines, receipts.

use futures_util::future::BoxFuture;
use serde_json::json;
use sqlx::PgConnection;

use crate::accounts::commands::place;
use crate::accounts::{Changed, Custodian, Erasing, Holding, Subject};
use crate::handoffs::recheck::{PACKAGE_ERASED, seal, written};
use crate::handoffs::store::{self, HeldDoc, HeldWords, LeftPackage};
use crate::platform::audit::Entry;

/// What of a package is about the company alone.
const OF_COMPANY: [&str; 1] = ["company"];

/// Keeps what handoffs hold.
pub struct HandoffCustodian;

impl Custodian for HandoffCustodian {
    fn export<'a>(
        &'a self,
        conn: &'a mut PgConnection,
        account_id: &'a str,
        subject: &'a Subject,
    ) -> BoxFuture<'a, Result<Vec<Holding>, sqlx::Error>> {
        Box::pin(async move {
            let mut held = Vec::new();
            for handoff in store::packages(conn, account_id).await? {
                let found = subject.find_in_json(&handoff.package, &OF_COMPANY);
                held.extend(found.iter().map(|found| place("handoffPackages", Some(handoff.id), found)));
                for (said, words) in [("closeReason", handoff.close_reason), ("question", handoff.question)] {
                    if let Some(words) = words.filter(|text| subject.redact_text(text).is_some()) {
                        held.push(Holding { kind: "handoffs", held: json!({"id": handoff.id, said: words}) });
                    }
                }
            }
            for line in store::entry_docs(conn, account_id).await? {
                let found = subject.find_in_json(&line.doc, &[]);
                held.extend(
                    found.iter().map(|found| place("handoffTimelines", Some(line.handoff_id), found)),
                );
            }
            for receipt in store::receipt_docs(conn, account_id).await? {
                if subject.redact_json(&receipt.doc, &[]).is_some() {
                    let doc: serde_json::Value = serde_json::from_str(&receipt.doc).unwrap_or_default();
                    held.push(Holding {
                        kind: "shareReceipts",
                        held: json!({"receiptId": receipt.id, "handoffId": receipt.handoff_id, "receipt": doc}),
                    });
                }
            }
            for words in store::held_words(conn, account_id).await? {
                if let Some(words) = redacted_words(&words, subject).map(|_| words) {
                    let held_alert =
                        json!({"alertId": words.id, "handoffId": words.handoff_id, "body": words.body});
                    held.push(Holding { kind: "heldAlerts", held: held_alert });
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
            let (account_id, subject) = (erasing.account_id, erasing.subject);
            let mut changed = Changed::default();
            let mut left = Vec::new();
            for handoff in store::packages(conn, account_id).await? {
                let package = subject.redact_json(&handoff.package, &OF_COMPANY);
                let reason = handoff.close_reason.as_deref().and_then(|text| subject.redact_text(text));
                let question = handoff.question.as_deref().and_then(|text| subject.redact_text(text));
                let words = reason.is_some() || question.is_some();
                if package.is_none() && !words {
                    continue;
                }
                if package.is_some() {
                    changed.count("handoffPackages", 1);
                }
                let text = package.clone().unwrap_or(handoff.package);
                let digest = seal(&text).map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
                if package.is_some() && !handoff.is_held {
                    let subject = format!("handoff:{}", handoff.id);
                    let details = json!({ "package": written(&digest), "erasure": erasing.id });
                    changed.entries.push(Entry::new(erasing.actor, PACKAGE_ERASED, subject, details));
                }
                if words {
                    changed.count("handoffs", 1);
                }
                let close_reason = reason.or(handoff.close_reason);
                left.push(LeftPackage {
                    id: handoff.id,
                    package: text,
                    digest: digest.to_vec(),
                    close_reason,
                    question: question.or(handoff.question),
                });
            }
            store::rewrite_packages(conn, account_id, &left).await?;
            let lines = redacted(store::entry_docs(conn, account_id).await?, subject);
            store::rewrite_entries(conn, account_id, &lines).await?;
            changed.count("handoffTimelines", lines.len());
            let receipts = redacted(store::receipt_docs(conn, account_id).await?, subject);
            store::rewrite_receipts(conn, account_id, &receipts).await?;
            changed.count("shareReceipts", receipts.len());
            let held = store::held_words(conn, account_id).await?;
            let held: Vec<HeldWords> =
                held.iter().filter_map(|words| redacted_words(words, subject)).collect();
            store::rewrite_held(conn, account_id, &held).await?;
            changed.count("heldAlerts", held.len());
            Ok(changed)
        })
    }
}

/// What is left of an alert that holds somebody.
fn redacted_words(words: &HeldWords, subject: &Subject) -> Option<HeldWords> {
    let (title, body) = (subject.redact_text(&words.title), subject.redact_text(&words.body));
    if title.is_none() && body.is_none() {
        return None;
    }
    Some(HeldWords {
        id: words.id,
        handoff_id: words.handoff_id,
        title: title.unwrap_or_else(|| words.title.clone()),
        body: body.unwrap_or_else(|| words.body.clone()),
    })
}

fn redacted(docs: Vec<HeldDoc>, subject: &Subject) -> Vec<HeldDoc> {
    let left = |held: HeldDoc| Some(HeldDoc { doc: subject.redact_json(&held.doc, &[])?, ..held });
    docs.into_iter().filter_map(left).collect()
}
