//! A person says where an unmatched event belongs.
//!
//! Promises: the event, the rule that is remembered from it, everything else that the rule moves and the audit entries
//! are one transaction. An account that is new is there, with the event, when it commits; what the event says of the
//! company's name and domain follows as an event of its own.

use serde_json::{Value, json};
use uuid::Uuid;

use super::correct::{Corrected, Log, commit, keep};
use super::routing::clues_of;
use crate::accounts::Accounts;
use crate::accounts::events::{Event, EventType, Parts};
use crate::accounts::intake::IntakeError;
use crate::accounts::matching::{Query, domain_of, email_domain};
use crate::accounts::store::{self, Correction, UnmatchedEvent};
use crate::kernel::clock::DateTime;
use crate::platform::audit::{AuditError, Entry};
use crate::platform::db;
use crate::platform::jobs::Lane;

/// Who says of the company what an event without an account said of it.
const SOURCE: &str = "/v1/matches";
/// Characters of a country's name that an account keeps.
const COUNTRY_MAX: usize = 64;

/// A person's word on an unmatched event.
#[derive(Debug, Clone, Copy)]
pub struct Resolution<'a> {
    pub id: Uuid,
    pub account_id: &'a str,
    /// The account does not exist yet.
    pub new_account: bool,
    /// What carries the event's surest key belongs to the account too, from now on and so far.
    pub remember: bool,
    pub note: &'a str,
    pub by: &'a str,
}

/// Why an event was not resolved.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    #[error("there is no unmatched event {0}")]
    NoEvent(Uuid),
    #[error("there is no account {0}")]
    NoAccount(String),
    #[error("there is an account {0} already")]
    AccountExists(String),
    #[error(transparent)]
    Audit(#[from] AuditError),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// The event is with its account; what it says of the company could not be added.
    #[error(transparent)]
    Intake(#[from] IntakeError),
}

/// Gives an unmatched event to an account, and everything else that its surest key moves.
pub async fn resolve_unmatched(
    accounts: &Accounts,
    resolution: &Resolution<'_>,
) -> Result<Corrected, ResolveError> {
    let now = accounts.clock.now();
    let account = [resolution.account_id.to_owned()];
    let mut tx = db::begin(&accounts.pool).await?;
    store::hold_matching(&mut tx).await?;
    let event = store::lock_unmatched_one(&mut tx, resolution.id)
        .await?
        .ok_or(ResolveError::NoEvent(resolution.id))?;
    let known = !store::read_accounts(&mut tx, &account).await?.is_empty()
        || store::has_pending(&mut tx, resolution.account_id).await?;
    match (known, resolution.new_account) {
        (true, true) => return Err(ResolveError::AccountExists(resolution.account_id.to_owned())),
        (false, false) => return Err(ResolveError::NoAccount(resolution.account_id.to_owned())),
        _ => store::ensure_accounts(&mut tx, &account, now).await?,
    }
    store::route_events(&mut tx, &[event.id], &account).await?;
    let clues = clues_of(&event);
    let keys = clues.keys();
    let mut log = Log::default();
    let subject = format!("event:{}", event.id);
    let details = json!({ "note": resolution.note, "newAccount": resolution.new_account, "keys": keys });
    log.note(resolution.account_id, Entry::new(resolution.by, "match.resolved", subject, details));
    let mut corrected = Corrected::default();
    if let Some(key) = keys.first().filter(|_| resolution.remember) {
        let (account_id, note, by) = (resolution.account_id, resolution.note, resolution.by);
        let correction = Correction { key, account_id, belongs: true, note, by };
        corrected = keep(&mut tx, accounts.follower.as_ref(), &correction, &mut log, now).await?;
    }
    corrected.matched += 1;
    log.write(&mut tx, now).await?;
    commit(accounts, tx).await?;
    if resolution.new_account {
        introduce(accounts, resolution.account_id, &event, &clues, now).await?;
    }
    Ok(corrected)
}

/// Says of a new account what an event knows of its company, unless the event says it itself.
async fn introduce(
    accounts: &Accounts,
    account_id: &str,
    event: &UnmatchedEvent,
    clues: &Query,
    now: DateTime,
) -> Result<(), IntakeError> {
    let event_type = EventType::AccountUpserted.name();
    if event.type_name == event_type {
        return Ok(());
    }
    let (id, data) = (event.id.to_string(), firmographics(clues).to_string());
    let parts = Parts {
        source: Some(SOURCE),
        id: Some(&id),
        event_type: Some(event_type),
        subject: Some(account_id),
        time: None,
        content_type: None,
        data: Some(&data),
    };
    match Event::parse(parts, now) {
        Ok(event) => {
            let mut events = vec![event];
            accounts.intake.stamp_arrivals(&mut events, now);
            accounts.intake.take(events, Lane::Normal).await.map(drop)
        }
        Err(rejected) => {
            tracing::warn!(account_id, fault = rejected.detail(), "a new account stays without a name");
            Ok(())
        }
    }
}

/// What clues say of a company, as the data of the event that says it.
fn firmographics(clues: &Query) -> Value {
    let said = clues.domain.as_deref().and_then(domain_of);
    let domain = said.or_else(|| clues.email.as_deref().and_then(email_domain));
    let country = clues.country.as_ref().filter(|country| country.chars().count() <= COUNTRY_MAX);
    let mut data = json!({ "name": clues.name.as_ref().or(domain.as_ref()) });
    let more = [("domain", domain.as_ref()), ("country", country), ("region", clues.region.as_ref())];
    for (name, text) in more {
        if let Some(text) = text {
            data[name] = text.as_str().into();
        }
    }
    data
}
