//! The frame of a report: who hands over to whom, what is missing, where to begin; what was done, what comes next.

use super::figures::{budget, instant, length, title as named, words};
use super::{Party, ReportInputs};
use crate::handoffs::package::model::{PackageContact, ScopeVerdict};
use crate::kernel::document::block::{Block, Inline, Line, Text, labelled, plain};
use crate::kernel::text::sentence_list;

/// How many missing things a single line names.
const NAMED_MAX: usize = 4;

fn company<'a>(inputs: &ReportInputs<'a>) -> &'a str {
    inputs.package.company.name.as_deref().unwrap_or(&inputs.package.account_id)
}

/// What the report is about, in a line.
pub(super) fn title(inputs: &ReportInputs<'_>) -> String {
    format!("Handoff to {}: {}", named(inputs.to.team), company(inputs))
}

fn party(party: Party<'_>) -> String {
    match party.person {
        Some(person) => format!("{person} ({})", named(party.team)),
        None => named(party.team),
    }
}

/// Title, routing, what holds it back or is missing, and the headline.
pub(super) fn opening(inputs: &ReportInputs<'_>) -> Vec<Block> {
    let mut blocks = vec![Block::Title(Text::new(&title(inputs))), routing(inputs)];
    if !inputs.holds.is_empty() {
        let held = inputs.holds.iter().map(|hold| {
            vec![
                Inline::Strong(Text::new("Held")),
                Inline::Plain(Text::new(&format!(": {} To release it: {}", hold.detail, hold.released_by))),
            ]
        });
        blocks.push(Block::Warning(held.collect()));
    }
    blocks.push(Block::Paragraph(labelled("Context", complete(inputs))));
    if let Some(headline) = inputs.package.recommendations.first() {
        blocks.push(Block::Paragraph(labelled("Begin here", &headline.text)));
    }
    if let Some(decision) = inputs.package.decision.as_ref().filter(|decision| !decision.reasoning.is_empty())
    {
        blocks.push(Block::Paragraph(labelled("Why now", &decision.reasoning)));
    }
    blocks
}

fn routing(inputs: &ReportInputs<'_>) -> Block {
    let mut rows: Vec<[Line; 2]> = vec![
        [plain("Type"), plain(inputs.type_name)],
        [plain("Account"), plain(company(inputs))],
        [plain("From"), plain(party(inputs.from))],
        [plain("To"), plain(party(inputs.to))],
    ];
    if let Some(why) = inputs.why {
        rows.push([plain("Why"), plain(why)]);
    }
    rows.push([plain("Status"), plain(words(inputs.status))]);
    rows.push([plain("SLA"), plain(format!("first contact within {}", budget(&inputs.handoff_type.sla)))]);
    let deadline = inputs.due_at.map_or("the clock does not run".to_owned(), |at| instant(at, inputs.zone));
    rows.push([plain("Deadline"), plain(deadline)]);
    rows.push([plain("Prepared"), plain(instant(inputs.package.prepared_at, inputs.zone))]);
    if let Some(address) = inputs.link.filter(|link| is_web_address(link)) {
        let link = Inline::Link { text: Text::new("open the handoff"), address: Text::new(address) };
        rows.push([plain("Link"), vec![link]]);
    }
    Block::table(["Routing", ""], rows)
}

fn is_web_address(link: &str) -> bool {
    ["https://", "http://"].iter().any(|scheme| link.starts_with(scheme))
        && !link.contains(|c: char| c.is_whitespace() || c.is_control())
}

/// How complete it is, and what is missing.
fn complete(inputs: &ReportInputs<'_>) -> String {
    let missing = &inputs.completeness.missing;
    let mut text = format!("{} % complete.", inputs.completeness.percent);
    for (required, says) in [(true, "Missing and required"), (false, "Missing")] {
        let labels: Vec<String> = missing
            .iter()
            .filter(|field| field.required == required)
            .map(|field| field.label.clone())
            .collect();
        if !labels.is_empty() {
            text = format!("{text} {says}: {}.", sentence_list(&bounded(labels)));
        }
    }
    text
}

/// The first few, and how many more there are.
fn bounded(mut labels: Vec<String>) -> Vec<String> {
    if labels.len() > NAMED_MAX {
        let more = labels.len() - (NAMED_MAX - 1);
        labels.truncate(NAMED_MAX - 1);
        labels.push(format!("{more} more"));
    }
    labels
}

/// Approach, what is missing with what to do about it, what was done, what comes next.
pub(super) fn closing(inputs: &ReportInputs<'_>) -> Vec<Block> {
    let mut blocks = vec![Block::heading("Recommended approach")];
    let advice = inputs.package.recommendations.iter().map(|advice| plain(&advice.text));
    blocks.push(Block::Steps(advice.collect()));
    if !inputs.completeness.missing.is_empty() {
        blocks.push(Block::heading("What is missing"));
        let rows = inputs.completeness.missing.iter().map(|field| {
            let required = if field.required { "yes" } else { "no" };
            [plain(&field.label), plain(required), plain(&field.what_to_do)]
        });
        blocks.push(Block::table(["Missing", "Required", "What to do"], rows));
    }
    if !inputs.package.omitted.is_empty() {
        let left_out = inputs.package.omitted.iter().map(|(list, more)| format!("{more} more in {list}"));
        let left_out: Vec<String> = left_out.collect();
        blocks.push(Block::Paragraph(labelled("Left out for length", sentence_list(&left_out))));
    }
    blocks.push(Block::heading("Actions taken"));
    let done = inputs
        .actions
        .iter()
        .map(|action| plain(format!("✅ {}, {}", action.label, instant(action.at, inputs.zone))));
    blocks.push(if inputs.actions.is_empty() {
        Block::Paragraph(plain("None so far."))
    } else {
        Block::List(done.collect())
    });
    blocks.push(Block::heading(match inputs.to.person {
        Some(person) => format!("Next steps for {person}"),
        None => "Next steps".to_owned(),
    }));
    blocks.push(Block::Steps(next_steps(inputs).iter().map(plain).collect()));
    blocks
}

pub(super) fn next_steps(inputs: &ReportInputs<'_>) -> Vec<String> {
    let mut steps: Vec<String> = inputs.holds.iter().map(|hold| hold.released_by.clone()).collect();
    let terms = &inputs.handoff_type.sla;
    if inputs.status == "assigned" {
        steps.push(match terms.acknowledge_within {
            Some(within) => format!("Acknowledge the handoff within {}.", length(within)),
            None => "Acknowledge the handoff.".to_owned(),
        });
    }
    if matches!(inputs.status, "held" | "pending" | "assigned" | "acknowledged") {
        let whom = inputs.package.contacts.iter().find(|contact| contact.is_reachable());
        let whom = whom.map_or("the company".to_owned(), called);
        steps.push(match inputs.due_at {
            Some(at) => format!("Contact {whom} by {}.", instant(at, inputs.zone)),
            None => format!("Contact {whom} within {} of taking over.", budget(terms)),
        });
    }
    if let Some(agreed) = inputs.package.promises.next_steps.first() {
        steps.push(format!("Keep what was agreed: {}", agreed.text));
    }
    let out_of_scope = inputs.package.promises.promised.iter().filter_map(|promise| promise.scope.as_ref());
    if out_of_scope.clone().any(|scope| scope.verdict == ScopeVerdict::OutOfScope) {
        steps.push("Settle what was promised and not sold.".to_owned());
    }
    if inputs.completeness.missing.iter().any(|field| !field.required) {
        steps.push("Ask for what is missing, and enter it in the CRM.".to_owned());
    }
    steps.push("Record the contact, the meeting and how it ended.".to_owned());
    steps
}

fn called(contact: &PackageContact) -> String {
    contact.name.clone().unwrap_or_else(|| contact.id.clone())
}

/// The lines of the short form.
pub(super) fn summary(inputs: &ReportInputs<'_>) -> Vec<String> {
    let mut lines = vec![
        format!("{} ({})", title(inputs), inputs.type_name),
        format!("From {} to {}", party(inputs.from), party(inputs.to)),
    ];
    lines.extend(inputs.holds.iter().map(|hold| format!("Held: {}", hold.detail)));
    if let Some(at) = inputs.due_at {
        lines.push(format!("First contact by {}", instant(at, inputs.zone)));
    }
    if let Some(contact) = inputs.package.contacts.iter().find(|contact| contact.is_reachable()) {
        let title = contact.title.as_ref().map_or_else(String::new, |title| format!(", {title}"));
        lines.push(format!("Contact: {}{title}", called(contact)));
    }
    if let Some(headline) = inputs.package.recommendations.first() {
        lines.push(format!("Begin here: {}", headline.text));
    }
    lines.push(format!("Context: {}", complete(inputs)));
    lines.iter().map(|line| Text::new(line).as_str().to_owned()).collect()
}
