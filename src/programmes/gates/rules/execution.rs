//! What execution and analysis made: tests, training, reviews, the journey, decisions.

use std::collections::BTreeSet;

use super::analytics::test_faults;
use super::{Finding, Found, Look, blank};
use crate::programmes::deliverable::data::{
    Campaign, Iteration, Journey, Module, Recommendations, Review, Stages, Tests, Touchpoints,
};

/// What training must cover whatever the stages are.
const MODULES: [&str; 4] = ["discovery", "demo", "negotiation", "closing"];

pub(super) fn campaigns_tested(look: &Look<'_>) -> Vec<Finding> {
    let mut found = Found::default();
    let plans = look.of::<Tests>(look.file(), &mut found);
    for (file, _, data) in &plans {
        for fault in data.tests.iter().flat_map(test_faults) {
            found.add(file, fault);
        }
    }
    for (file, _, campaign) in look.of::<Campaign>(look.against(), &mut found) {
        let tested =
            plans.iter().any(|(_, _, data)| data.tests.iter().any(|test| test.channel == campaign.channel));
        if !tested {
            found.between(look.file(), file, format!("has no test plan for the campaign {file}"));
        }
    }
    found.0
}

pub(super) fn training_covers(look: &Look<'_>) -> Vec<Finding> {
    let mut found = Found::default();
    let modules = look.of::<Module>(look.file(), &mut found);
    for name in MODULES {
        found.need(modules.iter().any(|(_, _, of)| of.module == name), look.file(), || {
            format!("has no module “{name}”")
        });
    }
    let covered: BTreeSet<&str> =
        modules.iter().flat_map(|(_, _, of)| of.covers.iter().map(String::as_str)).collect();
    for (against, _, data) in look.of::<Stages>(look.against(), &mut found) {
        let known: BTreeSet<&str> = data.stages.iter().map(|stage| stage.id.as_str()).collect();
        for stage in &data.stages {
            if !covered.contains(stage.id.as_str()) {
                let message = format!("no module covers the stage “{}” of {against}", stage.name);
                found.between(look.file(), against, message);
            }
        }
        for (file, _, module) in &modules {
            for stage in module.covers.iter().filter(|stage| !known.contains(stage.as_str())) {
                found.between(file, against, format!("covers `{stage}`, which is no stage of {against}"));
            }
        }
    }
    found.0
}

pub(super) fn reviews_actionable(look: &Look<'_>) -> Vec<Finding> {
    let mut found = Found::default();
    for (file, _, data) in look.of::<Review>(look.file(), &mut found) {
        found.need(!data.deals.is_empty(), file, || "reviews no deal".to_owned());
        for deal in &data.deals {
            for (name, text) in [("action", &deal.action), ("owner", &deal.owner)] {
                found.need(!blank(text), file, || format!("“{}” has no {name}", deal.deal));
            }
            found.need(deal.due.parse::<chrono::NaiveDate>().is_ok(), file, || {
                format!("“{}” has no day by which it is done", deal.deal)
            });
        }
    }
    found.0
}

pub(super) fn journey_covers(look: &Look<'_>) -> Vec<Finding> {
    let mut found = Found::default();
    let sequences = look.of::<Touchpoints>(look.against(), &mut found);
    for (file, _, data) in look.of::<Journey>(look.file(), &mut found) {
        for stage in &look.check.sections {
            let there = data.stages.iter().any(|of| of.stage == *stage && !of.touchpoints.is_empty());
            found.need(there, file, || format!("has no touchpoint in {stage}"));
        }
        let mapped: BTreeSet<&str> =
            data.stages.iter().flat_map(|of| of.touchpoints.iter().map(String::as_str)).collect();
        for (against, _, sequence) in &sequences {
            for touchpoint in sequence.touchpoints.iter().filter(|of| !mapped.contains(of.id.as_str())) {
                found.between(file, against, format!("does not have `{}` of {against}", touchpoint.id));
            }
        }
        let known: BTreeSet<&str> =
            sequences.iter().flat_map(|(_, _, of)| of.touchpoints.iter().map(|of| of.id.as_str())).collect();
        for id in mapped.iter().filter(|id| !known.contains(*id)) {
            found.between(file, look.against(), format!("has `{id}`, which no sequence has"));
        }
    }
    found.0
}

pub(super) fn recommendations_decided(look: &Look<'_>) -> Vec<Finding> {
    let mut found = Found::default();
    let briefs = look.of::<Iteration>(look.against(), &mut found);
    for (file, _, data) in look.of::<Recommendations>(look.file(), &mut found) {
        found.need(!data.recommendations.is_empty(), file, || "recommends nothing".to_owned());
        let mut priorities: Vec<u32> = data.recommendations.iter().map(|of| of.priority).collect();
        priorities.sort_unstable();
        priorities.dedup();
        found.need(priorities.len() == data.recommendations.len(), file, || {
            "two have the same priority".to_owned()
        });
        for (against, _, brief) in &briefs {
            for of in &data.recommendations {
                let decision = brief.decisions.iter().find(|decision| decision.recommendation == of.id);
                if decision.is_none() {
                    found.between(against, file, format!("does not decide `{}` of {file}", of.id));
                }
                let reasoned = decision.is_none_or(|of| !blank(&of.decision) && !blank(&of.why));
                found.need(reasoned, against, || format!("decides `{}` without a reason", of.id));
            }
        }
    }
    found.0
}
