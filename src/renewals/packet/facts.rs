//! What was known when the plan was made, and what was not.

use crate::kernel::document::block::{Block, plain};
use crate::renewals::measures::told_date;
use crate::renewals::telling::Telling;

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
                plain(fact.source.as_deref().unwrap_or("not said")),
                plain(fact.as_of.map_or_else(|| "not said".to_owned(), day)),
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
