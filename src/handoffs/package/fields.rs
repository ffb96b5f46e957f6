//! What a type of handoff can ask of a package: its fields, and the focuses that a report can dwell on.
//!
//! Promises: every path that `required` may name and every text that `focus` may hold stands here, with what makes it
//! filled and what to do when it is not. A field is filled by information and never emptied by more of it.

use super::Package;
use super::model::BuyingRole;
use crate::handoffs::types::{HandoffType, HandoffTypes, TypesFault};
use crate::kernel::text::nearest;

/// A field of a package.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// As `required` names it.
    pub path: &'static str,
    /// For a reader, inside a sentence.
    pub label: &'static str,
    /// When it is missing.
    pub what_to_do: &'static str,
    filled: fn(&Package) -> bool,
}

impl Field {
    pub fn find(path: &str) -> Option<&'static Self> {
        FIELDS.iter().find(|field| field.path == path)
    }

    pub fn is_filled(&self, package: &Package) -> bool {
        (self.filled)(package)
    }
}

macro_rules! fields {
    ($($path:literal, $label:literal, $what_to_do:literal, $filled:expr;)*) => {
        /// All fields, in the order of the package.
        pub const FIELDS: &[Field] =
            &[$(Field { path: $path, label: $label, what_to_do: $what_to_do, filled: $filled }),*];
    };
}

fields! {
    "company.name", "the company's name", "Enter the company's name in the CRM.", |p| p.company.name.is_some();
    "company.website", "the company's website", "Enter the company's domain in the CRM.", |p| p.company.website.is_some();
    "company.industry", "the industry", "Enter the company's industry in the CRM.", |p| p.company.industry.is_some();
    "company.size", "the number of employees", "Enter the number of employees in the CRM.", |p| p.company.size.is_some();
    "company.tier", "the company's tier", "Set the account's tier in the CRM.", |p| p.company.tier.is_some();
    "company.territory", "the territory", "Set the account's territory in the CRM.", |p| p.company.territory.is_some();
    "company.tech_stack", "the technology in use", "List the technology that the company uses.", |p| !p.company.tech_stack.is_empty();
    "contacts", "a contact who can be reached", "Add a contact with an e-mail address or a telephone number who has not opted out.", |p| p.contacts.iter().any(super::model::PackageContact::is_reachable);
    "contacts.primary", "the primary contact", "Mark one of the contacts as the primary one.", |p| p.contacts.iter().any(|c| c.is_primary && c.is_reachable());
    "contacts.roles", "who plays which part in buying", "Enter the titles of the contacts.", |p| p.contacts.iter().any(|c| c.role != BuyingRole::Unknown);
    "journey.source", "where the company came from", "Enter the source of the deal.", |p| p.journey.source.is_some();
    "journey.first_touch", "when the company was first met", "Log the first conversation as an activity.", |p| p.journey.first_touch.is_some();
    "journey.touchpoints", "conversations so far", "Log calls, e-mails and meetings as activities.", |p| !p.journey.touchpoints.is_empty();
    "journey.content_engaged", "content that the company looked at", "Send downloads, webinars and visits as activities.", |p| !p.journey.content_engaged.is_empty();
    "journey.product_usage", "product usage", "Connect product analytics, or send the usage of the account.", |p| p.journey.product_usage.is_some();
    "journey.product_usage.seats", "how many seats the company has", "Send the number of seats with usage or with the subscription.", |p| p.journey.product_usage.as_ref().is_some_and(|usage| usage.seats.is_some());
    "journey.product_usage.top_features", "the features most used", "Send usage by feature.", |p| p.journey.product_usage.as_ref().is_some_and(|usage| !usage.top_features.is_empty());
    "qualification.score", "a qualification score", "Enter the score in the deal's qualification.", |p| p.qualification.score.is_some();
    "qualification.framework", "the framework of qualification", "Say in the deal's qualification which framework was used, such as BANT or MEDDIC.", |p| p.qualification.framework.is_some();
    "qualification.elements", "answers to what the framework asks", "Fill the parts of the framework in the deal's qualification.", |p| p.qualification.elements.iter().any(|element| element.filled);
    "qualification.pain_points", "what hurts", "Enter pain points in the deal's qualification, or add a note of the kind pain_point.", |p| !p.qualification.pain_points.is_empty();
    "qualification.budget", "whether the budget is confirmed", "Ask about the budget and enter the answer in the deal's qualification.", |p| p.qualification.budget_confirmed.is_some();
    "qualification.timeline", "when the company wants to decide", "Enter the timeline in the deal's qualification.", |p| p.qualification.timeline.is_some();
    "qualification.decision_process", "how the company decides", "Enter the decision process in the deal's qualification.", |p| p.qualification.decision_process.is_some();
    "deal.id", "a deal", "Create the deal in the CRM, or name it when you ask for the handoff.", |p| p.deal.is_some();
    "deal.name", "the deal's name", "Name the deal in the CRM.", |p| p.deal.as_ref().is_some_and(|deal| deal.name.is_some());
    "deal.amount", "the deal's amount", "Enter the deal's amount in the CRM.", |p| p.deal.as_ref().is_some_and(|deal| deal.amount.is_some());
    "deal.stage", "the deal's stage", "Set the deal's stage in the CRM.", |p| p.deal.as_ref().is_some_and(|deal| deal.stage.is_some());
    "deal.close_date", "the deal's close date", "Enter the deal's close date in the CRM.", |p| p.deal.as_ref().is_some_and(|deal| deal.close_date.is_some());
    "deal.products", "the products of the deal", "List the deal's products in the CRM.", |p| p.deal.as_ref().is_some_and(|deal| !deal.products.is_empty());
    "expansion.signals", "signs of growth", "Send usage by feature, department and seats.", |p| !p.expansion.signals.is_empty();
    "expansion.intents", "what the company is interested in", "Send observed intent, such as visits to the pricing page.", |p| !p.expansion.intents.is_empty();
    "relationship.last_contact", "the last conversation", "Log calls, e-mails and meetings as activities.", |p| p.relationship.last_inbound_at.is_some() || p.relationship.last_outbound_at.is_some();
    "relationship.satisfaction", "how satisfied the company is", "Send the satisfaction of support tickets.", |p| p.relationship.satisfaction.is_some();
    "relationship.subscriptions", "what the company pays", "Send the subscription with its monthly revenue.", |p| !p.relationship.subscriptions.is_empty();
    "promises.promised", "what was promised", "Add a note of the kind promise for each thing that was promised.", |p| !p.promises.promised.is_empty();
    "promises.success_criteria", "criteria of success", "Add a note of the kind success_criterion.", |p| !p.promises.success_criteria.is_empty();
    "promises.next_steps", "agreed next steps", "Add a note of the kind next_step for each step that was agreed.", |p| !p.promises.next_steps.is_empty();
    "partner.overlaps", "how partners are related to the company", "Connect the partner source, or send partner overlaps, and record the consent to share.", |p| !p.partner.overlaps.is_empty();
    "partner.referrals", "who referred the company", "Send the partner's referral, and record the consent to share.", |p| !p.partner.referrals.is_empty();
    "partner.consent", "consent to share with partners", "Ask for consent to share with the partner, and record it.", |p| p.partner.consents.iter().any(|consent| consent.live);
}

/// A part of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Section {
    Company,
    Contacts,
    Journey,
    Usage,
    Qualification,
    NextSteps,
    Deal,
    Promises,
    Expansion,
    Relationship,
    Pricing,
    Partner,
    Consent,
}

/// Something that a type of handoff dwells on.
#[derive(Debug, Clone, Copy)]
pub struct Focus {
    /// As `focus` has it.
    pub name: &'static str,
    /// Which the report tells first, in this order.
    pub sections: &'static [Section],
    /// Which the completeness looks at.
    pub fields: &'static [&'static str],
}

impl Focus {
    /// Upper and lower case do not matter.
    pub fn find(name: &str) -> Option<&'static Self> {
        FOCUSES.iter().find(|focus| focus.name.eq_ignore_ascii_case(name.trim()))
    }
}

const fn focus(name: &'static str, sections: &'static [Section], fields: &'static [&'static str]) -> Focus {
    Focus { name, sections, fields }
}

/// All that a type can dwell on.
pub const FOCUSES: &[Focus] = &[
    focus(
        "lead context",
        &[Section::Company, Section::Contacts],
        &["contacts", "company.industry", "company.size", "journey.source", "journey.first_touch"],
    ),
    focus("engagement history", &[Section::Journey], &["journey.touchpoints", "journey.content_engaged"]),
    focus("product interest", &[Section::Expansion], &["expansion.intents"]),
    focus(
        "qualification details",
        &[Section::Qualification],
        &[
            "qualification.score",
            "qualification.pain_points",
            "qualification.budget",
            "qualification.timeline",
            "qualification.decision_process",
        ],
    ),
    focus(
        "BANT or MEDDIC",
        &[Section::Qualification],
        &["qualification.framework", "qualification.elements"],
    ),
    focus("agreed next steps", &[Section::NextSteps], &["promises.next_steps"]),
    focus("implementation scope", &[Section::Deal], &["deal.id", "deal.amount", "deal.products"]),
    focus("success criteria", &[Section::Promises], &["promises.success_criteria"]),
    focus("stakeholder map", &[Section::Contacts], &["contacts", "contacts.roles"]),
    focus("promised outcomes", &[Section::Promises], &["promises.promised"]),
    focus("current usage", &[Section::Usage], &["journey.product_usage", "journey.product_usage.seats"]),
    focus("expansion signals", &[Section::Expansion], &["expansion.signals"]),
    focus(
        "relationship context",
        &[Section::Relationship],
        &["relationship.last_contact", "relationship.satisfaction"],
    ),
    focus("pricing history", &[Section::Pricing], &["relationship.subscriptions"]),
    focus("product usage", &[Section::Usage], &["journey.product_usage"]),
    focus("most used features", &[Section::Usage], &["journey.product_usage.top_features"]),
    focus("deal context", &[Section::Deal], &["deal.id", "deal.amount", "deal.stage", "deal.close_date"]),
    focus("partner overlap", &[Section::Partner], &["partner.overlaps"]),
    focus("what may be shared", &[Section::Consent], &["partner.consent"]),
    focus("partner intelligence", &[Section::Partner], &["partner.overlaps"]),
    focus("referral context", &[Section::Partner], &["partner.referrals", "journey.source"]),
];

/// The sections that a type dwells on, in the order of its focus, each once.
pub fn leading_sections(handoff_type: &HandoffType) -> Vec<Section> {
    let mut found = Vec::new();
    let known = handoff_type.focus.iter().filter_map(|name| Focus::find(name));
    for section in known.flat_map(|focus| focus.sections) {
        if !found.contains(section) {
            found.push(*section);
        }
    }
    found
}

/// Whether a type dwells on a section.
pub fn dwells_on(handoff_type: &HandoffType, section: Section) -> bool {
    leading_sections(handoff_type).contains(&section)
}

/// The fields that a type looks at: the required ones, then those of its focus, each once; `true` for required.
pub fn looked_at(handoff_type: &HandoffType) -> Vec<(&'static Field, bool)> {
    let required = handoff_type.required.iter().map(|path| (path.as_str(), true));
    let focus = handoff_type.focus.iter().filter_map(|name| Focus::find(name));
    let focus = focus.flat_map(|focus| focus.fields.iter().map(|path| (*path, false)));
    let mut found: Vec<(&'static Field, bool)> = Vec::new();
    for (path, required) in required.chain(focus) {
        if let Some(field) = Field::find(path)
            && !found.iter().any(|(known, _)| known.path == path)
        {
            found.push((field, required));
        }
    }
    found
}

/// All that a file of types says about packages and that no package has.
pub fn check(types: &HandoffTypes) -> Vec<TypesFault> {
    let mut faults = Vec::new();
    for (name, found) in types.iter() {
        for (index, path) in found.required.iter().enumerate().filter(|(_, path)| Field::find(path).is_none())
        {
            let known = FIELDS.iter().map(|field| field.path);
            faults.push(fault(name, &format!("required[{index}]"), "no field of a package", path, known));
        }
        for (index, focus) in found.focus.iter().enumerate().filter(|(_, name)| Focus::find(name).is_none()) {
            let known = FOCUSES.iter().map(|focus| focus.name);
            faults.push(fault(
                name,
                &format!("focus[{index}]"),
                "nothing that a report dwells on",
                focus,
                known,
            ));
        }
    }
    faults
}

fn fault(
    name: &str,
    key: &str,
    is: &str,
    written: &str,
    known: impl Iterator<Item = &'static str> + Clone,
) -> TypesFault {
    let advice = match nearest(written, known.clone()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("there are {}", known.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")),
    };
    TypesFault { path: format!("types.{name}.{key}"), message: format!("`{written}` is {is}; {advice}") }
}
