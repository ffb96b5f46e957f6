//! What to say to whom, and what can be shown for it.

use std::collections::BTreeSet;

use crate::kernel::document::block::{Block, Line, labelled, plain};
use crate::kernel::text::sentence_list;
use crate::renewals::plays::texts::{filled, label};
use crate::renewals::telling::Telling;

/// How many people of a persona are named.
const NAMED_MAX: usize = 4;

/// Talking points, persona by persona.
pub(super) fn points(telling: &Telling<'_>) -> Vec<Block> {
    let terms = telling.terms;
    let Some(whole) = telling.plays.compose(&terms.play, terms.risk, terms.tier) else { return Vec::new() };
    let mut blocks = vec![Block::heading("What to say")];
    let mut missing: BTreeSet<String> = BTreeSet::new();
    for (name, persona) in telling.plays.personas() {
        let mut lines: Vec<Line> = Vec::new();
        // The last layers are the most particular: they are said first.
        for point in whole.points.iter().rev().filter(|point| point.persona.get_ref().as_str() == name) {
            match filled(point.say.get_ref(), telling.facts) {
                Ok(text) => lines.push(plain(text)),
                Err(names) => missing.extend(names),
            }
        }
        if lines.is_empty() {
            continue;
        }
        blocks.push(Block::subheading(&persona.title));
        blocks.push(Block::Paragraph(labelled("Whom", people(telling, name))));
        blocks.push(Block::List(lines));
    }
    if !missing.is_empty() {
        let named: Vec<String> = missing.iter().map(|name| label(name).to_owned()).collect();
        let text = format!("points that need {}", sentence_list(&named));
        blocks.push(Block::Paragraph(labelled("Left out, because it is not known", text)));
    }
    blocks
}

/// Who of the customer's people a persona is.
fn people(telling: &Telling<'_>, persona: &str) -> String {
    let found = telling.counterparts.get(persona).map(Vec::as_slice).unwrap_or_default();
    if found.is_empty() {
        return "nobody is known; ask for an introduction".to_owned();
    }
    let mut named: Vec<String> = found
        .iter()
        .take(NAMED_MAX)
        .map(|one| one.title.as_ref().map_or(one.name.clone(), |title| format!("{} ({title})", one.name)))
        .collect();
    if found.len() > NAMED_MAX {
        named.push(format!("{} more", found.len() - NAMED_MAX));
    }
    sentence_list(&named)
}

/// What can be shown.
pub(super) fn proof(telling: &Telling<'_>) -> Vec<Block> {
    let terms = telling.terms;
    let Some(whole) = telling.plays.compose(&terms.play, terms.risk, terms.tier) else { return Vec::new() };
    let lines: Vec<Line> = whole
        .proof
        .iter()
        .filter_map(|proof| {
            filled(proof.evidence.get_ref(), telling.facts).ok().map(|text| labelled(&proof.claim, text))
        })
        .collect();
    if lines.is_empty() {
        let text =
            "Nothing yet: no figure that would prove something is known. See what is not known, below.";
        return vec![Block::heading("What we can show"), Block::Paragraph(plain(text))];
    }
    vec![Block::heading("What we can show"), Block::List(lines)]
}
