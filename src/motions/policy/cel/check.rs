//! From the parser's tree to a checked condition: names, types, possible values.
//!
//! Promises: every fault of a condition is noted, not only the first; what passes evaluates to what CEL
//! says. Whole and fractional numbers compare with each other, and are not mixed in arithmetic.

use cel::common::ast::{CallExpr, Expr, IdedExpr, ListExpr, SourceInfo, operators};

use super::Site;
use super::ast::{Arithmetic, Cond, Num, Op};
use super::literal::{self, Literal};
use crate::motions::policy::fault::FaultCode;
use crate::motions::policy::section::did_you_mean;
use crate::motions::policy::vocabulary::{self, Kind, WORDS, WordId};

/// An expression with its type.
enum Typed {
    Bool(Cond),
    Whole(Num),
    Number(Num),
    Text(String),
    TextWord(WordId),
    Choice(WordId),
    List(WordId),
    Literals(Vec<(Literal, usize)>),
}

impl Typed {
    fn kind(&self) -> &'static str {
        match self {
            Self::Bool(_) => "a bool",
            Self::Whole(_) => "a whole number",
            Self::Number(_) => "a number",
            Self::Text(_) | Self::TextWord(_) => "a text",
            Self::Choice(_) => "an enum",
            Self::List(_) | Self::Literals(_) => "a list",
        }
    }
}

/// What a condition must be for a fault to be explained: the place and the parser's positions.
pub struct Checker<'a> {
    site: &'a Site<'a>,
    source: &'a SourceInfo,
}

impl<'a> Checker<'a> {
    pub fn new(site: &'a Site<'a>, source: &'a SourceInfo) -> Self {
        Self { site, source }
    }

    /// Checks a whole condition.
    pub fn condition(&mut self, expr: &IdedExpr) -> Option<Cond> {
        let typed = self.expression(expr)?;
        self.bool(typed, expr)
    }

    /// The byte where an expression is written; of an operator, where the operator stands.
    fn at(&self, expr: &IdedExpr) -> usize {
        self.source.offset_for(expr.id).map_or(0, |(start, _)| start as usize)
    }

    /// The first byte of an expression, operands included.
    fn start(&self, expr: &IdedExpr) -> usize {
        let own = self.at(expr);
        match &expr.expr {
            Expr::Call(call) => {
                let operands = call.target.as_deref().into_iter().chain(&call.args);
                let first = operands.map(|operand| self.start(operand)).fold(own, usize::min);
                // A call is known by its parenthesis; its name stands before that.
                let named =
                    self.source.source[..own.min(self.source.source.len())].ends_with(&call.func_name);
                if named && call.target.is_none() { first.min(own - call.func_name.len()) } else { first }
            }
            _ => own,
        }
    }

    fn fault<T>(
        &self,
        code: FaultCode,
        at: usize,
        message: impl Into<String>,
        suggestion: Option<String>,
    ) -> Option<T> {
        self.site.add(code, at, message, suggestion);
        None
    }

    fn wrong_type<T>(&self, expr: &IdedExpr, needs: &str, got: &Typed) -> Option<T> {
        let hint = match got {
            Typed::List(word) => Some(format!("write `size({}) > 0`", WORDS[*word].name)),
            Typed::Number(Num::Word(word)) if needs == "a bool" => {
                Some(format!("write `{} > 0`", WORDS[*word].name))
            }
            _ => None,
        };
        self.fault(FaultCode::WrongType, self.start(expr), format!("needs {needs}, got {}", got.kind()), hint)
    }

    fn bool(&self, typed: Typed, expr: &IdedExpr) -> Option<Cond> {
        match typed {
            Typed::Bool(cond) => Some(cond),
            other => self.wrong_type(expr, "a bool", &other),
        }
    }

    fn expression(&mut self, expr: &IdedExpr) -> Option<Typed> {
        match &expr.expr {
            Expr::Ident(name) => self.word(name, expr),
            Expr::Literal(value) => match literal::read(value) {
                Ok(literal) => Some(typed_literal(literal)),
                Err(reason) => self.fault(FaultCode::NotAllowed, self.at(expr), reason, None),
            },
            Expr::List(list) => self.literals(list),
            Expr::Call(call) => self.call(call, expr),
            Expr::Select(_) => self.not_allowed(expr, "fields of a value", "every word stands alone"),
            Expr::Comprehension(_) => {
                self.not_allowed(expr, "`all`, `exists`, `map` and `filter`", "use `in` and `size()`")
            }
            Expr::Map(_) | Expr::Struct(_) => self.not_allowed(expr, "maps", "use lists"),
            Expr::Unspecified => self.not_allowed(expr, "this", "write a comparison"),
        }
    }

    fn not_allowed<T>(&self, expr: &IdedExpr, what: &str, instead: &str) -> Option<T> {
        self.fault(
            FaultCode::NotAllowed,
            self.start(expr),
            format!("{what} cannot be used in policies"),
            Some(instead.to_owned()),
        )
    }

    fn word(&self, name: &str, expr: &IdedExpr) -> Option<Typed> {
        let Some(word) = vocabulary::find(name) else {
            let suggestion = did_you_mean(name, WORDS.iter().map(|word| word.name));
            // The whole vocabulary is no help in an error text.
            let suggestion = if suggestion.starts_with("known") {
                "the vocabulary lists all names".to_owned()
            } else {
                suggestion
            };
            return self.fault(
                FaultCode::UnknownName,
                self.at(expr),
                format!("unknown name `{name}`"),
                Some(suggestion),
            );
        };
        Some(match WORDS[word].kind {
            Kind::Number { .. } => Typed::Number(Num::Word(word)),
            Kind::Flag { .. } => Typed::Bool(Cond::Flag(word)),
            Kind::Choice { .. } => Typed::Choice(word),
            Kind::Text { .. } => Typed::TextWord(word),
            Kind::List { .. } => Typed::List(word),
        })
    }

    fn literals(&mut self, list: &ListExpr) -> Option<Typed> {
        let mut items = Vec::with_capacity(list.elements.len());
        for element in &list.elements {
            let item = match self.expression(element)? {
                Typed::Text(text) => Literal::Text(text),
                Typed::Whole(Num::Const(whole)) => Literal::Whole(whole),
                Typed::Number(Num::Const(number)) => Literal::Number(number),
                _ => {
                    return self.not_allowed(
                        element,
                        "anything but texts and numbers in a list",
                        "write values",
                    );
                }
            };
            items.push((item, self.at(element)));
        }
        Some(Typed::Literals(items))
    }

    fn call(&mut self, call: &CallExpr, expr: &IdedExpr) -> Option<Typed> {
        let op = match call.func_name.as_str() {
            operators::LOGICAL_AND => {
                return self.join(expr, operators::LOGICAL_AND).map(|p| Typed::Bool(Cond::All(p)));
            }
            operators::LOGICAL_OR => {
                return self.join(expr, operators::LOGICAL_OR).map(|p| Typed::Bool(Cond::Any(p)));
            }
            operators::LOGICAL_NOT => return self.not(call),
            operators::CONDITIONAL => return self.conditional(call),
            operators::IN => return self.membership(call),
            operators::NEGATE => return self.negate(call),
            operators::ADD => return self.arithmetic(call, expr, Arithmetic::Add),
            operators::SUBSTRACT => return self.arithmetic(call, expr, Arithmetic::Subtract),
            operators::MULTIPLY => return self.arithmetic(call, expr, Arithmetic::Multiply),
            "size" => return self.size(call, expr),
            operators::EQUALS => Op::Equal,
            operators::NOT_EQUALS => Op::NotEqual,
            operators::GREATER => Op::Greater,
            operators::GREATER_EQUALS => Op::GreaterOrEqual,
            operators::LESS => Op::Less,
            operators::LESS_EQUALS => Op::LessOrEqual,
            operators::DIVIDE | operators::MODULO => {
                return self.fault(
                    FaultCode::NotAllowed,
                    self.at(expr),
                    "division can fail, so policies do without it",
                    Some("multiply the other side instead".to_owned()),
                );
            }
            operators::INDEX | operators::OPT_INDEX | operators::OPT_SELECT => {
                return self.not_allowed(expr, "picking from a list", "use `in` and `size()`");
            }
            other => {
                let message = format!("function `{other}` is not allowed in policies");
                let hint = did_you_mean(other, ["size"]);
                return self.fault(FaultCode::NotAllowed, self.start(expr), message, Some(hint));
            }
        };
        self.compare(call, expr, op)
    }

    /// The operands of a chain of the same operator, flattened in order.
    fn join(&mut self, expr: &IdedExpr, operator: &str) -> Option<Vec<Cond>> {
        let mut operands = Vec::new();
        flatten(expr, operator, &mut operands);
        let parts: Vec<Option<Cond>> = operands
            .into_iter()
            .map(|operand| {
                let typed = self.expression(operand)?;
                self.bool(typed, operand)
            })
            .collect();
        parts.into_iter().collect()
    }

    fn not(&mut self, call: &CallExpr) -> Option<Typed> {
        let operand = call.args.first()?;
        let typed = self.expression(operand)?;
        let cond = self.bool(typed, operand)?;
        Some(Typed::Bool(Cond::Not(Box::new(cond))))
    }

    fn conditional(&mut self, call: &CallExpr) -> Option<Typed> {
        let [test, yes, no] = call.args.as_slice() else { return None };
        let condition = self.expression(test).and_then(|typed| self.bool(typed, test));
        let (left, right) = (self.expression(yes), self.expression(no));
        match (condition?, left?, right?) {
            (test, Typed::Bool(yes), Typed::Bool(no)) => {
                Some(Typed::Bool(Cond::If(Box::new([test, yes, no]))))
            }
            (test, Typed::Number(yes), Typed::Number(no)) => {
                Some(Typed::Number(Num::If(Box::new((test, yes, no)))))
            }
            (test, Typed::Whole(yes), Typed::Whole(no)) => {
                Some(Typed::Whole(Num::If(Box::new((test, yes, no)))))
            }
            (_, left, right) => {
                let message = format!("the sides of `:` are {} and {}", left.kind(), right.kind());
                self.fault(
                    FaultCode::WrongType,
                    self.start(no),
                    message,
                    Some("use bools or numbers on both".into()),
                )
            }
        }
    }

    fn negate(&mut self, call: &CallExpr) -> Option<Typed> {
        let operand = call.args.first()?;
        match self.expression(operand)? {
            Typed::Whole(Num::Const(value)) => Some(Typed::Whole(Num::Const(-value))),
            Typed::Number(Num::Const(value)) => Some(Typed::Number(Num::Const(-value))),
            Typed::Whole(num) => Some(Typed::Whole(Num::Negate(Box::new(num)))),
            Typed::Number(num) => Some(Typed::Number(Num::Negate(Box::new(num)))),
            other => self.wrong_type(operand, "a number", &other),
        }
    }

    fn arithmetic(&mut self, call: &CallExpr, expr: &IdedExpr, how: Arithmetic) -> Option<Typed> {
        let [left, right] = call.args.as_slice() else { return None };
        let (one, other) = (self.expression(left), self.expression(right));
        match (one?, other?) {
            (Typed::Number(a), Typed::Number(b)) => Some(Typed::Number(Num::Binary(Box::new([a, b]), how))),
            (Typed::Whole(a), Typed::Whole(b)) => Some(Typed::Whole(Num::Binary(Box::new([a, b]), how))),
            (Typed::Number(_), Typed::Whole(Num::Const(whole)))
            | (Typed::Whole(Num::Const(whole)), Typed::Number(_)) => {
                let hint = format!("write `{whole}.0`");
                self.fault(
                    FaultCode::WrongType,
                    self.at(expr),
                    "mixes a whole number with a fractional one",
                    Some(hint),
                )
            }
            (Typed::Number(_), Typed::Whole(_)) | (Typed::Whole(_), Typed::Number(_)) => self.fault(
                FaultCode::WrongType,
                self.at(expr),
                "mixes a whole number with a fractional one",
                None,
            ),
            (Typed::Number(_) | Typed::Whole(_), wrong) => self.wrong_type(right, "a number", &wrong),
            (wrong, _) => self.wrong_type(left, "a number", &wrong),
        }
    }

    fn size(&mut self, call: &CallExpr, expr: &IdedExpr) -> Option<Typed> {
        let mut operands = call.target.as_deref().into_iter().chain(&call.args);
        let (Some(operand), None) = (operands.next(), operands.next()) else {
            return self.fault(FaultCode::WrongType, self.start(expr), "`size` takes one list", None);
        };
        match self.expression(operand)? {
            Typed::List(word) => Some(Typed::Whole(Num::Size(word))),
            other => self.wrong_type(operand, "a list", &other),
        }
    }

    fn compare(&mut self, call: &CallExpr, expr: &IdedExpr, op: Op) -> Option<Typed> {
        let [left, right] = call.args.as_slice() else { return None };
        let (one, other) = (self.expression(left), self.expression(right));
        let equality = matches!(op, Op::Equal | Op::NotEqual);
        let cond = match (one?, other?) {
            (Typed::Number(left) | Typed::Whole(left), Typed::Number(right) | Typed::Whole(right)) => {
                return Some(Typed::Bool(Cond::Compare { left, op, right }));
            }
            (one, other) if !equality => {
                let message =
                    format!("`{}` compares numbers, got {} and {}", op.name(), one.kind(), other.kind());
                return self.fault(FaultCode::WrongType, self.at(expr), message, None);
            }
            (Typed::Bool(left), Typed::Bool(right)) => Cond::Same(Box::new([left, right])),
            (Typed::Choice(word), Typed::Text(value)) => {
                self.choice(word, &[(Literal::Text(value), self.at(right))])?
            }
            (Typed::Text(value), Typed::Choice(word)) => {
                self.choice(word, &[(Literal::Text(value), self.at(left))])?
            }
            (Typed::TextWord(word), Typed::Text(value)) | (Typed::Text(value), Typed::TextWord(word)) => {
                Cond::TextIn { word, values: vec![value] }
            }
            (Typed::TextWord(left), Typed::TextWord(right)) => Cond::TextSame { left, right },
            (Typed::Text(left), Typed::Text(right)) => Cond::Const(left == right),
            (one, other) => {
                let message = format!("cannot compare {} with {}", one.kind(), other.kind());
                let hint = match (&one, &other) {
                    (Typed::List(word), _) | (_, Typed::List(word)) => {
                        Some(format!("write `\"value\" in {}`", WORDS[*word].name))
                    }
                    _ => None,
                };
                return self.fault(FaultCode::WrongType, self.at(expr), message, hint);
            }
        };
        Some(Typed::Bool(if op == Op::NotEqual { Cond::Not(Box::new(cond)) } else { cond }))
    }

    fn membership(&mut self, call: &CallExpr) -> Option<Typed> {
        let [item, list] = call.args.as_slice() else { return None };
        let (one, other) = (self.expression(item), self.expression(list));
        let cond = match (one?, other?) {
            (Typed::Text(text), Typed::List(word)) => self.has(word, text, item)?,
            (Typed::TextWord(item), Typed::List(list)) => Cond::HasWord { list, item },
            (Typed::Choice(word), Typed::Literals(values)) => self.choice(word, &values)?,
            (Typed::TextWord(word), Typed::Literals(values)) => {
                let texts = values.into_iter().map(|(value, at)| self.text_of(value, at));
                Cond::TextIn { word, values: texts.collect::<Option<_>>()? }
            }
            (Typed::Number(left) | Typed::Whole(left), Typed::Literals(values)) => {
                let one = |(value, at): (Literal, usize)| match value {
                    Literal::Whole(n) | Literal::Number(n) => {
                        Some(Cond::Compare { left: left.clone(), op: Op::Equal, right: Num::Const(n) })
                    }
                    _ => self.fault(FaultCode::WrongType, at, "needs a number, got a text", None),
                };
                Cond::Any(values.into_iter().map(one).collect::<Option<_>>()?)
            }
            (_, wrong @ (Typed::Text(_) | Typed::TextWord(_) | Typed::Choice(_))) => {
                return self.wrong_type(list, "a list after `in`", &wrong);
            }
            (one, other) => {
                let message = format!("{} is never in {}", one.kind(), other.kind());
                return self.fault(FaultCode::WrongType, self.start(item), message, None);
            }
        };
        Some(Typed::Bool(cond))
    }

    fn text_of(&self, literal: Literal, at: usize) -> Option<String> {
        match literal {
            Literal::Text(text) => Some(text),
            _ => self.fault(FaultCode::WrongType, at, "needs a text, got a number", None),
        }
    }

    /// The enum is one of these values; all of them must be possible.
    fn choice(&self, word: WordId, values: &[(Literal, usize)]) -> Option<Cond> {
        let Kind::Choice { values: possible, .. } = WORDS[word].kind else { return None };
        let mut mask = Some(0);
        for (value, at) in values {
            let text = self.text_of(value.clone(), *at);
            let bit = text.and_then(|text| match possible.iter().position(|known| *known == text) {
                Some(bit) => Some(bit),
                None => self.impossible(word, &text, *at, possible),
            });
            mask = mask.zip(bit).map(|(mask, bit)| mask | 1_u16 << bit);
        }
        mask.map(|mask| Cond::Choice { word, mask })
    }

    fn has(&self, word: WordId, text: String, item: &IdedExpr) -> Option<Cond> {
        if let Kind::List { values, suffix, .. } = WORDS[word].kind {
            let closed = !values.is_empty();
            let of_family = !suffix.is_empty() && text.len() > suffix.len() && text.ends_with(suffix);
            if closed && !of_family && !values.contains(&text.as_str()) {
                return self.impossible(word, &text, self.at(item), values);
            }
        }
        Some(Cond::Has { list: word, item: text })
    }

    fn impossible<T>(&self, word: WordId, text: &str, at: usize, possible: &[&str]) -> Option<T> {
        let message = format!("`{text}` is never a value of `{}`", WORDS[word].name);
        let hint = did_you_mean(text, possible.iter().copied());
        self.fault(FaultCode::UnknownValue, at, message, Some(hint))
    }
}

fn typed_literal(literal: Literal) -> Typed {
    match literal {
        Literal::Flag(flag) => Typed::Bool(Cond::Const(flag)),
        Literal::Whole(whole) => Typed::Whole(Num::Const(whole)),
        Literal::Number(number) => Typed::Number(Num::Const(number)),
        Literal::Text(text) => Typed::Text(text),
    }
}

fn flatten<'e>(expr: &'e IdedExpr, operator: &str, into: &mut Vec<&'e IdedExpr>) {
    match &expr.expr {
        Expr::Call(call) if call.func_name == operator => {
            for operand in &call.args {
                flatten(operand, operator, into);
            }
        }
        _ => into.push(expr),
    }
}
