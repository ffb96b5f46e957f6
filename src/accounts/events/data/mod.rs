//! The data of each event type: what it may say, as a typed struct and as a documented table at once.
//!
//! Promises: the sixteen types of the contract, each with all its fields; what is checked is what
//! [`catalogue`](super::catalogue()) documents, because both come from the same lines. Fields that are not
//! named here are kept in the event's text and mean nothing to the state.

mod company;
mod conversation;
mod deal;
mod partner;
mod usage;
mod wishes;

pub use company::{AccountUpserted, ContactUpserted, LifecycleChanged, SourceSynced};
pub use conversation::{ActivityLogged, Direction, NoteAdded, SupportTicket};
pub use deal::{DealUpserted, HandoffOutcome, Outcome, SubscriptionUpserted};
pub use partner::{IntentObserved, PartnerOverlap, PartnerReferral};
pub use usage::{Mode, UsageRecorded};
pub use wishes::{ConsentChanged, PreferenceChanged};

/// Declares the data of an event type: a struct, the table of its fields, and its reader.
macro_rules! event_data {
    (@value required $kind:ty) => { <$kind as $crate::accounts::events::reading::Kind>::Value };
    (@value optional $kind:ty) => {
        $crate::accounts::events::reading::Said<<$kind as $crate::accounts::events::reading::Kind>::Value>
    };
    (@read required $kind:ty, $fields:ident, $name:literal, $place:ident, $reading:ident) => {
        $fields.required::<$kind>($name, $place, $reading)
    };
    (@read optional $kind:ty, $fields:ident, $name:literal, $place:ident, $reading:ident) => {
        Some($fields.optional::<$kind>($name, $place, $reading))
    };
    (@is_required required) => { true };
    (@is_required optional) => { false };
    (
        $(#[doc = $summary:literal])+
        $name:ident { $( $(#[doc = $doc:literal])+ $need:ident $field:ident = $wire:literal: $kind:ty, )+ }
    ) => {
        $(#[doc = $summary])+
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name { $( $(#[doc = $doc])+ pub $field: event_data!(@value $need $kind), )+ }

        impl $name {
            /// What the event means, for documentation.
            pub(in $crate::accounts::events) const SUMMARY: &'static str = concat!($($summary),+);
            /// The fields, in the order of the contract.
            pub(in $crate::accounts::events) const FIELDS: &'static [$crate::accounts::events::shape::Field] = &[
                $( $crate::accounts::events::shape::Field {
                    name: $wire,
                    shape: <$kind as $crate::accounts::events::reading::Kind>::SHAPE,
                    required: event_data!(@is_required $need),
                    doc: concat!($($doc),+),
                }, )+
            ];

            /// Reads all fields, noting every fault.
            pub(in $crate::accounts::events) fn read_fields(
                fields: &$crate::accounts::events::reading::Fields<'_>,
                place: &$crate::accounts::events::reading::Place<'_>,
                reading: &mut $crate::accounts::events::reading::Reading,
            ) -> Option<Self> {
                $( let $field = event_data!(@read $need $kind, fields, $wire, place, reading); )+
                Some(Self { $( $field: $field?, )+ })
            }
        }
    };
}
use event_data;

/// Declares a closed vocabulary as an enum with its names.
macro_rules! vocabulary {
    ($(#[$meta:meta])* $name:ident { $( $(#[$variant_meta:meta])* $variant:ident = $text:literal, )+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $( $(#[$variant_meta])* $variant, )+ }

        impl $name {
            /// The name in events and answers.
            pub fn name(self) -> &'static str {
                match self { $( Self::$variant => $text, )+ }
            }
        }

        impl $crate::accounts::events::reading::Vocabulary for $name {
            const NAMES: &'static [(&'static str, Self)] = &[$( ($text, Self::$variant), )+];
        }
    };
}
use vocabulary;

/// The data of an event, by its type.
#[derive(Debug, Clone, PartialEq)]
pub enum EventData {
    AccountUpserted(Box<AccountUpserted>),
    ContactUpserted(Box<ContactUpserted>),
    DealUpserted(Box<DealUpserted>),
    ActivityLogged(Box<ActivityLogged>),
    UsageRecorded(Box<UsageRecorded>),
    LifecycleChanged(LifecycleChanged),
    IntentObserved(IntentObserved),
    PartnerOverlap(PartnerOverlap),
    PartnerReferral(PartnerReferral),
    SourceSynced(SourceSynced),
    ConsentChanged(ConsentChanged),
    PreferenceChanged(Box<PreferenceChanged>),
    NoteAdded(NoteAdded),
    SupportTicket(SupportTicket),
    SubscriptionUpserted(Box<SubscriptionUpserted>),
    HandoffOutcome(HandoffOutcome),
}
