//! What plans hold about people at the companies: documents, changes, what was handed over, timelines, gates.
//!
//! An account's own plans are looked through by everything that its people are known by; plans of no account by what is
//! theirs everywhere.

use futures_util::future::BoxFuture;
use serde_json::Value;
use sqlx::PgConnection;

use crate::accounts::commands::place;
use crate::accounts::{Changed, Custodian, Erasing, Holding, Subject};
use crate::plans::change::Change;
use crate::plans::lifecycle::GateState;
use crate::plans::model::Plan;
use crate::plans::store::{self, HeldDoc, Paused};
use crate::platform::audit::SYSTEM;

/// Keeps what plans hold.
pub struct PlanCustodian;

impl Custodian for PlanCustodian {
    fn export<'a>(
        &'a self,
        conn: &'a mut PgConnection,
        account_id: &'a str,
        subject: &'a Subject,
    ) -> BoxFuture<'a, Result<Vec<Holding>, sqlx::Error>> {
        Box::pin(async move {
            let mut held = Vec::new();
            for (owner, whose) in owners(account_id, subject) {
                for doc in store::docs(conn, owner).await? {
                    let found = whose.find_in_json(&doc.doc, &[]);
                    held.extend(found.iter().map(|found| place(kind(&doc.part), Some(doc.plan_id), found)));
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
            for (owner, whose) in owners(erasing.account_id, erasing.subject) {
                store::lock_plans_of(conn, owner).await?;
                let docs = store::docs(conn, owner).await?;
                let left: Vec<HeldDoc> = docs.into_iter().filter_map(|doc| left(doc, &whose)).collect();
                for doc in &left {
                    changed.count(kind(&doc.part), 1);
                }
                store::rewrite(conn, owner, &left).await?;
            }
            Ok(changed)
        })
    }
}

/// Whose plans can hold people of an account.
fn owners<'a>(account_id: &'a str, subject: &Subject) -> [(&'a str, Subject); 2] {
    [(account_id, subject.clone()), (SYSTEM, subject.beyond_account())]
}

/// What a part is called in an export and in the counts of an erasure.
fn kind(part: &str) -> &'static str {
    match part {
        "entry" => "planTimelines",
        "task" | "title" => "planTasks",
        "gate" => "planGates",
        _ => "plans",
    }
}

/// What is left of a document that holds somebody. It stays a document that can be read: where an object about somebody
/// would lose what it must have, the texts that name them are taken out one by one instead.
fn left(held: HeldDoc, subject: &Subject) -> Option<HeldDoc> {
    let doc = subject.redact_json(&held.doc, &[])?;
    let doc = if reads(&held.part, &doc) { doc } else { texts(&held.doc, subject)? };
    Some(HeldDoc { doc, ..held })
}

fn reads(part: &str, doc: &str) -> bool {
    match part {
        "version" => serde_json::from_str::<Plan>(doc).is_ok(),
        "changes" => serde_json::from_str::<Vec<Change>>(doc).is_ok(),
        "gate" => serde_json::from_str::<GateState>(doc).is_ok(),
        "paused" => serde_json::from_str::<Paused>(doc).is_ok(),
        "why" | "objective" | "title" => serde_json::from_str::<String>(doc).is_ok(),
        _ => true,
    }
}

fn texts(doc: &str, subject: &Subject) -> Option<String> {
    let mut value: Value = serde_json::from_str(doc).ok()?;
    blank(&mut value, subject);
    Some(value.to_string())
}

fn blank(value: &mut Value, subject: &Subject) {
    match value {
        Value::String(text) => {
            if let Some(left) = subject.redact_text(text) {
                *text = left;
            }
        }
        Value::Array(entries) => entries.iter_mut().for_each(|entry| blank(entry, subject)),
        Value::Object(members) => members.values_mut().for_each(|member| blank(member, subject)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
