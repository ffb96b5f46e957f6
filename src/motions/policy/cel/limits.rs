//! What a condition's text may look like before the parser sees it.
//!
//! The parser goes one level down for each bracket and each operator of a chain, and a stack that overflows
//! ends the process, not the request. The limits are checked on the bare text and keep it far from that.
//! Texts inside a condition are plain (no backslashes, no tripled quotes), so that where one ends is beyond
//! doubt here.

use crate::motions::policy::fault::FaultCode;

/// Deepest nesting of brackets.
const NESTING_MAX: usize = 16;
/// Most comparisons, arithmetic operators, dots, indexes and question marks together.
const OPERATORS_MAX: usize = 200;
/// Most `!` in a condition.
const NEGATIONS_MAX: usize = 200;

/// The byte where a condition exceeds a limit, and which.
pub fn exceeded(source: &str) -> Option<(usize, FaultCode, String)> {
    for refused in ["\\", "\"\"\"", "'''"] {
        if let Some(at) = source.find(refused) {
            let message = "texts in a condition are plain, without escapes and tripled quotes";
            return Some((at, FaultCode::NotAllowed, message.to_owned()));
        }
    }
    let (mut nesting, mut operators, mut negations) = (0_usize, 0_usize, 0_usize);
    let mut quote = None;
    let mut before = ' ';
    for (at, character) in source.char_indices() {
        if let Some(open) = quote {
            if character == open {
                quote = None;
            }
            continue;
        }
        match character {
            '"' | '\'' => quote = Some(character),
            '(' | '{' => nesting += 1,
            '[' => (nesting, operators) = (nesting + 1, operators + 1),
            ')' | ']' | '}' => nesting = nesting.saturating_sub(1),
            '.' if before.is_ascii_digit() => {}
            '+' | '-' | '*' | '/' | '%' | '<' | '>' | '=' | '.' | '?' => operators += 1,
            '!' => negations += 1,
            _ => {}
        }
        let message = if nesting > NESTING_MAX {
            format!("nested deeper than {NESTING_MAX} levels")
        } else if operators > OPERATORS_MAX {
            format!("has more than {OPERATORS_MAX} operators")
        } else if negations > NEGATIONS_MAX {
            format!("has more than {NEGATIONS_MAX} negations")
        } else {
            before = character;
            continue;
        };
        return Some((at, FaultCode::TooLarge, message));
    }
    None
}
