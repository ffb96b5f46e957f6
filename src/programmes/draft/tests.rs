//! A full run from the example: every path of the source is there, figures agree, texts are whole.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::programmes::business::EXAMPLE;
use crate::programmes::definition::Definition;
use crate::programmes::deliverable::is_document;
use crate::programmes::gates::{Workspace, judge};

/// All paths that the orchestration guide names, folders with `/`.
const NAMED: [&str; 70] = [
    "strategy/gtm-strategy.md",
    "strategy/personas/",
    "strategy/competitive-analysis.md",
    "strategy/budget-allocation.md",
    "messaging/positioning.md",
    "messaging/value-props.md",
    "messaging/messaging-hierarchy.md",
    "messaging/brand-voice.md",
    "analytics/attribution-model.md",
    "analytics/kpi-definitions.md",
    "analytics/dashboard-specs.md",
    "analytics/experiment-framework.md",
    "demand-gen/campaigns/",
    "demand-gen/landing-pages/",
    "demand-gen/ad-creative/",
    "demand-gen/email-sequences/",
    "demand-gen/lead-scoring.md",
    "demand-gen/tracking-plan.md",
    "sales-enablement/pitch-deck.md",
    "sales-enablement/battle-cards/",
    "sales-enablement/demo-scripts/",
    "sales-enablement/roi-calculator.md",
    "sales-enablement/objection-handling.md",
    "sales-enablement/email-templates/",
    "sales-enablement/training/",
    "pipeline/stage-definitions.md",
    "pipeline/crm-config.md",
    "pipeline/scoring-model.md",
    "pipeline/forecast-methodology.md",
    "pipeline/workflows.md",
    "pipeline/review-cadences.md",
    "pipeline/handoff-criteria.md",
    "customer-success/onboarding-playbook.md",
    "customer-success/health-scoring.md",
    "customer-success/expansion-playbook.md",
    "customer-success/churn-prevention.md",
    "customer-success/qbr-template.md",
    "customer-success/segmentation.md",
    "demand-gen/campaign-configs/",
    "demand-gen/ab-tests/",
    "demand-gen/monitoring/",
    "demand-gen/retargeting/",
    "demand-gen/content-calendar.md",
    "sales-enablement/training/modules/",
    "sales-enablement/coaching-framework.md",
    "sales-enablement/win-loss-template.md",
    "sales-enablement/new-hire-plan.md",
    "pipeline/pipeline-review-sample.md",
    "pipeline/stuck-deal-coaching.md",
    "pipeline/hygiene-audit.md",
    "pipeline/alert-rules.md",
    "pipeline/leadership-reports/",
    "customer-success/journey-map.md",
    "customer-success/touchpoint-sequences/",
    "customer-success/renewal-workflow.md",
    "customer-success/feedback-strategy.md",
    "customer-success/escalation-workflows.md",
    "analytics/dashboards/marketing-performance.md",
    "analytics/dashboards/pipeline-health.md",
    "analytics/dashboards/customer-health.md",
    "analytics/experiments/",
    "analytics/cohort-framework.md",
    "analytics/reporting-templates/",
    "analytics/performance-analysis.md",
    "analytics/unit-economics.md",
    "analytics/recommendations.md",
    "strategy/iteration-brief.md",
    "strategy/budget-reallocation.md",
    "strategy/learnings.md",
    "learnings/",
];

/// All files of a full run.
pub(crate) fn full_run(definition: &Definition, business: &Business) -> BTreeMap<String, String> {
    let drafter = Drafter::new(definition, business);
    let mut files = BTreeMap::new();
    for (phase, step) in definition.steps() {
        for agent in definition.doers(step) {
            for output in &step.outputs {
                for file in
                    drafter.draft(phase.number, step, output, agent).unwrap_or_else(|error| panic!("{error}"))
                {
                    assert!(
                        files.insert(file.path.clone(), file.text).is_none(),
                        "{} is made twice",
                        file.path
                    );
                }
            }
        }
    }
    files
}

/// The example, read.
pub(crate) fn example() -> (Definition, Business) {
    let definition = Definition::shipped().unwrap_or_else(|faults| panic!("{faults:#?}"));
    let business = Business::read("CONFIG.md", EXAMPLE, &definition.agent_ids()).unwrap();
    (definition, business)
}

#[test]
fn a_full_run_makes_every_path_that_the_source_names() {
    let (definition, business) = example();
    let files = full_run(&definition, &business);
    for path in NAMED {
        let there =
            files.keys().any(|file| if path.ends_with('/') { file.starts_with(path) } else { file == path });
        assert!(there, "{path}");
    }
    for agent in &definition.agents {
        assert!(files.contains_key(&format!("{}/playbook-updates.md", agent.folder)), "{}", agent.id);
    }
}

#[test]
fn a_full_run_passes_every_gate() {
    let (definition, business) = example();
    let files = full_run(&definition, &business);
    let workspace = Workspace::read(files.iter().map(|(path, text)| (path.as_str(), text.as_str())));
    for gate in definition.phases.iter().flat_map(|phase| &phase.gates) {
        for verdict in judge(gate, &business, &workspace) {
            assert_eq!(verdict.passed, Some(true), "{}: {verdict:#?}", gate.id);
        }
    }
}

#[test]
fn texts_are_whole_and_say_nothing_of_their_making() {
    let (definition, business) = example();
    for (path, text) in full_run(&definition, &business).iter().filter(|(path, _)| is_document(path)) {
        let (deliverable, _) = Deliverable::parse(text).unwrap();
        let words = deliverable.body.split_whitespace().count();
        let least = if path.starts_with("learnings/") { 50 } else { 100 };
        assert!(words > least, "{path} has {words} words");
        for sign in ["{{", "{%", "undefined", "NaN", "inf ", "lorem", "TODO", "..}"] {
            assert!(!deliverable.body.contains(sign), "{path} has `{sign}`");
        }
        check_tables(path, &deliverable.body);
    }
}

/// All rows of a table have as many cells as its head.
fn check_tables(path: &str, body: &str) {
    let mut columns = None;
    let mut fenced = false;
    for line in body.lines() {
        fenced ^= line.starts_with("```");
        if fenced || !line.starts_with('|') {
            assert!(fenced || columns.is_none() || !line.starts_with(" |"), "{path}: {line}");
            columns = None;
            continue;
        }
        let cells = line.trim_end().trim_start_matches('|').trim_end_matches('|').split('|').count();
        let first = *columns.get_or_insert(cells);
        assert_eq!(cells, first, "{path}: {line}");
    }
}

#[test]
fn each_file_is_about_the_business_it_is_for() {
    let (definition, business) = example();
    let files = full_run(&definition, &business);
    let mut other = business.clone();
    other.product = "Quillbox".to_owned();
    other.deal_size = 7_300.0;
    other.personas[0].pains[0] = "Invoices are lost between two desks".to_owned();
    other.offer.activation = "ten invoices paid by themselves".to_owned();
    let others = full_run(&definition, &other);
    let same: Vec<&String> = files
        .iter()
        .filter(|(path, text)| is_document(path) && others.get(*path) == Some(text))
        .map(|(path, _)| path)
        .collect();
    // What rests on none of these four, such as a test on a channel or a segment's review.
    assert!(same.len() * 4 < files.len(), "{same:#?}");
}

#[test]
fn the_same_configuration_gives_the_same_bytes() {
    let (definition, business) = example();
    assert_eq!(full_run(&definition, &business), full_run(&definition, &business));
}

#[test]
fn a_run_without_results_says_so() {
    let (definition, mut business) = example();
    business.results.clear();
    business.experiments.clear();
    business.cohorts.clear();
    let files = full_run(&definition, &business);
    assert!(files["analytics/performance-analysis.md"].contains("Nothing was measured yet"));
    let workspace = Workspace::read(files.iter().map(|(path, text)| (path.as_str(), text.as_str())));
    for gate in definition.phases.iter().flat_map(|phase| &phase.gates) {
        for verdict in judge(gate, &business, &workspace) {
            assert_eq!(verdict.passed, Some(true), "{verdict:#?}");
        }
    }
}

#[test]
fn every_template_that_lies_there_ships_and_is_used() {
    let (definition, _) = example();
    let used: BTreeSet<&str> =
        definition.steps().flat_map(|(_, step)| step.outputs.iter().map(|of| of.template.as_str())).collect();
    for name in definition.templates.keys() {
        assert!(used.contains(name.as_str()), "{name}");
    }
    let mut lying = Vec::new();
    let mut folders =
        vec![std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/config/programme/templates"))];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { lying.push(path) }
        }
    }
    assert_eq!(lying.len(), definition.templates.len());
}
