//! Conditions and texts with places for values, with what can be proved wrong about them.

use crate::motions::policy::cel::{Cond, Condition, Proof, compile, prove};
use crate::motions::policy::fault::{FaultCode, Faults};
use crate::motions::policy::model::{Piece, Template};
use crate::motions::policy::section::{Placed, did_you_mean};
use crate::motions::policy::vocabulary::{self, WORDS};

/// A condition that may also be constant.
pub fn any(placed: &Placed, faults: &Faults<'_>) -> Option<Condition> {
    compile(placed, faults)
}

/// A condition that must hold for some accounts and not for all.
pub fn telling(placed: &Placed, faults: &Faults<'_>) -> Option<Condition> {
    let condition = compile(placed, faults)?;
    match prove(condition.atoms(), &[]) {
        Proof::Never => never(placed, faults),
        Proof::Always => {
            faults.add(
                FaultCode::AlwaysTrue,
                &placed.span,
                &placed.path,
                "holds for every account, so it says nothing",
            );
        }
        Proof::Open | Proof::Within(_) | Proof::Covered => parts(&condition, placed, faults),
    }
    Some(condition)
}

/// Notes a condition that no account meets.
pub fn never(placed: &Placed, faults: &Faults<'_>) {
    faults.add(
        FaultCode::NeverTrue,
        &placed.span,
        &placed.path,
        "holds for no account: its parts exclude each other",
    );
}

/// Notes the parts of a condition that no account meets, or that every account meets.
pub fn parts(condition: &Condition, placed: &Placed, faults: &Faults<'_>) {
    if let [single] = condition.atoms() {
        dead_choices(single, placed, faults);
        return;
    }
    for atom in condition.atoms() {
        if prove(std::slice::from_ref(atom), &[]) == Proof::Always {
            let message = format!("the part `{atom}` holds for every account, so it says nothing");
            faults.add(FaultCode::AlwaysTrue, &placed.span, &placed.path, message);
        }
        dead_choices(atom, placed, faults);
    }
}

fn dead_choices(cond: &Cond, placed: &Placed, faults: &Faults<'_>) {
    if let Cond::Any(choices) = cond {
        for choice in choices {
            if prove(std::slice::from_ref(choice), &[]) == Proof::Never {
                let message = format!("the part `{choice}` holds for no account");
                faults.add(FaultCode::NeverTrue, &placed.span, &placed.path, message);
            }
        }
    }
}

/// A text with `{word}` where the value of a word belongs.
pub fn template(placed: &Placed, faults: &Faults<'_>) -> Template {
    let mut pieces = Vec::new();
    let mut rest = placed.text.as_str();
    while let Some(open) = rest.find('{') {
        let Some(length) = rest[open..].find('}') else {
            faults.add(FaultCode::Syntax, &placed.span, &placed.path, "`{` without its `}`");
            return Template::default();
        };
        let name = &rest[open + 1..open + length];
        match vocabulary::find(name) {
            Some(word) => {
                pieces.push(Piece::Text(rest[..open].to_owned()));
                pieces.push(Piece::Word(word));
            }
            None => faults.suggest(
                FaultCode::UnknownName,
                &placed.span,
                &placed.path,
                format!("unknown name `{name}`"),
                Some(did_you_mean(name, WORDS.iter().map(|word| word.name)))
                    .filter(|hint| !hint.starts_with("known")),
            ),
        }
        rest = &rest[open + length + 1..];
    }
    pieces.push(Piece::Text(rest.to_owned()));
    pieces.retain(|piece| !matches!(piece, Piece::Text(text) if text.is_empty()));
    Template(pieces)
}
