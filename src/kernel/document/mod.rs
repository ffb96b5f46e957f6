//! Documents for people: a list of blocks, and the two forms in which it is written.
//!
//! In reading order: `block` (what a document is made of), `markdown` and `html` (how it is written), `drawing` (figures).
//!
//! Promises: both forms are made from one list of blocks and say the same. Texts of others are texts: nothing in them
//! formats, links, breaks a row or injects markup, and characters that turn the direction of writing are dropped. HTML
//! carries its styles with it and loads nothing.
//! Leaves out: what a document says; each slice builds its own blocks.

pub mod block;
pub mod drawing;
pub mod html;
pub mod markdown;
