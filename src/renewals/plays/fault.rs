//! What is wrong with a file of plays, said so that the reader can put it right.

use std::fmt;
use std::ops::Range;

/// One thing wrong with the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaysFault {
    /// From 1; 0 where the file as a whole is meant.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// Such as `plays.exec-save.tasks[1].owner`.
    pub path: String,
    pub message: String,
    /// What was probably meant, or what to do.
    pub suggestion: Option<String>,
}

impl PlaysFault {
    /// Something wrong with the file as a whole.
    pub fn of_file(message: String) -> Self {
        Self { line: 0, column: 0, path: String::new(), message, suggestion: None }
    }
}

impl fmt::Display for PlaysFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "{}:{}: ", self.line, self.column)?;
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)?;
        match &self.suggestion {
            Some(suggestion) => write!(f, " ({suggestion})"),
            None => Ok(()),
        }
    }
}

/// Collects faults; positions are byte ranges of the text.
pub(super) struct Faults<'t> {
    text: &'t str,
    found: Vec<PlaysFault>,
}

impl<'t> Faults<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, found: Vec::new() }
    }

    pub(super) fn add(&mut self, at: Option<&Range<usize>>, path: String, message: String) {
        self.suggest(at, path, message, None);
    }

    pub(super) fn suggest(
        &mut self,
        at: Option<&Range<usize>>,
        path: String,
        message: String,
        suggestion: Option<String>,
    ) {
        let (line, column) = at.map_or((0, 0), |at| place(self.text, at.start));
        self.found.push(PlaysFault { line, column, path, message, suggestion });
    }

    /// In the order of the file.
    pub(super) fn all(mut self) -> Vec<PlaysFault> {
        self.found.sort_by(|a, b| (a.line, a.column, &a.path).cmp(&(b.line, b.column, &b.path)));
        self.found
    }
}

/// Line and column of a byte.
fn place(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at.min(text.len())).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    (line, before[start..].chars().count() + 1)
}
