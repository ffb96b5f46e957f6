//! What is wrong with a policy file, said so that the reader can put it right.
//!
//! Promises: a fault names the place in the file the author wrote (line, column, path), carries a stable
//! code, and offers a correction where one is likely. All faults of a file come at once, in file order.

use std::cell::RefCell;
use std::fmt;
use std::ops::Range;

use serde::{Deserialize, Serialize};

/// One thing wrong with a policy file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema, thiserror::Error)]
#[serde(rename_all = "camelCase")]
#[schema(as = PolicyFault)]
pub struct Fault {
    /// From 1, in the file as given.
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
    /// Where in the policy, such as `branches[1].when`; empty for the file as a whole.
    pub path: String,
    pub code: FaultCode,
    pub message: String,
    /// What was probably meant, or what to do.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub suggestion: Option<String>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.line, self.column)?;
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

/// The kinds of fault. The names are part of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PolicyFaultCode)]
pub enum FaultCode {
    /// The file is not TOML or JSON.
    Syntax,
    /// The file, a text or a list is longer than a policy needs.
    TooLarge,
    UnknownKey,
    MissingKey,
    /// A value, or a part of a condition, has another type than is needed there.
    WrongType,
    OutOfRange,
    /// A value that is none of the possible ones.
    UnknownValue,
    Duplicate,
    /// Weights that must sum to 1 do not.
    WeightSum,
    /// A condition names a signal that does not exist.
    UnknownName,
    /// A part of the condition language that policies do not use.
    NotAllowed,
    /// A condition that holds for no account.
    NeverTrue,
    /// A condition that holds for every account where that says nothing.
    AlwaysTrue,
    /// A branch that no account can reach.
    Unreachable,
    /// A branch without candidates that is not the last.
    NoCandidate,
    /// The last branch does not take every account.
    NoCatchAll,
}

/// Collects faults while a file is read; positions are byte ranges of its text.
pub struct Faults<'t> {
    text: &'t str,
    found: RefCell<Vec<(usize, Fault)>>,
}

impl<'t> Faults<'t> {
    pub fn new(text: &'t str) -> Self {
        Self { text, found: RefCell::default() }
    }

    /// The file's text.
    pub fn text(&self) -> &'t str {
        self.text
    }

    /// Notes a fault at a byte range.
    pub fn add(&self, code: FaultCode, at: &Range<usize>, path: &str, message: impl Into<String>) {
        self.push(code, at, path, message.into(), None);
    }

    /// Notes a fault with a correction; none when `suggestion` is empty.
    pub fn suggest(
        &self,
        code: FaultCode,
        at: &Range<usize>,
        path: &str,
        message: impl Into<String>,
        suggestion: Option<String>,
    ) {
        self.push(code, at, path, message.into(), suggestion);
    }

    fn push(
        &self,
        code: FaultCode,
        at: &Range<usize>,
        path: &str,
        message: String,
        suggestion: Option<String>,
    ) {
        let (line, column) = line_and_column(self.text, at.start);
        let fault = Fault { line, column, path: path.to_owned(), code, message, suggestion };
        self.found.borrow_mut().push((at.start, fault));
    }

    pub fn is_empty(&self) -> bool {
        self.found.borrow().is_empty()
    }

    /// All faults in file order.
    pub fn into_sorted(self) -> Vec<Fault> {
        let mut found = self.found.into_inner();
        found.sort_by_key(|(start, _)| *start);
        found.into_iter().map(|(_, fault)| fault).collect()
    }
}

/// Line and column, both from 1, of a byte offset; the column counts characters.
fn line_and_column(text: &str, offset: usize) -> (u32, u32) {
    let mut end = offset.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let before = &text[..end];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_come_in_file_order_with_columns_in_characters() {
        let faults = Faults::new("a = 1\né = é2\n");
        faults.add(FaultCode::WrongType, &(11..12), "b", "second");
        faults.suggest(FaultCode::UnknownKey, &(0..1), "a", "first", Some("try b".into()));
        let sorted = faults.into_sorted();
        assert_eq!(sorted[0].to_string(), "1:1: a: first (try b)");
        assert_eq!((sorted[1].line, sorted[1].column), (2, 5));
    }
}
