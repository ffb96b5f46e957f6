//! The package of a handoff: everything that the receiver is told, gathered once and stored with it.
//!
//! What others call: [`build`] makes it, [`completeness`] and [`holds`] judge it by its type, [`share`] cuts it down to
//! what a partner may see, [`fields::check`] checks what a file of types says about packages. [`crate::handoffs::report`]
//! tells it.
//!
//! Promises: all of it is a function of its arguments. Lists are bounded, what people wrote is shortened to
//! [`TEXT_CHARS_MAX`], and both are visible in the package. More information never lowers the completeness and never
//! adds a hold; an objection to be contacted is no information in this sense. Who does not want to be contacted is
//! listed without an address and does not count as a contact.
//! Leaves out: where the facts come from; who calls hands them over as plain values.
//!
//! In reading order: [`model`] (the sections), `contacts`, `journey`, `qualification`, `relationship`, `promises`,
//! `partner` (how each is made), `recommend` (the rules of approach), [`fields`] (what can be asked for), `complete`
//! (what is missing), `sharing` and `mentions` (consent).

mod complete;
mod contacts;
pub mod fields;
mod journey;
mod mentions;
pub mod model;
mod partner;
mod promises;
mod qualification;
mod recommend;
mod relationship;
mod sharing;
#[cfg(test)]
pub(super) mod tests;

use std::collections::BTreeMap;

pub use complete::{Completeness, Hold, HoldCode, MissingField, completeness, holds};
pub use model::{DecisionContext, Package};
pub use sharing::{ConsentUsed, Receipt, Shared, Sharing, Withheld, WithheldReason, purposes, share};

use crate::accounts::model::{AccountState, Contact, Known, value};
use crate::handoffs::types::HandoffType;
use crate::kernel::clock::DateTime;
use crate::kernel::ids::AccountId;
use crate::motions::model::{Segment, Signals};
use fields::Section;

/// How many characters of a text that somebody wrote are kept; the rest is cut off with an ellipsis.
pub const TEXT_CHARS_MAX: usize = 500;
/// How many people are listed.
pub const CONTACTS_MAX: usize = 50;
/// How many entries every other list has.
pub const LIST_MAX: usize = 20;

/// All that a package is made of.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    pub account_id: &'a AccountId,
    pub state: &'a AccountState,
    /// Derived from the same state at `now`.
    pub signals: &'a Signals,
    pub people: &'a [Person],
    /// In any order, like the activities.
    pub notes: &'a [Note],
    /// The recent ones; older ones are told by counts.
    pub activities: &'a [Activity],
    /// The deal that is handed over; otherwise the one that speaks for the account.
    pub deal_id: Option<&'a str>,
    pub decision: Option<&'a DecisionContext>,
    /// The purpose that the policy names for sharing with partners, such as `partner_data_sharing`.
    pub partner_purpose: &'a str,
    pub now: DateTime,
}

/// A person at the account.
#[derive(Debug, Clone, PartialEq)]
pub struct Person {
    pub id: String,
    pub contact: Contact,
}

/// Something that was noted about the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Such as `pain_point`, `promise`, `success_criterion`, `next_step`.
    pub kind: String,
    pub text: String,
    pub at: DateTime,
    pub source: String,
}

/// A conversation or other activity with the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activity {
    pub activity_type: String,
    /// `inbound` or `outbound`, where known.
    pub direction: Option<String>,
    pub contact_id: Option<String>,
    pub subject: Option<String>,
    pub at: DateTime,
}

/// Gathers what a handoff of this type is told.
pub fn build(inputs: &Inputs<'_>, type_name: &str, handoff_type: &HandoffType) -> Package {
    let mut cut = Cut::default();
    let deal = relationship::deal(inputs, &mut cut);
    let contacts = contacts::contacts(inputs.people, &mut cut);
    let mut package = Package {
        account_id: inputs.account_id.to_string(),
        handoff_type: type_name.to_owned(),
        prepared_at: inputs.now,
        company: company(inputs, &mut cut),
        journey: journey::journey(inputs, deal.as_ref(), &mut cut),
        qualification: qualification::qualification(inputs, handoff_type, &contacts, &mut cut),
        expansion: relationship::expansion(inputs, &mut cut),
        relationship: relationship::relationship(inputs, deal.as_ref(), &mut cut),
        promises: promises::promises(
            inputs,
            deal.as_ref().filter(|_| fields::dwells_on(handoff_type, Section::Promises)),
            &mut cut,
        ),
        partner: partner::partner(inputs, &mut cut),
        decision: inputs.decision.map(|decision| decided(decision, &mut cut)),
        contacts,
        deal,
        recommendations: Vec::new(),
        omitted: BTreeMap::new(),
    };
    package.recommendations = recommend::recommendations(&package, handoff_type);
    package.omitted = cut.omitted;
    package
}

fn company(inputs: &Inputs<'_>, cut: &mut Cut) -> model::Company {
    let (profile, signals) = (&inputs.state.profile, inputs.signals);
    let text = |known: &Known<String>| said(value(known));
    model::Company {
        name: text(&profile.name),
        website: text(&profile.domain),
        industry: text(&profile.industry),
        size: value(&profile.employee_count).copied(),
        segment: Some(signals.lifecycle.segment).filter(|segment| *segment != Segment::Unknown),
        tier: text(&profile.tier),
        annual_revenue: value(&profile.annual_revenue).cloned(),
        country: text(&profile.country),
        region: text(&profile.region),
        territory: text(&profile.territory),
        plan_tier: signals.crm.plan_tier.clone(),
        lifecycle_stage: signals.lifecycle.stage.clone(),
        icp_fit: Some(signals.lifecycle.icp_fit),
        tech_stack: cut.keep("company.techStack", value(&profile.tech_stack).cloned().unwrap_or_default()),
        owner_id: signals.crm.owner_id.clone(),
    }
}

fn decided(decision: &DecisionContext, cut: &mut Cut) -> DecisionContext {
    DecisionContext {
        decision_id: decision.decision_id,
        reasoning: clip(&decision.reasoning),
        top_features: cut.keep("decision.topFeatures", decision.top_features.clone()),
        expansion_signals: cut.keep("decision.expansionSignals", decision.expansion_signals.clone()),
        partner_context: decision.partner_context.as_deref().map(clip),
    }
}

/// Bounds lists and remembers what was left out.
#[derive(Debug, Default)]
struct Cut {
    omitted: BTreeMap<String, u32>,
}

impl Cut {
    /// The first [`LIST_MAX`] entries.
    fn keep<T>(&mut self, list: &str, items: Vec<T>) -> Vec<T> {
        self.keep_up_to(LIST_MAX, list, items)
    }

    fn keep_up_to<T>(&mut self, max: usize, list: &str, mut items: Vec<T>) -> Vec<T> {
        if items.len() > max {
            let left_out = u32::try_from(items.len() - max).unwrap_or(u32::MAX);
            self.omitted.insert(list.to_owned(), left_out);
            items.truncate(max);
        }
        items
    }
}

/// A text that says something, shortened.
fn said(text: Option<&String>) -> Option<String> {
    text.map(|text| clip(text)).filter(|text| !text.is_empty())
}

/// A text of at most [`TEXT_CHARS_MAX`] characters.
fn clip(text: &str) -> String {
    let text = text.trim();
    if text.chars().nth(TEXT_CHARS_MAX).is_none() {
        return text.to_owned();
    }
    let kept: String = text.chars().take(TEXT_CHARS_MAX - 1).collect();
    format!("{}…", kept.trim_end())
}
