//! How complete a package is, what is missing from it, and what holds the handoff back.
//!
//! Promises: both look at the package and its type alone. Filling a field raises the completeness or leaves it, and takes
//! holds away or leaves them. Every hold says what releases it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Package;
use super::fields::{Field, looked_at};
use super::model::PackageContact;
use crate::handoffs::types::HandoffType;

/// A required field counts this much, one that the focus adds counts 1.
const REQUIRED_WEIGHT: u32 = 2;

/// How much of what its type looks at a package has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = HandoffCompleteness)]
pub struct Completeness {
    /// 0–100: the weight of filled fields out of all, required ones counting twice; rounded down, so that 100 means
    /// everything.
    #[schema(minimum = 0, maximum = 100)]
    pub percent: u8,
    /// Required ones first.
    pub missing: Vec<MissingField>,
}

/// A field that the type looks at and the package does not have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = HandoffMissingField)]
pub struct MissingField {
    /// Such as `qualification.timeline`.
    pub field: String,
    /// In words.
    pub label: String,
    pub required: bool,
    pub what_to_do: String,
}

/// Why a handoff is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = HandoffHoldCode)]
pub enum HoldCode {
    /// Nobody at the company may be written to or called.
    NoCustomerContact,
    /// Neither a score nor a framework nor a pain point.
    NoQualification,
    /// Less complete than the type allows.
    TooIncomplete,
}

impl HoldCode {
    pub fn name(self) -> &'static str {
        match self {
            Self::NoCustomerContact => "no_customer_contact",
            Self::NoQualification => "no_qualification",
            Self::TooIncomplete => "too_incomplete",
        }
    }
}

/// A guardrail that holds a handoff back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = HandoffHold)]
pub struct Hold {
    pub code: HoldCode,
    pub detail: String,
    /// What to do to release it.
    pub released_by: String,
}

/// How complete a package is by its type. A type that looks at nothing is always complete.
pub fn completeness(package: &Package, handoff_type: &HandoffType) -> Completeness {
    let looked_at = looked_at(handoff_type);
    let (mut all, mut filled, mut missing) = (0, 0, Vec::new());
    for (field, required) in looked_at {
        let weight = if required { REQUIRED_WEIGHT } else { 1 };
        all += weight;
        if field.is_filled(package) {
            filled += weight;
        } else {
            missing.push(MissingField {
                field: field.path.to_owned(),
                label: field.label.to_owned(),
                required,
                what_to_do: field.what_to_do.to_owned(),
            });
        }
    }
    let percent = (filled * 100).checked_div(all).unwrap_or(100);
    Completeness { percent: u8::try_from(percent).unwrap_or(100), missing }
}

/// What holds a handoff of this type back; nothing lets it go.
pub fn holds(package: &Package, handoff_type: &HandoffType) -> Vec<Hold> {
    let mut holds = Vec::new();
    if !package.contacts.iter().any(PackageContact::is_reachable) {
        holds.push(no_customer_contact(package));
    }
    let qualification = &package.qualification;
    // A decision has weighed the account: its reasons are what a product-led or a partner's lead is qualified by.
    if qualification.score.is_none()
        && qualification.framework.is_none()
        && qualification.pain_points.is_empty()
        && package.decision.is_none()
    {
        holds.push(Hold {
            code: HoldCode::NoQualification,
            detail: "Nothing is known of how well the company is qualified: no score, no framework, no pain point, no decision."
                .to_owned(),
            released_by: "Enter a score, a framework or pain points in the deal's qualification, or add a note of the \
                          kind pain_point."
                .to_owned(),
        });
    }
    let completeness = completeness(package, handoff_type);
    if completeness.percent < handoff_type.hold_below {
        let missing: Vec<&str> = completeness.missing.iter().map(|field| field.label.as_str()).collect();
        holds.push(Hold {
            code: HoldCode::TooIncomplete,
            detail: format!(
                "{} % complete, and this type is handed over from {} % on.",
                completeness.percent, handoff_type.hold_below
            ),
            released_by: format!("Add some of: {}.", missing.join(", ")),
        });
    }
    holds
}

fn no_customer_contact(package: &Package) -> Hold {
    let (all, out) =
        (package.contacts.len(), package.contacts.iter().filter(|contact| contact.opted_out).count());
    let detail = match (all, out) {
        (0, _) => "Nobody at the company is known.".to_owned(),
        (all, 0) => format!("None of the {all} contacts has an e-mail address or a telephone number."),
        (all, out) if all == out => "Every contact that is known has opted out.".to_owned(),
        (all, out) => {
            format!(
                "Of {all} contacts {out} opted out, and the others have neither e-mail address nor telephone number."
            )
        }
    };
    let released_by = Field::find("contacts").map_or_else(String::new, |field| field.what_to_do.to_owned());
    Hold { code: HoldCode::NoCustomerContact, detail, released_by }
}
