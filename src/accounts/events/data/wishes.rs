//! What the account allows and wishes.

use super::super::reading::{Flag, Instant, List, Word};
use super::event_data;

event_data! {
    /// Consent for one purpose was given or withdrawn.
    ConsentChanged {
        /// The purpose, for example `partner_sharing`.
        required purpose = "purpose": Word,
        /// Given or withdrawn.
        required granted = "granted": Flag,
        /// The legal basis, for example `consent`, `legitimate_interest`.
        optional legal_basis = "legalBasis": Word,
        /// When it ends; open when left out.
        optional expires_at = "expiresAt": Instant,
    }
}

event_data! {
    /// Which motions the account accepts. A field that is left out keeps its value; null clears it.
    PreferenceChanged {
        /// These motions and no others; empty or null: all.
        optional allowed_motions = "allowedMotions": List<Word>,
        /// These motions never.
        optional blocked_motions = "blockedMotions": List<Word>,
        /// No motion at all.
        optional do_not_contact = "doNotContact": Flag,
    }
}
