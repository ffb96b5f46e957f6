//! Erasing people: from everything that is kept about an account, in one transaction, and from what comes later.
//!
//! Promises: an erasure is whole or has not happened; it is on the account's audit chain, under salted digests instead of
//! names; asked for again it changes nothing and is not recorded again. Events that are on their way meanwhile are blanked
//! when they are applied, because the list of those who were erased is written under the account's lock. What a preview
//! counts is what would be changed: it does the same and takes it back.
//! Leaves out: the audit log itself, which names nobody; decisions, which hold no people.

use std::collections::BTreeMap;

use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::identify::{Who, digests, identify};
use super::lock_current;
use crate::accounts::custody::{Changed, Erasing};
use crate::accounts::privacy::Subject;
use crate::accounts::store::{self, BlankedEvent, HeldEvent, HeldText};
use crate::accounts::{Accounts, model};
use crate::kernel::clock::DateTime;
use crate::kernel::ids::new_id;
use crate::kernel::json::Hash;
use crate::platform::audit::{self, AuditError, Entry, SYSTEM};
use crate::platform::db;

/// Events that are read at once.
const PAGE: i64 = 1_000;
/// What of an account's state is about the company alone.
pub(super) const OF_COMPANY: [&str; 1] = ["profile"];

/// What an erasure changed, or would change.
#[derive(Debug)]
pub struct Erased {
    /// None where there was nothing to change, and in a preview.
    pub erasure_id: Option<Uuid>,
    /// None for what lay without an account.
    pub account_id: Option<String>,
    /// Rows that held somebody, by kind.
    pub changed: BTreeMap<&'static str, u64>,
    /// Who had received something and was asked to erase it: the destination, and how many deliveries.
    pub recipients: BTreeMap<String, u64>,
    /// The digests under which the people are kept from coming back.
    pub suppressed: Vec<Hash>,
    /// Other accounts that know one of them by an e-mail address.
    pub also_at: Vec<String>,
}

/// Erases people wherever they are known, or at one account. For those who hear of an erasure from outside: a person may
/// be known at several accounts, each of which is a transaction of its own. Asked for again after a crash it goes on.
pub async fn erase(
    accounts: &Accounts,
    account_id: Option<&str>,
    who: Who<'_>,
    actor: &str,
) -> Result<Vec<Erased>, AuditError> {
    let mut done = Vec::new();
    let at = if let Some(account_id) = account_id {
        vec![account_id.to_owned()]
    } else {
        let said = who.said();
        let ids: Vec<String> = said.ids().map(str::to_owned).collect();
        let emails: Vec<String> = said.emails().map(str::to_owned).collect();
        store::accounts_of_person(&accounts.pool, &ids, &emails).await?
    };
    for account_id in &at {
        done.extend(erase_at(accounts, account_id, who, false, actor).await?);
    }
    if account_id.is_none() {
        done.push(erase_unaddressed(accounts, &who.said(), actor).await?);
    }
    Ok(done)
}

/// Erases people of an account; none when there is no such account. A preview says what would be changed.
pub async fn erase_at(
    accounts: &Accounts,
    account_id: &str,
    who: Who<'_>,
    dry_run: bool,
    actor: &str,
) -> Result<Option<Erased>, AuditError> {
    let id = new_id(accounts.clock.now());
    let mut tx = db::begin(&accounts.pool).await?;
    // Nothing is routed to or from the account meanwhile; taken before the account, as by corrections.
    store::hold_matching(&mut tx).await?;
    if lock_current(&mut tx, account_id, accounts.follower.as_ref(), accounts.clock.now()).await?.is_none() {
        return Ok(None);
    }
    let at = accounts.clock.now();
    let subject = identify(&mut tx, account_id, who).await?;
    let erasing = Erasing { id, account_id, subject: &subject, actor, at };
    let mut changed = erase_own(&mut tx, &erasing).await?;
    for custodian in accounts.custodians.iter() {
        changed.join(custodian.erase(&mut tx, &erasing).await?);
    }
    let salt = store::privacy_head(&mut tx).await?.salt;
    let suppressed = digests(&salt, Some(account_id), &subject);
    let new = store::suppress(&mut tx, &suppressed, id, at).await?;
    let news = new > 0 || !changed.counts.is_empty();
    let emails: Vec<String> = subject.emails().map(str::to_owned).collect();
    let mut erased = Erased {
        erasure_id: None,
        account_id: Some(account_id.to_owned()),
        changed: changed.counts.clone(),
        recipients: changed.recipients.clone(),
        suppressed,
        also_at: Vec::new(),
    };
    if dry_run {
        tx.rollback().await?;
    } else {
        if news {
            erased.erasure_id = Some(id);
            for custodian in accounts.custodians.iter() {
                custodian.tell(&mut tx, &erasing, &changed.recipients).await?;
            }
            record(&mut tx, &erasing, who, changed, &erased.suppressed).await?;
        }
        // Also without news: events that waited were applied.
        tx.commit().await?;
        accounts.suppressions.refresh(&accounts.pool).await?;
        accounts.follower.after_commit(None);
    }
    erased.also_at = store::accounts_of_person(&accounts.pool, &[], &emails).await?;
    erased.also_at.retain(|other| other != account_id);
    Ok(Some(erased))
}

/// Writes the erasure to its table and to the audit log.
async fn record(
    conn: &mut PgConnection,
    erasing: &Erasing<'_>,
    who: Who<'_>,
    changed: Changed,
    suppressed: &[Hash],
) -> Result<(), AuditError> {
    let counts = json!(changed.counts).to_string();
    store::insert_erasure(conn, erasing.account_id, erasing.id, erasing.actor, &counts, erasing.at).await?;
    let details = json!({
        "asked": who.scope(), "people": suppressed.iter().map(hex::encode).collect::<Vec<_>>(),
        "changed": changed.counts, "recipients": changed.recipients.keys().collect::<Vec<_>>(),
    });
    let subject = format!("erasure:{}", erasing.id);
    let mut entries = vec![Entry::new(erasing.actor, "privacy.erased", subject, details)];
    entries.extend(changed.entries);
    audit::append(conn, erasing.account_id, erasing.at, &entries).await?;
    Ok(())
}

/// Erases people from what waits for an account, and keeps them from coming back anywhere.
async fn erase_unaddressed(accounts: &Accounts, said: &Subject, actor: &str) -> Result<Erased, AuditError> {
    let at = accounts.clock.now();
    let id = new_id(at);
    let mut tx = db::begin(&accounts.pool).await?;
    store::hold_matching(&mut tx).await?;
    let mut changed = Changed::default();
    changed.count("unmatchedEvents", blank_unmatched(&mut tx, said).await?);
    let salt = store::privacy_head(&mut tx).await?.salt;
    let suppressed = digests(&salt, None, said);
    let new = store::suppress(&mut tx, &suppressed, id, at).await?;
    let news = new > 0 || !changed.counts.is_empty();
    if news {
        let people: Vec<String> = suppressed.iter().map(hex::encode).collect();
        let details = json!({ "people": people, "changed": changed.counts });
        let entry = Entry::new(actor, "privacy.erased", format!("erasure:{id}"), details);
        audit::append(&mut tx, SYSTEM, at, &[entry]).await?;
    }
    tx.commit().await?;
    accounts.suppressions.refresh(&accounts.pool).await?;
    Ok(Erased {
        erasure_id: news.then_some(id),
        account_id: None,
        changed: changed.counts,
        recipients: BTreeMap::new(),
        suppressed,
        also_at: Vec::new(),
    })
}

/// Takes people out of what accounts keep themselves.
async fn erase_own(conn: &mut PgConnection, erasing: &Erasing<'_>) -> Result<Changed, sqlx::Error> {
    let (account_id, subject, mut changed) = (erasing.account_id, erasing.subject, Changed::default());
    if subject.is_empty() {
        return Ok(changed);
    }
    let ids: Vec<&str> = subject.ids().collect();
    let contacts = store::delete_contacts(conn, account_id, &ids).await?;
    changed.count("contacts", usize::try_from(contacts).unwrap_or(usize::MAX));
    changed.count("events", blank_events(conn, account_id, subject).await?);
    changed.count("unmatchedEvents", blank_unmatched(conn, subject).await?);
    let notes = redacted(store::note_texts(conn, account_id).await?, subject);
    store::blank_notes(conn, account_id, &notes).await?;
    changed.count("notes", notes.len());
    let errors = redacted(store::dead_errors(conn, account_id).await?, subject);
    store::blank_dead_errors(conn, account_id, &errors).await?;
    changed.count("deadEvents", errors.len());
    let state = store::state_text(conn, account_id).await?;
    let state =
        state.and_then(|state| subject.redact_json(&state, &OF_COMPANY)).filter(|left| is_state(left));
    changed.count("state", usize::from(state.is_some()));
    if state.is_some() || contacts > 0 {
        store::rewrite_account(conn, account_id, state.as_deref(), erasing.at).await?;
    }
    Ok(changed)
}

/// Whether a text is still the state of an account: it is by construction, and what is not must never be written.
fn is_state(text: &str) -> bool {
    serde_json::from_str::<model::AccountState>(text).is_ok()
}

fn redacted(texts: Vec<HeldText>, subject: &Subject) -> Vec<HeldText> {
    let left = |held: HeldText| Some(HeldText { text: subject.redact_text(&held.text)?, ..held });
    texts.into_iter().filter_map(left).collect()
}

async fn blank_events(
    conn: &mut PgConnection,
    account_id: &str,
    subject: &Subject,
) -> Result<usize, sqlx::Error> {
    let (mut count, mut after) = (0, None);
    loop {
        let page = store::held_events(conn, account_id, after, PAGE).await?;
        let blanked: Vec<BlankedEvent> = page.iter().filter_map(|event| blanked(event, subject)).collect();
        store::blank_events(conn, account_id, &blanked).await?;
        count += blanked.len();
        after = page.last().map(|event| (event.received_at, event.id));
        if is_last(page.len()) {
            return Ok(count);
        }
    }
}

async fn blank_unmatched(conn: &mut PgConnection, subject: &Subject) -> Result<usize, sqlx::Error> {
    // Short ids mean nothing without their account.
    let subject = &subject.beyond_account();
    let (mut count, mut after) = (0, None);
    loop {
        let page = store::held_unmatched(conn, after, PAGE).await?;
        let blanked: Vec<BlankedEvent> = page.iter().filter_map(|event| blanked(event, subject)).collect();
        store::blank_unmatched(conn, &blanked).await?;
        count += blanked.len();
        after = page.last().map(|event| event.id);
        if is_last(page.len()) {
            return Ok(count);
        }
    }
}

fn is_last(rows: usize) -> bool {
    i64::try_from(rows).is_ok_and(|rows| rows < PAGE)
}

/// What is left of an event; none when it does not hold anybody.
fn blanked(event: &HeldEvent, subject: &Subject) -> Option<BlankedEvent> {
    let data = subject.redact_event(&event.type_name, event.data.0.get());
    let attributes = event.attributes.as_deref().and_then(|text| subject.redact_json(text, &[]));
    let event_id = subject.redact_event_id(&event.event_id);
    if data.is_none() && attributes.is_none() && event_id.is_none() {
        return None;
    }
    Some(BlankedEvent {
        received_at: event.received_at,
        id: event.id,
        event_id: event_id.unwrap_or_else(|| event.event_id.clone()),
        data: data.unwrap_or_else(|| event.data.0.get().to_owned()),
        attributes: attributes.or_else(|| event.attributes.clone()),
    })
}

/// Lets people come back, by their own wish; gives how many of their digests were lifted.
pub async fn lift_suppression(
    accounts: &Accounts,
    account_id: &str,
    who: Who<'_>,
    actor: &str,
) -> Result<u64, AuditError> {
    let at: DateTime = accounts.clock.now();
    let mut tx = db::begin(&accounts.pool).await?;
    let salt = store::privacy_head(&mut tx).await?.salt;
    let lifted = digests(&salt, Some(account_id), &who.said());
    let count = store::lift(&mut tx, &lifted).await?;
    if count > 0 {
        let details = json!({ "people": lifted.iter().map(hex::encode).collect::<Vec<_>>() });
        let entry = Entry::new(actor, "privacy.suppression_lifted", "privacy".to_owned(), details);
        audit::append(&mut tx, account_id, at, &[entry]).await?;
    }
    tx.commit().await?;
    accounts.suppressions.refresh(&accounts.pool).await?;
    Ok(count)
}
