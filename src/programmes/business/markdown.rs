//! Markdown as people write a configuration: headings, `- Key: value` lines, lists below a key, tables, paragraphs.
//!
//! Promises: every part knows its line, nothing that was written is lost. Leaves out everything else of Markdown: links,
//! emphasis and code stay in the text as they are.

/// A heading with all below it until the next of the same or a higher rank.
#[derive(Debug, Clone, Default)]
pub struct Section {
    pub title: String,
    pub line: usize,
    /// `- Key: value`, in their order; a key may repeat.
    pub entries: Vec<Entry>,
    /// Tables, head first.
    pub tables: Vec<Table>,
    /// Paragraphs, joined by spaces.
    pub text: Vec<String>,
    pub children: Vec<Section>,
}

/// One `- Key: value`.
#[derive(Debug, Clone)]
pub struct Entry {
    pub key: String,
    /// What stands behind the colon, or in the indented list below; never empty texts.
    pub values: Vec<String>,
    pub line: usize,
}

#[derive(Debug, Clone)]
pub struct Table {
    pub head: Vec<String>,
    pub rows: Vec<Row>,
    pub line: usize,
}

#[derive(Debug, Clone)]
pub struct Row {
    pub cells: Vec<String>,
    pub line: usize,
}

impl Section {
    /// The child of a title, compared without regard to case.
    pub fn child(&self, title: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.title.eq_ignore_ascii_case(title))
    }
}

/// The front matter between two lines `+++`, and the line at which the rest begins.
pub struct Parts<'t> {
    pub front: &'t str,
    pub body: &'t str,
    /// The line of the first line of the body, from 1.
    pub body_line: usize,
}

/// Cuts a text into front matter and body; nothing when it does not begin with `+++` or the second is missing.
pub fn parts(text: &str) -> Option<Parts<'_>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let rest = text
        .strip_prefix("+++")
        .and_then(|rest| rest.trim_start_matches([' ', '\t', '\r']).strip_prefix('\n'))?;
    let end = rest.find("\n+++").map(|at| at + 1).or_else(|| rest.starts_with("+++").then_some(0))?;
    let front = &rest[..end];
    let after = &rest[end + 3..];
    let body = after.split_once('\n').map_or("", |(_, body)| body);
    let body_line = text[..text.len() - body.len()].matches('\n').count() + 1;
    Some(Parts { front, body, body_line })
}

/// Reads a body; `line` is that of its first line.
pub fn read(body: &str, line: usize) -> Section {
    let mut reader = Reader { stack: vec![(0, Section { line, ..Section::default() })] };
    for (index, text) in body.lines().enumerate() {
        reader.line(text, line + index);
    }
    reader.finish()
}

struct Reader {
    /// Open sections with their rank; the first is the document.
    stack: Vec<(usize, Section)>,
}

impl Reader {
    fn line(&mut self, text: &str, line: usize) {
        let trimmed = text.trim();
        let rank = trimmed.bytes().take_while(|byte| *byte == b'#').count();
        if (1..=6).contains(&rank) && trimmed[rank..].starts_with(' ') {
            self.close(rank);
            let title = trimmed[rank..].trim().to_owned();
            self.stack.push((rank, Section { title, line, ..Section::default() }));
            return;
        }
        let Some((_, section)) = self.stack.last_mut() else { return };
        let indented = text.starts_with([' ', '\t']);
        if let Some(item) = trimmed.strip_prefix("- ").or_else(|| trimmed.strip_prefix("* ")) {
            match section.entries.last_mut().filter(|_| indented) {
                Some(entry) => entry.values.push(item.trim().to_owned()),
                None => section.entries.push(entry(item, line)),
            }
        } else if trimmed.starts_with('|') {
            section.row(trimmed, line);
        } else if !trimmed.is_empty() {
            section.text.push(trimmed.to_owned());
        }
    }

    fn close(&mut self, rank: usize) {
        while self.stack.len() > 1 && self.stack.last().is_some_and(|(open, _)| *open >= rank) {
            let Some((_, done)) = self.stack.pop() else { return };
            if let Some((_, parent)) = self.stack.last_mut() {
                parent.children.push(done);
            }
        }
    }

    fn finish(mut self) -> Section {
        self.close(1);
        let mut root = self.stack.pop().map(|(_, root)| root).unwrap_or_default();
        // A single title on top is the document's name, not a part of it.
        if root.children.len() == 1 && !root.children[0].children.is_empty() {
            root = root.children.remove(0);
        }
        root
    }
}

fn entry(item: &str, line: usize) -> Entry {
    let (key, value) = item.split_once(':').unwrap_or((item, ""));
    let values = if value.trim().is_empty() { Vec::new() } else { vec![value.trim().to_owned()] };
    Entry { key: key.trim().to_owned(), values, line }
}

impl Section {
    fn row(&mut self, text: &str, line: usize) {
        let inner = text.trim_start_matches('|');
        let inner = inner.strip_suffix('|').unwrap_or(inner);
        let cells: Vec<String> = inner.split('|').map(|cell| cell.trim().to_owned()).collect();
        let is_rule = cells.iter().all(|cell| !cell.is_empty() && cell.chars().all(|c| c == '-' || c == ':'));
        let open = self.tables.last_mut().filter(|table| table.line + table.rows.len() + 2 >= line);
        match open {
            Some(_) if is_rule => {}
            Some(table) => table.rows.push(Row { cells, line }),
            None => self.tables.push(Table { head: cells, rows: Vec::new(), line }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_found_at_its_line() {
        let text = "+++\na = 1\n+++\n\n# Name\n\nA line\nand another.\n\n## Goals\n\n- Key: value\n- List:\n  - one\n  - two\n\n| A | B |\n|---|---|\n| 1 | 2 |\n### Sub\n- x: y\n## Next\n";
        let parts = parts(text).unwrap();
        assert_eq!((parts.front, parts.body_line), ("a = 1\n", 4));
        let root = read(parts.body, parts.body_line);
        assert_eq!((root.title.as_str(), root.text.join(" ").as_str()), ("Name", "A line and another."));
        let goals = root.child("goals").unwrap();
        assert_eq!(goals.line, 10);
        assert_eq!((goals.entries[0].key.as_str(), goals.entries[0].line), ("Key", 12));
        assert_eq!(goals.entries[1].values, ["one", "two"]);
        assert_eq!(
            (goals.tables[0].rows[0].cells.join(","), goals.tables[0].rows[0].line),
            ("1,2".to_owned(), 19)
        );
        assert_eq!((goals.children[0].title.as_str(), root.children[1].title.as_str()), ("Sub", "Next"));
    }

    #[test]
    fn a_text_without_front_matter_has_no_parts() {
        assert!(parts("# Title\n").is_none());
        assert!(parts("+++\na = 1\n").is_none());
        assert_eq!(parts("+++\n+++\nbody").unwrap().body, "body");
    }
}
