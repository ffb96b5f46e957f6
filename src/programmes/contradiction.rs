//! Outputs that contradict each other: what the gates' rules find between two files, told for each pair of outputs.
//!
//! Promises: what is told names both outputs, their agents, the files and what each says; an output that somebody is still to make
//! in this run contradicts nothing yet. Leaves out: a file that is wrong by itself, which is the gate's alone, and what becomes
//! of a contradiction; see [`super::commands`].

use std::collections::{BTreeMap, BTreeSet};

use super::business::Business;
use super::definition::{Check, Definition};
use super::gates::{Finding, Workspace, judge_check};
use super::selection::{Piece, maker, pieces};

/// So many findings are told of one pair; the rest are counted.
const TOLD_MAX: usize = 20;

/// What one check finds between two outputs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contradiction {
    pub check: String,
    /// The paths of both outputs, in order.
    pub outputs: Vec<String>,
    pub description: String,
}

/// Everything that these checks find between outputs; `awaited` are the tasks whose outputs are still to be made.
pub fn contradictions<'c>(
    definition: &Definition,
    business: &Business,
    checks: impl IntoIterator<Item = &'c Check>,
    workspace: &Workspace,
    awaited: &BTreeSet<String>,
) -> Vec<Contradiction> {
    let pieces = pieces(definition);
    let mut seen: BTreeSet<(&str, &str)> = BTreeSet::new();
    let mut pairs: BTreeMap<(&str, Vec<String>), (&Check, Vec<Finding>)> = BTreeMap::new();
    for check in checks.into_iter().filter(|check| check.rule.is_some()) {
        // Two gates may look at the same.
        if !seen.insert((&check.id, &check.file)) {
            continue;
        }
        for finding in judge_check(check, business, workspace) {
            let Some(against) = &finding.against else { continue };
            let (Some(one), Some(other)) = (maker(&pieces, &finding.file), maker(&pieces, against)) else {
                continue;
            };
            let open = [one, other].iter().any(|piece| awaited.contains(&piece.task_id()));
            let mut outputs = vec![one.path(), other.path()];
            outputs.sort();
            outputs.dedup();
            if outputs.len() == 2 && !open {
                pairs.entry((&check.id, outputs)).or_insert((check, Vec::new())).1.push(finding);
            }
        }
    }
    let told = |((id, outputs), (check, findings)): ((&str, Vec<String>), (&Check, Vec<Finding>))| {
        let description = description(check, &pieces, &outputs, &findings);
        Contradiction { check: id.to_owned(), outputs, description }
    };
    pairs.into_iter().map(told).collect()
}

fn description(check: &Check, pieces: &[Piece<'_>], outputs: &[String], findings: &[Finding]) -> String {
    let owner = |path: &String| {
        let agent = maker(pieces, path).map_or("nobody", |piece| piece.agent.id.as_str());
        format!("`{path}` of {agent}")
    };
    let owners: Vec<String> = outputs.iter().map(owner).collect();
    let mut lines =
        vec![format!("{} do not agree. “{}” (`{}`):\n", owners.join(" and "), check.asks, check.id)];
    lines.extend(findings.iter().take(TOLD_MAX).map(|of| format!("- {} {}", of.file, of.message)));
    if findings.len() > TOLD_MAX {
        lines.push(format!("- and {} more", findings.len() - TOLD_MAX));
    }
    lines.join("\n")
}
