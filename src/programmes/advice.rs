//! Which phases to run, whether a scenario fits a selection, whether to go on or begin anew.
//!
//! Promises: advice follows from the definition's rules, from figures and from earlier runs, and says which; whoever follows it
//! meets no doubt about missing phases; it never stops a run.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::business::{Business, Scenario};
use super::definition::{Definition, SCENARIO_PHASES, ScenarioRule, Situation};
use super::figures::{Figures, Verdict};
use super::selection::{Selection, stems};

/// A strategy that was made so many days before is planned anew with the year.
const STRATEGY_DAYS: i64 = 365;
/// Customers leave faster than planned when they leave so many times as fast.
const CHURN_OVER_PLAN: f64 = 1.5;

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
    /// The mode to run, or phases parted by commas where they are no mode.
    pub run: String,
    /// What to run, as phases; empty where agents do it alone.
    #[serde(default)]
    pub phases: Vec<String>,
    /// Who does it alone.
    #[serde(default)]
    pub agents: Vec<String>,
    pub because: String,
    /// Whether figures say to go on or to begin anew.
    pub course: Verdict,
    /// What no figure tells: reasons to begin anew that somebody must answer.
    #[serde(default)]
    pub asked: Vec<String>,
}

/// What is known of earlier runs of the company.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct History {
    /// The start of the newest run that made a strategy.
    pub strategy: Option<NaiveDate>,
    /// Whether something was ever carried out.
    pub has_execution: bool,
    /// Phases that earlier runs finished for the same scenario in the same quarter.
    pub done: BTreeSet<String>,
    /// Competitors of the newest earlier configuration, as slugs; nothing where there was none.
    pub competitors: Option<BTreeSet<String>>,
    /// The last month of whose results an earlier configuration told.
    pub last_month: Option<String>,
}

/// The coordinator's look before a run.
pub fn advise(
    definition: &Definition,
    business: &Business,
    figures: &Figures,
    selection: &Selection<'_>,
    history: &History,
) -> Advice {
    let scenario = definition.scenarios.iter().find(|of| of.id == business.scenario.name());
    let course = figures.economics.verdict.clone();
    // A run of this quarter counts: what is done for the scenario is not needed again.
    let needed: Vec<&str> = scenario
        .into_iter()
        .flat_map(|of| &of.phases)
        .filter(|phase| !history.done.contains(*phase))
        .map(String::as_str)
        .collect();
    let told = Told { definition, business, figures, selection, history, needed: &needed };
    let (run, phases, agents, because) = told.mode();
    Advice {
        scenario: scenario.map(|of| of.title.clone()).unwrap_or_default(),
        focus: scenario.map(|of| of.focus.clone()).unwrap_or_default(),
        risk: scenario.map(|of| of.risk.clone()).unwrap_or_default(),
        doubts: scenario.map(|of| doubts(of, &needed, selection, history)).unwrap_or_default(),
        run,
        phases,
        agents,
        because,
        course,
        asked: definition.restart.asked.clone(),
    }
}

fn doubts(
    scenario: &ScenarioRule,
    needed: &[&str],
    selection: &Selection<'_>,
    history: &History,
) -> Vec<String> {
    // An agent alone is no execution of a scenario.
    if selection.task.is_some() {
        return Vec::new();
    }
    let mut doubts = Vec::new();
    let selected: Vec<&str> = selection.phases.iter().map(|phase| phase.id.as_str()).collect();
    let missing: Vec<String> =
        needed.iter().filter(|of| !selected.contains(of)).map(|of| format!("`{of}`")).collect();
    if !missing.is_empty() {
        doubts.push(format!(
            "“{}” needs {} as well; run them, or say by `scenario` that this is another situation",
            scenario.title,
            crate::kernel::text::sentence_list(&missing)
        ));
    }
    let builds_on_strategy = !scenario.phases.iter().any(|of| of == "strategy");
    if builds_on_strategy && history.strategy.is_none() && !selected.contains(&"strategy") {
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

/// Everything that tells in which situation a company is.
struct Told<'t> {
    definition: &'t Definition,
    business: &'t Business,
    figures: &'t Figures,
    selection: &'t Selection<'t>,
    history: &'t History,
    needed: &'t [&'t str],
}

impl Told<'_> {
    /// What to run: mode or phases, the phases, agents who do it alone, and why.
    fn mode(&self) -> (String, Vec<String>, Vec<String>, String) {
        let Some(situation) = self.situation() else { return self.untold() };
        let because = situation.says.clone();
        if situation.run == SCENARIO_PHASES {
            let phases: Vec<String> = self.needed.iter().map(ToString::to_string).collect();
            let mode = self.definition.modes.iter().find(|mode| mode.phases == phases);
            let run = mode.map_or_else(|| phases.join(","), |mode| mode.id.clone());
            return (run, phases, situation.agents.clone(), because);
        }
        let phases = self.definition.mode(&situation.run).map(|mode| mode.phases.clone()).unwrap_or_default();
        (situation.run.clone(), phases, situation.agents.clone(), because)
    }

    /// What to run where the definition has no situation for it.
    fn untold(&self) -> (String, Vec<String>, Vec<String>, String) {
        let alone = self.definition.modes.iter().find(|mode| mode.phases.is_empty());
        if let (Some(_), Some(alone)) = (&self.selection.task, alone) {
            let agent = self.selection.pieces.first().map(|piece| piece.agent.id.clone());
            let because = "One task of one agent was asked for".to_owned();
            return (alone.id.clone(), Vec::new(), agent.into_iter().collect(), because);
        }
        let phases = self.definition.phases.iter().map(|phase| phase.id.clone()).collect();
        ("full".to_owned(), phases, Vec::new(), "No rule fits".to_owned())
    }

    /// The first situation of which something tells that it is there.
    fn situation(&self) -> Option<&Situation> {
        let named = |id: &str| self.definition.situations.iter().find(|of| of.id == id);
        if self.figures.economics.verdict.advice == "restart" {
            return named("strategy_pivot");
        }
        let Some(strategy) = self.history.strategy else { return named("first_run") };
        if (self.business.start - strategy).num_days() > STRATEGY_DAYS {
            return named("annual_planning");
        }
        if let Some(task) = &self.selection.task {
            return self.of_task(task);
        }
        if !self.needed.is_empty() {
            return named(match self.business.scenario {
                Scenario::NewProductLaunch => "new_product",
                Scenario::NewMarket => "new_market",
                Scenario::QuarterlyPlanning => "strategy_refresh",
                Scenario::Scaling => "new_campaigns",
            });
        }
        // All that the scenario needs was run in this quarter: what has changed since then?
        if self.customers_leave() {
            named("churn_spike")
        } else if self.competitor_is_new() {
            named("new_competitor")
        } else if self.months_are_new() {
            named("monthly_review")
        } else {
            named("nothing_new")
        }
    }

    /// The situation of one agent that a task in words is about.
    fn of_task(&self, task: &str) -> Option<&Situation> {
        let agent = self.selection.pieces.first().map(|piece| piece.agent.id.as_str());
        let wanted = stems(task);
        let fits = |of: &&Situation| {
            of.agents.len() == 1
                && of.agents.first().map(String::as_str) == agent
                && !wanted.is_disjoint(&stems(&of.says))
        };
        self.definition.situations.iter().find(fits)
    }

    /// Whether the cohorts that were observed shrink faster than the yearly churn of the configuration.
    fn customers_leave(&self) -> bool {
        let kept = &self.figures.retention;
        let (Some(last), true) = (kept.last(), self.figures.cohorts_observed) else { return false };
        let years = super::figures::real(kept.len() as u64) / 4.0;
        1.0 - last.powf(1.0 / years) > self.business.annual_churn * CHURN_OVER_PLAN
    }

    fn competitor_is_new(&self) -> bool {
        let known = self.history.competitors.as_ref();
        known.is_some_and(|known| self.business.competitors.iter().any(|of| !known.contains(&of.slug)))
    }

    fn months_are_new(&self) -> bool {
        let last = self.business.results.iter().map(|of| &of.month).max();
        last.is_some_and(|last| self.history.last_month.as_ref().is_none_or(|known| last > known))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::programmes::draft::tests::example;
    use crate::programmes::selection::{Scope, select};

    fn told(change: impl FnOnce(&mut Business), scope: &Scope, history: &History) -> Advice {
        let (definition, mut business) = example();
        change(&mut business);
        let figures = Figures::of(&business, &definition.restart);
        let selection = select(&definition, scope).unwrap();
        advise(&definition, &business, &figures, &selection, history)
    }

    fn phases(ids: &[&str]) -> Scope {
        Scope { phases: ids.iter().map(ToString::to_string).collect(), ..Scope::default() }
    }

    fn advice(change: impl FnOnce(&mut Business), ids: &[&str], history: &History) -> Advice {
        told(change, &phases(ids), history)
    }

    /// A strategy and campaigns of last quarter.
    fn old() -> History {
        let (_, business) = example();
        History {
            strategy: "2025-11-03".parse().ok(),
            has_execution: true,
            competitors: Some(business.competitors.iter().map(|of| of.slug.clone()).collect()),
            last_month: Some("2026-01".to_owned()),
            ..History::default()
        }
    }

    /// The same, and all of this quarter is done.
    fn done() -> History {
        let all = ["strategy", "pipeline-building", "execution", "analysis"];
        History { done: all.map(str::to_owned).into(), ..old() }
    }

    /// Each month two won at a cost that is far above the target and rises.
    fn dear(of: &mut Business) {
        for (place, row) in of.results.iter_mut().enumerate() {
            row.won = u64::from(place % 5 == 0);
            row.spend *= if row.month.as_str() < "2026" { 10.0 } else { 20.0 };
        }
    }

    fn scaling(of: &mut Business) {
        of.scenario = Scenario::Scaling;
    }

    #[test]
    fn a_scenario_names_the_phases_that_it_needs() {
        let found = advice(|_| {}, &["strategy"], &History::default());
        assert!(found.doubts[0].contains("`pipeline-building`, `execution` and `analysis`"), "{found:?}");
        assert!(found.risk.contains("small budget"));
        assert!(advice(|_| {}, &[], &History::default()).doubts.is_empty());
        let needed = ["pipeline-building", "execution", "analysis"];
        let without = advice(scaling, &needed, &History::default());
        assert!(without.doubts[0].contains("takes a strategy for granted"), "{without:?}");
        assert!(advice(scaling, &needed, &old()).doubts.is_empty());
        let planning = |of: &mut Business| of.scenario = Scenario::QuarterlyPlanning;
        assert!(advice(planning, &["strategy", "analysis"], &old()).doubts.is_empty());
        // What was run for it in this quarter is not needed again.
        let begun = History { done: BTreeSet::from(["strategy".to_owned()]), ..old() };
        assert!(advice(planning, &["analysis"], &begun).doubts.is_empty());
        assert!(!advice(planning, &["analysis"], &old()).doubts.is_empty());
    }

    #[test]
    fn whoever_follows_the_advice_meets_no_doubt() {
        for (_, scenario) in Scenario::ALL {
            for history in [History::default(), old(), done()] {
                for change in [|_: &mut Business| {}, dear] {
                    let changed = |of: &mut Business| {
                        of.scenario = scenario;
                        change(of);
                    };
                    let found = advice(changed, &[], &history);
                    let ids: Vec<&str> = found.phases.iter().map(String::as_str).collect();
                    let followed = advice(changed, &ids, &history);
                    let missing = followed.doubts.iter().find(|doubt| !doubt.contains("a launch assumes"));
                    assert!(missing.is_none(), "{scenario:?}, {history:?}: {found:?}");
                    assert!(!found.because.is_empty() && found.asked.len() == 3, "{found:?}");
                }
            }
        }
    }

    #[test]
    fn the_advice_follows_from_what_is_there_and_from_figures() {
        let run = |found: Advice| (found.run, found.because);
        let planning = |of: &mut Business| of.scenario = Scenario::QuarterlyPlanning;
        assert_eq!(run(advice(planning, &[], &old())).0, "strategy,analysis");
        assert_eq!(run(advice(scaling, &[], &old())).0, "pipeline-building,execution,analysis");
        let analysed = History { done: BTreeSet::from(["analysis".to_owned()]), ..old() };
        assert_eq!(run(advice(scaling, &[], &analysed)).0, "build-and-execute");
        let found = advice(dear, &[], &old());
        assert_eq!((found.course.advice.as_str(), found.run.as_str()), ("restart", "full"), "{found:?}");
    }

    #[test]
    fn every_situation_of_the_definition_can_be_told() {
        let task = |agent: &str, task: &str| Scope {
            agent: Some(agent.to_owned()),
            task: Some(task.to_owned()),
            ..Scope::default()
        };
        let all = phases(&[]);
        let of = |scenario: Scenario| move |of: &mut Business| of.scenario = scenario;
        let rival = |of: &mut Business| "new-rival".clone_into(&mut of.competitors[0].slug);
        let month = |of: &mut Business| "2026-02".clone_into(&mut of.results[0].month);
        let leave = |of: &mut Business| of.cohorts[0].left = vec![18, 15, 12, 9];
        let stale = History { strategy: "2024-11-03".parse().ok(), ..old() };
        let found = [
            ("first_run", told(|_| {}, &all, &History::default())),
            ("strategy_pivot", told(dear, &all, &old())),
            ("annual_planning", told(|_| {}, &all, &stale)),
            ("new_market", told(of(Scenario::NewMarket), &all, &old())),
            ("new_product", told(of(Scenario::NewProductLaunch), &all, &old())),
            ("strategy_refresh", told(of(Scenario::QuarterlyPlanning), &all, &old())),
            ("new_campaigns", told(of(Scenario::Scaling), &all, &old())),
            ("churn_spike", told(leave, &all, &done())),
            ("new_competitor", told(rival, &all, &done())),
            ("monthly_review", told(month, &all, &done())),
            ("nothing_new", told(|_| {}, &all, &done())),
            (
                "battle_card",
                told(|_| {}, &task("sales-enablement", "Update the battle card of Gearbook"), &old()),
            ),
            (
                "performance_question",
                told(|_| {}, &task("growth-analyst", "Analyze last week's campaigns"), &old()),
            ),
            ("email_sequence", told(|_| {}, &task("demand-generation", "Design one email sequence"), &old())),
            ("forecast_update", told(|_| {}, &task("pipeline-manager", "Update the forecast"), &old())),
        ];
        let (definition, _) = example();
        for situation in &definition.situations {
            let (_, advice) = found.iter().find(|(id, _)| *id == situation.id).unwrap_or_else(|| {
                panic!("nothing tells `{}`", situation.id);
            });
            assert_eq!((&advice.because, &advice.agents), (&situation.says, &situation.agents), "{advice:?}");
        }
        assert_eq!(found.len(), definition.situations.len());
        let other = told(|_| {}, &task("sales-enablement", "Build the ROI calculator"), &old());
        assert_eq!(
            (other.run.as_str(), other.agents.as_slice()),
            ("single-agent", &["sales-enablement".to_owned()][..])
        );
    }
}
