//! Which mode to run, whether a scenario fits a selection, whether to go on or begin anew.
//!
//! Promises: advice follows from the definition's rules and from figures, and says which; it never stops a run.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::business::Business;
use super::definition::Definition;
use super::figures::{Figures, Verdict};
use super::selection::Selection;

/// What the coordinator finds before anything runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ProgrammeAdvice)]
pub struct Advice {
    pub scenario: String,
    pub focus: Vec<String>,
    pub risk: String,
    /// What does not fit between scenario and selection; empty when all fits.
    pub doubts: Vec<String>,
    /// The mode to run, and why.
    pub run: String,
    pub because: String,
    /// Whether figures say to go on or to begin anew.
    pub course: Verdict,
}

/// What is known of earlier runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct History {
    /// Whether a strategy was ever finished for this company.
    pub has_strategy: bool,
    /// Whether something was ever carried out.
    pub has_execution: bool,
}

/// The coordinator's look before a run.
pub fn advise(
    definition: &Definition,
    business: &Business,
    figures: &Figures,
    selection: &Selection<'_>,
    history: History,
) -> Advice {
    let scenario = definition.scenarios.iter().find(|of| of.id == business.scenario.name());
    let course = figures.economics.verdict.clone();
    let (run, because) = mode(definition, business, &course, history);
    Advice {
        scenario: scenario.map(|of| of.title.clone()).unwrap_or_default(),
        focus: scenario.map(|of| of.focus.clone()).unwrap_or_default(),
        risk: scenario.map(|of| of.risk.clone()).unwrap_or_default(),
        doubts: scenario.map(|of| doubts(of, selection, history)).unwrap_or_default(),
        run,
        because,
        course,
    }
}

fn doubts(
    scenario: &super::definition::ScenarioRule,
    selection: &Selection<'_>,
    history: History,
) -> Vec<String> {
    // An agent alone is no execution of a scenario.
    if selection.task.is_some() {
        return Vec::new();
    }
    let mut doubts = Vec::new();
    let selected: Vec<&str> = selection.phases.iter().map(|phase| phase.id.as_str()).collect();
    let missing: Vec<String> = scenario
        .phases
        .iter()
        .filter(|of| !selected.contains(&of.as_str()))
        .map(|of| format!("`{of}`"))
        .collect();
    if !missing.is_empty() {
        doubts.push(format!(
            "“{}” needs {} as well; run them, or say by `scenario` that this is another situation",
            scenario.title,
            crate::kernel::text::sentence_list(&missing)
        ));
    }
    let builds_on_strategy = !scenario.phases.iter().any(|of| of == "strategy");
    if builds_on_strategy && !history.has_strategy && !selected.contains(&"strategy") {
        doubts.push(format!("“{}” takes a strategy for granted, and there is none yet", scenario.title));
    }
    if scenario.id == "new_product_launch" && history.has_execution {
        doubts.push(
            "campaigns were run for this company before; a launch assumes that there are no figures"
                .to_owned(),
        );
    }
    doubts
}

/// The mode that the situation asks for: the first rule that holds.
fn mode(
    definition: &Definition,
    business: &Business,
    course: &Verdict,
    history: History,
) -> (String, String) {
    let situation = if course.advice == "restart" {
        "strategy_pivot"
    } else if !history.has_strategy {
        "first_run"
    } else {
        match business.scenario {
            super::business::Scenario::NewProductLaunch => "new_product",
            super::business::Scenario::NewMarket => "new_market",
            super::business::Scenario::QuarterlyPlanning => "strategy_refresh",
            super::business::Scenario::Scaling if history.has_execution && !business.results.is_empty() => {
                "monthly_review"
            }
            super::business::Scenario::Scaling => "new_campaigns",
        }
    };
    let found = definition.situations.iter().find(|of| of.id == situation);
    found.map_or_else(
        || ("full".to_owned(), "No rule fits".to_owned()),
        |of| (of.run.clone(), of.says.clone()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::programmes::business::Scenario;
    use crate::programmes::draft::tests::example;
    use crate::programmes::selection::{Scope, select};

    fn advice(change: impl FnOnce(&mut Business), phases: &[&str], history: History) -> Advice {
        let (definition, mut business) = example();
        change(&mut business);
        let figures = Figures::of(&business, &definition.restart);
        let scope = Scope { phases: phases.iter().map(ToString::to_string).collect(), ..Scope::default() };
        let selection = select(&definition, &scope).unwrap();
        advise(&definition, &business, &figures, &selection, history)
    }

    const OLD: History = History { has_strategy: true, has_execution: true };

    #[test]
    fn a_scenario_names_the_phases_that_it_needs() {
        let found = advice(|_| {}, &["strategy"], History::default());
        assert!(found.doubts[0].contains("`pipeline-building`, `execution` and `analysis`"), "{found:?}");
        assert!(found.risk.contains("small budget"));
        assert!(advice(|_| {}, &[], History::default()).doubts.is_empty());
        let scaling = advice(
            |of| of.scenario = Scenario::Scaling,
            &["pipeline-building", "execution", "analysis"],
            History::default(),
        );
        assert!(scaling.doubts[0].contains("takes a strategy for granted"), "{scaling:?}");
        assert!(
            advice(
                |of| of.scenario = Scenario::Scaling,
                &["pipeline-building", "execution", "analysis"],
                OLD
            )
            .doubts
            .is_empty()
        );
        assert!(
            advice(|of| of.scenario = Scenario::QuarterlyPlanning, &["strategy", "analysis"], OLD)
                .doubts
                .is_empty()
        );
    }

    #[test]
    fn the_mode_follows_from_what_is_there_and_from_figures() {
        assert_eq!(advice(|_| {}, &[], History::default()).run, "full");
        assert_eq!(advice(|of| of.scenario = Scenario::QuarterlyPlanning, &[], OLD).run, "strategy");
        assert_eq!(advice(|of| of.scenario = Scenario::Scaling, &[], OLD).run, "analysis");
        let unmeasured = |of: &mut Business| {
            of.scenario = Scenario::Scaling;
            of.results.clear();
        };
        assert_eq!(advice(unmeasured, &[], OLD).run, "build-and-execute");
        // Each month two won at a cost that is far above the target and rises.
        let dear = |of: &mut Business| {
            of.scenario = Scenario::Scaling;
            for (place, row) in of.results.iter_mut().enumerate() {
                row.won = u64::from(place % 5 == 0);
                row.spend *= if row.month.as_str() < "2026" { 10.0 } else { 20.0 };
            }
        };
        let found = advice(dear, &[], OLD);
        assert_eq!((found.course.advice.as_str(), found.run.as_str()), ("restart", "full"), "{found:?}");
    }
}
