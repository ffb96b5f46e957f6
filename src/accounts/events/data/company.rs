//! What is said of the company itself, its people, its stage, and how fresh a source is.

use super::super::reading::{
    CallerId, Count, Country, Domain, Email, Flag, Instant, List, Money, OneOf, Past, Text, Word,
};
use super::event_data;
use crate::accounts::model::SyncSource;

event_data! {
    /// Firmographics and ownership of an account, as the CRM has them. A field that is left out keeps its value; null clears it.
    AccountUpserted {
        /// The company's name.
        required name = "name": Text,
        /// The company's web domain; scheme, `www` and path are taken off.
        optional domain = "domain": Domain,
        /// Industry, as the source calls it.
        optional industry = "industry": Text,
        /// People employed.
        optional employee_count = "employeeCount": Count,
        /// Revenue of a year.
        optional annual_revenue = "annualRevenue": Money,
        /// Country, preferably as an ISO 3166 code.
        optional country = "country": Country,
        /// Region or state.
        optional region = "region": Text,
        /// Sales territory, as the source calls it.
        optional territory = "territory": Text,
        /// The rep who owns the account.
        optional owner_id = "ownerId": CallerId,
        /// Tier of the account, for example `strategic`.
        optional tier = "tier": Word,
        /// Plan that the account is on, for example `free` or `team`.
        optional plan_tier = "planTier": Word,
        /// Seats bought.
        optional seats = "seats": Count,
        /// Products of others that the company uses.
        optional tech_stack = "techStack": List<Text<128>>,
        /// When the account was created in its source.
        optional created_at = "createdAt": Instant,
    }
}

event_data! {
    /// A person at the account. A field that is left out keeps its value; null clears it.
    ContactUpserted {
        /// The caller's id of the person.
        required contact_id = "contactId": CallerId,
        /// First name.
        optional first_name = "firstName": Text,
        /// Last name.
        optional last_name = "lastName": Text,
        /// Job title.
        optional title = "title": Text,
        /// E-mail address.
        optional email = "email": Email,
        /// Telephone number, as written.
        optional phone = "phone": Text<64>,
        /// Whether this is the first person to turn to.
        optional is_primary = "isPrimary": Flag,
        /// Whether the person asked not to be contacted.
        optional opted_out = "optedOut": Flag,
    }
}

event_data! {
    /// The account moved to another lifecycle stage, or its segment was set.
    LifecycleChanged {
        /// The stage, for example `customer`.
        required stage = "stage": Word,
        /// The segment, when the source decides it: `smb`, `mid_market`, `enterprise`.
        optional segment = "segment": Word,
    }
}

event_data! {
    /// A source confirms that everything up to an instant has been delivered.
    SourceSynced {
        /// Which source is in step.
        required source = "source": OneOf<SyncSource>,
        /// The instant up to which it is.
        required synced_at = "syncedAt": Past,
    }
}
