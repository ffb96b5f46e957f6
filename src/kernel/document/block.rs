//! What a document is made of, before it is Markdown or HTML.
//!
//! Promises: a [`Text`] is one line without control characters and without characters that turn the direction of
//! writing, whatever it was made from; so no renderer meets a line break inside a cell.

use super::drawing::Drawing;

/// One line of plain text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Text(String);

impl Text {
    /// The text on one line.
    pub fn new(text: &str) -> Self {
        let shown = text.chars().filter(|c| !is_invisible(*c));
        let spaced: String = shown.map(|c| if c.is_control() { ' ' } else { c }).collect();
        // Line and paragraph separators are white space, as is a tab.
        Self(spaced.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    /// As it is shown.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Characters that are not seen and change how others are: marks, embeddings and isolates of direction, zero width
/// spaces, byte order marks, tags. Joiners stay, because scripts need them.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{061c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// A piece of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inline {
    Plain(Text),
    Strong(Text),
    /// An address of our own, `http` or `https`.
    Link {
        text: Text,
        address: Text,
    },
}

/// A line of a paragraph, an entry of a list, a cell of a table.
pub type Line = Vec<Inline>;

/// A line without emphasis.
pub fn plain(text: impl AsRef<str>) -> Line {
    vec![Inline::Plain(Text::new(text.as_ref()))]
}

/// A label of ours before a text of others.
pub fn labelled(label: &str, text: impl AsRef<str>) -> Line {
    vec![Inline::Strong(Text::new(label)), Inline::Plain(Text::new(&format!(": {}", text.as_ref())))]
}

/// A part of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    Title(Text),
    Heading(Text),
    /// A heading below one.
    Subheading(Text),
    Paragraph(Line),
    /// Something that must not be overlooked.
    Warning(Vec<Line>),
    List(Vec<Line>),
    Steps(Vec<Line>),
    /// All rows have as many cells as the head.
    Table {
        head: Vec<Text>,
        rows: Vec<Vec<Line>>,
    },
    /// A drawing, and in words what it shows; a form that cannot show drawings has the words alone.
    Figure {
        drawing: Drawing,
        words: Text,
    },
}

impl Block {
    /// A heading with this text.
    pub fn heading(text: impl AsRef<str>) -> Self {
        Self::Heading(Text::new(text.as_ref()))
    }

    /// A heading below one, with this text.
    pub fn subheading(text: impl AsRef<str>) -> Self {
        Self::Subheading(Text::new(text.as_ref()))
    }

    /// A table with as many cells to a row as there are columns.
    pub fn table<const N: usize>(head: [&str; N], rows: impl IntoIterator<Item = [Line; N]>) -> Self {
        Self::Table {
            head: head.iter().map(|text| Text::new(text)).collect(),
            rows: rows.into_iter().map(Vec::from).collect(),
        }
    }
}
