//! What was known when the plan was made, and what was not.

use super::said_by;
use crate::kernel::document::block::{Block, plain};
use crate::renewals::measures::told_date;
use crate::renewals::telling::Telling;

/// What a fact that nobody said is computed from.
fn computed(fact: &str) -> &'static str {
    match fact {
        "segment" => "computed from the size of the account",
        "last_heard" => "computed from what was heard of them",
        "reachable" | "consents" => "computed from the contacts and their consents",
        _ => "computed from the facts of the account",
    }
}

pub(super) fn context(telling: &Telling<'_>) -> Vec<Block> {
    let Some(context) = telling.context else { return Vec::new() };
    let calendar = telling.plays.calendar();
    let day = |at| told_date(calendar.local_date(at));
    let mut blocks = vec![
        Block::heading("What was known"),
        Block::Paragraph(plain(format!("As of {}.", day(context.taken_at)))),
    ];
    for group in context.groups.iter().filter(|group| !group.facts.is_empty()) {
        blocks.push(Block::subheading(&group.title));
        let rows = group.facts.iter().map(|fact| {
            [
                plain(&fact.label),
                plain(&fact.text),
                plain(fact.source.as_deref().map_or(computed(&fact.name), said_by)),
                // What was computed was computed when the plan was made.
                plain(day(fact.as_of.unwrap_or(context.taken_at))),
            ]
        });
        blocks.push(Block::table(["Fact", "", "Source", "As of"], rows));
    }
    if !context.unknown.is_empty() {
        blocks.push(Block::subheading("What is not known"));
        let rows = context.unknown.iter().map(|one| [plain(&one.what), plain(&one.what_to_do)]);
        blocks.push(Block::table(["Not known", "What to do"], rows));
    }
    blocks
}
