//! Literals of the language as the parser gives them.

use cel::common::ast::LiteralValue;

/// Largest whole number that a double holds exactly; all numbers are evaluated as doubles.
const EXACT_MAX: i64 = 1 << 53;

/// A literal that conditions may use.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    Flag(bool),
    Whole(f64),
    Number(f64),
    Text(String),
}

/// Reads a literal, or says why it is not taken.
pub fn read(value: &LiteralValue) -> Result<Literal, &'static str> {
    match value {
        LiteralValue::Boolean(flag) => Ok(Literal::Flag(*flag.inner())),
        LiteralValue::Double(number) if number.inner().is_finite() => Ok(Literal::Number(*number.inner())),
        LiteralValue::Double(_) => Err("a number must be finite"),
        #[expect(clippy::cast_precision_loss, reason = "checked to be exact")]
        LiteralValue::Int(whole) if whole.inner().abs_diff(0) <= EXACT_MAX.unsigned_abs() => {
            Ok(Literal::Whole(*whole.inner() as f64))
        }
        LiteralValue::Int(_) => Err("a whole number must lie within ±2^53"),
        LiteralValue::String(text) => Ok(Literal::Text(text.inner().to_owned())),
        LiteralValue::UInt(_) => Err("write the number without `u`"),
        LiteralValue::Bytes(_) => Err("bytes are not used in policies"),
        LiteralValue::Null => Err("there are no nulls: use the `_known` words"),
    }
}
