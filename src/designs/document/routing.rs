//! The routing matrix.

use crate::designs::routing::Blueprint;
use crate::designs::words::{readable, spelled};
use crate::kernel::document::block::{Block, Line, plain};

/// A kind of entry, in a table.
fn kind(name: &str) -> String {
    crate::handoffs::Kind::parse(name).map_or_else(|| name.to_owned(), |kind| kind.words().to_owned())
}

/// An entry as people call it: `SLA terms MQL to sales, enterprise`. Ids of people and accounts stay as they are.
fn entry(name: &str, id: &str) -> String {
    let id = match name {
        "segment" | "sla_terms" => id.split('.').map(spelled).collect::<Vec<_>>().join(", "),
        _ => id.to_owned(),
    };
    format!("{} {id}", kind(name))
}

pub fn blocks(blueprint: &Blueprint) -> Vec<Block> {
    let mut blocks = vec![
        Block::heading("Routing matrix"),
        Block::Paragraph(plain(format!("What no owner takes goes to {}.", blueprint.choice.words()))),
        Block::List(blueprint.because.iter().map(plain).collect()),
        Block::subheading("Ways to an owner, in order"),
    ];
    let ways = blueprint.ways.iter().map(|way| {
        let wait =
            if way.wait_minutes == 0 { "–".to_owned() } else { format!("up to {} min", way.wait_minutes) };
        [plain(&way.leads_to), plain(&way.because), plain(wait)]
    });
    blocks.push(Block::table(["Way", "Because", "Waits"], ways.collect::<Vec<[Line; 3]>>()));
    blocks.push(Block::subheading("What happens, case by case"));
    let cases =
        blueprint.matrix.iter().map(|case| [plain(&case.case), plain(&case.leads_to), plain(&case.because)]);
    blocks.push(Block::table(["The account", "Goes to", "By"], cases.collect::<Vec<[Line; 3]>>()));
    blocks.push(Block::subheading("Who has the turns"));
    let pods = blueprint.pods.iter().map(|pod| {
        // Packets of before names were kept have ids only.
        let who = if pod.people.is_empty() { &pod.reps } else { &pod.people };
        [plain(&pod.name), plain(who.join(", "))]
    });
    blocks.push(Block::table(["Pod", "Reps"], pods.collect::<Vec<[Line; 2]>>()));
    blocks.push(Block::subheading("What must be known of an account"));
    let needs = blueprint
        .enrichment
        .iter()
        .map(|need| [plain(&need.field), plain(&need.because), plain(&need.source)]);
    blocks.push(Block::table(["Field", "Why", "From"], needs.collect::<Vec<[Line; 3]>>()));
    blocks.push(Block::subheading("What changes on the live roster"));
    if blueprint.edits.is_empty() {
        blocks.push(Block::Paragraph(plain("Nothing: the roster is already so.")));
    } else {
        let edits = blueprint
            .edits
            .iter()
            .map(|edit| [plain(entry(&edit.kind, &edit.id)), plain(readable(&edit.says))]);
        blocks.push(Block::table(["Entry", "Change"], edits.collect::<Vec<[Line; 2]>>()));
    }
    if !blueprint.notes.is_empty() {
        blocks.push(Block::List(blueprint.notes.iter().map(|note| plain(readable(note))).collect()));
    }
    blocks
}
