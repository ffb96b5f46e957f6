//! Conditions: written in CEL, checked against the vocabulary when a policy is loaded, evaluated by a typed
//! evaluator that cannot fail.
//!
//! The `cel` crate is the parser alone: it neither checks names and types nor bounds the time of an
//! evaluation. Allowed are `&& || !`, comparisons, `in`, `size()`, `+ - *`, `? :`, literals and lists of
//! them; what an allowed condition means is what CEL says it means (a property test compares the two).
//! Leaves out: macros, fields, maps, functions, time. A condition takes time linear in its length.

mod ast;
mod check;
mod domain;
mod limits;
mod literal;
#[cfg(test)]
mod tests;

pub use ast::Cond;
pub use domain::{Proof, prove};

use super::fault::{FaultCode, Faults};
use super::position::offset_in_raw;
use super::section::Placed;
use super::vocabulary::Scope;

/// Most conditions that one `&&` joins at the top; the explanation keeps one bit for each.
pub const ATOMS_MAX: usize = 32;

/// A checked condition.
#[derive(Debug, Clone)]
pub struct Condition {
    source: String,
    /// The parts that a top-level `&&` joins; one part when there is none.
    atoms: Vec<Cond>,
    /// The parts as text.
    labels: Vec<String>,
}

impl Default for Condition {
    /// The condition that stands in where a wrong one was written; it never reaches a compiled policy.
    fn default() -> Self {
        Self::of(String::new(), Cond::Const(false))
    }
}

impl Condition {
    fn of(source: String, cond: Cond) -> Self {
        let atoms = match cond {
            Cond::All(parts) => parts,
            other => vec![other],
        };
        let labels = atoms.iter().map(ToString::to_string).collect();
        Self { source, atoms, labels }
    }

    /// The text as written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The parts that must all hold, as text, in order.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// The parts that must all hold.
    pub fn atoms(&self) -> &[Cond] {
        &self.atoms
    }

    /// Whether it holds.
    pub fn holds(&self, scope: Scope<'_>) -> bool {
        self.atoms.iter().all(|atom| atom.holds(scope))
    }

    /// One bit for each part that does not hold; 0 when the condition holds.
    pub fn failing(&self, scope: Scope<'_>) -> u32 {
        let failing = |mask, (index, atom): (usize, &Cond)| {
            if atom.holds(scope) { mask } else { mask | 1 << index }
        };
        self.atoms.iter().enumerate().fold(0, failing)
    }
}

/// Runs the reading of a policy on a stack of its own: the parser takes up to 100 KiB for each bracket, and
/// a worker thread's stack is no place for that.
///
/// # Errors
/// When the machine has no thread to give.
pub fn on_deep_stack<T: Send>(work: impl FnOnce() -> T + Send) -> std::io::Result<T> {
    /// Address space; memory is taken only as far as it is used.
    const STACK: usize = 64 * 1024 * 1024;
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work)?;
        Ok(thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

/// Parses and checks a condition; `None` when a fault was noted.
pub fn compile(placed: &Placed, faults: &Faults<'_>) -> Option<Condition> {
    if placed.text.is_empty() {
        return None;
    }
    let site = Site { placed, faults };
    if let Some((at, code, message)) = limits::exceeded(&placed.text) {
        site.add(code, at, message, None);
        return None;
    }
    let parser = cel::parser::Parser::new();
    match parser.parse_with_source_info(&placed.text) {
        Err(errors) => {
            for error in errors.errors.iter().take(3) {
                let at = offset_of(&placed.text, error.pos);
                site.add(FaultCode::Syntax, at, plain(&error.msg), None);
            }
            None
        }
        Ok((expression, source_info)) => {
            let mut checker = check::Checker::new(&site, &source_info);
            let cond = checker.condition(&expression)?;
            let condition = Condition::of(placed.text.clone(), cond);
            if condition.atoms.len() > ATOMS_MAX {
                let message = format!("joins {} parts, at most {ATOMS_MAX} are taken", condition.atoms.len());
                site.add(FaultCode::TooLarge, 0, message, None);
                return None;
            }
            Some(condition)
        }
    }
}

/// Where a condition stands, for faults inside it.
pub struct Site<'a> {
    placed: &'a Placed,
    faults: &'a Faults<'a>,
}

impl Site<'_> {
    /// Notes a fault at a byte of the condition's text.
    pub fn add(&self, code: FaultCode, at: usize, message: impl Into<String>, suggestion: Option<String>) {
        let span = &self.placed.span;
        let raw = self.faults.text().get(span.clone()).unwrap_or_default();
        let start = span.start + offset_in_raw(raw, at);
        self.faults.suggest(code, &(start..start + 1), &self.placed.path, message, suggestion);
    }
}

/// The byte offset of the parser's (line, column): lines from 1, columns from 1 in characters.
fn offset_of(text: &str, (line, column): (isize, isize)) -> usize {
    let line = usize::try_from(line - 1).unwrap_or(0);
    let column = usize::try_from(column - 1).unwrap_or(0);
    let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    start + text[start..].chars().take(column).map(char::len_utf8).sum::<usize>()
}

/// The parser's message in words for an author: its token names say nothing to them.
fn plain(message: &str) -> String {
    let first = message.lines().next().unwrap_or_default();
    let short = first.split(" expecting ").next().unwrap_or(first);
    if short.contains("<EOF>") {
        return "the condition ends too early".to_owned();
    }
    format!("not a condition: {}", short.trim_start_matches("Syntax error: "))
}
