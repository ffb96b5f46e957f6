//! What partners bring, and what intent was observed.

use super::super::reading::{Flag, Fraction, OneOf, Past, Prose, Text, Word};
use super::event_data;
use crate::accounts::model::OverlapKind;

event_data! {
    /// A sign that the account wants something.
    IntentObserved {
        /// What it wants, for example `budget`, `expansion`, `evaluation`.
        required kind = "kind": Word,
        /// How strong the sign is; 1 when left out.
        optional strength = "strength": Fraction,
        /// What was seen.
        optional detail = "detail": Prose,
    }
}

event_data! {
    /// A partner has a relation of some kind with the account, or no longer has it.
    PartnerOverlap {
        /// The partner.
        required partner_id = "partnerId": Text<128>,
        /// The kind of relation.
        required overlap_type = "overlapType": OneOf<OverlapKind>,
        /// How strong it is; 1 when left out.
        optional strength = "strength": Fraction,
        /// Whether it exists; true when left out.
        optional active = "active": Flag,
    }
}

event_data! {
    /// A partner referred the account to us.
    PartnerReferral {
        /// The partner.
        required partner_id = "partnerId": Text<128>,
        /// When; the event's time when left out.
        optional referred_at = "referredAt": Past,
    }
}
