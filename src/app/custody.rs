//! What the platform holds about people, which knows no people: deliveries, and answers that are kept for repeats.

use std::collections::BTreeMap;

use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::accounts::commands::place;
use crate::accounts::{Changed, Custodian, Erasing, Holding, Subject};
use crate::kernel::ids::new_id;
use crate::platform::audit::SYSTEM;
use crate::platform::http::idempotency;
use crate::platform::outbox::people::{self, Command, HeldDelivery, LeftDelivery};

/// Rows that are read at once.
const PAGE: i64 = 500;

/// Keeps what the platform holds.
pub(super) struct PlatformCustodian;

impl Custodian for PlatformCustodian {
    fn export<'a>(
        &'a self,
        conn: &'a mut PgConnection,
        account_id: &'a str,
        subject: &'a Subject,
    ) -> BoxFuture<'a, Result<Vec<Holding>, sqlx::Error>> {
        Box::pin(async move {
            let mut held = Vec::new();
            for (owner, whose) in owners(account_id, subject) {
                let mut after = Uuid::nil();
                loop {
                    let page = people::held(conn, owner, after, PAGE).await?;
                    held.extend(page.iter().filter_map(|delivery| delivery_held(delivery, &whose)));
                    let Some(last) = page.last() else { break };
                    after = last.id;
                }
            }
            for (answer, whose) in answers(conn, account_id, subject).await? {
                let body = String::from_utf8_lossy(&answer.body);
                let found = whose.find_in_json(&body, &[]);
                held.extend(found.iter().map(|found| place("keptAnswers", None, found)));
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
            let (account_id, subject, mut changed) =
                (erasing.account_id, erasing.subject, Changed::default());
            for (owner, whose) in owners(account_id, subject) {
                let mut after = Uuid::nil();
                loop {
                    let page = people::held(conn, owner, after, PAGE).await?;
                    let Some(last) = page.last() else { break };
                    after = last.id;
                    let left: Vec<LeftDelivery> =
                        page.iter().filter_map(|delivery| left(delivery, &whose, &mut changed)).collect();
                    people::rewrite(conn, owner, &left).await?;
                    changed.count("deliveries", left.len());
                }
            }
            for (mut answer, whose) in answers(conn, account_id, subject).await? {
                if let Some(left) = whose.redact_json(&String::from_utf8_lossy(&answer.body), &[]) {
                    answer.body = left.into_bytes();
                    idempotency::rewrite(conn, &answer).await?;
                    changed.count("keptAnswers", 1);
                }
            }
            Ok(changed)
        })
    }

    fn tell<'a>(
        &'a self,
        conn: &'a mut PgConnection,
        erasing: &'a Erasing<'a>,
        recipients: &'a BTreeMap<String, u64>,
    ) -> BoxFuture<'a, Result<(), sqlx::Error>> {
        Box::pin(async move {
            let commands: Vec<Command> =
                recipients.keys().map(|recipient| command(erasing, recipient)).collect();
            people::command(conn, erasing.account_id, erasing.id, &commands, erasing.at).await
        })
    }
}

/// Whose deliveries can hold people of an account: its own, and digests, which tell of several accounts and are nobody's.
fn owners<'a>(account_id: &'a str, subject: &Subject) -> [(&'a str, Subject); 2] {
    [(account_id, subject.clone()), (SYSTEM, subject.beyond_account())]
}

/// Asks a recipient to erase people, by what it knows them by and nothing else.
fn command(erasing: &Erasing<'_>, recipient: &str) -> Command {
    let ids: Vec<&str> = erasing.subject.ids().collect();
    let mut data =
        json!({ "erasureId": erasing.id, "accountId": erasing.account_id, "recipient": recipient });
    if ids.is_empty() {
        data["emails"] = json!(erasing.subject.emails().collect::<Vec<_>>());
    } else {
        data["contactIds"] = json!(ids);
    }
    let body = json!({ "type": people::ERASURE, "timestamp": erasing.at, "data": data });
    Command {
        id: new_id(erasing.at),
        destination: people::lane(people::ERASURE, recipient),
        payload: body.to_string(),
    }
}

/// What is left of a delivery that holds somebody. One that waits goes out without them, and is not cancelled: it tells
/// of other things too, and whoever waits for it waits for those.
fn left(delivery: &HeldDelivery, subject: &Subject, changed: &mut Changed) -> Option<LeftDelivery> {
    let payload = subject.redact_json(delivery.payload.0.get(), &[]);
    let error = delivery.last_error.as_deref().and_then(|text| subject.redact_text(text));
    // An attempt that failed may have arrived all the same.
    if payload.is_some() && delivery.attempts > 0 {
        *changed.recipients.entry(delivery.destination.clone()).or_default() += 1;
    }
    if payload.is_none() && error.is_none() {
        return None;
    }
    Some(LeftDelivery {
        id: delivery.id,
        payload: payload.unwrap_or_else(|| delivery.payload.0.get().to_owned()),
        last_error: error.or_else(|| delivery.last_error.clone()),
    })
}

fn delivery_held(delivery: &HeldDelivery, subject: &Subject) -> Option<Holding> {
    let found = subject.find_in_json(delivery.payload.0.get(), &[]);
    if found.is_empty() {
        return None;
    }
    let places: Vec<Value> =
        found.iter().map(|found| json!({"pointer": found.pointer, "value": found.value})).collect();
    let held = json!({
        "deliveryId": delivery.id, "recipient": delivery.destination, "provider": delivery.provider,
        "status": delivery.status, "createdAt": delivery.created_at, "deliveredAt": delivery.delivered_at,
        "places": places,
    });
    Some(Holding { kind: "deliveries", held })
}

/// Kept answers that may hold the people, each with those of their marks that count in it: in an answer that does not name
/// the account, ids that mean nothing elsewhere do not.
async fn answers(
    conn: &mut PgConnection,
    account_id: &str,
    subject: &Subject,
) -> Result<Vec<(idempotency::HeldAnswer, Subject)>, sqlx::Error> {
    let beyond = subject.beyond_account();
    let texts: Vec<&str> = std::iter::once(account_id).chain(beyond.ids()).chain(beyond.emails()).collect();
    let mut found: Vec<(idempotency::HeldAnswer, Subject)> = Vec::new();
    loop {
        let page = idempotency::held(conn, &texts, found.last().map(|(answer, _)| answer), PAGE).await?;
        if page.is_empty() {
            return Ok(found);
        }
        for answer in page {
            let own = String::from_utf8_lossy(&answer.body).contains(account_id);
            found.push((answer, if own { subject.clone() } else { beyond.clone() }));
        }
    }
}
