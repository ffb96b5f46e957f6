//! The parts of the package as sections of the report.
//!
//! Promises: company, contacts, journey, qualification and deal always have their section; the others have one where the
//! type dwells on them or something is known. An empty section says so.

mod business;

use super::ReportInputs;
use super::figures::{amount, count, day, number, share, words};
use crate::handoffs::package::fields::Section;
use crate::handoffs::package::model::{Package, PackageContact, ProductUsage, Promise, ScopeVerdict};
use crate::kernel::document::block::{Block, Inline, Line, Text, labelled, plain};

/// The blocks of a section; none where it has nothing to say.
pub(super) fn section(section: Section, inputs: &ReportInputs<'_>, dwells: bool) -> Vec<Block> {
    let package = inputs.package;
    let (heading, content) = match section {
        Section::Company => ("Account summary", company(package)),
        Section::Contacts => ("Contacts", contacts(package)),
        Section::Journey => ("Journey highlights", journey(inputs)),
        Section::Usage => ("Product usage", usage(inputs)),
        Section::Qualification => ("Qualification", qualification(package)),
        Section::NextSteps => ("Agreed next steps", binding(inputs, &package.promises.next_steps)),
        Section::Deal => (deal_heading(package), business::deal(package)),
        Section::Promises => ("Promised outcomes and success criteria", promises(inputs)),
        Section::Expansion => ("Signs of growth", business::expansion(package)),
        Section::Relationship => ("Relationship", business::relationship(inputs)),
        Section::Pricing => ("Pricing history", business::pricing(package)),
        Section::Partner => ("Partners", business::partner(inputs)),
        Section::Consent => ("What may be shared", business::consent(inputs)),
    };
    let core = matches!(
        section,
        Section::Company | Section::Contacts | Section::Journey | Section::Qualification | Section::Deal
    );
    match (content.is_empty(), core || dwells) {
        (false, _) => std::iter::once(Block::heading(heading)).chain(content).collect(),
        (true, true) => vec![Block::heading(heading), Block::Paragraph(plain("Nothing is known yet."))],
        (true, false) => Vec::new(),
    }
}

fn deal_heading(package: &Package) -> &'static str {
    if package.deal.as_ref().is_some_and(|deal| deal.closed) { "Deal" } else { "Opportunity" }
}

/// A list of labelled values, those that are known.
fn facts<const N: usize>(known: [(&str, Option<String>); N]) -> Vec<Block> {
    let lines: Vec<Line> =
        known.into_iter().filter_map(|(label, value)| Some(labelled(label, value?))).collect();
    if lines.is_empty() { Vec::new() } else { vec![Block::List(lines)] }
}

/// A list under a small heading, where there is anything in it.
fn listed(heading: &str, lines: Vec<Line>) -> Vec<Block> {
    if lines.is_empty() { Vec::new() } else { vec![Block::subheading(heading), Block::List(lines)] }
}

/// Names in a row; none of none.
fn joined(names: &[String]) -> Option<String> {
    (!names.is_empty()).then(|| names.join(", "))
}

fn company(package: &Package) -> Vec<Block> {
    let company = &package.company;
    let revenue = company.annual_revenue.as_ref();
    facts([
        ("Company", company.name.clone()),
        ("Website", company.website.clone()),
        ("Industry", company.industry.clone()),
        ("Size", company.size.map(|size| format!("{} employees", count(size)))),
        ("Segment", company.segment.map(|segment| words(segment.name()))),
        ("Tier", company.tier.clone()),
        ("Plan", company.plan_tier.clone()),
        ("Annual revenue", revenue.map(|revenue| amount(&revenue.amount, revenue.currency.as_deref()))),
        ("Country", company.country.clone()),
        ("Region", company.region.clone()),
        ("Territory", company.territory.clone()),
        ("Lifecycle stage", company.lifecycle_stage.as_deref().map(words)),
        ("Fit with the ideal customer", company.icp_fit.filter(|fit| *fit > 0.0).map(share)),
        ("Technology", joined(&company.tech_stack)),
    ])
}

fn contacts(package: &Package) -> Vec<Block> {
    if package.contacts.is_empty() {
        return Vec::new();
    }
    let text = |text: &Option<String>| plain(text.as_deref().unwrap_or("–"));
    let rows = package.contacts.iter().map(|contact| {
        let name = Text::new(contact.name.as_deref().unwrap_or(&contact.id));
        [
            vec![Inline::Strong(name)],
            text(&contact.title),
            plain(words(role(contact))),
            text(&contact.email),
            text(&contact.phone),
            plain(remark(contact)),
        ]
    });
    vec![Block::table(["Name", "Title", "Likely role", "E-mail", "Telephone", ""], rows)]
}

fn role(contact: &PackageContact) -> &'static str {
    use crate::handoffs::package::model::BuyingRole;
    match contact.role {
        BuyingRole::EconomicBuyer => "economic buyer",
        BuyingRole::Champion => "champion",
        BuyingRole::ExecutiveSponsor => "executive sponsor",
        BuyingRole::TechnicalEvaluator => "technical evaluator",
        BuyingRole::Procurement => "procurement",
        BuyingRole::User => "user",
        BuyingRole::Unknown => "unknown",
    }
}

fn remark(contact: &PackageContact) -> &'static str {
    match (contact.opted_out, contact.is_primary) {
        (true, _) => "opted out: do not contact",
        (false, true) => "primary",
        (false, false) => "",
    }
}

fn journey(inputs: &ReportInputs<'_>) -> Vec<Block> {
    let journey = &inputs.package.journey;
    let basis = journey.source_basis.as_deref().map(words);
    let source = journey.source.as_ref().map(|source| match &basis {
        Some(basis) if basis != "deal" => format!("{source} (by {basis})"),
        _ => source.clone(),
    });
    let mut blocks = facts([
        ("Source", source),
        ("First touch", journey.first_touch.map(|at| day(at, inputs.zone))),
        ("Product usage", journey.product_usage.as_ref().map(in_short)),
    ]);
    if !journey.touchpoints.is_empty() {
        let rows = journey.touchpoints.iter().map(|touch| {
            let kind = match &touch.direction {
                Some(direction) => format!("{}, {direction}", words(&touch.activity_type)),
                None => words(&touch.activity_type),
            };
            let with = touch.contact_id.as_deref().map_or("–", |id| person(inputs.package, id));
            let subject = touch.subject.as_deref().unwrap_or("–");
            [plain(day(touch.at, inputs.zone)), plain(kind), plain(with), plain(subject)]
        });
        blocks.push(Block::table(["When", "What", "With", "Subject"], rows));
    }
    blocks.extend(listed("Content engaged with", journey.content_engaged.iter().map(plain).collect()));
    blocks
}

/// A person by name, where the package lists one.
fn person<'a>(package: &'a Package, id: &'a str) -> &'a str {
    let found = package.contacts.iter().find(|contact| contact.id == id);
    found.and_then(|contact| contact.name.as_deref()).unwrap_or(id)
}

fn in_short(usage: &ProductUsage) -> String {
    match usage.top_features.first() {
        Some(feature) => format!("depth {} of 100, mostly {}", number(usage.depth), words(feature)),
        None => format!("depth {} of 100", number(usage.depth)),
    }
}

fn usage(inputs: &ReportInputs<'_>) -> Vec<Block> {
    let Some(usage) = &inputs.package.journey.product_usage else { return Vec::new() };
    let trend = usage.trend_pct.map(|trend| {
        let levelled = if usage.plateau { ", levelled off" } else { "" };
        format!(
            "{}{} % against the fortnight before{levelled}",
            if trend > 0.0 { "+" } else { "" },
            number(trend)
        )
    });
    let users = count(usage.weekly_active_users);
    let seats = match usage.seats {
        Some(seats) => format!("{users} of {} seats", count(seats)),
        None => format!("{users}, seats unknown"),
    };
    let features: Vec<String> = usage.top_features.iter().map(|feature| words(feature)).collect();
    facts([
        ("Depth", Some(format!("{} of 100", number(usage.depth)))),
        ("Trend", trend),
        ("Weekly active users", Some(seats)),
        ("Most used features", joined(&features)),
        ("As of", usage.as_of.map(|at| day(at, inputs.zone))),
    ])
}

fn qualification(package: &Package) -> Vec<Block> {
    let known = &package.qualification;
    let score = known.score.map(|score| match known.score_basis.as_deref() {
        Some("product_usage") => format!("{} of 100, from product usage", number(score)),
        Some("partner_overlap") => format!("{} of 100, from the partner overlap", number(score)),
        _ => number(score),
    });
    let mut blocks = facts([
        ("Score", score),
        ("Framework", known.framework.clone()),
        (
            "Budget",
            known.budget_confirmed.map(|yes| if yes { "confirmed" } else { "not confirmed" }.to_owned()),
        ),
        ("Timeline", known.timeline.clone()),
        ("Decision process", known.decision_process.clone()),
    ]);
    blocks.extend(listed("Pain points", known.pain_points.iter().map(plain).collect()));
    if !known.elements.is_empty() {
        let rows = known.elements.iter().map(|element| {
            let answer = element.value.as_deref().unwrap_or("–");
            [plain(words(&element.name)), plain(if element.filled { "yes" } else { "no" }), plain(answer)]
        });
        blocks.push(Block::table(["Asked by the framework", "Filled", "Answer"], rows));
    }
    blocks
}

fn binding(inputs: &ReportInputs<'_>, notes: &[Promise]) -> Vec<Block> {
    let line =
        |note: &Promise| plain(format!("{} ({}, {})", note.text, note.source, day(note.at, inputs.zone)));
    if notes.is_empty() { Vec::new() } else { vec![Block::List(notes.iter().map(line).collect())] }
}

fn promises(inputs: &ReportInputs<'_>) -> Vec<Block> {
    let promises = &inputs.package.promises;
    let mut blocks = Vec::new();
    if !promises.success_criteria.is_empty() {
        blocks.push(Block::subheading("Success criteria"));
        blocks.extend(binding(inputs, &promises.success_criteria));
    }
    if !promises.promised.is_empty() {
        blocks.push(Block::subheading("Promised"));
        let rows = promises.promised.iter().map(|promise| {
            let said = format!("{}, {}", promise.source, day(promise.at, inputs.zone));
            [plain(&promise.text), plain(said), plain(sold(promise))]
        });
        blocks.push(Block::table(["Promise", "Said", "Part of what was sold"], rows));
    }
    blocks
}

fn sold(promise: &Promise) -> String {
    match &promise.scope {
        None => "not compared".to_owned(),
        Some(scope) => match scope.verdict {
            ScopeVerdict::InScope => format!("yes: {}", scope.sold.join(", ")),
            ScopeVerdict::OutOfScope => format!("⚠️ not sold: {}", scope.not_sold.join(", ")),
            ScopeVerdict::Unclear => "unclear: names no product".to_owned(),
        },
    }
}
