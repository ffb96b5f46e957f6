//! What can be proved of conditions without an account at hand: that one never holds, always holds, or
//! holds only where earlier ones hold already.
//!
//! A condition is brought into a union of regions; a region says for each variable which values remain
//! (an interval of a number, a set of values of an enum, a text, a truth value). Comparisons between two
//! variables and arithmetic stay opaque truth values of their own.
//!
//! Promises: what is reported is so (no account can show otherwise); what is too large to analyse within
//! [`REGIONS_MAX`] regions is not reported. Leaves out: relations between different words.

use std::collections::{BTreeMap, BTreeSet};

use super::ast::{Cond, Num, Op};
use crate::motions::policy::vocabulary::{Kind, WORDS, WordId};

/// Most regions that an analysis follows before it gives up.
const REGIONS_MAX: usize = 512;

/// What is known of a condition in the light of the earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// Nothing: it holds for some accounts, as far as can be told.
    Open,
    /// It holds for no account.
    Never,
    /// It holds for every account.
    Always,
    /// Wherever it holds, the earlier condition at this position holds too.
    Within(usize),
    /// Wherever it holds, one of the earlier conditions holds.
    Covered,
}

/// Analyses a condition given as the parts that must all hold, after earlier conditions were tried.
pub fn prove(condition: &[Cond], earlier: &[&[Cond]]) -> Proof {
    let Some(regions) = all_of(condition, true, vec![Region::default()]) else { return Proof::Open };
    if regions.is_empty() {
        return Proof::Never;
    }
    for (index, before) in earlier.iter().enumerate() {
        if outside(before, &regions).is_some_and(|rest| rest.is_empty()) {
            return Proof::Within(index);
        }
    }
    let rest = earlier.iter().try_fold(regions, |rest, before| outside(before, &rest));
    if !earlier.is_empty() && rest.is_some_and(|rest| rest.is_empty()) {
        return Proof::Covered;
    }
    match outside(condition, &[Region::default()]) {
        Some(rest) if rest.is_empty() => Proof::Always,
        _ => Proof::Open,
    }
}

/// The part of the regions where a condition does not hold.
fn outside(condition: &[Cond], within: &[Region]) -> Option<Vec<Region>> {
    any_of(condition, false, within)
}

/// The regions within `start` where all parts have this truth value; `None` when there are too many.
fn all_of(parts: &[Cond], value: bool, start: Vec<Region>) -> Option<Vec<Region>> {
    parts.iter().try_fold(start, |regions, part| restrict(part, value, regions))
}

/// The regions within `start` where some part has this truth value.
fn any_of(parts: &[Cond], value: bool, start: &[Region]) -> Option<Vec<Region>> {
    let mut union = Vec::new();
    for part in parts {
        union.extend(restrict(part, value, start.to_vec())?);
        if union.len() > REGIONS_MAX {
            return None;
        }
    }
    Some(union)
}

fn restrict(cond: &Cond, value: bool, regions: Vec<Region>) -> Option<Vec<Region>> {
    match cond {
        Cond::Const(constant) => Some(if *constant == value { regions } else { Vec::new() }),
        Cond::Not(inner) => restrict(inner, !value, regions),
        Cond::All(parts) if value => all_of(parts, true, regions),
        Cond::All(parts) => any_of(parts, false, &regions),
        Cond::Any(parts) if value => any_of(parts, true, &regions),
        Cond::Any(parts) => all_of(parts, false, regions),
        Cond::If(parts) => {
            let [test, yes, no] = &**parts;
            let taken = restrict(yes, value, restrict(test, true, regions.clone())?)?;
            let other = restrict(no, value, restrict(test, false, regions)?)?;
            union(taken, other)
        }
        Cond::Same(sides) => {
            let both = restrict(&sides[1], value, restrict(&sides[0], true, regions.clone())?)?;
            let neither = restrict(&sides[1], !value, restrict(&sides[0], false, regions)?)?;
            union(both, neither)
        }
        atom => {
            let (variable, remaining) = remaining(atom, value);
            let kept = regions.into_iter().filter_map(|region| region.narrow(&variable, &remaining));
            Some(kept.collect())
        }
    }
}

fn union(mut one: Vec<Region>, other: Vec<Region>) -> Option<Vec<Region>> {
    one.extend(other);
    (one.len() <= REGIONS_MAX).then_some(one)
}

/// What a region speaks of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Variable {
    Word(WordId),
    Size(WordId),
    Has(WordId, String),
    /// A part that is not taken apart, by its text.
    Opaque(String),
}

/// The values that remain for a variable.
#[derive(Debug, Clone, PartialEq)]
enum Remaining {
    Interval(Interval),
    /// One bit per truth value or enum value.
    Mask(u16),
    /// The text is one of these.
    Among(BTreeSet<String>),
    /// The text is none of these.
    Except(BTreeSet<String>),
}

/// An interval of numbers without some points.
#[derive(Debug, Clone, PartialEq)]
struct Interval {
    low: f64,
    low_open: bool,
    high: f64,
    high_open: bool,
    without: Vec<f64>,
    whole: bool,
}

#[derive(Debug, Clone, Default)]
struct Region(BTreeMap<Variable, Remaining>);

impl Region {
    /// The region with one more restriction; `None` when nothing is left of it.
    fn narrow(mut self, variable: &Variable, remaining: &Remaining) -> Option<Self> {
        let narrowed = match self.0.get(variable) {
            Some(known) => meet(known, remaining),
            None => meet(&everything(variable), remaining),
        };
        if is_empty(&narrowed) {
            return None;
        }
        self.0.insert(variable.clone(), narrowed);
        if let (Variable::Has(list, _), Remaining::Mask(TRUE)) = (variable, remaining) {
            // A list that holds something is not empty.
            let at_least_one = Interval { low: 1.0, ..Interval::all(0.0, f64::INFINITY, true) };
            return self.narrow(&Variable::Size(*list), &Remaining::Interval(at_least_one));
        }
        Some(self)
    }
}

const FALSE: u16 = 1;
const TRUE: u16 = 2;
const BOTH: u16 = FALSE | TRUE;

fn truth(value: bool) -> Remaining {
    Remaining::Mask(if value { TRUE } else { FALSE })
}

/// All values that a variable can have.
fn everything(variable: &Variable) -> Remaining {
    match variable {
        Variable::Size(_) => Remaining::Interval(Interval::all(0.0, f64::INFINITY, true)),
        Variable::Has(..) | Variable::Opaque(_) => Remaining::Mask(BOTH),
        Variable::Word(word) => match WORDS[*word].kind {
            Kind::Number { min, max, whole, .. } => Remaining::Interval(Interval::all(min, max, whole)),
            Kind::Choice { values, .. } => Remaining::Mask(all_bits(values.len())),
            Kind::Flag { .. } => Remaining::Mask(BOTH),
            Kind::Text { .. } | Kind::List { .. } => Remaining::Except(BTreeSet::new()),
        },
    }
}

fn all_bits(count: usize) -> u16 {
    u16::try_from((1_u32 << count) - 1).unwrap_or(u16::MAX)
}

/// The variable of an atom and its values where the atom has this truth value.
fn remaining(atom: &Cond, value: bool) -> (Variable, Remaining) {
    match atom {
        Cond::Flag(word) => (Variable::Word(*word), truth(value)),
        Cond::Choice { word, mask } => {
            let Remaining::Mask(all) = everything(&Variable::Word(*word)) else { return opaque(atom, value) };
            (Variable::Word(*word), Remaining::Mask(if value { *mask } else { all & !mask }))
        }
        Cond::TextIn { word, values } => {
            let set = values.iter().cloned().collect();
            (Variable::Word(*word), if value { Remaining::Among(set) } else { Remaining::Except(set) })
        }
        Cond::Has { list, item } => (Variable::Has(*list, item.clone()), truth(value)),
        Cond::Compare { left, op, right } => {
            comparison(left, *op, right, value).unwrap_or_else(|| opaque(atom, value))
        }
        _ => opaque(atom, value),
    }
}

fn opaque(atom: &Cond, value: bool) -> (Variable, Remaining) {
    (Variable::Opaque(atom.to_string()), truth(value))
}

fn comparison(left: &Num, op: Op, right: &Num, value: bool) -> Option<(Variable, Remaining)> {
    let (variable, op, bound) = match (left, right) {
        (Num::Word(word), Num::Const(bound)) => (Variable::Word(*word), op, *bound),
        (Num::Const(bound), Num::Word(word)) => (Variable::Word(*word), op.swapped(), *bound),
        (Num::Size(list), Num::Const(bound)) => (Variable::Size(*list), op, *bound),
        (Num::Const(bound), Num::Size(list)) => (Variable::Size(*list), op.swapped(), *bound),
        _ => return None,
    };
    // Numbers of accounts are never NaN, so that the opposite of a comparison is a comparison.
    let op = match (value, op) {
        (true, op) => op,
        (false, Op::Less) => Op::GreaterOrEqual,
        (false, Op::LessOrEqual) => Op::Greater,
        (false, Op::Equal) => Op::NotEqual,
        (false, Op::NotEqual) => Op::Equal,
        (false, Op::GreaterOrEqual) => Op::Less,
        (false, Op::Greater) => Op::LessOrEqual,
    };
    let Remaining::Interval(mut interval) = everything(&variable) else { return None };
    match op {
        Op::Less => interval.cap(bound, true),
        Op::LessOrEqual => interval.cap(bound, false),
        Op::Greater => interval.raise(bound, true),
        Op::GreaterOrEqual => interval.raise(bound, false),
        Op::Equal => {
            interval.cap(bound, false);
            interval.raise(bound, false);
        }
        Op::NotEqual => interval.without.push(bound),
    }
    Some((variable, Remaining::Interval(interval)))
}

#[expect(clippy::float_cmp, reason = "bounds are compared as they were written")]
impl Interval {
    fn all(low: f64, high: f64, whole: bool) -> Self {
        Self { low, low_open: false, high, high_open: false, without: Vec::new(), whole }
    }

    fn raise(&mut self, bound: f64, open: bool) {
        // Of a whole number, `> 3` means `>= 4`.
        let (bound, open) = match (self.whole, open) {
            (true, true) => (bound.floor() + 1.0, false),
            (true, false) => (bound.ceil(), false),
            (false, open) => (bound, open),
        };
        if bound > self.low || (bound == self.low && open) {
            (self.low, self.low_open) = (bound, open);
        }
    }

    fn cap(&mut self, bound: f64, open: bool) {
        let (bound, open) = match (self.whole, open) {
            (true, true) => (bound.ceil() - 1.0, false),
            (true, false) => (bound.floor(), false),
            (false, open) => (bound, open),
        };
        if bound < self.high || (bound == self.high && open) {
            (self.high, self.high_open) = (bound, open);
        }
    }

    fn is_empty(&self) -> bool {
        if self.low > self.high {
            return true;
        }
        if self.low == self.high {
            return self.low_open || self.high_open || self.without.contains(&self.low);
        }
        // A short run of whole numbers may be excluded point by point.
        #[expect(clippy::cast_precision_loss, reason = "a handful of points")]
        let points = self.without.len() as f64;
        self.whole && self.high - self.low < points && {
            let mut point = self.low;
            while point <= self.high && self.without.contains(&point) {
                point += 1.0;
            }
            point > self.high
        }
    }
}

fn meet(one: &Remaining, other: &Remaining) -> Remaining {
    match (one, other) {
        (Remaining::Interval(one), Remaining::Interval(other)) => {
            let mut met = one.clone();
            met.raise(other.low, other.low_open);
            met.cap(other.high, other.high_open);
            met.without.extend(&other.without);
            Remaining::Interval(met)
        }
        (Remaining::Mask(one), Remaining::Mask(other)) => Remaining::Mask(one & other),
        (Remaining::Among(one), Remaining::Among(other)) => {
            Remaining::Among(one.intersection(other).cloned().collect())
        }
        (Remaining::Among(among), Remaining::Except(except))
        | (Remaining::Except(except), Remaining::Among(among)) => {
            Remaining::Among(among.difference(except).cloned().collect())
        }
        (Remaining::Except(one), Remaining::Except(other)) => {
            Remaining::Except(one.union(other).cloned().collect())
        }
        // A variable has one kind of values; were it not so, the wider set keeps the proof sound.
        (one, _) => one.clone(),
    }
}

fn is_empty(remaining: &Remaining) -> bool {
    match remaining {
        Remaining::Interval(interval) => interval.is_empty(),
        Remaining::Mask(mask) => *mask == 0,
        Remaining::Among(texts) => texts.is_empty(),
        Remaining::Except(_) => false,
    }
}
