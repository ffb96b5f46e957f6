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
    let mut pairs: BTreeMap<(&str, Vec<String>), Pair<'_>> = BTreeMap::new();
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
                let pair = pairs.entry((&check.id, outputs));
                pair.or_insert_with(|| Pair { check, findings: Vec::new() }).findings.push(finding);
            }
        }
    }
    let told = pairs.into_iter().map(|((id, outputs), pair)| {
        let description = description(&pair, &pieces, &outputs);
        Contradiction { check: id.to_owned(), outputs, description }
    });
    told.collect()
}

/// What a check finds between two outputs.
struct Pair<'c> {
    check: &'c Check,
    findings: Vec<Finding>,
}

fn description(pair: &Pair<'_>, pieces: &[Piece<'_>], outputs: &[String]) -> String {
    let Pair { check, findings } = pair;
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::programmes::draft::tests::{example, full_run};
    use crate::programmes::gates::rules;
    use crate::programmes::gates::tests::{CASES, changed};

    #[test]
    fn what_two_outputs_say_differently_is_told_once_for_each_pair_unless_one_is_still_to_be_made() {
        let (definition, business) = example();
        let files = full_run(&definition, &business);
        let checks = || definition.phases.iter().flat_map(|phase| &phase.gates).flat_map(|gate| &gate.checks);
        let found = |files: &BTreeMap<String, String>, awaited: &[&str]| {
            let workspace = Workspace::read(files.iter().map(|(path, text)| (path.as_str(), text.as_str())));
            let awaited = awaited.iter().map(ToString::to_string).collect();
            contradictions(&definition, &business, checks(), &workspace, &awaited)
        };
        assert_eq!(found(&files, &[]), []);
        // Each rule that compares finds its pair; what is wrong with one file alone is no contradiction.
        let mut rules = std::collections::BTreeSet::new();
        for (gate, id, path, change, named, reason) in CASES {
            let pairs = found(&changed(&files, path, *change), &[]);
            let check = checks().find(|check| check.id == *id).unwrap();
            let told: Vec<_> = pairs.iter().filter(|of| of.check == *id).collect();
            if let [one] = told[..] {
                assert!(
                    one.description.contains(named) && one.description.contains(reason),
                    "{}",
                    one.description
                );
                rules.insert(check.rule.as_deref().unwrap());
            }
            assert!(told.len() <= 1 || check.against.is_none(), "{gate}/{id}: {pairs:#?}");
        }
        for rule in rules::RULES.iter().filter(|rule| rule.needs_against) {
            assert!(rules.contains(rule.name), "{}", rule.name);
        }
        for rule in ["messaging_consistent", "references_defined", "figures_agree"] {
            assert!(rules.contains(rule), "{rule}");
        }
        assert!(!rules.contains("budget_sums") && !rules.contains("sections"), "{rules:?}");

        let wrong = changed(&files, "demand-gen/lead-scoring.md", |d| d.data["mql"] = json!(1));
        let [one] = &found(&wrong, &[])[..] else { panic!("one pair") };
        assert_eq!(one.outputs, ["demand-gen/lead-scoring.md", "pipeline/scoring-model.md"]);
        assert!(one.description.contains("`demand-gen/lead-scoring.md` of demand-generation and"), "{one:?}");
        assert_eq!(found(&wrong, &["crm-infrastructure:scoring-model"]), []);
    }
}
