//! Checked conditions and their evaluation.
//!
//! Promises: evaluation is total (no errors, no nulls, no panics), allocates nothing and reads only the
//! scope.

use std::fmt;

use crate::motions::policy::vocabulary::{Items, Kind, Scope, WORDS, WordId, number};

/// A condition.
#[derive(Debug, Clone, PartialEq)]
pub enum Cond {
    Const(bool),
    Flag(WordId),
    Not(Box<Self>),
    All(Vec<Self>),
    Any(Vec<Self>),
    If(Box<[Self; 3]>),
    /// Both hold or neither does.
    Same(Box<[Self; 2]>),
    Compare {
        left: Num,
        op: Op,
        right: Num,
    },
    /// The enum has one of the values whose bit is set.
    Choice {
        word: WordId,
        mask: u16,
    },
    /// The text is one of these.
    TextIn {
        word: WordId,
        values: Vec<String>,
    },
    /// The two texts are equal.
    TextSame {
        left: WordId,
        right: WordId,
    },
    /// The list holds this text.
    Has {
        list: WordId,
        item: String,
    },
    /// The list holds the text that another word has.
    HasWord {
        list: WordId,
        item: WordId,
    },
}

/// A number.
#[derive(Debug, Clone, PartialEq)]
pub enum Num {
    Const(f64),
    Word(WordId),
    Size(WordId),
    Negate(Box<Self>),
    Binary(Box<[Self; 2]>, Arithmetic),
    If(Box<(Cond, Self, Self)>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arithmetic {
    Add,
    Subtract,
    Multiply,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    Less,
    LessOrEqual,
    Equal,
    NotEqual,
    GreaterOrEqual,
    Greater,
}

impl Op {
    /// The operator that says the same with the sides swapped.
    pub fn swapped(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::GreaterOrEqual => Self::LessOrEqual,
            Self::Greater => Self::Less,
            same => same,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::GreaterOrEqual => ">=",
            Self::Greater => ">",
        }
    }

    #[expect(clippy::float_cmp, reason = "the language compares numbers exactly, as CEL does")]
    pub fn holds(self, left: f64, right: f64) -> bool {
        match self {
            Self::Less => left < right,
            Self::LessOrEqual => left <= right,
            Self::Equal => left == right,
            Self::NotEqual => left != right,
            Self::GreaterOrEqual => left >= right,
            Self::Greater => left > right,
        }
    }
}

impl Cond {
    pub fn holds(&self, scope: Scope<'_>) -> bool {
        match self {
            Self::Const(value) => *value,
            Self::Flag(word) => flag(*word, scope),
            Self::Not(inner) => !inner.holds(scope),
            Self::All(parts) => parts.iter().all(|part| part.holds(scope)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(scope)),
            Self::If(parts) => {
                let [test, yes, no] = &**parts;
                if test.holds(scope) { yes.holds(scope) } else { no.holds(scope) }
            }
            Self::Same(sides) => sides[0].holds(scope) == sides[1].holds(scope),
            Self::Compare { left, op, right } => op.holds(left.value(scope), right.value(scope)),
            Self::Choice { word, mask } => mask >> choice(*word, scope) & 1 == 1,
            Self::TextIn { word, values } => {
                let text = text(*word, scope);
                values.iter().any(|value| value == text)
            }
            Self::TextSame { left, right } => text(*left, scope) == text(*right, scope),
            Self::Has { list: word, item } => list(*word, scope).contains(item),
            Self::HasWord { list: word, item } => list(*word, scope).contains(text(*item, scope)),
        }
    }
}

impl Num {
    #[expect(clippy::cast_precision_loss, reason = "lists are far shorter than 2^53")]
    pub fn value(&self, scope: Scope<'_>) -> f64 {
        match self {
            Self::Const(value) => *value,
            Self::Word(word) => number(*word, scope),
            Self::Size(word) => list(*word, scope).len() as f64,
            Self::Negate(inner) => -inner.value(scope),
            Self::Binary(sides, how) => {
                let (left, right) = (sides[0].value(scope), sides[1].value(scope));
                match how {
                    Arithmetic::Add => left + right,
                    Arithmetic::Subtract => left - right,
                    Arithmetic::Multiply => left * right,
                }
            }
            Self::If(parts) => {
                let (test, yes, no) = &**parts;
                if test.holds(scope) { yes.value(scope) } else { no.value(scope) }
            }
        }
    }
}

// The checker gives a word only where its kind fits; the other arms keep evaluation total.

fn flag(word: WordId, scope: Scope<'_>) -> bool {
    match WORDS[word].kind {
        Kind::Flag { get } => get(scope),
        _ => false,
    }
}

fn choice(word: WordId, scope: Scope<'_>) -> usize {
    match WORDS[word].kind {
        Kind::Choice { get, .. } => get(scope),
        _ => 0,
    }
}

fn text(word: WordId, scope: Scope<'_>) -> &str {
    match WORDS[word].kind {
        Kind::Text { get } => get(scope),
        _ => "",
    }
}

fn list(word: WordId, scope: Scope<'_>) -> Items<'_> {
    match WORDS[word].kind {
        Kind::List { get, .. } => get(scope),
        _ => Items::Texts(&[]),
    }
}

/// How tightly the text of a condition binds, for parentheses.
fn rank(cond: &Cond) -> u8 {
    match cond {
        Cond::If(_) => 0,
        Cond::Any(_) => 1,
        Cond::All(_) => 2,
        Cond::Const(_) | Cond::Flag(_) | Cond::Not(_) => 4,
        _ => 3,
    }
}

struct Inner<'a>(&'a Cond, u8);

impl fmt::Display for Inner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if rank(self.0) < self.1 { write!(f, "({})", self.0) } else { write!(f, "{}", self.0) }
    }
}

fn joined(f: &mut fmt::Formatter<'_>, parts: &[Cond], operator: &str, rank: u8) -> fmt::Result {
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            write!(f, " {operator} ")?;
        }
        write!(f, "{}", Inner(part, rank))?;
    }
    Ok(())
}

fn one_of(f: &mut fmt::Formatter<'_>, word: WordId, values: &[&str]) -> fmt::Result {
    let name = WORDS[word].name;
    match values {
        [] => f.write_str("false"),
        [one] => write!(f, "{name} == {one:?}"),
        many => write!(f, "{name} in {many:?}"),
    }
}

impl fmt::Display for Cond {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Const(value) => write!(f, "{value}"),
            Self::Flag(word) => f.write_str(WORDS[*word].name),
            Self::Not(inner) => write!(f, "!{}", Inner(inner, 4)),
            Self::All(parts) => joined(f, parts, "&&", 2),
            Self::Any(parts) => joined(f, parts, "||", 2),
            Self::If(parts) => {
                let [test, yes, no] = &**parts;
                write!(f, "{} ? {} : {}", Inner(test, 1), Inner(yes, 1), Inner(no, 1))
            }
            Self::Same(sides) => write!(f, "{} == {}", Inner(&sides[0], 4), Inner(&sides[1], 4)),
            Self::Compare { left, op, right } => write!(f, "{left} {} {right}", op.name()),
            Self::Choice { word, mask } => {
                let Kind::Choice { values, .. } = WORDS[*word].kind else { return Ok(()) };
                let set = |inverse: bool| -> Vec<&str> {
                    let chosen = |i: &usize| (mask >> i & 1 == 1) != inverse;
                    (0..values.len()).filter(chosen).map(|i| values[i]).collect()
                };
                // Whichever is shorter: what it is, or the one thing it is not.
                match (set(false).as_slice(), set(true).as_slice()) {
                    (many, [one]) if many.len() > 1 => write!(f, "{} != {one:?}", WORDS[*word].name),
                    (some, _) => one_of(f, *word, some),
                }
            }
            Self::TextIn { word, values } => {
                one_of(f, *word, &values.iter().map(String::as_str).collect::<Vec<_>>())
            }
            Self::TextSame { left, right } => write!(f, "{} == {}", WORDS[*left].name, WORDS[*right].name),
            Self::Has { list, item } => write!(f, "{item:?} in {}", WORDS[*list].name),
            Self::HasWord { list, item } => write!(f, "{} in {}", WORDS[*item].name, WORDS[*list].name),
        }
    }
}

impl fmt::Display for Num {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, !self.counts())
    }
}

impl Num {
    /// Whether it is made of sizes, which are whole numbers.
    fn counts(&self) -> bool {
        match self {
            Self::Const(_) | Self::Word(_) => false,
            Self::Size(_) => true,
            Self::Negate(inner) => inner.counts(),
            Self::Binary(sides, _) => sides[0].counts() || sides[1].counts(),
            Self::If(parts) => parts.1.counts() || parts.2.counts(),
        }
    }

    /// Writes it; constants inside arithmetic with a fraction where their neighbours have one.
    fn write(&self, f: &mut fmt::Formatter<'_>, fractional: bool) -> fmt::Result {
        match self {
            Self::Const(value) => write!(f, "{value}"),
            Self::Word(word) => f.write_str(WORDS[*word].name),
            Self::Size(word) => write!(f, "size({})", WORDS[*word].name),
            Self::Negate(inner) => {
                f.write_str("-(")?;
                inner.write_inside(f, fractional)?;
                f.write_str(")")
            }
            Self::Binary(sides, how) => {
                let sign = match how {
                    Arithmetic::Add => " + ",
                    Arithmetic::Subtract => " - ",
                    Arithmetic::Multiply => " * ",
                };
                f.write_str("(")?;
                sides[0].write_inside(f, fractional)?;
                f.write_str(sign)?;
                sides[1].write_inside(f, fractional)?;
                f.write_str(")")
            }
            Self::If(parts) => {
                write!(f, "({} ? ", Inner(&parts.0, 1))?;
                parts.1.write_inside(f, fractional)?;
                f.write_str(" : ")?;
                parts.2.write_inside(f, fractional)?;
                f.write_str(")")
            }
        }
    }

    fn write_inside(&self, f: &mut fmt::Formatter<'_>, fractional: bool) -> fmt::Result {
        match self {
            Self::Const(value) if fractional => write!(f, "{value:?}"),
            other => other.write(f, fractional),
        }
    }
}
