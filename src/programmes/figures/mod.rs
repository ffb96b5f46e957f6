//! All numbers of a programme, computed once from the configuration, read by every document.
//!
//! Promises: a figure exists once, so two documents cannot disagree about it; parts sum to their whole; what a formula needs
//! stands beside its result, so a reader can compute it again. The same configuration gives the same figures. Leaves out words.

mod economics;
mod funnel;
mod kpis;
mod pipeline;
mod scoring;
pub mod split;
pub mod statistics;
mod success;
mod testing;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use chrono::{Datelike as _, Days, NaiveDate};
use serde::Serialize;

pub use economics::{ChannelResult, Economics, Month, Move, TrialResult, Verdict};
pub use funnel::{Budget, BudgetLine, ChannelFunnel, Funnel};
pub use kpis::{Kpi, Question};
pub use pipeline::{Deal, Forecast, Stage};
pub use scoring::{Attribution, Criterion, DealScore, Example, LeadScore, Weight};
pub use success::{HandoffField, Health, Milestone, Segment, Touchpoint};
pub use testing::{SampleRow, TestPlan};

use super::business::Business;

/// Everything that is computed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figures {
    pub budget: Budget,
    pub funnel: Funnel,
    pub sample_sizes: Vec<SampleRow>,
    /// One for each channel.
    pub tests: Vec<TestPlan>,
    /// The first experiments.
    pub experiments: Vec<TestPlan>,
    pub attribution: Attribution,
    pub lead_score: LeadScore,
    pub deal_score: DealScore,
    pub health: Health,
    pub stages: Vec<Stage>,
    pub deals: Vec<Deal>,
    pub forecast: Forecast,
    pub economics: Economics,
    pub cohorts: Vec<CohortRow>,
    /// Retention after each quarter, over all cohorts.
    pub retention: Vec<f64>,
    /// Whether cohorts were observed; otherwise the curve follows from the annual churn.
    pub cohorts_observed: bool,
    pub roi: Roi,
    pub kpis: Vec<Kpi>,
    pub questions: Vec<Question>,
    pub segments: Vec<Segment>,
    pub milestones: Vec<Milestone>,
    pub handoff: Vec<HandoffField>,
    pub touchpoints: Vec<Touchpoint>,
    pub dates: Dates,
}

/// Days that the documents name.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Dates {
    pub start: NaiveDate,
    /// Such as `2026-q1`.
    pub quarter: String,
    /// Mondays of the first twelve weeks.
    pub weeks: Vec<NaiveDate>,
    pub review: NaiveDate,
    pub quarter_end: NaiveDate,
}

/// One row of the table of cohorts, as parts of the customers at first.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CohortRow {
    pub quarter: String,
    pub customers: u64,
    pub kept: Vec<f64>,
    pub left: Vec<u64>,
}

/// What the product is worth to a customer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Roi {
    pub lines: Vec<RoiLine>,
    pub yearly_loss: f64,
    pub yearly_value: f64,
    pub price: f64,
    /// Value less price, over price.
    pub roi: f64,
    pub payback_months: f64,
    /// With half of each improvement.
    pub cautious_value: f64,
    pub cautious_roi: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RoiLine {
    pub name: String,
    pub unit: String,
    pub per_month: f64,
    pub value: f64,
    pub improvement: f64,
    pub monthly_loss: f64,
    pub yearly_value: f64,
}

/// Two decimals, as amounts are written.
pub fn cents(amount: f64) -> f64 {
    (amount * 100.0).round() / 100.0
}

/// Four decimals, as rates are written.
pub fn rate(value: f64) -> f64 {
    (value * 10_000.0).round() / 10_000.0
}

/// A count as a number to compute with.
#[expect(clippy::cast_precision_loss, reason = "counts here are far below 2^52")]
pub fn real(count: u64) -> f64 {
    count as f64
}

impl Figures {
    /// Computes everything; `restart` says when figures mean that one should begin anew.
    pub fn of(business: &Business, restart: &super::definition::Restart) -> Self {
        let budget = funnel::budget(business);
        let funnel = funnel::funnel(business, &budget);
        let stages = pipeline::stages(business);
        let deal_score = scoring::deal_score();
        let deals = pipeline::deals(business, &stages, &deal_score);
        let forecast = pipeline::forecast(&deals, &stages);
        let economics = economics::economics(business, &budget, &funnel, restart);
        let roi = roi(business);
        let tests = testing::of_channels(business, &budget);
        let (cohorts, retention) = cohorts(business);
        let segments = success::segments(business);
        Self {
            sample_sizes: testing::table(),
            experiments: testing::experiments(business, &tests, &roi),
            tests,
            attribution: scoring::attribution(business),
            lead_score: scoring::lead_score(business),
            deal_score,
            health: success::health(business),
            kpis: kpis::kpis(business, &funnel, &economics),
            questions: kpis::questions(),
            touchpoints: success::touchpoints(business, &segments),
            segments,
            milestones: success::milestones(business),
            handoff: success::handoff(),
            dates: dates(business.start),
            cohorts_observed: !business.cohorts.is_empty(),
            budget,
            funnel,
            stages,
            deals,
            forecast,
            economics,
            cohorts,
            retention,
            roi,
        }
    }

    /// The figures that documents state, by name. Two files that state the same name must state the same number.
    pub fn named(&self, business: &Business) -> BTreeMap<&'static str, f64> {
        let (funnel, economics) = (&self.funnel, &self.economics);
        BTreeMap::from([
            ("monthly_budget", cents(budget_amount(self.budget.month_cents))),
            ("new_revenue_goal", cents(funnel.goal_revenue)),
            ("customers_goal", real(funnel.customers)),
            ("opportunities_goal", real(funnel.opportunities)),
            ("sqls_goal", real(funnel.sqls)),
            ("mqls_goal", real(funnel.mqls)),
            ("leads_goal", real(funnel.leads)),
            ("leads_per_month", real(funnel.leads_per_month)),
            ("deal_size", cents(business.deal_size)),
            ("sales_cycle_days", f64::from(business.sales_cycle_days)),
            ("mql_score", real(u64::from(self.lead_score.mql))),
            ("sql_score", real(u64::from(self.lead_score.sql))),
            ("target_cac", cents(business.targets.cac)),
            ("planned_cac", economics.planned_cac),
            ("ltv", economics.ltv),
            ("planned_payback_months", economics.planned_payback_months),
            ("onboarding_days", f64::from(business.onboarding_days)),
            ("weighted_forecast", self.forecast.weighted),
            ("commit_forecast", self.forecast.commit),
            ("yearly_value", self.roi.yearly_value),
            ("healthy_from", real(u64::from(self.health.healthy_from))),
        ])
    }
}

/// Hundredths as an amount.
#[expect(clippy::cast_precision_loss, reason = "amounts in hundredths are far below 2^52")]
pub fn budget_amount(cents: i64) -> f64 {
    cents as f64 / 100.0
}

/// The quarter of a day, such as `2026-q1`.
pub fn quarter(day: NaiveDate) -> String {
    format!("{}-q{}", day.year(), day.month0() / 3 + 1)
}

fn dates(start: NaiveDate) -> Dates {
    let to_monday = (7 - u64::from(start.weekday().num_days_from_monday())) % 7;
    let first = start + Days::new(to_monday);
    Dates {
        start,
        quarter: quarter(start),
        weeks: (0..12).map(|week| first + Days::new(week * 7)).collect(),
        review: start + Days::new(30),
        quarter_end: start + Days::new(90),
    }
}

fn roi(business: &Business) -> Roi {
    let line = |driver: &super::business::Driver| RoiLine {
        name: driver.name.clone(),
        unit: driver.unit.clone(),
        per_month: driver.per_month,
        value: driver.value,
        improvement: driver.improvement,
        monthly_loss: cents(driver.per_month * driver.value),
        yearly_value: cents(driver.per_month * driver.value * driver.improvement * 12.0),
    };
    let lines: Vec<RoiLine> = business.drivers.iter().map(line).collect();
    let yearly_value = cents(lines.iter().map(|line| line.yearly_value).sum());
    let cautious_value = cents(yearly_value / 2.0);
    let price = business.deal_size;
    Roi {
        yearly_loss: cents(lines.iter().map(|line| line.monthly_loss * 12.0).sum()),
        roi: rate((yearly_value - price) / price),
        payback_months: cents(price / (yearly_value / 12.0).max(0.01)),
        cautious_roi: rate((cautious_value - price) / price),
        lines,
        yearly_value,
        price,
        cautious_value,
    }
}

/// The table of cohorts and the curve over all; drawn from the churn where none was observed.
fn cohorts(business: &Business) -> (Vec<CohortRow>, Vec<f64>) {
    let row = |cohort: &super::business::Cohort| CohortRow {
        quarter: cohort.quarter.clone(),
        customers: cohort.customers,
        kept: cohort.left.iter().map(|left| rate(real(*left) / real(cohort.customers))).collect(),
        left: cohort.left.clone(),
    };
    let rows: Vec<CohortRow> = business.cohorts.iter().map(row).collect();
    let length = rows.iter().map(|row| row.left.len()).max().unwrap_or_default();
    if length == 0 {
        let kept = |quarter: i32| rate((1.0 - business.annual_churn).powf(f64::from(quarter) / 4.0));
        return (rows, (1..=4).map(kept).collect());
    }
    let over_all = |quarter: usize| {
        let old_enough: Vec<&CohortRow> = rows.iter().filter(|row| row.left.len() > quarter).collect();
        let first: u64 = old_enough.iter().map(|row| row.customers).sum();
        let left: u64 = old_enough.iter().map(|row| row.left[quarter]).sum();
        rate(real(left) / real(first).max(1.0))
    };
    let curve = (0..length).map(over_all).collect();
    (rows, curve)
}
