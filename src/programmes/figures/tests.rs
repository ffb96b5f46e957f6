//! Parts sum to their whole, formulas give what a calculator gives, advice follows the figures.

use super::economics::verdict;
use super::*;
use crate::programmes::business::{EXAMPLE, Scenario};
use crate::programmes::definition::Definition;

fn example() -> (Business, Figures) {
    let definition = Definition::shipped().unwrap();
    let business = Business::read("CONFIG.md", EXAMPLE, &definition.agent_ids()).unwrap();
    let figures = Figures::of(&business, &definition.restart);
    (business, figures)
}

#[track_caller]
fn assert_near(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
}

#[test]
fn the_budget_sums_to_the_cent() {
    let (business, figures) = example();
    assert_eq!(
        figures.budget.lines.iter().map(|line| line.cents).sum::<i64>(),
        business.monthly_budget_cents
    );
    assert_eq!(
        figures.economics.moves.iter().map(|of| of.after_cents).sum::<i64>(),
        business.monthly_budget_cents
    );
    assert_eq!(figures.budget.lines[0].cents, 1_080_000);
    // 10,800 at 5.60 a visit of which 4.6 % become leads.
    assert_eq!((figures.budget.lines[0].visits, figures.budget.lines[0].leads), (1_928, 88));
}

#[test]
fn the_funnel_is_computed_back_from_the_goal() {
    let (_, figures) = example();
    let funnel = &figures.funnel;
    // 1,116,000 / 18,600; then / 0.24, / 0.70, / 0.42, / 0.36, each rounded up.
    assert_eq!(
        [funnel.customers, funnel.opportunities, funnel.sqls, funnel.mqls, funnel.leads],
        [60, 250, 358, 853, 2_370]
    );
    let sum = |count: fn(&ChannelFunnel) -> u64| funnel.by_channel.iter().map(count).sum::<u64>();
    assert_eq!(
        [
            sum(|of| of.customers),
            sum(|of| of.opportunities),
            sum(|of| of.sqls),
            sum(|of| of.mqls),
            sum(|of| of.leads)
        ],
        [60, 250, 358, 853, 2_370]
    );
    assert_eq!(funnel.leads_per_month, 238);
    assert!(funnel.coverage > 1.0, "{}", funnel.coverage);
}

#[test]
fn weights_sum_to_one_and_examples_add_up() {
    let (business, figures) = example();
    for weights in [&figures.attribution.weights, &figures.deal_score.weights, &figures.health.weights] {
        assert_eq!(weights.iter().map(|weight| weight.percent).sum::<u32>(), 100);
    }
    let credited: f64 = figures.attribution.example.iter().map(|credit| credit.amount).sum();
    assert!((credited - business.deal_size).abs() < 1e-6);
    let totals: Vec<i32> = figures.lead_score.examples.iter().map(|example| example.total).collect();
    assert_eq!(totals, [90, 70, -60]);
    // 95 × 40 + 80 × 25 + 90 × 20 + 70 × 15 over 100.
    let health: Vec<u32> = figures.health.examples.iter().map(|example| example.score).collect();
    assert_eq!(health, [87, 57, 29]);
    for group in ["engagement", "fit", "intent"] {
        let points: u32 =
            figures.deal_score.factors.iter().filter(|of| of.of == group).map(|of| of.points).sum();
        assert_eq!(points, 100, "{group}");
    }
}

#[test]
fn stages_take_the_cycle_and_get_likelier() {
    let (business, figures) = example();
    assert_eq!(
        figures.stages.iter().map(|stage| stage.days).sum::<u64>(),
        u64::from(business.sales_cycle_days)
    );
    assert!(figures.stages.windows(2).all(|pair| pair[0].probability < pair[1].probability));
    assert_near(figures.stages[0].probability, 0.24);
    let forecast = &figures.forecast;
    let weighted: f64 = figures.deals.iter().map(|deal| cents(deal.amount * deal.probability)).sum();
    assert!((forecast.weighted - weighted).abs() < 0.01);
    assert!(
        forecast.commit < forecast.weighted
            && forecast.weighted < forecast.best_case
            && forecast.best_case < forecast.open
    );
    let categories: std::collections::BTreeSet<&str> =
        figures.deals.iter().map(|deal| deal.category.as_str()).collect();
    assert_eq!(categories.len(), 4, "{categories:?}");
}

#[test]
fn unit_economics_follow_their_formulas() {
    let (_, figures) = example();
    let economics = &figures.economics;
    assert_near(economics.monthly_margin, 1_255.5);
    // 1 + 0.9 + 0.81 + 0.729 + 0.6561 years at 15,066.
    assert_eq!((economics.lifetime_years, economics.ltv), (4.1, 61_770.6));
    assert!(economics.planned_cac <= 14_000.0 && economics.ltv_to_cac > 3.0, "{}", economics.planned_cac);
    assert_eq!((economics.actual_won, economics.actual_spend), (15, 65_300.0));
    // 65,300 of programmes and three months of 30,000, over 15 customers.
    assert_eq!(economics.actual_cac, Some(10_353.33));
    let google = &economics.channels[0];
    // 3,600 more a month, two more opportunities, 24 % won.
    assert_eq!(google.marginal_cac, Some(7_500.0));
    let (found, dull) = (&economics.trials[0], &economics.trials[1]);
    assert!(found.significant && found.p_value < 0.01, "{found:?}");
    assert!(!dull.significant && dull.verdict.starts_with("Not told apart"), "{dull:?}");
    assert!(economics.moved > 0.0);
}

#[test]
fn tests_run_only_as_long_as_makes_sense() {
    let (business, figures) = example();
    assert!(
        figures
            .sample_sizes
            .iter()
            .any(|row| (row.baseline, row.expected, row.per_arm) == (0.10, 0.12, 3_841))
    );
    assert_eq!((figures.tests.len(), figures.experiments.len()), (business.channels.len(), 3));
    for test in figures.tests.iter().chain(&figures.experiments) {
        assert!(test.feasible && test.days <= 56 && test.days % 7 == 0, "{test:?}");
        assert!(test.visits_per_day * real(test.days) >= 2.0 * real(test.per_arm), "{test:?}");
    }
}

#[test]
fn retention_is_observed_or_drawn_from_the_churn() {
    let (mut business, figures) = example();
    // 21 + 24 + 19 + 26 customers, 89 after a quarter.
    assert_near(figures.retention[0], rate(89.0 / 90.0));
    business.cohorts.clear();
    let (rows, curve) = cohorts(&business);
    assert!(rows.is_empty());
    assert_near(curve[3], 0.9);
}

#[test]
fn a_restart_needs_three_times_the_target_and_no_improvement() {
    let restart = Definition::shipped().unwrap().restart;
    let months = |costs: &[Option<f64>]| -> Vec<Month> {
        let month = |(place, cac): (usize, &Option<f64>)| Month {
            month: format!("2026-{:02}", place + 1),
            spend: 1.0,
            won: 1,
            opportunities: 1,
            revenue: 1.0,
            cac: *cac,
        };
        costs.iter().enumerate().map(month).collect()
    };
    let advice = |costs: &[Option<f64>]| verdict(10_000.0, &months(costs), &restart).advice;
    assert_eq!(advice(&[Some(31_000.0), Some(31_500.0), Some(33_000.0)]), "restart");
    assert_eq!(advice(&[Some(31_000.0), None, None]), "restart");
    assert_eq!(advice(&[Some(40_000.0), Some(35_000.0), Some(33_000.0)]), "iterate");
    assert_eq!(advice(&[Some(31_000.0), Some(33_000.0), Some(29_999.0)]), "iterate");
    assert_eq!(advice(&[Some(30_000.0), Some(30_000.0), Some(30_000.0)]), "restart");
    assert_eq!(advice(&[Some(50_000.0)]), "iterate");
    assert_eq!(advice(&[]), "iterate");
}

#[test]
fn another_motion_has_other_stages_with_the_same_laws() {
    let (mut business, _) = example();
    let restart = Definition::shipped().unwrap().restart;
    business.scenario = Scenario::NewProductLaunch;
    business.results.clear();
    for (_, motion) in crate::programmes::business::SalesMotion::ALL {
        business.sales_motion = motion;
        let figures = Figures::of(&business, &restart);
        assert_eq!(
            figures.stages.iter().map(|stage| stage.days).sum::<u64>(),
            u64::from(business.sales_cycle_days)
        );
        assert!(figures.economics.moves.iter().all(|of| of.change == 0.0), "nothing was measured");
        for module in ["discovery", "demo", "negotiation", "closing"] {
            assert!(figures.stages.iter().any(|stage| stage.module == module), "{motion:?} {module}");
        }
    }
}
