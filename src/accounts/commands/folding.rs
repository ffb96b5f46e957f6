//! Folding a batch of stored events into the accounts they belong to, in memory.
//!
//! Promises: pure; what has to be written afterwards is collected here as data.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::{AppliedEvent, Batch, Current, Folded, Occasion};
use crate::accounts::events::Event;
use crate::accounts::fold::{self, Applied};
use crate::accounts::matching;
use crate::accounts::model::{AccountState, ContactChange, value};
use crate::accounts::privacy::ERASED_ID;
use crate::accounts::store::{AccountChange, DeadEvent, Identity, Locked, NewNote, StoredEvent};
use crate::kernel::clock::DateTime;
use crate::platform::jobs::Lane;

/// An account while events are folded into it.
struct Open {
    state: AccountState,
    version: i64,
    changed: bool,
    relevant: bool,
    lane: Lane,
    asked_at: Option<DateTime>,
}

/// The accounts of a batch and what their events ask for.
#[derive(Default)]
pub(super) struct Folding {
    accounts: BTreeMap<String, Open>,
    applied: Vec<AppliedEvent>,
    /// Changes to people, by account and contact, in the order of the events.
    pub(super) contacts: BTreeMap<(String, String), Vec<ContactChange>>,
    pub(super) notes: Vec<NewNote>,
    pub(super) identities: Vec<Identity>,
    pub(super) dead: Vec<DeadEvent>,
    /// Days whose exact usage needs all their events.
    pub(super) refold: BTreeSet<(String, NaiveDate)>,
}

impl Folding {
    pub(super) fn new(locked: Vec<Locked>) -> Self {
        let open = |l: Locked| {
            let (state, version) = (l.state, l.version);
            (
                l.account_id,
                Open { state, version, changed: false, relevant: false, lane: Lane::Bulk, asked_at: None },
            )
        };
        Self { accounts: locked.into_iter().map(open).collect(), ..Self::default() }
    }

    /// Folds one event into its account.
    pub(super) fn add(&mut self, stored: &StoredEvent) {
        let event = match stored.parse() {
            Ok(event) => event,
            Err(error) => {
                self.dead.push(DeadEvent {
                    account_id: stored.account_id.clone(),
                    received_at: stored.received_at,
                    id: stored.id,
                    error,
                });
                return;
            }
        };
        let Some(open) = self.accounts.get_mut(&stored.account_id) else { return };
        let mut applied = fold::apply(&mut open.state, &event);
        open.lane = open.lane.min(Lane::from_number(stored.lane));
        open.changed |= applied.changed;
        open.relevant |= applied.relevant;
        if applied.relevant {
            open.asked_at = Some(open.asked_at.map_or(stored.received_at, |at| at.min(stored.received_at)));
        }
        if let Some(dropped) = applied.dropped {
            tracing::warn!(
                account = stored.account_id,
                dropped,
                "a collection is full: its oldest entry was dropped"
            );
        }
        self.collect(stored, &event, &mut applied);
        let account_id = stored.account_id.clone();
        self.applied.push(AppliedEvent { account_id, id: stored.id, at: event.time, applied });
    }

    /// Notes what the event asks for beyond the state.
    fn collect(&mut self, stored: &StoredEvent, event: &Event, applied: &mut Applied) {
        let account_id = &stored.account_id;
        // Of whoever was erased nothing is known.
        if let Some(change) = applied.contact.take().filter(|said| said.contact_id.as_str() != ERASED_ID) {
            let key = (account_id.clone(), change.contact_id.to_string());
            self.contacts.entry(key).or_default().push(change);
        }
        if let Some(note) = applied.note.take() {
            self.notes.push(NewNote {
                account_id: account_id.clone(),
                id: stored.id,
                noted_at: note.at,
                kind: note.kind.unwrap_or_else(|| "note".to_owned()),
                text: note.text,
                source: event.source.clone(),
            });
        }
        let hints = &applied.identity;
        let name = hints.name.as_deref().map(matching::normalise_name).filter(|name| !name.is_empty());
        let name = name.map(|name| (format!("name:{name}"), true));
        let domain = hints.domain.as_ref().map(|domain| (format!("domain:{domain}"), true));
        let of_people = hints.email_domain.as_ref().map(|domain| (format!("domain:{domain}"), false));
        let keys = [name, domain, of_people].into_iter().flatten();
        let identity = |(key, own)| Identity { account_id: account_id.clone(), key, own };
        self.identities.extend(keys.map(identity));
        if let Some(date) = applied.refold_usage_day {
            self.refold.insert((account_id.clone(), date));
        }
    }

    /// Sets a day to what all its usage events say together.
    pub(super) fn replace_day(&mut self, account_id: &str, date: NaiveDate, events: &[StoredEvent]) {
        let Some(open) = self.accounts.get_mut(account_id) else { return };
        let events: Vec<Event> = events.iter().filter_map(|stored| stored.parse().ok()).collect();
        fold::refold_usage_day(&mut open.state, date, &events);
        open.changed = true;
    }

    /// The state of an account as folded so far.
    pub(super) fn state(&self, account_id: &str) -> Option<&AccountState> {
        self.accounts.get(account_id).map(|open| &open.state)
    }

    /// Has every account written and looked at again, whatever its events changed.
    pub(super) fn insist(&mut self) {
        for open in self.accounts.values_mut() {
            (open.changed, open.relevant, open.lane) = (true, true, Lane::Normal);
        }
    }

    /// The accounts to write.
    pub(super) fn changes(&self) -> Vec<AccountChange<'_>> {
        self.accounts
            .iter()
            .filter(|(_, open)| open.changed)
            .map(|(account_id, open)| AccountChange {
                account_id,
                state: &open.state,
                name: value(&open.state.profile.name).map(String::as_str),
                domain: value(&open.state.profile.domain).map(String::as_str),
                owner_id: value(&open.state.profile.owner_id).map(String::as_str),
            })
            .collect()
    }

    /// What followers are told.
    pub(super) fn finish(self, occasion: Occasion, events: usize) -> Batch {
        let folded = |(account_id, open): (String, Open)| Folded {
            current: Current {
                account_id,
                state: open.state,
                version: open.version + i64::from(open.changed),
            },
            relevant: open.relevant,
            lane: open.lane,
            asked_at: open.asked_at,
            settled: false,
        };
        let accounts = self.accounts.into_iter().map(folded).collect();
        Batch { occasion, accounts, applied: self.applied, events }
    }
}
