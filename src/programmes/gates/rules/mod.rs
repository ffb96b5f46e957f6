//! The rules by name; a definition says which files each looks at.

mod across;
mod analytics;
mod execution;
mod pipeline;
mod strategy;

use serde::de::DeserializeOwned;

use super::{Finding, Workspace};
use crate::programmes::business::Business;
use crate::programmes::definition::Check;
use crate::programmes::deliverable::Deliverable;

/// What a rule is given.
#[derive(Debug)]
pub struct Look<'l> {
    pub business: &'l Business,
    pub workspace: &'l Workspace,
    pub check: &'l Check,
}

/// One way to find out whether something holds.
#[derive(Clone, Copy)]
pub struct Rule {
    pub name: &'static str,
    /// Whether it compares with a second file.
    pub needs_against: bool,
    pub needs_sections: bool,
    /// What speaks against it; nothing when it holds.
    pub find: fn(&Look<'_>) -> Vec<Finding>,
}

const fn rule(name: &'static str, find: fn(&Look<'_>) -> Vec<Finding>) -> Rule {
    Rule { name, needs_against: false, needs_sections: false, find }
}

const fn comparing(rule: Rule) -> Rule {
    Rule { needs_against: true, ..rule }
}

const fn listing(rule: Rule) -> Rule {
    Rule { needs_sections: true, ..rule }
}

/// All rules.
pub const RULES: &[Rule] = &[
    listing(rule("sections", strategy::sections)),
    rule("budget_sums", strategy::budget_sums),
    rule("personas_complete", strategy::personas_complete),
    rule("metrics_tied", strategy::metrics_tied),
    rule("positioning_framework", strategy::positioning_framework),
    rule("value_props_proven", strategy::value_props_proven),
    rule("persona_variants", strategy::persona_variants),
    rule("features_mapped", strategy::features_mapped),
    rule("attribution_weights", analytics::attribution_weights),
    listing(rule("kpis_cover", analytics::kpis_cover)),
    rule("leadership_questions", analytics::leadership_questions),
    rule("experiment_statistics", analytics::experiment_statistics),
    comparing(listing(rule("dashboards_answer", analytics::dashboards_answer))),
    rule("experiments_sound", analytics::experiments_sound),
    rule("economics_computed", analytics::economics_computed),
    rule("campaigns_cover", pipeline::campaigns_cover),
    rule("enablement_covers", pipeline::enablement_covers),
    rule("stages_clear", pipeline::stages_clear),
    rule("onboarding_measurable", pipeline::onboarding_measurable),
    comparing(rule("lead_scoring_aligned", pipeline::lead_scoring_aligned)),
    comparing(rule("handoff_complete", pipeline::handoff_complete)),
    comparing(rule("campaigns_tested", execution::campaigns_tested)),
    comparing(rule("training_covers", execution::training_covers)),
    rule("reviews_actionable", execution::reviews_actionable),
    comparing(listing(rule("journey_covers", execution::journey_covers))),
    comparing(rule("recommendations_decided", execution::recommendations_decided)),
    rule("messaging_consistent", across::messaging_consistent),
    rule("references_defined", across::references_defined),
    rule("figures_agree", across::figures_agree),
];

/// Findings while a rule looks.
#[derive(Default)]
struct Found(Vec<Finding>);

impl Found {
    fn add(&mut self, file: &str, message: impl Into<String>) {
        self.0.push(Finding::of(file, message));
    }

    /// Notes what two files say that cannot both be.
    fn between(&mut self, file: &str, against: &str, message: impl Into<String>) {
        self.0.push(Finding { against: Some(against.to_owned()), ..Finding::of(file, message) });
    }

    /// Notes a reason unless something holds.
    fn need(&mut self, holds: bool, file: &str, message: impl FnOnce() -> String) {
        if !holds {
            self.add(file, message());
        }
    }
}

impl<'l> Look<'l> {
    /// The looked-at files whose data is of a type, with their paths; others are findings.
    fn of<T: DeserializeOwned>(
        &self,
        path: &'l str,
        found: &mut Found,
    ) -> Vec<(&'l str, &'l Deliverable, T)> {
        let mut made = Vec::new();
        for (file, deliverable, kind) in self.workspace.below(path) {
            match deliverable.read::<T>() {
                Ok(data) => made.push((file, deliverable, data)),
                Err(fault) => {
                    found.add(file, format!("is a `{}`, which this check cannot read: {fault}", kind.name()));
                }
            }
        }
        made
    }

    fn file(&self) -> &'l str {
        &self.check.file
    }

    fn against(&self) -> &'l str {
        self.check.against.as_deref().unwrap_or_default()
    }

    fn persona_slugs(&self) -> Vec<&'l str> {
        self.business.personas.iter().map(|of| of.slug.as_str()).collect()
    }
}

fn blank(text: &str) -> bool {
    text.trim().is_empty()
}

/// The words of a text, small, without signs.
fn words(text: &str) -> std::collections::BTreeSet<String> {
    let parts = text.split(|c: char| !c.is_alphanumeric());
    parts.map(str::to_lowercase).filter(|word| word.len() > 3).collect()
}
