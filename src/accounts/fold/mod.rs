//! The fold: what an event means for what is known of its account.
//!
//! Promises: the state is a function of the set of events, whatever order they came in (each event counted
//! once: telling repeats apart is the intake's part); a late event never overwrites a newer fact; the state
//! stays bounded. What an event means beyond the state is returned as data, for the caller to write.
//! Leaves out: contacts, notes and touches themselves, which live in rows of their own.

mod company;
mod relations;
mod usage;

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::events::{ActivityLogged, Direction, Event, EventData, HandoffOutcome, Said};
use super::model::{AccountState, ContactChange, Fact, Known, Stamp};
use crate::kernel::clock::DateTime;
use crate::kernel::ids::ContactId;

pub use usage::{UsageEntry, refold_usage_day};

/// What came of applying an event.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Applied {
    /// The state is another one than before.
    pub changed: bool,
    /// A decision could come out differently now: evaluate the account.
    pub relevant: bool,
    /// The event reports an outbound activity: it counts against the account's touches.
    pub touch: Option<ReportedTouch>,
    /// What the event says of a person.
    pub contact: Option<ContactChange>,
    pub note: Option<NewNote>,
    /// What the account can be found by from now on.
    pub identity: IdentityHints,
    /// The usage of this day cannot be had from the state alone: it must be folded anew from all events of
    /// the day, by [`refold_usage_day`], before the state is stored.
    pub refold_usage_day: Option<NaiveDate>,
    /// What became of a handoff, for the slice that owns handoffs.
    pub outcome: Option<HandoffOutcome>,
    /// Something new that others may act on.
    pub news: Option<News>,
    /// A collection of the state was full and something was dropped from it: its name.
    pub dropped: Option<&'static str>,
}

/// A turn in the life of an account, said by an event that is the newest on its matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// When it was so.
    pub at: DateTime,
    pub what: Turn,
}

/// What has turned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// The lifecycle stage is another one.
    Stage(String),
    /// A deal is in another stage, or new; as the CRM calls it.
    Deal { deal_id: String, stage: String },
    /// An intent was observed.
    Intent(String),
    /// A consent was withdrawn, by its purpose.
    Withdrawal(String),
}

/// A touch that an event reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportedTouch {
    pub at: DateTime,
    /// The kind of activity.
    pub channel: String,
    pub contact_id: Option<ContactId>,
}

/// A note to be kept under its event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewNote {
    pub at: DateTime,
    pub kind: Option<String>,
    pub text: String,
}

/// What an event says that an account can be found by. Only what is now the newest is given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IdentityHints {
    pub name: Option<String>,
    pub domain: Option<String>,
    /// The domain of a contact's e-mail address, unless it is a free-mail domain.
    pub email_domain: Option<String>,
}

/// Applies an event to the state of its account.
pub fn apply(state: &mut AccountState, event: &Event) -> Applied {
    let stamp = event.stamp();
    let mut applied = Applied::default();
    match &event.data {
        EventData::AccountUpserted(data) => company::account(state, data, &stamp, &mut applied),
        EventData::ContactUpserted(data) => company::contact(data, &stamp, &mut applied),
        EventData::LifecycleChanged(data) => {
            if company::lifecycle(state, data, &stamp, &mut applied) {
                applied.news = Some(News { at: event.time, what: Turn::Stage(data.stage.clone()) });
            }
        }
        EventData::DealUpserted(data) => {
            if company::deal(state, data, &stamp, &mut applied) {
                let at = data.closed_at.value().copied().unwrap_or(event.time);
                let (deal_id, stage) = (data.deal_id.clone(), data.stage.clone());
                applied.news = Some(News { at, what: Turn::Deal { deal_id, stage } });
            }
        }
        EventData::SubscriptionUpserted(data) => company::subscription(state, data, &stamp, &mut applied),
        EventData::ActivityLogged(data) => activity(state, data, event.time, stamp, &mut applied),
        EventData::UsageRecorded(data) => usage::usage(state, data, stamp, &mut applied),
        EventData::IntentObserved(data) => {
            relations::intent(state, data, stamp, &mut applied);
            if applied.changed {
                applied.news = Some(News { at: event.time, what: Turn::Intent(data.kind.clone()) });
            }
        }
        EventData::PartnerOverlap(data) => relations::overlap(state, data, stamp, &mut applied),
        EventData::PartnerReferral(data) => {
            relations::referral(state, data, event.time, stamp, &mut applied);
        }
        EventData::SourceSynced(data) => relations::sync(state, data, stamp, &mut applied),
        EventData::ConsentChanged(data) => {
            relations::consent(state, data, stamp, &mut applied);
            if applied.changed && !data.granted {
                applied.news = Some(News { at: event.time, what: Turn::Withdrawal(data.purpose.clone()) });
            }
        }
        EventData::PreferenceChanged(data) => relations::preference(state, data, &stamp, &mut applied),
        EventData::SupportTicket(data) => relations::ticket(state, data, stamp, &mut applied),
        EventData::NoteAdded(data) => {
            applied.note =
                Some(NewNote { at: event.time, kind: data.kind.value().cloned(), text: data.text.clone() });
        }
        EventData::HandoffOutcome(data) => applied.outcome = Some(data.clone()),
    }
    // Everything in the state is seen by signals or guardrails, and be it as freshness.
    applied.relevant = applied.changed;
    applied
}

/// Counts a conversation; an outbound one is a touch.
fn activity(
    state: &mut AccountState,
    data: &ActivityLogged,
    time: DateTime,
    stamp: Stamp,
    applied: &mut Applied,
) {
    let at = data.occurred_at.value().copied().unwrap_or(time);
    let engagement = &mut state.engagement;
    match data.direction.value() {
        Some(Direction::Inbound) => {
            engagement.inbound = engagement.inbound.saturating_add(1);
            engagement.last_inbound_at = engagement.last_inbound_at.max(Some(at));
        }
        Some(Direction::Outbound) => {
            engagement.outbound = engagement.outbound.saturating_add(1);
            engagement.last_outbound_at = engagement.last_outbound_at.max(Some(at));
            applied.touch = Some(ReportedTouch {
                at,
                channel: data.activity_type.clone(),
                contact_id: data.contact_id.value().and_then(|id| ContactId::parse(id.as_str()).ok()),
            });
        }
        None => {}
    }
    applied.changed = data.direction.value().is_some();
    if engagement.first_at.is_none_or(|first| at < first) {
        engagement.first_at = Some(at);
        applied.changed = true;
    }
    if engagement.latest.as_ref() < Some(&stamp) {
        engagement.latest = Some(stamp);
        applied.changed = true;
    }
}

/// Takes over what an event says of one field, when it is newer. True when the field changed.
fn say<T: Clone>(slot: &mut Known<T>, said: &Said<T>, stamp: &Stamp) -> bool {
    let value = match said {
        Said::Nothing => return false,
        Said::Cleared => None,
        Said::Value(value) => Some(value),
    };
    let newer = Fact::yields_to(slot.as_ref(), stamp);
    if newer {
        *slot = Some(Fact::new(value.cloned(), stamp.clone()));
    }
    newer
}

/// Takes over a statement about one key of a map, when it is newer.
fn say_whole<K: Ord, T>(map: &mut BTreeMap<K, Fact<T>>, key: K, value: T, stamp: Stamp) -> bool {
    match map.entry(key) {
        std::collections::btree_map::Entry::Vacant(free) => {
            free.insert(Fact::new(value, stamp));
            true
        }
        std::collections::btree_map::Entry::Occupied(mut known) => {
            let newer = Fact::yields_to(Some(known.get()), &stamp);
            if newer {
                known.insert(Fact::new(value, stamp));
            }
            newer
        }
    }
}

/// Drops the first keys of a map that is over its limit, and notes which map it was.
fn keep_last<K: Ord, V>(
    map: &mut BTreeMap<K, V>,
    limit: usize,
    name: &'static str,
    dropped: &mut Option<&'static str>,
) {
    while map.len() > limit {
        map.pop_first();
        *dropped = Some(name);
    }
}

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;
