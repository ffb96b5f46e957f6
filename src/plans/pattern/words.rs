//! The shape of a plan in sentences.

use super::{Merge, PatternKind, Segment, Step};
use crate::kernel::text::sentence_list;

/// How many names a sentence lists.
const NAMED_MAX: usize = 8;

pub(super) fn explain(kind: PatternKind, of: Step, segments: &[Segment]) -> String {
    let steps = match of {
        Step::Stages => "stage",
        Step::Tasks => "task",
    };
    match kind {
        PatternKind::Pipeline => {
            let names: Vec<String> = segments.iter().map(name).collect();
            match names.as_slice() {
                [only] => format!("Pipeline: there is one {steps}, {only}."),
                names => format!("Pipeline: each {steps} needs the one before: {}.", arrows(names)),
            }
        }
        PatternKind::Diamond => {
            let parts: Vec<String> = segments.iter().filter_map(parallel).collect();
            let whole: Vec<String> = segments.iter().map(name).collect();
            format!("Diamond: {} In order: {}.", parts.join(" "), arrows(&whole))
        }
        PatternKind::Graph => {
            let parts: Vec<String> = segments.iter().filter_map(tangled).collect();
            format!("Graph: {}", parts.join(" "))
        }
    }
}

/// Branches that run side by side, and where they come together.
fn parallel(segment: &Segment) -> Option<String> {
    let Segment::Parallel { branches, merge } = segment else { return None };
    let together = match merge {
        Merge::Gate { gate } => format!("the gate `{gate}` waits for all of them"),
        Merge::Step { name } => format!("`{name}` waits for all of them"),
        Merge::Nowhere => "nothing brings them together before the end; a merge gate would".to_owned(),
    };
    Some(format!("{} do not need each other and run side by side; {together}.", listed(branches)))
}

fn tangled(segment: &Segment) -> Option<String> {
    let Segment::Mesh { names } = segment else { return parallel(segment) };
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    Some(format!("{} depend on each other neither in a row nor as separate branches.", cut(&names)))
}

fn listed(branches: &[Vec<String>]) -> String {
    let names: Vec<String> = branches.iter().map(|branch| arrows(&quoted(branch))).collect();
    cut(&names)
}

fn quoted(names: &[String]) -> Vec<String> {
    names.iter().map(|name| format!("`{name}`")).collect()
}

fn cut(names: &[String]) -> String {
    if names.len() <= NAMED_MAX {
        return sentence_list(names);
    }
    format!("{} and {} more", names[..NAMED_MAX].join(", "), names.len() - NAMED_MAX)
}

fn arrows(names: &[String]) -> String {
    if names.len() <= NAMED_MAX {
        return names.join(" → ");
    }
    let (first, last) = (&names[..NAMED_MAX - 1], &names[names.len() - 1]);
    format!("{} → … ({} more) → {last}", first.join(" → "), names.len() - NAMED_MAX)
}

fn name(segment: &Segment) -> String {
    match segment {
        Segment::Step { name } => format!("`{name}`"),
        Segment::Gate { gate } => format!("gate `{gate}`"),
        Segment::Parallel { branches, .. } => {
            let sides: Vec<String> = branches.iter().map(|branch| arrows(&quoted(branch))).collect();
            format!("({})", cut(&sides))
        }
        Segment::Mesh { names } => format!("({})", cut(&quoted(names))),
    }
}
