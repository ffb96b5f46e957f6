//! What a customer costs and is worth, by plan and by what happened; where the next amount goes; whether to go on or begin anew.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::split::split;
use super::statistics::p_value;
use super::{Budget, Funnel, budget_amount, cents, rate, real};
use crate::programmes::business::{Business, Outcome};
use crate::programmes::definition::Restart;

/// A customer is counted for so many years at the most: what lies further is hope.
const LIFETIME_YEARS: i32 = 5;
/// Moved from a channel at once, at the most: more, and what was learned there no longer holds.
const MOVE_SHARE: f64 = 0.2;
/// A channel whose next customer costs so many times the middle one gives budget away.
const DEAR: f64 = 1.25;

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Economics {
    pub planned_cac: f64,
    pub planned_payback_months: f64,
    pub monthly_margin: f64,
    pub yearly_margin: f64,
    pub lifetime_years: f64,
    pub ltv: f64,
    pub ltv_to_cac: f64,
    /// Whether something has happened already.
    pub observed: bool,
    pub actual_cac: Option<f64>,
    pub actual_payback_months: Option<f64>,
    pub actual_won: u64,
    pub actual_spend: f64,
    pub actual_revenue: f64,
    pub months: Vec<Month>,
    pub channels: Vec<ChannelResult>,
    pub best: Option<String>,
    pub worst: Option<String>,
    pub trials: Vec<TrialResult>,
    pub moves: Vec<Move>,
    pub moved: f64,
    pub verdict: Verdict,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Month {
    pub month: String,
    pub spend: f64,
    pub won: u64,
    pub opportunities: u64,
    pub revenue: f64,
    /// With the sales cost; nothing where nobody was won.
    pub cac: Option<f64>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChannelResult {
    pub channel: String,
    pub name: String,
    pub spend: f64,
    pub visits: u64,
    pub leads: u64,
    pub mqls: u64,
    pub opportunities: u64,
    pub won: u64,
    pub revenue: f64,
    pub cost_per_lead: Option<f64>,
    pub cost_per_opportunity: Option<f64>,
    pub spend_per_customer: Option<f64>,
    /// Revenue of the first year for each unit spent.
    pub roas: f64,
    /// What one customer more costs in programme spend, from the first to the last month.
    pub marginal_cac: Option<f64>,
    pub marginal_note: String,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TrialResult {
    pub name: String,
    pub control_rate: f64,
    pub variant_rate: f64,
    pub lift: f64,
    pub p_value: f64,
    pub significant: bool,
    pub verdict: String,
}

/// Budget of a channel before and after.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Move {
    pub channel: String,
    pub name: String,
    pub before_cents: i64,
    pub after_cents: i64,
    pub before: f64,
    pub after: f64,
    pub change: f64,
    pub why: String,
}

/// Whether to go on or to begin anew.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ProgrammeVerdict)]
pub struct Verdict {
    /// `iterate` or `restart`.
    pub advice: String,
    pub why: String,
}

pub(super) fn economics(
    business: &Business,
    budget: &Budget,
    funnel: &Funnel,
    restart: &Restart,
) -> Economics {
    let monthly_cost = budget_amount(business.monthly_budget_cents) + business.sales_cost_per_month;
    let monthly_margin = cents(business.deal_size / 12.0 * business.gross_margin);
    let planned_cac = cents(monthly_cost * funnel.months / real(funnel.customers).max(1.0));
    let kept = 1.0 - business.annual_churn;
    // The sum of a year's margin over the years, each with those who are still there.
    let lifetime_years = cents((0..LIFETIME_YEARS).map(|year| kept.powi(year)).sum());
    let yearly_margin = cents(business.deal_size * business.gross_margin);
    let ltv = cents(yearly_margin * lifetime_years);
    let months = months(business);
    let channels = channels(business);
    let won: u64 = months.iter().map(|month| month.won).sum();
    let spend: f64 = months.iter().map(|month| month.spend).sum();
    let total = spend + business.sales_cost_per_month * real(months.len() as u64);
    let actual_cac = (won > 0).then(|| cents(total / real(won)));
    let moves = moves(budget, &channels);
    let by_cost = |a: &&ChannelResult, b: &&ChannelResult| {
        a.cost_per_opportunity.unwrap_or(f64::MAX).total_cmp(&b.cost_per_opportunity.unwrap_or(f64::MAX))
    };
    Economics {
        planned_cac,
        planned_payback_months: cents(planned_cac / monthly_margin.max(0.01)),
        monthly_margin,
        yearly_margin,
        lifetime_years,
        ltv,
        ltv_to_cac: cents(ltv / planned_cac.max(0.01)),
        observed: !months.is_empty(),
        actual_payback_months: actual_cac.map(|cac| cents(cac / monthly_margin.max(0.01))),
        actual_won: won,
        actual_spend: cents(spend),
        actual_revenue: cents(months.iter().map(|month| month.revenue).sum()),
        best: channels.iter().min_by(by_cost).map(|channel| channel.name.clone()),
        worst: channels.iter().max_by(by_cost).map(|channel| channel.name.clone()),
        trials: business.experiments.iter().map(trial).collect(),
        moved: cents(moves.iter().map(|of| of.change.max(0.0)).sum()),
        verdict: verdict(business.targets.cac, &months, restart),
        actual_cac,
        months,
        channels,
        moves,
    }
}

fn months(business: &Business) -> Vec<Month> {
    let mut by_month: BTreeMap<&str, Month> = BTreeMap::new();
    for of in &business.results {
        let empty = || Month {
            month: of.month.clone(),
            spend: 0.0,
            won: 0,
            opportunities: 0,
            revenue: 0.0,
            cac: None,
        };
        let month = by_month.entry(&of.month).or_insert_with(empty);
        month.spend = cents(month.spend + of.spend);
        month.won += of.won;
        month.opportunities += of.opportunities;
        month.revenue = cents(month.revenue + of.revenue);
    }
    let with_cac = |month: Month| Month {
        cac: (month.won > 0).then(|| cents((month.spend + business.sales_cost_per_month) / real(month.won))),
        ..month
    };
    by_month.into_values().map(with_cac).collect()
}

fn channels(business: &Business) -> Vec<ChannelResult> {
    let mut made = Vec::new();
    for channel in &business.channels {
        let mut of: Vec<&Outcome> = business.results.iter().filter(|of| of.channel == channel.slug).collect();
        of.sort_by(|a, b| a.month.cmp(&b.month));
        if of.is_empty() {
            continue;
        }
        let sum = |count: fn(&Outcome) -> u64| of.iter().map(|outcome| count(outcome)).sum::<u64>();
        let spend: f64 = of.iter().map(|outcome| outcome.spend).sum();
        let revenue: f64 = of.iter().map(|outcome| outcome.revenue).sum();
        let (leads, opportunities, won) = (sum(|of| of.leads), sum(|of| of.opportunities), sum(|of| of.won));
        let per = |count: u64| (count > 0).then(|| cents(spend / real(count)));
        let (marginal_cac, marginal_note) = marginal(&of, business.rates.opportunity_to_won);
        made.push(ChannelResult {
            channel: channel.slug.clone(),
            name: channel.name.clone(),
            spend: cents(spend),
            visits: sum(|of| of.visits),
            leads,
            mqls: sum(|of| of.mqls),
            opportunities,
            won,
            revenue: cents(revenue),
            cost_per_lead: per(leads),
            cost_per_opportunity: per(opportunities),
            spend_per_customer: per(won),
            roas: cents(revenue / spend.max(0.01)),
            marginal_cac,
            marginal_note,
        });
    }
    made
}

/// From the first to the last month: the spend that was added over the opportunities that it brought, by the rate at which
/// these are won. Opportunities instead of customers, because a handful of wins says nothing.
fn marginal(of: &[&Outcome], win_rate: f64) -> (Option<f64>, String) {
    let (Some(first), Some(last)) = (of.first(), of.last().filter(|_| of.len() > 1)) else {
        return (None, "one month only".to_owned());
    };
    let added = last.spend - first.spend;
    if added <= 0.0 {
        return (None, "spend did not rise".to_owned());
    }
    if last.opportunities <= first.opportunities {
        return (None, format!("{added:.0} more a month brought no more opportunities"));
    }
    let more = last.opportunities - first.opportunities;
    let note = format!("{added:.0} more a month brought {more} more opportunities");
    (Some(cents(added / real(more) / win_rate)), note)
}

fn trial(of: &crate::programmes::business::Trial) -> TrialResult {
    let control = real(of.control_conversions) / real(of.control_visitors).max(1.0);
    let variant = real(of.variant_conversions) / real(of.variant_visitors).max(1.0);
    let p =
        p_value((of.control_visitors, of.control_conversions), (of.variant_visitors, of.variant_conversions));
    let significant = p < super::testing::ALPHA;
    let verdict = match (significant, variant > control) {
        (true, true) => "Roll the variant out",
        (true, false) => "Keep the control",
        (false, _) => "Not told apart: run on to the planned size, or drop it",
    };
    TrialResult {
        name: of.name.clone(),
        control_rate: rate(control),
        variant_rate: rate(variant),
        lift: rate(variant / control.max(1e-9) - 1.0),
        p_value: rate(p),
        significant,
        verdict: verdict.to_owned(),
    }
}

/// Takes a fifth from channels whose next customer is dear and gives it to those whose next customer is cheap.
fn moves(budget: &Budget, channels: &[ChannelResult]) -> Vec<Move> {
    let marginal = |slug: &str| channels.iter().find(|of| of.channel == slug);
    let mut known: Vec<f64> = channels.iter().filter_map(|of| of.marginal_cac).collect();
    known.sort_by(f64::total_cmp);
    let middle = known.get(known.len() / 2).copied();
    let gives = |slug: &str| {
        let of = marginal(slug)?;
        let middle = middle?;
        match of.marginal_cac {
            Some(cost) => (cost > middle * DEAR).then_some(cost),
            // More was spent and nothing came of it.
            None => of.marginal_note.contains("no more").then_some(f64::MAX),
        }
    };
    let takes = |slug: &str| {
        let cost = marginal(slug)?.marginal_cac?;
        middle.is_some_and(|middle| cost < middle).then_some(cost)
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "a fifth of a budget line"
    )]
    let fifth = |cents: i64| (cents as f64 * MOVE_SHARE).floor() as i64;
    let takers: Vec<f64> = budget
        .lines
        .iter()
        .map(|line| takes(&line.channel).map_or(0.0, |cost| 1.0 / cost.max(1.0).sqrt()))
        .collect();
    let anybody = takers.iter().any(|weight| *weight > 0.0);
    let given: Vec<i64> = budget
        .lines
        .iter()
        .map(|line| if anybody && gives(&line.channel).is_some() { fifth(line.cents) } else { 0 })
        .collect();
    let pool: i64 = given.iter().sum();
    let taken = if pool > 0 { split(pool, &takers) } else { vec![0; takers.len()] };
    let change = |(place, line): (usize, &super::BudgetLine)| {
        let after = line.cents - given[place] + taken[place];
        let cost = marginal(&line.channel).and_then(|of| of.marginal_cac);
        let note = marginal(&line.channel).map_or("nothing was measured yet", |of| of.marginal_note.as_str());
        let why = match (given[place] > 0, taken[place] > 0) {
            (true, _) => format!("Its next customer is the dearest: {note}"),
            (_, true) => {
                format!("Its next customer costs {:.0} in programme spend: {note}", cost.unwrap_or_default())
            }
            _ => format!("Stays: {note}"),
        };
        Move {
            channel: line.channel.clone(),
            name: line.name.clone(),
            before_cents: line.cents,
            after_cents: after,
            before: line.amount,
            after: budget_amount(after),
            change: cents(budget_amount(after - line.cents)),
            why,
        }
    };
    budget.lines.iter().enumerate().map(change).collect()
}

/// Restart when the last month's cost is so many times the target and did not fall over so many months.
pub fn verdict(target: f64, months: &[Month], restart: &Restart) -> Verdict {
    let (factor, needed) = (restart.cac_over_target, restart.months_without_improvement as usize);
    let advice = |advice: &str, why: String| Verdict { advice: advice.to_owned(), why };
    let Some(last) = months.last() else {
        return advice(
            "iterate",
            "Nothing was measured yet; measure for a quarter before asking again.".to_owned(),
        );
    };
    // A month in which nobody was won costs more than any other.
    let cost = |month: &Month| month.cac.unwrap_or(f64::INFINITY);
    let shown =
        |month: &Month| month.cac.map_or_else(|| "without a customer".to_owned(), |cac| format!("{cac:.0}"));
    let times = cost(last) / target;
    if times < factor {
        let why = format!(
            "A customer cost {} in {}, {times:.1} times the target of {target:.0}; a restart is for {factor} times. Go on \
             within the strategy.",
            shown(last),
            last.month
        );
        return advice("iterate", why);
    }
    let tail = &months[months.len().saturating_sub(needed + 1)..];
    let improving = tail.windows(2).any(|pair| cost(&pair[1]) < cost(&pair[0]));
    if improving || tail.len() <= needed {
        let why = format!(
            "A customer cost {} in {}, more than {factor} times the target of {target:.0}, but it has not failed to fall for \
             {needed} months yet. Go on and look again next month.",
            shown(last),
            last.month
        );
        return advice("iterate", why);
    }
    let run: Vec<String> = tail.iter().map(|month| format!("{} {}", month.month, shown(month))).collect();
    let why = format!(
        "The cost of a customer is more than {factor} times the target of {target:.0} and did not fall in {needed} months \
         ({}). Question positioning and market before spending more.",
        run.join(", ")
    );
    advice("restart", why)
}
