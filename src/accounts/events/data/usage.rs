//! What is said of the use of the product.

use super::super::reading::{Count, Counts, OneOf, Text, UsageDate};
use super::{event_data, vocabulary};

vocabulary! {
    /// What a repeated statement about a day does.
    Mode {
        /// Its counts add to those of the day.
        Add = "add",
        /// It stands for everything said of the day before it.
        Replace = "replace",
    }
}

event_data! {
    /// Use of the product on one day. A repeat of the day adds to it, or replaces it.
    UsageRecorded {
        /// The day.
        required date = "date": UsageDate,
        /// People who used the product on the day; those of several statements add up.
        optional active_users = "activeUsers": Count,
        /// Seats bought; the newest statement counts.
        optional seats = "seats": Count,
        /// How often each feature was used.
        optional features = "features": Counts,
        /// The department that the people belong to.
        optional department = "department": Text<128>,
        /// `add` when left out.
        optional mode = "mode": OneOf<Mode>,
    }
}
