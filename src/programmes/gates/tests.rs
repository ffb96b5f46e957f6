//! Each check fails alone: one thing is wrong in one file, exactly that check says so, and names the file and the reason.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;
use crate::programmes::definition::Definition;
use crate::programmes::deliverable::Origin;
use crate::programmes::draft::tests::{example, full_run};

pub type Change = fn(&mut Deliverable);

/// Gate, check, file that is changed, what is changed, file that is named, a part of the reason.
pub type Case = (&'static str, &'static str, &'static str, Change, &'static str, &'static str);

fn list<'d>(deliverable: &'d mut Deliverable, key: &str) -> &'d mut Vec<Value> {
    deliverable.data[key].as_array_mut().unwrap()
}

pub const CASES: &[Case] = &[
    (
        "strategy",
        "strategy-covers",
        "strategy/gtm-strategy.md",
        |d| d.body = d.body.replace("## Positioning", "## Place"),
        "strategy/gtm-strategy.md",
        "no section “Positioning”",
    ),
    (
        "strategy",
        "budget-sums",
        "strategy/budget-allocation.md",
        |d| list(d, "lines")[0]["amount"] = json!("10800.01"),
        "strategy/budget-allocation.md",
        "the lines sum to 36000.01",
    ),
    (
        "strategy",
        "budget-sums",
        "strategy/budget-allocation.md",
        |d| list(d, "lines")[1]["why"] = json!("so"),
        "strategy/budget-allocation.md",
        "`linkedin-ads` is not justified",
    ),
    (
        "strategy",
        "budget-sums",
        "strategy/budget-allocation.md",
        |d| d.body = d.body.replace("9,360", "9,999"),
        "strategy/budget-allocation.md",
        "does not show the 9,360 of `linkedin-ads`",
    ),
    (
        "strategy",
        "personas-complete",
        "strategy/personas/plant-manager.md",
        |d| list(d, "triggers").clear(),
        "strategy/personas/plant-manager.md",
        "no buying trigger",
    ),
    (
        "strategy",
        "personas-complete",
        "strategy/personas/plant-manager.md",
        |d| list(d, "objections").clear(),
        "strategy/personas/plant-manager.md",
        "no objection",
    ),
    (
        "strategy",
        "metrics-tied",
        "strategy/gtm-strategy.md",
        |d| list(d, "metrics")[0]["goal"] = json!("fame"),
        "strategy/gtm-strategy.md",
        "`fame`, which is no goal",
    ),
    (
        "strategy",
        "metrics-tied",
        "strategy/gtm-strategy.md",
        |d| list(d, "metrics")[1]["target"] = json!(15_000.0),
        "strategy/gtm-strategy.md",
        "the goal says 14000",
    ),
    (
        "messaging",
        "positioning-framework",
        "messaging/positioning.md",
        |d| d.data["need"] = json!(""),
        "messaging/positioning.md",
        "has no need",
    ),
    (
        "messaging",
        "positioning-framework",
        "messaging/positioning.md",
        same_as_rival,
        "messaging/positioning.md",
        "is also what Gearbook says of itself",
    ),
    (
        "messaging",
        "value-props-proven",
        "messaging/value-props.md",
        |d| list(d, "value_props")[0]["proofs"] = json!([]),
        "messaging/value-props.md",
        "`fewer-stops` has no proof",
    ),
    (
        "messaging",
        "persona-variants",
        "messaging/messaging-hierarchy.md",
        |d| drop(list(d, "variants").pop()),
        "messaging/messaging-hierarchy.md",
        "no variant for `it-and-ot-security-lead`",
    ),
    (
        "messaging",
        "features-mapped",
        "messaging/value-props.md",
        |d| drop(list(d, "features").pop()),
        "messaging/value-props.md",
        "`maintenance-link` is not mapped",
    ),
    (
        "analytics",
        "attribution-weights",
        "analytics/attribution-model.md",
        |d| list(d, "weights")[0]["percent"] = json!(31),
        "analytics/attribution-model.md",
        "sum to 101 %",
    ),
    (
        "analytics",
        "kpis-cover",
        "analytics/kpi-definitions.md",
        |d| {
            list(d, "kpis")
                .iter_mut()
                .filter(|of| of["stage"] == "referral")
                .for_each(|of| of["stage"] = json!("revenue"));
        },
        "analytics/kpi-definitions.md",
        "no KPI for referral",
    ),
    (
        "analytics",
        "leadership-questions",
        "analytics/dashboard-specs.md",
        |d| list(d, "questions").truncate(9),
        "analytics/dashboard-specs.md",
        "answers 9 questions",
    ),
    (
        "analytics",
        "experiment-statistics",
        "analytics/experiment-framework.md",
        |d| list(d, "sizes")[4]["per_arm"] = json!(384),
        "analytics/experiment-framework.md",
        "from 0.1 to 0.12 needs 3841",
    ),
    (
        "pipeline-building",
        "campaigns-cover",
        "demand-gen/campaigns/webinars.md",
        |d| list(d, "variants").truncate(1),
        "demand-gen/campaigns/webinars.md",
        "1 different variants",
    ),
    (
        "pipeline-building",
        "enablement-covers",
        "sales-enablement/battle-cards/gearbook.md",
        |d| d.data["competitor"] = json!("another"),
        "sales-enablement/battle-cards/",
        "no card on `gearbook`",
    ),
    (
        "pipeline-building",
        "enablement-covers",
        "sales-enablement/pitch-deck.md",
        |d| drop(list(d, "variants").pop()),
        "sales-enablement/pitch-deck.md",
        "no variant for `it-and-ot-security-lead`",
    ),
    (
        "pipeline-building",
        "stages-clear",
        "pipeline/stage-definitions.md",
        |d| list(d, "stages")[2]["exit"] = json!([]),
        "pipeline/stage-definitions.md",
        "“Trial” has no exit criteria",
    ),
    (
        "pipeline-building",
        "stages-clear",
        "pipeline/stage-definitions.md",
        |d| d.data["motion"] = json!("sales_led"),
        "pipeline/stage-definitions.md",
        "the configuration says `sales_assisted`",
    ),
    (
        "pipeline-building",
        "onboarding-measurable",
        "customer-success/onboarding-playbook.md",
        |d| list(d, "milestones")[1]["measure"] = json!(""),
        "customer-success/onboarding-playbook.md",
        "“Access” has no measure",
    ),
    (
        "pipeline-building",
        "lead-scoring-aligned",
        "demand-gen/lead-scoring.md",
        |d| d.data["mql"] = json!(55),
        "demand-gen/lead-scoring.md",
        "MQL from 55 points, pipeline/scoring-model.md says 60",
    ),
    (
        "pipeline-building",
        "messaging-consistent",
        "sales-enablement/pitch-deck.md",
        |d| drop(d.messages.insert("tagline".to_owned(), "Lost between shifts".to_owned())),
        "sales-enablement/pitch-deck.md",
        "quotes `tagline` as “Lost between shifts”",
    ),
    (
        "pipeline-building",
        "messaging-consistent",
        "demand-gen/tracking-plan.md",
        |d| d.body.push_str("\n\nA seamless journey."),
        "demand-gen/tracking-plan.md",
        "says “seamless”",
    ),
    (
        "pipeline-building",
        "personas-correct",
        "demand-gen/tracking-plan.md",
        |d| d.personas.push("chief-of-shifts".to_owned()),
        "demand-gen/tracking-plan.md",
        "the persona `chief-of-shifts`, which strategy/personas/ does not define",
    ),
    (
        "pipeline-building",
        "handoff-complete",
        "pipeline/handoff-criteria.md",
        |d| drop(list(d, "fields").remove(0)),
        "pipeline/handoff-criteria.md",
        "does not hand over `goal`",
    ),
    (
        "pipeline-building",
        "figures-agree",
        "pipeline/handoff-criteria.md",
        |d| {
            d.figures.insert("deal_size".to_owned(), 18_000.0);
        },
        "pipeline/handoff-criteria.md",
        "`deal_size` is 18000",
    ),
    (
        "execution",
        "campaigns-tested",
        "demand-gen/ab-tests/webinars.md",
        |d| list(d, "tests")[0]["per_arm"] = json!(10),
        "demand-gen/ab-tests/webinars.md",
        "visitors in each arm, it says 10",
    ),
    (
        "execution",
        "campaigns-tested",
        "demand-gen/ab-tests/webinars.md",
        |d| list(d, "tests").clear(),
        "demand-gen/ab-tests/",
        "no test plan for the campaign demand-gen/campaigns/webinars.md",
    ),
    (
        "execution",
        "training-covers",
        "sales-enablement/training/modules/closing.md",
        |d| d.data["covers"] = json!([]),
        "sales-enablement/training/modules/",
        "no module covers the stage “Contract”",
    ),
    (
        "execution",
        "reviews-actionable",
        "pipeline/pipeline-review-sample.md",
        |d| list(d, "deals")[0]["action"] = json!(" "),
        "pipeline/pipeline-review-sample.md",
        "has no action",
    ),
    (
        "execution",
        "journey-covers",
        "customer-success/journey-map.md",
        |d| drop(list(d, "stages")[3]["touchpoints"].as_array_mut().unwrap().pop()),
        "customer-success/journey-map.md",
        "does not have `tech-touch-renewal-signed`",
    ),
    (
        "execution",
        "dashboards-answer",
        "analytics/dashboards/pipeline-health.md",
        |d| drop(list(d, "answers").pop()),
        "analytics/dashboards/pipeline-health.md",
        "does not answer “Which deals are stuck, and why?”",
    ),
    (
        "execution",
        "experiments-sound",
        "analytics/experiments/organic-search-and-content-offer.md",
        |d| list(d, "tests")[0]["hypothesis"] = json!("It will be better"),
        "analytics/experiments/organic-search-and-content-offer.md",
        "no hypothesis",
    ),
    (
        "execution",
        "messaging-consistent",
        "sales-enablement/new-hire-plan.md",
        |d| d.body.push_str("\n\nWe empower you."),
        "sales-enablement/new-hire-plan.md",
        "says “empower”",
    ),
    (
        "execution",
        "personas-correct",
        "customer-success/journey-map.md",
        |d| d.competitors.push("nobody".to_owned()),
        "customer-success/journey-map.md",
        "the competitor `nobody`",
    ),
    (
        "execution",
        "figures-agree",
        "customer-success/renewal-workflow.md",
        |d| {
            d.figures.insert("deal_size".to_owned(), 1.0);
        },
        "customer-success/renewal-workflow.md",
        "`deal_size` is 1",
    ),
    (
        "analysis",
        "reallocation-sums",
        "strategy/budget-reallocation.md",
        |d| d.data["month_total"] = json!("1.00"),
        "strategy/budget-reallocation.md",
        "says 1.00 in total",
    ),
    (
        "analysis",
        "recommendations-decided",
        "strategy/iteration-brief.md",
        |d| drop(list(d, "decisions").remove(0)),
        "strategy/iteration-brief.md",
        "does not decide `move-budget`",
    ),
    (
        "analysis",
        "economics-computed",
        "analytics/unit-economics.md",
        |d| d.data["cac"] = json!(9_000.0),
        "analytics/unit-economics.md",
        "CAC is 9000, its parts give 10353.33",
    ),
    (
        "analysis",
        "figures-agree",
        "learnings/demand-generation.md",
        |d| {
            d.figures.insert("leads_per_month".to_owned(), 1.0);
        },
        "learnings/demand-generation.md",
        "`leads_per_month` is 1",
    ),
];

fn same_as_rival(deliverable: &mut Deliverable) {
    let own = deliverable.data["differentiator"].as_str().unwrap().to_owned();
    let theirs = "one system for all maintenance, already installed";
    for key in ["statement", "differentiator"] {
        deliverable.data[key] = json!(deliverable.data[key].as_str().unwrap().replace(&own, theirs));
    }
    deliverable.body = deliverable.body.replace(&own, theirs);
    deliverable.messages.clear();
}

fn judged(
    definition: &Definition,
    business: &Business,
    files: &BTreeMap<String, String>,
    gate: &str,
) -> Vec<Verdict> {
    let workspace = Workspace::read(files.iter().map(|(path, text)| (path.as_str(), text.as_str())));
    let gate = definition.phases.iter().flat_map(|phase| &phase.gates).find(|of| of.id == gate).unwrap();
    judge(gate, business, &workspace)
}

pub fn changed(files: &BTreeMap<String, String>, path: &str, change: Change) -> BTreeMap<String, String> {
    let mut files = files.clone();
    let (mut deliverable, kind) = Deliverable::parse(&files[path]).unwrap();
    change(&mut deliverable);
    let text = deliverable.render(kind, &Origin { agent: "coordinator", phase: 1, step: "step", task: None });
    files.insert(path.to_owned(), text);
    files
}

#[test]
fn each_check_fails_alone_and_names_the_file_and_the_reason() {
    let (definition, business) = example();
    let files = full_run(&definition, &business);
    for (gate, check, path, change, named, reason) in CASES {
        let verdicts = judged(&definition, &business, &changed(&files, path, *change), gate);
        for verdict in verdicts {
            if verdict.check == *check {
                assert_eq!(verdict.passed, Some(false), "{gate}/{check}");
                let found =
                    verdict.findings.iter().any(|of| of.file == *named && of.message.contains(reason));
                assert!(found, "{gate}/{check}: {reason}: {:#?}", verdict.findings);
            } else {
                assert_eq!(verdict.passed, Some(true), "{gate}/{check} also fails: {verdict:#?}");
            }
        }
    }
}

#[test]
fn no_check_is_without_a_case() {
    let (definition, _) = example();
    for gate in definition.phases.iter().flat_map(|phase| &phase.gates) {
        for check in &gate.checks {
            let there = CASES.iter().any(|(of, id, ..)| *of == gate.id && *id == check.id);
            assert!(there, "{}/{}", gate.id, check.id);
        }
    }
}

#[test]
fn what_is_missing_or_no_deliverable_fails_with_its_name() {
    let (definition, business) = example();
    let mut files = full_run(&definition, &business);
    files.remove("messaging/positioning.md");
    files.insert("messaging/value-props.md".to_owned(), "# Just text\n".to_owned());
    let verdicts = judged(&definition, &business, &files, "messaging");
    assert_eq!(verdicts[0].findings[0], Finding::of("messaging/positioning.md", "is not there"));
    assert_eq!(verdicts[1].findings[0].file, "messaging/value-props.md");
    assert!(verdicts[1].findings[0].message.contains("begins with no head"));
    assert_eq!(verdicts[2].passed, Some(true));
}

#[test]
fn a_check_without_a_rule_waits_for_the_coordinator() {
    let (definition, business) = example();
    let files = full_run(&definition, &business);
    let workspace = Workspace::read(files.iter().map(|(path, text)| (path.as_str(), text.as_str())));
    let mut gate = definition.phases[0].gates[0].clone();
    gate.checks[0].rule = None;
    let verdicts = judge(&gate, &business, &workspace);
    assert_eq!(verdicts[0].passed, None);
    assert_eq!(verdicts[1].passed, Some(true));
}
