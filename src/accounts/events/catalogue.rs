//! The catalogue of event types: their names, their meaning, their fields.
//!
//! Promises: the sixteen types of the contract; the same table that documents a type reads it.

use std::fmt;

use super::data::{
    AccountUpserted, ActivityLogged, ConsentChanged, ContactUpserted, DealUpserted, EventData,
    HandoffOutcome, IntentObserved, LifecycleChanged, NoteAdded, PartnerOverlap, PartnerReferral,
    PreferenceChanged, SourceSynced, SubscriptionUpserted, SupportTicket, UsageRecorded,
};
use super::reading::{Fields, Place, Reading};
use super::shape::{Field, object_schema};
use crate::kernel::text::nearest;

/// What an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventType {
    AccountUpserted,
    ContactUpserted,
    DealUpserted,
    ActivityLogged,
    UsageRecorded,
    LifecycleChanged,
    IntentObserved,
    PartnerOverlap,
    PartnerReferral,
    SourceSynced,
    ConsentChanged,
    PreferenceChanged,
    NoteAdded,
    SupportTicket,
    SubscriptionUpserted,
    HandoffOutcome,
}

impl EventType {
    pub const ALL: [Self; 16] = [
        Self::AccountUpserted,
        Self::ContactUpserted,
        Self::DealUpserted,
        Self::ActivityLogged,
        Self::UsageRecorded,
        Self::LifecycleChanged,
        Self::IntentObserved,
        Self::PartnerOverlap,
        Self::PartnerReferral,
        Self::SourceSynced,
        Self::ConsentChanged,
        Self::PreferenceChanged,
        Self::NoteAdded,
        Self::SupportTicket,
        Self::SubscriptionUpserted,
        Self::HandoffOutcome,
    ];

    /// The `type` attribute.
    pub fn name(self) -> &'static str {
        match self {
            Self::AccountUpserted => "gtm.account.upserted",
            Self::ContactUpserted => "gtm.contact.upserted",
            Self::DealUpserted => "gtm.deal.upserted",
            Self::ActivityLogged => "gtm.activity.logged",
            Self::UsageRecorded => "gtm.usage.recorded",
            Self::LifecycleChanged => "gtm.lifecycle.changed",
            Self::IntentObserved => "gtm.intent.observed",
            Self::PartnerOverlap => "gtm.partner.overlap",
            Self::PartnerReferral => "gtm.partner.referral",
            Self::SourceSynced => "gtm.source.synced",
            Self::ConsentChanged => "gtm.consent.changed",
            Self::PreferenceChanged => "gtm.preference.changed",
            Self::NoteAdded => "gtm.note.added",
            Self::SupportTicket => "gtm.support.ticket",
            Self::SubscriptionUpserted => "gtm.subscription.upserted",
            Self::HandoffOutcome => "gtm.handoff.outcome",
        }
    }

    /// The type with this `type` attribute.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event_type| event_type.name() == name)
    }

    /// The name that was probably meant by an unknown one.
    pub fn nearest_name(name: &str) -> Option<&'static str> {
        // Longer than any name with its slips: not worth comparing.
        if name.len() > 64 {
            return None;
        }
        nearest(name, Self::ALL.into_iter().map(Self::name))
    }

    /// What the type means and which fields its data have.
    pub fn spec(self) -> EventSpec {
        let (summary, fields) = match self {
            Self::AccountUpserted => (AccountUpserted::SUMMARY, AccountUpserted::FIELDS),
            Self::ContactUpserted => (ContactUpserted::SUMMARY, ContactUpserted::FIELDS),
            Self::DealUpserted => (DealUpserted::SUMMARY, DealUpserted::FIELDS),
            Self::ActivityLogged => (ActivityLogged::SUMMARY, ActivityLogged::FIELDS),
            Self::UsageRecorded => (UsageRecorded::SUMMARY, UsageRecorded::FIELDS),
            Self::LifecycleChanged => (LifecycleChanged::SUMMARY, LifecycleChanged::FIELDS),
            Self::IntentObserved => (IntentObserved::SUMMARY, IntentObserved::FIELDS),
            Self::PartnerOverlap => (PartnerOverlap::SUMMARY, PartnerOverlap::FIELDS),
            Self::PartnerReferral => (PartnerReferral::SUMMARY, PartnerReferral::FIELDS),
            Self::SourceSynced => (SourceSynced::SUMMARY, SourceSynced::FIELDS),
            Self::ConsentChanged => (ConsentChanged::SUMMARY, ConsentChanged::FIELDS),
            Self::PreferenceChanged => (PreferenceChanged::SUMMARY, PreferenceChanged::FIELDS),
            Self::NoteAdded => (NoteAdded::SUMMARY, NoteAdded::FIELDS),
            Self::SupportTicket => (SupportTicket::SUMMARY, SupportTicket::FIELDS),
            Self::SubscriptionUpserted => (SubscriptionUpserted::SUMMARY, SubscriptionUpserted::FIELDS),
            Self::HandoffOutcome => (HandoffOutcome::SUMMARY, HandoffOutcome::FIELDS),
        };
        EventSpec { event_type: self, summary: summary.trim(), fields }
    }

    /// Reads the data of an event of this type, noting every fault.
    pub(super) fn read(self, raw: &str, place: &Place<'_>, reading: &mut Reading) -> Option<EventData> {
        let fields = &Fields::split(raw, place, reading)?;
        Some(match self {
            Self::AccountUpserted => {
                EventData::AccountUpserted(Box::new(AccountUpserted::read_fields(fields, place, reading)?))
            }
            Self::ContactUpserted => {
                EventData::ContactUpserted(Box::new(ContactUpserted::read_fields(fields, place, reading)?))
            }
            Self::DealUpserted => {
                let deal = DealUpserted::read_fields(fields, place, reading)?;
                deal.check(place, reading)?;
                EventData::DealUpserted(Box::new(deal))
            }
            Self::ActivityLogged => {
                EventData::ActivityLogged(Box::new(ActivityLogged::read_fields(fields, place, reading)?))
            }
            Self::UsageRecorded => {
                EventData::UsageRecorded(Box::new(UsageRecorded::read_fields(fields, place, reading)?))
            }
            Self::LifecycleChanged => {
                EventData::LifecycleChanged(LifecycleChanged::read_fields(fields, place, reading)?)
            }
            Self::IntentObserved => {
                EventData::IntentObserved(IntentObserved::read_fields(fields, place, reading)?)
            }
            Self::PartnerOverlap => {
                EventData::PartnerOverlap(PartnerOverlap::read_fields(fields, place, reading)?)
            }
            Self::PartnerReferral => {
                EventData::PartnerReferral(PartnerReferral::read_fields(fields, place, reading)?)
            }
            Self::SourceSynced => EventData::SourceSynced(SourceSynced::read_fields(fields, place, reading)?),
            Self::ConsentChanged => {
                EventData::ConsentChanged(ConsentChanged::read_fields(fields, place, reading)?)
            }
            Self::PreferenceChanged => EventData::PreferenceChanged(Box::new(
                PreferenceChanged::read_fields(fields, place, reading)?,
            )),
            Self::NoteAdded => EventData::NoteAdded(NoteAdded::read_fields(fields, place, reading)?),
            Self::SupportTicket => {
                EventData::SupportTicket(SupportTicket::read_fields(fields, place, reading)?)
            }
            Self::SubscriptionUpserted => {
                let subscription = SubscriptionUpserted::read_fields(fields, place, reading)?;
                subscription.check(place, reading)?;
                EventData::SubscriptionUpserted(Box::new(subscription))
            }
            Self::HandoffOutcome => {
                EventData::HandoffOutcome(HandoffOutcome::read_fields(fields, place, reading)?)
            }
        })
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One type of event, for documentation.
#[derive(Debug, Clone, Copy)]
pub struct EventSpec {
    pub event_type: EventType,
    /// What the event means.
    pub summary: &'static str,
    pub fields: &'static [Field],
}

impl EventSpec {
    /// The JSON Schema of the event's `data`.
    pub fn data_schema(&self) -> serde_json::Value {
        object_schema(self.summary, self.fields)
    }
}

/// All event types, in the order of the contract.
pub fn catalogue() -> impl Iterator<Item = EventSpec> {
    EventType::ALL.into_iter().map(EventType::spec)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_leads_back_to_its_type() {
        for event_type in EventType::ALL {
            assert_eq!(EventType::from_name(event_type.name()), Some(event_type));
        }
        assert_eq!(EventType::from_name("gtm.account"), None);
        assert_eq!(EventType::nearest_name("gtm.acount.upserted"), Some("gtm.account.upserted"));
        assert_eq!(EventType::nearest_name("com.example.account.usage.v1"), None);
        assert_eq!(EventType::nearest_name(&"gtm.".repeat(100_000)), None);
    }

    #[test]
    fn required_fields_are_those_of_the_contract() {
        let required: Vec<(&str, Vec<&str>)> = catalogue()
            .map(|spec| {
                let names = spec.fields.iter().filter(|f| f.required).map(|f| f.name).collect();
                (spec.event_type.name(), names)
            })
            .collect();
        assert_eq!(
            required,
            [
                ("gtm.account.upserted", vec!["name"]),
                ("gtm.contact.upserted", vec!["contactId"]),
                ("gtm.deal.upserted", vec!["dealId", "stage"]),
                ("gtm.activity.logged", vec!["activityType"]),
                ("gtm.usage.recorded", vec!["date"]),
                ("gtm.lifecycle.changed", vec!["stage"]),
                ("gtm.intent.observed", vec!["kind"]),
                ("gtm.partner.overlap", vec!["partnerId", "overlapType"]),
                ("gtm.partner.referral", vec!["partnerId"]),
                ("gtm.source.synced", vec!["source", "syncedAt"]),
                ("gtm.consent.changed", vec!["purpose", "granted"]),
                ("gtm.preference.changed", vec![]),
                ("gtm.note.added", vec!["text"]),
                ("gtm.support.ticket", vec!["ticketId", "status"]),
                ("gtm.subscription.upserted", vec!["subscriptionId"]),
                ("gtm.handoff.outcome", vec!["handoffId", "outcome"]),
            ]
        );
    }

    #[test]
    fn every_field_is_documented_and_has_a_schema() {
        for spec in catalogue() {
            assert!(spec.summary.ends_with('.'), "{}", spec.event_type);
            let schema = spec.data_schema();
            for field in spec.fields {
                assert!(field.doc.trim().ends_with('.'), "{} {}", spec.event_type, field.name);
                let property = &schema["properties"][field.name];
                assert!(property["description"].is_string(), "{} {}", spec.event_type, field.name);
            }
        }
        let direction = EventType::ActivityLogged.spec().data_schema()["properties"]["direction"].clone();
        assert_eq!(direction["anyOf"][0]["enum"], serde_json::json!(["inbound", "outbound"]));
    }
}
