//! What stored calls hold about people: bodies as systems sent them, until their retention is over.
//!
//! Promises: a call that was read is gone with an erasure, because what it said is kept as events, which are erased
//! themselves; one that is still to be read is kept without the person, or goes too where its form does not allow that.

use futures_util::future::BoxFuture;
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::accounts::{Changed, Custodian, Erasing, Holding, Subject};
use crate::connectors::store::{self, HeldCall};

/// Calls that are looked at in one statement.
const PAGE: i64 = 200;

/// Keeps what stored calls hold.
pub struct CallCustodian;

impl Custodian for CallCustodian {
    fn export<'a>(
        &'a self,
        conn: &'a mut PgConnection,
        _account_id: &'a str,
        subject: &'a Subject,
    ) -> BoxFuture<'a, Result<Vec<Holding>, sqlx::Error>> {
        Box::pin(async move {
            // A call names no account: its ids may be another's.
            let (whose, mut held, mut after) = (subject.beyond_account(), Vec::new(), Uuid::nil());
            loop {
                let page = store::calls_after(conn, after, PAGE).await?;
                let Some(last) = page.last() else { return Ok(held) };
                after = last.id;
                let theirs = page.iter().filter(|call| rest(&whose, call) != Rest::Untouched);
                held.extend(theirs.map(|call| Holding {
                    kind: "calls",
                    held: json!({
                        "receivedId": call.id, "connector": call.connector, "receivedAt": call.received_at,
                        "status": call.status,
                    }),
                }));
            }
        })
    }

    fn erase<'a>(
        &'a self,
        conn: &'a mut PgConnection,
        erasing: &'a Erasing<'a>,
    ) -> BoxFuture<'a, Result<Changed, sqlx::Error>> {
        Box::pin(async move {
            let whose = erasing.subject.beyond_account();
            let (mut changed, mut after) = (Changed::default(), Uuid::nil());
            loop {
                let page = store::calls_after(conn, after, PAGE).await?;
                let Some(last) = page.last() else { return Ok(changed) };
                after = last.id;
                let (mut gone, mut left) = (Vec::new(), Vec::new());
                for call in &page {
                    match rest(&whose, call) {
                        Rest::Untouched => {}
                        Rest::Gone => gone.push(call.id),
                        Rest::Body(body) => left.push((call.id, body)),
                    }
                }
                store::drop_calls(conn, &gone).await?;
                store::rewrite_calls(conn, &left).await?;
                changed.count("calls", gone.len() + left.len());
            }
        })
    }
}

/// What an erasure leaves of a call.
#[derive(Debug, PartialEq, Eq)]
enum Rest {
    /// It does not hold the person.
    Untouched,
    Gone,
    Body(Vec<u8>),
}

fn rest(whose: &Subject, call: &HeldCall) -> Rest {
    // Faults say what was wrong with a value, and may quote it.
    let faults = call.faults.as_deref().and_then(|faults| whose.redact_text(faults));
    let text = String::from_utf8_lossy(&call.body);
    let left = whose.redact_json(&text, &[]).or_else(|| whose.redact_text(&text));
    // A form hides addresses behind percent signs.
    let unfolded = form_urlencoded::parse(&call.body).any(|(_, value)| whose.redact_text(&value).is_some());
    match (left, faults.is_some() || unfolded) {
        (None, false) => Rest::Untouched,
        (Some(left), false) if call.status != "done" && is_json(&left) => Rest::Body(left.into_bytes()),
        _ => Rest::Gone,
    }
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rest_of(status: &str, body: &str) -> Rest {
        let mut ann = Subject::default();
        ann.add_email("ann@acme.com");
        let call = HeldCall {
            id: Uuid::nil(),
            connector: "own".to_owned(),
            received_at: chrono::DateTime::UNIX_EPOCH,
            status: status.to_owned(),
            body: body.as_bytes().to_vec(),
            faults: None,
        };
        rest(&ann, &call)
    }

    #[test]
    fn a_call_about_somebody_goes_or_is_kept_without_them() {
        let about = r#"{"email":"ann@acme.com","plan":"pro"}"#;
        assert_eq!(rest_of("done", about), Rest::Gone);
        let Rest::Body(left) = rest_of("waiting", about) else { panic!("it is still to be read") };
        let left = String::from_utf8(left).unwrap();
        assert!(left.contains("pro") && !left.contains("ann@"), "{left}");
        assert_eq!(rest_of("dead", "payload=%7B%22email%22%3A%22ann%40acme.com%22%7D"), Rest::Gone);
        assert_eq!(rest_of("dead", "<email>ann@acme.com</email>"), Rest::Gone);
        assert_eq!(rest_of("done", r#"{"email":"bob@acme.com"}"#), Rest::Untouched);
    }
}
