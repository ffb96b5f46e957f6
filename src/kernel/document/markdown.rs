//! Blocks as Markdown.
//!
//! Promises: a text reads as it was written. Every character that could format, link, begin a block or end a cell is
//! escaped, and no more than those, so that the source stays readable.

use std::fmt::Write as _;

use super::block::{Block, Inline, Line, Text};

/// A document of these blocks.
pub fn render(blocks: &[Block]) -> String {
    let parts: Vec<String> = blocks.iter().map(block).collect();
    format!("{}\n", parts.join("\n\n"))
}

fn block(block: &Block) -> String {
    match block {
        Block::Title(text) => format!("# {}", escape(text, true)),
        Block::Heading(text) => format!("## {}", escape(text, true)),
        Block::Subheading(text) => format!("### {}", escape(text, true)),
        Block::Paragraph(content) => line(content, true),
        Block::Warning(lines) => lines
            .iter()
            .map(|content| format!("> ⚠️ {}", line(content, false)))
            .collect::<Vec<_>>()
            .join("\n>\n"),
        Block::List(lines) => {
            lines.iter().map(|content| format!("- {}", line(content, true))).collect::<Vec<_>>().join("\n")
        }
        Block::Steps(lines) => {
            let numbered =
                lines.iter().enumerate().map(|(at, content)| format!("{}. {}", at + 1, line(content, true)));
            numbered.collect::<Vec<_>>().join("\n")
        }
        Block::Table { head, rows } => table(head, rows),
        Block::Figure { words, .. } => escape(words, true),
    }
}

fn table(head: &[Text], rows: &[Vec<Line>]) -> String {
    // A cell holds a line and no blocks.
    let cells: Vec<String> = head.iter().map(|text| escape(text, false)).collect();
    let mut text = format!("| {} |\n|{}", cells.join(" | "), "---|".repeat(head.len()));
    for row in rows {
        let cells: Vec<String> = row.iter().map(|content| line(content, false)).collect();
        let _ = write!(text, "\n| {} |", cells.join(" | "));
    }
    text
}

/// `alone` where a block could begin at the first character.
fn line(content: &Line, alone: bool) -> String {
    let mut text = String::new();
    for inline in content {
        let first = alone && text.is_empty();
        match inline {
            Inline::Plain(words) => text.push_str(&escape(words, first)),
            Inline::Strong(words) => {
                let _ = write!(text, "**{}**", escape(words, false));
            }
            Inline::Link { text: words, address } => {
                let _ = write!(text, "[{}](<{}>)", escape(words, false), in_link(address));
            }
        }
    }
    text
}

/// An address between `<` and `>`.
fn in_link(address: &Text) -> String {
    address.as_str().replace(['<', '>', '\\', ' '], "")
}

/// `first` where the text begins a line of its block.
fn escape(text: &Text, first: bool) -> String {
    let chars: Vec<char> = text.as_str().chars().collect();
    let mut escaped = String::with_capacity(text.as_str().len() + 8);
    for (at, c) in chars.iter().enumerate() {
        if formats(&chars, at) || (first && begins_block(&chars, at)) {
            escaped.push('\\');
        }
        escaped.push(*c);
    }
    escaped
}

/// Whether a character formats something, where it stands.
fn formats(chars: &[char], at: usize) -> bool {
    let letter = |at: Option<usize>| at.and_then(|at| chars.get(at)).is_some_and(|c| c.is_alphanumeric());
    match chars[at] {
        '\\' | '`' | '*' | '[' | ']' | '<' | '>' | '|' | '~' | '&' | '$' => true,
        // Inside of a word it is a letter like others.
        '_' => !(letter(at.checked_sub(1)) && letter(Some(at + 1))),
        // Addresses that would become links by themselves.
        ':' => chars[at + 1..].starts_with(&['/', '/']),
        '.' => at >= 3 && chars[at - 3..at].iter().all(|c| c.eq_ignore_ascii_case(&'w')),
        _ => false,
    }
}

/// Whether a character at the beginning makes a heading, a list, a line or a number of the text.
fn begins_block(chars: &[char], at: usize) -> bool {
    match chars[at] {
        '#' | '-' | '+' | '=' => at == 0,
        '.' | ')' => at > 0 && chars[..at].iter().all(char::is_ascii_digit),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_would_format_is_escaped() {
        for (text, first, escaped) in [
            ("anna_b@acme.com, 3.5 % - fine (really)!", true, "anna_b@acme.com, 3.5 % - fine (really)!"),
            ("a|b *c* `d` <e> [f](g)", true, r"a\|b \*c\* \`d\` \<e\> \[f\](g)"),
            ("_a_ snake_case __b", true, r"\_a\_ snake_case \_\_b"),
            ("# a # b", true, r"\# a # b"),
            ("# a", false, "# a"),
            ("- a", true, r"\- a"),
            ("12. May 1.", true, r"12\. May 1."),
            ("https://x.example www.x.example", true, r"https\://x.example www\.x.example"),
            ("&lt; \\* ~~x~~ $y$", true, r"\&lt; \\\* \~\~x\~\~ \$y\$"),
        ] {
            assert_eq!(escape(&Text::new(text), first), escaped);
        }
    }
}
