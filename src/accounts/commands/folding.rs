//! Folding a batch of stored events into the accounts they belong to, in memory.
//!
//! Promises: pure; what has to be written afterwards is collected here as data.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use uuid::Uuid;

use super::{AppliedEvent, Batch, ChangedAccount, Current};
use crate::accounts::events::{Event, EventData};
use crate::accounts::fold::{self, ContactChange, Hint};
use crate::accounts::model::{UsageDay, value};
use crate::accounts::store::{AccountChange, DeadEvent, Locked, NewNote, StoredEvent};
use crate::kernel::clock::DateTime;

/// An account while events are folded into it.
struct Open {
    state: crate::accounts::model::AccountState,
    version: i64,
    touched: bool,
    changed: bool,
    relevant: bool,
}

/// The accounts of a batch and what their events ask for.
#[derive(Default)]
pub(super) struct Folding {
    accounts: BTreeMap<String, Open>,
    applied: Vec<AppliedEvent>,
    /// Changes to people, by account and contact, in the order of the events.
    pub(super) contacts: BTreeMap<(String, String), Vec<ContactChange>>,
    pub(super) notes: Vec<NewNote>,
    pub(super) hints: BTreeSet<(String, Hint)>,
    pub(super) dead: Vec<DeadEvent>,
    /// Days whose exact usage needs all their events.
    pub(super) refold: BTreeSet<(String, NaiveDate)>,
}

impl Folding {
    pub(super) fn new(locked: Vec<Locked>) -> Self {
        let accounts = locked
            .into_iter()
            .map(|l| {
                let open = Open {
                    state: l.state,
                    version: l.version,
                    touched: false,
                    changed: false,
                    relevant: false,
                };
                (l.account_id, open)
            })
            .collect();
        Self { accounts, ..Self::default() }
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
        open.touched = true;
        open.changed |= applied.changed;
        open.relevant |= applied.relevant;
        for change in std::mem::take(&mut applied.contacts) {
            let key = (stored.account_id.clone(), change.contact_id.clone());
            self.contacts.entry(key).or_default().push(change);
        }
        if let Some(note) = applied.note.take() {
            self.notes.push(NewNote {
                account_id: stored.account_id.clone(),
                id: stored.id,
                noted_at: event.time,
                kind: note.kind,
                text: note.text,
                source: event.source.clone(),
            });
        }
        for hint in std::mem::take(&mut applied.hints) {
            self.hints.insert((stored.account_id.clone(), hint));
        }
        if let Some(date) = applied.refold_usage_day {
            self.refold.insert((stored.account_id.clone(), date));
        }
        self.applied.push(AppliedEvent { account_id: stored.account_id.clone(), id: stored.id, applied });
    }

    /// Sets a day to what all its usage events say together.
    pub(super) fn replace_day(&mut self, account_id: &str, date: NaiveDate, events: &[StoredEvent]) {
        let Some(open) = self.accounts.get_mut(account_id) else { return };
        let events: Vec<Event> = events.iter().filter_map(|stored| stored.parse().ok()).collect();
        let entries = events.iter().filter_map(|event| match &event.data {
            EventData::UsageRecorded(usage) => Some((event.stamp(), usage)),
            _ => None,
        });
        open.state.usage.days.insert(date, UsageDay::from_entries(entries));
        open.changed = true;
    }

    /// The rows to write.
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

    /// What followers are told, and the accounts as they now stand.
    pub(super) fn finish(self) -> (Batch, Vec<Current>) {
        let mut batch = Batch { applied: self.applied, changed: Vec::new() };
        let mut current = Vec::with_capacity(self.accounts.len());
        for (account_id, open) in self.accounts {
            if open.touched {
                batch
                    .changed
                    .push(ChangedAccount { account_id: account_id.clone(), relevant: open.relevant });
            }
            let version = open.version + i64::from(open.changed);
            current.push(Current { account_id, state: open.state, version });
        }
        (batch, current)
    }
}
