//! Everything that is held about people, for those who ask what it is.
//!
//! Promises: what is given is what an erasure would change, found by the same walk, besides the decisions about the
//! account and the consents that concern it; every event accepted before the call is seen. Of a document that speaks of
//! others too, only the places that hold the person are given.

use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::erase::OF_COMPANY;
use super::identify::{Who, identify};
use super::lock_current;
use crate::accounts::Accounts;
use crate::accounts::custody::Holding;
use crate::accounts::model::{AccountState, id_in_purpose, person_in_purpose};
use crate::accounts::privacy::{Found, Subject};
use crate::accounts::store::{self, HeldEvent};
use crate::kernel::clock::DateTime;
use crate::platform::db;

/// Events that are read at once.
const PAGE: i64 = 1_000;

/// What is held about people of an account.
#[derive(Debug)]
pub struct Export {
    pub exported_at: DateTime,
    pub subject: Subject,
    pub holdings: Vec<Holding>,
}

/// Gathers what is held; none when there is no such account.
pub async fn export(
    accounts: &Accounts,
    account_id: &str,
    who: Who<'_>,
) -> Result<Option<Export>, sqlx::Error> {
    let now = accounts.clock.now();
    let mut tx = db::begin(&accounts.pool).await?;
    let Some(current) = lock_current(&mut tx, account_id, accounts.follower.as_ref(), now).await? else {
        return Ok(None);
    };
    let subject = identify(&mut tx, account_id, who).await?;
    let mut holdings = own(&mut tx, account_id, &current.state, &subject).await?;
    for custodian in accounts.custodians.iter() {
        holdings.extend(custodian.export(&mut tx, account_id, &subject).await?);
    }
    // Events that waited were applied.
    tx.commit().await?;
    accounts.follower.after_commit(None);
    Ok(Some(Export { exported_at: now, subject, holdings }))
}

/// What accounts keep themselves.
async fn own(
    conn: &mut PgConnection,
    account_id: &str,
    state: &AccountState,
    subject: &Subject,
) -> Result<Vec<Holding>, sqlx::Error> {
    let mut held = Vec::new();
    for row in store::list_contacts(conn, account_id).await? {
        if subject.has_id(&row.contact_id) {
            held.push(Holding {
                kind: "contacts",
                held: json!({"contactId": row.contact_id, "profile": row.doc}),
            });
        }
    }
    for (purpose, fact) in &state.consents {
        if concerns(purpose, subject) {
            held.push(Holding { kind: "consents", held: json!({"purpose": purpose, "consent": fact}) });
        }
    }
    let text = store::state_text(conn, account_id).await?.unwrap_or_default();
    held.extend(
        subject.find_in_json(&text, &OF_COMPANY).into_iter().map(|found| place("state", None, &found)),
    );
    let mut after = None;
    loop {
        let page = store::held_events(conn, account_id, after, PAGE).await?;
        held.extend(page.iter().filter_map(|event| event_held("events", event, subject)));
        held.extend(page.iter().filter_map(|event| consent_said(event, subject)));
        after = page.last().map(|event| (event.received_at, event.id));
        if i64::try_from(page.len()).is_ok_and(|rows| rows < PAGE) {
            break;
        }
    }
    let (beyond, mut after) = (subject.beyond_account(), None);
    loop {
        let page = store::held_unmatched(conn, after, PAGE).await?;
        held.extend(page.iter().filter_map(|event| event_held("unmatchedEvents", event, &beyond)));
        after = page.last().map(|event| event.id);
        if i64::try_from(page.len()).is_ok_and(|rows| rows < PAGE) {
            break;
        }
    }
    for note in store::note_texts(conn, account_id).await? {
        if subject.redact_text(&note.text).is_some() {
            held.push(Holding { kind: "notes", held: json!({"noteId": note.id, "text": note.text}) });
        }
    }
    for dead in store::dead_errors(conn, account_id).await? {
        if subject.redact_text(&dead.text).is_some() {
            held.push(Holding { kind: "deadEvents", held: json!({"eventId": dead.id, "error": dead.text}) });
        }
    }
    Ok(held)
}

/// A place of a document that holds the person.
pub fn place(kind: &'static str, id: Option<Uuid>, found: &Found) -> Holding {
    Holding { kind, held: json!({"id": id, "pointer": found.pointer, "value": found.value}) }
}

/// Whether a consent concerns the people: it names one of them, or nobody and so everybody.
fn concerns(purpose: &str, subject: &Subject) -> bool {
    match person_in_purpose(purpose) {
        None => true,
        Some(contact) => subject.ids().any(|id| id == contact || id_in_purpose(id) == contact),
    }
}

fn event_held(kind: &'static str, event: &HeldEvent, subject: &Subject) -> Option<Holding> {
    let data = event.data.0.get();
    let holds = subject.redact_event(&event.type_name, data).is_some()
        || event.attributes.as_deref().is_some_and(|text| subject.redact_json(text, &[]).is_some())
        || subject.redact_event_id(&event.event_id).is_some();
    holds.then(|| Holding { kind, held: told(event) })
}

/// The history of consents: what was said of each that concerns the people.
fn consent_said(event: &HeldEvent, subject: &Subject) -> Option<Holding> {
    if event.type_name != "gtm.consent.changed" {
        return None;
    }
    let data: Value = serde_json::from_str(event.data.0.get()).ok()?;
    let purpose = data.get("purpose")?.as_str()?.to_lowercase();
    concerns(&purpose, subject).then(|| Holding { kind: "consentHistory", held: told(event) })
}

fn told(event: &HeldEvent) -> Value {
    json!({
        "eventId": event.id, "type": event.type_name, "source": event.source, "id": event.event_id,
        "occurredAt": event.occurred_at, "receivedAt": event.received_at, "data": event.data,
    })
}
