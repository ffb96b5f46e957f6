//! The report of a handoff: the same facts as the package, for the person who takes over.
//!
//! What others call: [`markdown()`] and [`html()`] (the whole report), [`summary`] (a few lines for a chat), and
//! [`next_steps`] (what the owner does now).
//!
//! Promises: both forms are rendered from one list of blocks and say the same. What the type dwells on comes first, in
//! the order of its focus, after who hands over to whom. Texts of others are texts: nothing in them formats, links, breaks
//! a row or injects markup, and characters that turn the direction of writing are dropped. What is listed as done was
//! done, because only that is handed in. HTML carries its styles with it and loads nothing.
//! Leaves out: escaping for a chat system, which whoever sends a summary does by the rules of that system.
//!
//! In reading order: [`ReportInputs`], `head` (routing, flags, approach, actions, next steps), `sections` (the parts of
//! the package), `figures` (numbers and dates for people). What they are made of and how it is written:
//! [`kernel::document`](crate::kernel::document).

mod figures;
mod head;
mod sections;
#[cfg(test)]
mod tests;

use crate::handoffs::package::fields::{Section, leading_sections};
use crate::handoffs::package::{Completeness, Hold, Package};
use crate::handoffs::types::HandoffType;
use crate::kernel::calendar::Zone;
use crate::kernel::clock::DateTime;
use crate::kernel::document;
use crate::kernel::document::block::Block;

/// All that a report tells.
#[derive(Debug, Clone, Copy)]
pub struct ReportInputs<'a> {
    pub package: &'a Package,
    pub type_name: &'a str,
    pub handoff_type: &'a HandoffType,
    pub from: Party<'a>,
    pub to: Party<'a>,
    /// Why this rep, in a sentence.
    pub why: Option<&'a str>,
    /// As the API names it, such as `assigned`.
    pub status: &'a str,
    /// When the customer must have been contacted; none while the clock does not run.
    pub due_at: Option<DateTime>,
    /// In which instants are told.
    pub zone: &'a Zone,
    pub completeness: &'a Completeness,
    pub holds: &'a [Hold],
    /// What was done and succeeded, in order.
    pub actions: &'a [Action],
    /// Where the handoff is worked on; only an `http` or `https` address becomes a link.
    pub link: Option<&'a str>,
}

/// A side of a handoff.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Party<'a> {
    /// Such as `customer_success`.
    pub team: &'a str,
    /// The name of the rep, where one is responsible.
    pub person: Option<&'a str>,
}

/// Something that was done for the handoff.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// Such as `CRM updated`.
    pub label: String,
    pub at: DateTime,
}

/// The order of sections that the type does not dwell on.
const ORDER: [Section; 13] = [
    Section::Company,
    Section::Contacts,
    Section::Journey,
    Section::Qualification,
    Section::Deal,
    Section::NextSteps,
    Section::Promises,
    Section::Usage,
    Section::Expansion,
    Section::Relationship,
    Section::Pricing,
    Section::Partner,
    Section::Consent,
];

/// The report as Markdown (`CommonMark` with tables).
pub fn markdown(inputs: &ReportInputs<'_>) -> String {
    document::markdown::render(&blocks(inputs))
}

/// The report as one HTML document, for browsers and mail programs.
pub fn html(inputs: &ReportInputs<'_>) -> String {
    document::html::render(&head::title(inputs), &blocks(inputs))
}

/// A few lines of plain text for a chat: who, until when, where to begin, what is missing.
pub fn summary(inputs: &ReportInputs<'_>) -> String {
    head::summary(inputs).join("\n")
}

/// What the owner does now, in order, as plain sentences.
pub fn next_steps(inputs: &ReportInputs<'_>) -> Vec<String> {
    head::next_steps(inputs)
}

fn blocks(inputs: &ReportInputs<'_>) -> Vec<Block> {
    let mut blocks = head::opening(inputs);
    let leading = leading_sections(inputs.handoff_type);
    let rest = ORDER.into_iter().filter(|section| !leading.contains(section));
    for (section, dwells) in
        leading.iter().map(|section| (*section, true)).chain(rest.map(|section| (section, false)))
    {
        blocks.extend(sections::section(section, inputs, dwells));
    }
    blocks.extend(head::closing(inputs));
    blocks
}
