//! The qualification of a package: the score and what it is, the framework and what of it is filled, what hurts.
//!
//! Promises: a score of the deal comes before all others. Where a type dwells on usage or on partners, that is what
//! qualifies the company: without a score of the deal the depth of usage, or the strongest active overlap, stands in,
//! and says so.

use serde_json::Value;

use super::fields::{self, Section};
use super::model::{BuyingRole, Element, PackageContact, QualificationPart};
use super::{Cut, Inputs, Note, clip};
use crate::accounts::model::{Deal, Qualification, value};
use crate::handoffs::types::HandoffType;

/// The frameworks whose parts are known, with what each asks for.
const FRAMEWORKS: [(&str, &[&str]); 3] = [
    ("BANT", &["budget", "authority", "need", "timeline"]),
    (
        "MEDDIC",
        &["metrics", "economic_buyer", "decision_criteria", "decision_process", "identify_pain", "champion"],
    ),
    (
        "MEDDPICC",
        &[
            "metrics",
            "economic_buyer",
            "decision_criteria",
            "decision_process",
            "paper_process",
            "identify_pain",
            "champion",
            "competition",
        ],
    ),
];

pub(super) fn qualification(
    inputs: &Inputs<'_>,
    handoff_type: &HandoffType,
    contacts: &[PackageContact],
    cut: &mut Cut,
) -> QualificationPart {
    let nothing = Qualification::default();
    let said = deal(inputs).and_then(|deal| value(&deal.qualification)).unwrap_or(&nothing);
    let (score, basis) = score(inputs, handoff_type, said).unzip();
    let pain_points = pain_points(said, inputs.notes);
    let text = |text: &Option<String>| text.as_deref().map(clip).filter(|text| !text.is_empty());
    let framework = said.framework.as_deref().map(framework_name).filter(|name| !name.is_empty());
    let mut part = QualificationPart {
        score,
        score_basis: basis.map(str::to_owned),
        framework,
        elements: Vec::new(),
        pain_points: cut.keep("qualification.painPoints", pain_points),
        budget_confirmed: said.budget_confirmed,
        timeline: text(&said.timeline),
        decision_process: text(&said.decision_process),
    };
    let asked = FRAMEWORKS.iter().find(|(name, _)| part.framework.as_deref() == Some(*name));
    let names = asked.map_or(&[][..], |(_, names)| *names);
    part.elements = names.iter().map(|name| element(name, &part, said, contacts)).collect();
    part
}

fn deal<'a>(inputs: &Inputs<'a>) -> Option<&'a Deal> {
    inputs.state.deals.get(super::relationship::deal_id(inputs)?)
}

fn score(
    inputs: &Inputs<'_>,
    handoff_type: &HandoffType,
    said: &Qualification,
) -> Option<(f64, &'static str)> {
    if let Some(score) = said.score {
        return Some((score, "deal"));
    }
    let usage = &inputs.signals.usage;
    if usage.days > 0 && fields::dwells_on(handoff_type, Section::Usage) {
        return Some((usage.depth, "product_usage"));
    }
    let strengths = inputs.signals.partner.overlaps.iter().map(|overlap| overlap.strength);
    let strongest = strengths.max_by(f64::total_cmp)?;
    // To two decimals, as all percentages are.
    let pct = (strongest * 10_000.0).round() / 100.0;
    fields::dwells_on(handoff_type, Section::Partner).then_some((pct, "partner_overlap"))
}

/// What hurts by the deal, then by notes, newest first, each once.
fn pain_points(said: &Qualification, notes: &[Note]) -> Vec<String> {
    let mut noted: Vec<&Note> = notes.iter().filter(|note| note.kind.starts_with("pain")).collect();
    noted.sort_by(|a, b| b.at.cmp(&a.at).then_with(|| a.text.cmp(&b.text)));
    let texts = said.pain_points.iter().chain(noted.into_iter().map(|note| &note.text));
    let mut found: Vec<String> = Vec::new();
    for text in texts.map(|text| clip(text)).filter(|text| !text.is_empty()) {
        if !found.iter().any(|known| known.to_lowercase() == text.to_lowercase()) {
            found.push(text);
        }
    }
    found
}

/// Known frameworks in capitals, others as written.
fn framework_name(name: &str) -> String {
    let capitals = name.trim().to_uppercase();
    let known = FRAMEWORKS.iter().any(|(name, _)| *name == capitals);
    if known { capitals } else { clip(name) }
}

fn element(
    name: &str,
    part: &QualificationPart,
    said: &Qualification,
    contacts: &[PackageContact],
) -> Element {
    let with_role = |role| {
        let found = contacts.iter().find(|contact| contact.role == role)?;
        Some(found.name.clone().unwrap_or_else(|| found.id.clone()))
    };
    let own = || other(said, name);
    let value = match name {
        "budget" => part
            .budget_confirmed
            .map(|confirmed| if confirmed { "confirmed" } else { "not confirmed" }.to_owned()),
        "authority" | "economic_buyer" => own().or_else(|| with_role(BuyingRole::EconomicBuyer)),
        "champion" => own().or_else(|| with_role(BuyingRole::Champion)),
        "need" | "identify_pain" => own().or_else(|| part.pain_points.first().cloned()),
        "timeline" => part.timeline.clone(),
        "decision_process" => part.decision_process.clone(),
        _ => own(),
    };
    // A budget that was denied is known, but it does not fill what the framework asks for.
    let filled = if name == "budget" { part.budget_confirmed == Some(true) } else { value.is_some() };
    Element { name: name.to_owned(), filled, value }
}

/// What the source says of the element by its own name, whatever way it is written.
fn other(said: &Qualification, name: &str) -> Option<String> {
    let plain = |text: &str| text.to_lowercase().replace(['_', '-', ' '], "");
    let (_, found) = said.other.iter().find(|(key, _)| plain(key) == plain(name))?;
    let text = match found {
        Value::Null | Value::Bool(false) => return None,
        Value::String(text) => clip(text),
        Value::Bool(true) => "yes".to_owned(),
        Value::Array(items) => {
            let texts: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
            clip(&texts.join(", "))
        }
        rest => clip(&rest.to_string()),
    };
    Some(text).filter(|text| !text.is_empty())
}
