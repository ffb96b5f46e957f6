//! The budget by channel, and the funnel computed back from the revenue goal and forward from the budget.

use serde::Serialize;

use super::split::{split, split_count};
use super::{budget_amount, cents, rate, real};
use crate::programmes::business::{Business, Channel};

/// Days of a month on average.
const MONTH_DAYS: f64 = 30.44;

/// What each channel may spend in a month.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Budget {
    pub month_cents: i64,
    pub lines: Vec<BudgetLine>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BudgetLine {
    pub channel: String,
    pub name: String,
    pub cents: i64,
    pub amount: f64,
    pub share: f64,
    /// What so much buys in a month, by the channel's own rates.
    pub visits: u64,
    pub leads: u64,
    pub cost_per_lead: f64,
    /// Spend on the channel for each opportunity, by the rates of the whole funnel.
    pub cost_per_opportunity: f64,
    pub why: String,
}

/// The way from a visit to a customer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Funnel {
    pub goal_revenue: f64,
    pub goal_by: chrono::NaiveDate,
    /// From the start to the goal's day.
    pub months: f64,
    /// Of those, the months in which an opportunity can still be won in time.
    pub selling_months: f64,
    pub customers: u64,
    pub opportunities: u64,
    pub sqls: u64,
    pub mqls: u64,
    pub leads: u64,
    pub visits: u64,
    pub leads_per_month: u64,
    pub mqls_per_month: u64,
    pub opportunities_per_month: u64,
    pub customers_per_month: f64,
    pub lead_to_won: f64,
    /// Leads that the budget buys in a month.
    pub leads_bought: u64,
    /// Bought over needed.
    pub coverage: f64,
    /// Open opportunities needed at any time, as a multiple of what is to be won in a cycle.
    pub pipeline_coverage: f64,
    pub by_channel: Vec<ChannelFunnel>,
}

/// A channel's part of the goal.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChannelFunnel {
    pub channel: String,
    pub name: String,
    pub visits: u64,
    pub leads: u64,
    pub mqls: u64,
    pub sqls: u64,
    pub opportunities: u64,
    pub customers: u64,
    pub revenue: f64,
}

pub(super) fn budget(business: &Business) -> Budget {
    let shares: Vec<f64> = business.channels.iter().map(|channel| channel.share).collect();
    let parts = split(business.monthly_budget_cents, &shares);
    let rates = business.rates;
    let to_opportunity = rates.lead_to_mql * rates.mql_to_sql * rates.sql_to_opportunity;
    let line = |(channel, part): (&Channel, i64)| {
        let visits = budget_amount(part) / channel.cost_per_visit;
        let cost_per_lead = channel.cost_per_visit / channel.visit_to_lead;
        BudgetLine {
            channel: channel.slug.clone(),
            name: channel.name.clone(),
            cents: part,
            amount: budget_amount(part),
            share: rate(channel.share),
            visits: whole(visits),
            leads: whole(visits * channel.visit_to_lead),
            cost_per_lead: cents(cost_per_lead),
            cost_per_opportunity: cents(cost_per_lead / to_opportunity),
            why: channel.why.clone(),
        }
    };
    Budget {
        month_cents: business.monthly_budget_cents,
        lines: business.channels.iter().zip(parts).map(line).collect(),
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative, far below 2^52")]
fn whole(value: f64) -> u64 {
    value.floor() as u64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative, far below 2^52")]
fn needed(value: f64) -> u64 {
    // What is whole up to the last digits of a division is not rounded up.
    (value - 1e-9).ceil() as u64
}

pub(super) fn funnel(business: &Business, budget: &Budget) -> Funnel {
    let goal = business.goals.iter().find(|goal| goal.metric == "new_revenue");
    let (goal_revenue, goal_by) = goal.map_or((0.0, business.start), |goal| (goal.target, goal.by));
    #[expect(clippy::cast_precision_loss, reason = "days of a programme")]
    let days = (goal_by - business.start).num_days() as f64;
    let months = days / MONTH_DAYS;
    // What is opened later than one cycle before the goal's day is won after it.
    let selling_months = ((days - f64::from(business.sales_cycle_days)) / MONTH_DAYS).max(1.0);
    let rates = business.rates;
    let customers = needed(goal_revenue / business.deal_size);
    let opportunities = needed(real(customers) / rates.opportunity_to_won);
    let sqls = needed(real(opportunities) / rates.sql_to_opportunity);
    let mqls = needed(real(sqls) / rates.mql_to_sql);
    let leads = needed(real(mqls) / rates.lead_to_mql);
    let leads_bought: u64 = budget.lines.iter().map(|line| line.leads).sum();
    let leads_per_month = needed(real(leads) / selling_months);
    let by_channel = by_channel(business, budget, [customers, opportunities, sqls, mqls, leads]);
    Funnel {
        goal_revenue,
        goal_by,
        months: cents(months),
        selling_months: cents(selling_months),
        customers,
        opportunities,
        sqls,
        mqls,
        leads,
        visits: by_channel.iter().map(|part| part.visits).sum(),
        leads_per_month,
        mqls_per_month: needed(real(mqls) / selling_months),
        opportunities_per_month: needed(real(opportunities) / selling_months),
        customers_per_month: cents(real(customers) / selling_months),
        lead_to_won: rates.lead_to_mql
            * rates.mql_to_sql
            * rates.sql_to_opportunity
            * rates.opportunity_to_won,
        leads_bought,
        coverage: rate(real(leads_bought) / real(leads_per_month).max(1.0)),
        pipeline_coverage: cents(1.0 / rates.opportunity_to_won),
        by_channel,
    }
}

/// Each total divided by what the channels' budgets buy, so that the parts sum to it.
fn by_channel(business: &Business, budget: &Budget, totals: [u64; 5]) -> Vec<ChannelFunnel> {
    let bought = |(channel, line): (&Channel, &super::BudgetLine)| {
        line.amount / channel.cost_per_visit * channel.visit_to_lead
    };
    let weights: Vec<f64> = business.channels.iter().zip(&budget.lines).map(bought).collect();
    let [customers, opportunities, sqls, mqls, leads] = totals.map(|total| split_count(total, &weights));
    let part = |(place, channel): (usize, &Channel)| ChannelFunnel {
        channel: channel.slug.clone(),
        name: channel.name.clone(),
        visits: needed(real(leads[place]) / channel.visit_to_lead),
        leads: leads[place],
        mqls: mqls[place],
        sqls: sqls[place],
        opportunities: opportunities[place],
        customers: customers[place],
        revenue: cents(real(customers[place]) * business.deal_size),
    };
    business.channels.iter().enumerate().map(part).collect()
}
