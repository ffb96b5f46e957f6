//! Events about people who were erased, seen when they are applied.
//!
//! Promises: whoever was erased before the account was locked does not come back by an event that was accepted since: what
//! the list in memory let through is blanked here, in its row too, before anything is learned from it.

use std::collections::HashSet;

use sqlx::PgConnection;

use crate::accounts::privacy::{self, Handle, Salt};
use crate::accounts::store::{self, BlankedEvent, StoredEvent, UnmatchedEvent};
use crate::accounts::suppressions;
use crate::kernel::json::Hash;

/// Blanks those of the events that are about somebody who was erased.
pub(super) async fn blank_returning(
    conn: &mut PgConnection,
    events: &mut [StoredEvent],
) -> Result<(), sqlx::Error> {
    let salt = store::privacy_head(conn).await?.salt;
    let named: Vec<Vec<(Handle, Hash)>> = events
        .iter()
        .map(|event| {
            let handles = privacy::named_in(Some(&event.account_id), event.data.get());
            let digested = |handle: Handle| {
                let digest = salt.digest(&handle);
                (handle, digest)
            };
            handles.into_iter().map(digested).collect()
        })
        .collect();
    let asked: Vec<Hash> = named.iter().flatten().map(|(_, digest)| *digest).collect();
    if asked.is_empty() {
        return Ok(());
    }
    let erased: HashSet<Hash> = store::suppressed_among(conn, &asked).await?.into_iter().collect();
    let mut blanked: Vec<(usize, BlankedEvent)> = Vec::new();
    for (index, (event, named)) in events.iter_mut().zip(named).enumerate() {
        let handles: Vec<Handle> = named
            .into_iter()
            .filter(|(_, digest)| erased.contains(digest))
            .map(|(handle, _)| handle)
            .collect();
        if handles.is_empty() {
            continue;
        }
        let subject = privacy::whoever_is(&handles, &event.type_name, event.data.get());
        let Some(data) = subject.redact_event(&event.type_name, event.data.get()) else { continue };
        if let Some(event_id) = subject.redact_event_id(&event.event_id) {
            event.event_id = event_id;
        }
        event.data = serde_json::value::RawValue::from_string(data.clone())
            .map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
        let (received_at, id, event_id) = (event.received_at, event.id, event.event_id.clone());
        blanked.push((index, BlankedEvent { received_at, id, event_id, data, attributes: None }));
    }
    if blanked.is_empty() {
        return Ok(());
    }
    let accounts: Vec<&str> =
        blanked.iter().filter_map(|(index, _)| events.get(*index)).map(|e| e.account_id.as_str()).collect();
    let rows: Vec<BlankedEvent> = blanked.into_iter().map(|(_, row)| row).collect();
    store::blank_pending(conn, &accounts, &rows).await?;
    suppressions::count(rows.len());
    Ok(())
}

/// As [`blank_returning`], for events that wait for their account, under their lock. They name people by address alone.
pub(super) async fn blank_waiting(
    conn: &mut PgConnection,
    events: &[&UnmatchedEvent],
    salt: &Salt,
) -> Result<(), sqlx::Error> {
    let named: Vec<Vec<Handle>> =
        events.iter().map(|event| privacy::named_in(None, event.data.0.get())).collect();
    let asked: Vec<Hash> = named.iter().flatten().map(|handle| salt.digest(handle)).collect();
    if asked.is_empty() {
        return Ok(());
    }
    let erased: HashSet<Hash> = store::suppressed_among(conn, &asked).await?.into_iter().collect();
    let mut blanked = Vec::new();
    for (event, mut handles) in events.iter().zip(named) {
        handles.retain(|handle| erased.contains(&salt.digest(handle)));
        let subject = privacy::whoever_is(&handles, &event.type_name, event.data.0.get());
        let Some(data) = subject.redact_event(&event.type_name, event.data.0.get()) else { continue };
        let event_id = subject.redact_event_id(&event.event_id).unwrap_or_else(|| event.event_id.clone());
        let (received_at, id) = (event.received_at, event.id);
        blanked.push(BlankedEvent { received_at, id, event_id, data, attributes: None });
    }
    suppressions::count(blanked.len());
    store::blank_unmatched(conn, &blanked).await
}
