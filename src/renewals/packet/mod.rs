//! The packet of a renewal: what everybody who takes part reads, good enough to be sent to a CRO as it is.
//!
//! Promises: Markdown and HTML are made from one list of blocks and say the same. What cannot be kept, what is not known and
//! who is missing comes first. Every fact carries its source and its day. A talking point whose facts are not known is left
//! out and named.
//! Leaves out: people at the customer who may not be contacted.
//!
//! In reading order: `head` (the case and what stands in its way), `work` (timeline, responsibilities, material, checkpoints,
//! rules), `words` (what to say and what to show), `facts` (what was known).

mod facts;
mod head;
mod words;
mod work;

use super::telling::Telling;
use crate::kernel::document::block::{Block, Text};
use crate::kernel::document::{html, markdown};

/// The packet as Markdown (`CommonMark` with tables).
pub fn to_markdown(telling: &Telling<'_>) -> String {
    markdown::render(&blocks(telling))
}

/// The packet as one HTML document.
pub fn to_html(telling: &Telling<'_>) -> String {
    html::render(&title(telling), &blocks(telling))
}

/// A source as people call it: events name theirs by a path.
fn said_by(source: &str) -> &str {
    source.trim_start_matches('/')
}

fn title(telling: &Telling<'_>) -> String {
    format!("Renewal of {}", telling.account)
}

fn blocks(telling: &Telling<'_>) -> Vec<Block> {
    let mut blocks = vec![Block::Title(Text::new(&title(telling)))];
    blocks.extend(head::case(telling));
    blocks.extend(head::warnings(telling));
    blocks.extend(head::reasons(telling));
    blocks.extend(work::timeline(telling));
    blocks.push(work::chart(telling));
    blocks.extend(work::responsibilities(telling));
    blocks.extend(words::points(telling));
    blocks.extend(words::proof(telling));
    blocks.extend(work::material(telling));
    blocks.extend(work::checkpoints(telling));
    blocks.extend(work::rules(telling));
    blocks.extend(facts::context(telling));
    blocks.extend(head::success(telling));
    blocks
}
