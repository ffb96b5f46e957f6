//! What is wrong with a file that people write: a business configuration, a definition, a deliverable.
//!
//! Promises: a fault names the file, the line and what to do; all faults of a file come at once, in its order.

use std::path::Path;
use std::{fmt, io};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::kernel::text::nearest;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ProgrammeFault)]
pub struct Fault {
    /// Such as `CONFIG.md` or `phases/1-strategy.toml`.
    pub file: String,
    /// From 1; 0 for the file as a whole.
    pub line: u32,
    /// Where in the file, such as `Personas / Plant manager / Pains`; empty for the file as a whole.
    pub path: String,
    /// What is wrong, and what to do.
    pub message: String,
}

impl Fault {
    /// Of a file or folder that cannot be read.
    pub fn unread(path: &Path, error: &io::Error) -> Self {
        let message = format!("cannot be read: {error}");
        Self { file: path.display().to_string(), line: 0, path: String::new(), message }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        if !self.path.is_empty() {
            write!(f, ": {}", self.path)?;
        }
        write!(f, ": {}", self.message)
    }
}

/// Faults of one file while it is read.
#[derive(Debug)]
pub struct Faults {
    file: String,
    found: Vec<Fault>,
}

impl Faults {
    pub fn of(file: &str) -> Self {
        Self { file: file.to_owned(), found: Vec::new() }
    }

    /// Notes a fault.
    pub fn add(&mut self, line: usize, path: impl Into<String>, message: impl Into<String>) {
        let line = u32::try_from(line).unwrap_or(u32::MAX);
        let fault = Fault { file: self.file.clone(), line, path: path.into(), message: message.into() };
        if !self.found.contains(&fault) {
            self.found.push(fault);
        }
    }

    /// Notes a name that does not exist, with the likely one.
    pub fn unknown(&mut self, line: usize, path: &str, what: &str, name: &str, known: &[&str]) {
        self.add(line, path, unknown(what, name, known));
    }

    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// All of them, in the order of lines.
    pub fn into_sorted(mut self) -> Vec<Fault> {
        self.found.sort_by_key(|fault| fault.line);
        self.found
    }
}

/// `name` is none of `known`, and what was probably meant.
pub fn unknown(what: &str, name: &str, known: &[&str]) -> String {
    match nearest(name, known.iter().copied()) {
        Some(near) => format!("`{name}` is no {what}; did you mean `{near}`?"),
        None if known.is_empty() => format!("`{name}` is no {what}; there is none"),
        None => format!("`{name}` is no {what}; there are {}", known.join(", ")),
    }
}

/// The line, from 1, of a byte offset in a text.
pub fn line_at(text: &str, offset: usize) -> usize {
    text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count() + 1
}
