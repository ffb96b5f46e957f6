//! The fields of our events and the properties they usually come from; values brought to our form. Pure.
//!
//! Promises: a value that has no sensible form is left out and never made up.

use chrono::NaiveDate;
use serde_json::{Value, json};

use crate::kernel::clock::DateTime;

/// A kind of object that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Company,
    Contact,
    Deal,
}

impl Kind {
    pub(super) const ALL: [Self; 3] = [Self::Company, Self::Contact, Self::Deal];

    /// The name of the collection.
    pub(super) fn collection(self) -> &'static str {
        match self {
            Self::Company => "companies",
            Self::Contact => "contacts",
            Self::Deal => "deals",
        }
    }

    pub(super) fn of_collection(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.collection() == name)
    }

    /// The name of one, as in types of webhooks.
    pub(super) fn one(self) -> &'static str {
        match self {
            Self::Company => "company",
            Self::Contact => "contact",
            Self::Deal => "deal",
        }
    }
}

/// The form of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Text,
    /// A whole number from 0.
    Count,
    /// A decimal amount, as text.
    Money,
    /// A plain number.
    Number,
    Flag,
    Day,
    Instant,
    /// Values between semicolons.
    List,
    /// The id of an owner, mapped to a rep.
    Owner,
}

/// Our field, its form, and the property that it usually comes from; none where a portal has no such property.
pub(super) type Field = (&'static str, Form, &'static str);

const COMPANY: &[Field] = &[
    ("name", Form::Text, "name"),
    ("domain", Form::Text, "domain"),
    ("industry", Form::Text, "industry"),
    ("employeeCount", Form::Count, "numberofemployees"),
    ("annualRevenue", Form::Money, "annualrevenue"),
    ("country", Form::Text, "country"),
    ("region", Form::Text, "state"),
    ("territory", Form::Text, ""),
    ("ownerId", Form::Owner, "hubspot_owner_id"),
    ("tier", Form::Text, ""),
    ("planTier", Form::Text, ""),
    ("seats", Form::Count, ""),
    ("techStack", Form::List, ""),
    ("createdAt", Form::Instant, "createdate"),
];

const CONTACT: &[Field] = &[
    ("firstName", Form::Text, "firstname"),
    ("lastName", Form::Text, "lastname"),
    ("title", Form::Text, "jobtitle"),
    ("email", Form::Text, "email"),
    ("phone", Form::Text, "phone"),
    ("isPrimary", Form::Flag, ""),
    ("optedOut", Form::Flag, "hs_email_optout"),
];

const DEAL: &[Field] = &[
    ("name", Form::Text, "dealname"),
    ("amount", Form::Money, "amount"),
    ("currency", Form::Text, "deal_currency_code"),
    ("ownerId", Form::Owner, "hubspot_owner_id"),
    ("source", Form::Text, "hs_analytics_source"),
    ("expectedCloseDate", Form::Day, "closedate"),
    ("products", Form::List, ""),
    ("qualification.score", Form::Number, ""),
    ("qualification.framework", Form::Text, ""),
    ("qualification.budgetConfirmed", Form::Flag, ""),
    ("qualification.timeline", Form::Text, ""),
    ("qualification.decisionProcess", Form::Text, ""),
    ("qualification.painPoints", Form::List, ""),
];

/// The fields of a kind of object.
pub(super) fn known(kind: Kind) -> &'static [Field] {
    match kind {
        Kind::Company => COMPANY,
        Kind::Contact => CONTACT,
        Kind::Deal => DEAL,
    }
}

/// A property's value in the form of a field; none when it has none. Owners stay as they are.
pub(super) fn value(form: Form, text: &str) -> Option<Value> {
    let text = text.trim();
    match form {
        Form::Text | Form::Owner => (!text.is_empty()).then(|| json!(text)),
        Form::Count => count(text).map(Value::from),
        Form::Money => text.parse::<f64>().ok().filter(|n| n.is_finite()).map(|_| json!(plain(text))),
        Form::Number => text.parse::<f64>().ok().filter(|n| n.is_finite()).map(Value::from),
        Form::Flag => flag(text).map(Value::from),
        Form::Day => day(text).map(|day| json!(day.to_string())),
        Form::Instant => instant(text).map(|at| json!(at.to_rfc3339())),
        Form::List => {
            let items: Vec<&str> = text.split(';').map(str::trim).filter(|item| !item.is_empty()).collect();
            (!items.is_empty()).then(|| json!(items))
        }
    }
}

/// Digits as they are; an exponent, which the API writes for large numbers, written out.
fn plain(text: &str) -> String {
    if !text.contains(['e', 'E']) {
        return text.to_owned();
    }
    text.parse::<f64>().map_or_else(|_| text.to_owned(), |number| number.to_string())
}

fn count(text: &str) -> Option<u64> {
    text.parse().ok().or_else(|| {
        let number = text.parse::<f64>().ok().filter(|number| *number >= 0.0 && number.is_finite())?;
        format!("{:.0}", number.round()).parse().ok()
    })
}

/// Yes or no in the words that check boxes and lists of choices hold.
pub(super) fn flag(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "yes" | "1" => Some(true),
        "false" | "no" | "0" => Some(false),
        _ => None,
    }
}

/// ISO 8601, a date (its midnight), or milliseconds since 1970.
pub(super) fn instant(text: &str) -> Option<DateTime> {
    if let Ok(at) = chrono::DateTime::parse_from_rfc3339(text) {
        return Some(at.to_utc());
    }
    if let Ok(day) = text.parse::<NaiveDate>() {
        return day.and_hms_opt(0, 0, 0).map(|at| at.and_utc());
    }
    chrono::DateTime::from_timestamp_millis(text.parse().ok()?)
}

fn day(text: &str) -> Option<NaiveDate> {
    instant(text).map(|at| at.date_naive())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_are_brought_to_the_form_of_their_field() {
        assert_eq!(value(Form::Count, "1500.0"), Some(json!(1500)));
        assert_eq!(value(Form::Count, "-3"), None);
        assert_eq!(value(Form::Money, "1234.50"), Some(json!("1234.50")));
        assert_eq!(value(Form::Money, "1.25E7"), Some(json!("12500000")));
        assert_eq!(value(Form::Money, "a lot"), None);
        assert_eq!(value(Form::Flag, "Yes"), Some(json!(true)));
        assert_eq!(value(Form::Flag, "perhaps"), None);
        assert_eq!(value(Form::Day, "2026-03-31T22:00:00.000Z"), Some(json!("2026-03-31")));
        assert_eq!(value(Form::Day, "1774994400000"), Some(json!("2026-03-31")));
        assert_eq!(value(Form::Instant, "2026-03-31"), Some(json!("2026-03-31T00:00:00+00:00")));
        assert_eq!(value(Form::List, "a; b;;"), Some(json!(["a", "b"])));
        assert_eq!(value(Form::Text, "  "), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_a_value_panic(text in "\\PC{0,40}") {
            for form in [Form::Count, Form::Money, Form::Number, Form::Flag, Form::Day, Form::Instant, Form::List] {
                value(form, &text);
            }
        }
    }
}
