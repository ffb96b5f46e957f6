//! Blocks as one HTML document that mail programs show too: tables and styles in the tags, nothing loaded, no script.
//!
//! Promises: every text is escaped, in elements and in attributes; the tags depend on the blocks alone.

use std::fmt::Write as _;

use super::block::{Block, Inline, Line, Text};

const BODY: &str = "margin:0;padding:24px;background:#ffffff;color:#1f2933;font-family:Helvetica,Arial,sans-serif;\
                    font-size:15px;line-height:1.5";
const TITLE: &str = "margin:0 0 16px;font-size:24px;line-height:1.25";
const HEADING: &str = "margin:28px 0 8px;font-size:18px;border-bottom:1px solid #d9dee4;padding-bottom:4px";
const SUBHEADING: &str = "margin:16px 0 4px;font-size:15px";
const PARAGRAPH: &str = "margin:0 0 12px";
const WARNING: &str = "margin:0 0 8px;padding:8px 12px;background:#fff4e5;border-left:4px solid #d97706";
const LIST: &str = "margin:0 0 12px;padding-left:22px";
const TABLE: &str = "border-collapse:collapse;width:100%;margin:0 0 12px";
const HEAD_CELL: &str =
    "text-align:left;padding:6px 8px;border-bottom:2px solid #9aa5b1;font-size:13px;color:#52606d";
const CELL: &str = "text-align:left;vertical-align:top;padding:6px 8px;border-bottom:1px solid #e4e7eb";
const FIGURE: &str = "margin:0 0 16px;overflow-x:auto";
const CAPTION: &str = "font-size:13px;color:#52606d";

/// A document with this title.
pub fn render(title: &str, blocks: &[Block]) -> String {
    let mut text = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{}</title>\n</head>\n\
         <body style=\"{BODY}\">\n",
        escape(&Text::new(title))
    );
    for part in blocks {
        block(&mut text, part);
    }
    text.push_str("</body>\n</html>\n");
    text
}

fn block(text: &mut String, part: &Block) {
    // Writing into a string does not fail.
    let _ = match part {
        Block::Title(words) => writeln!(text, "<h1 style=\"{TITLE}\">{}</h1>", escape(words)),
        Block::Heading(words) => writeln!(text, "<h2 style=\"{HEADING}\">{}</h2>", escape(words)),
        Block::Subheading(words) => writeln!(text, "<h3 style=\"{SUBHEADING}\">{}</h3>", escape(words)),
        Block::Paragraph(content) => writeln!(text, "<p style=\"{PARAGRAPH}\">{}</p>", line(content)),
        Block::Warning(lines) => lines.iter().try_for_each(|content| {
            writeln!(text, "<p style=\"{WARNING}\">&#9888;&#65039; {}</p>", line(content))
        }),
        Block::List(lines) => list(text, "ul", lines),
        Block::Steps(lines) => list(text, "ol", lines),
        Block::Table { head, rows } => table(text, head, rows),
        Block::Figure { drawing, words } => writeln!(
            text,
            "<figure style=\"{FIGURE}\">\n{}\n<figcaption style=\"{CAPTION}\">{}</figcaption>\n</figure>",
            drawing.svg(),
            escape(words)
        ),
    };
}

fn list(text: &mut String, tag: &str, lines: &[Line]) -> std::fmt::Result {
    writeln!(text, "<{tag} style=\"{LIST}\">")?;
    for content in lines {
        writeln!(text, "<li>{}</li>", line(content))?;
    }
    writeln!(text, "</{tag}>")
}

fn table(text: &mut String, head: &[Text], rows: &[Vec<Line>]) -> std::fmt::Result {
    writeln!(text, "<table style=\"{TABLE}\">")?;
    let cells: Vec<String> =
        head.iter().map(|words| format!("<th style=\"{HEAD_CELL}\">{}</th>", escape(words))).collect();
    writeln!(text, "<tr>{}</tr>", cells.concat())?;
    for row in rows {
        let cells: Vec<String> =
            row.iter().map(|content| format!("<td style=\"{CELL}\">{}</td>", line(content))).collect();
        writeln!(text, "<tr>{}</tr>", cells.concat())?;
    }
    writeln!(text, "</table>")
}

fn line(content: &Line) -> String {
    let parts = content.iter().map(|inline| match inline {
        Inline::Plain(words) => escape(words),
        Inline::Strong(words) => format!("<strong>{}</strong>", escape(words)),
        Inline::Link { text, address } => format!("<a href=\"{}\">{}</a>", escape(address), escape(text)),
    });
    parts.collect::<Vec<_>>().concat()
}

/// A text between tags or within the quotes of an attribute.
pub fn escape(text: &Text) -> String {
    let mut escaped = String::with_capacity(text.as_str().len() + 8);
    for c in text.as_str().chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            plain => escaped.push(plain),
        }
    }
    escaped
}
