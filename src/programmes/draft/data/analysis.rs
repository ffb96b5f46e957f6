//! The data of analysis and iteration: unit economics, recommendations, decisions, the next budget.

use super::exact;
use crate::programmes::business::Business;
use crate::programmes::deliverable::data::{
    BudgetItem, DecisionItem, EconomicsData, Iteration, Reallocation, Recommendation,
};
use crate::programmes::draft::words;
use crate::programmes::figures::{Example, Figures, budget_amount, cents, real};

/// The budget of the next cycle.
pub(super) fn reallocation(figures: &Figures) -> Reallocation {
    let line = |of: &crate::programmes::figures::Move| BudgetItem {
        channel: of.channel.clone(),
        amount: exact(of.after_cents),
        why: of.why.clone(),
    };
    Reallocation {
        month_total: exact(figures.budget.month_cents),
        lines: figures.economics.moves.iter().map(line).collect(),
    }
}

/// What was measured; the plan where nothing was.
pub(super) fn economics(business: &Business, figures: &Figures) -> EconomicsData {
    let of = &figures.economics;
    let months = if of.observed { real(of.months.len() as u64) } else { figures.funnel.months };
    let (spend, customers, cac) = match of.actual_cac {
        Some(cac) => (of.actual_spend, of.actual_won, cac),
        None => (
            cents(budget_amount(figures.budget.month_cents) * months),
            figures.funnel.customers,
            of.planned_cac,
        ),
    };
    EconomicsData {
        spend,
        sales_cost: cents(business.sales_cost_per_month * months),
        customers,
        cac,
        monthly_margin: of.monthly_margin,
        payback_months: of.actual_payback_months.unwrap_or(of.planned_payback_months),
        yearly_margin: of.yearly_margin,
        lifetime_years: of.lifetime_years,
        ltv: of.ltv,
    }
}

/// What the figures recommend, the most important first.
pub(in crate::programmes::draft) fn recommendations(
    business: &Business,
    figures: &Figures,
) -> Vec<Recommendation> {
    let of = &figures.economics;
    let currency = &business.currency;
    let mut made: Vec<(&str, String, String)> = Vec::new();
    if of.verdict.advice == "restart" {
        made.push(("restart", "Stop and question the strategy".to_owned(), of.verdict.why.clone()));
    }
    if of.moved > 0.0 {
        let names = |rising: bool| {
            let named = of.moves.iter().filter(|of| if rising { of.change > 0.0 } else { of.change < 0.0 });
            crate::kernel::text::sentence_list(&named.map(|of| of.name.clone()).collect::<Vec<_>>())
        };
        made.push((
            "move-budget",
            format!(
                "Move {} {currency} a month from {} to {}",
                words::amount(of.moved),
                names(false),
                names(true)
            ),
            "The next customer costs less there; nothing else changes in the total".to_owned(),
        ));
    }
    for trial in of.trials.iter().filter(|trial| trial.significant) {
        made.push((
            "roll-out",
            format!("{}: {}", trial.verdict, trial.name),
            format!(
                "{} instead of {} (p = {:.3})",
                words::percent(trial.variant_rate),
                words::percent(trial.control_rate),
                trial.p_value
            ),
        ));
    }
    if figures.funnel.coverage < 1.0 {
        let missing =
            figures.funnel.leads_per_month - figures.funnel.leads_bought.min(figures.funnel.leads_per_month);
        made.push((
            "close-gap",
            format!("Close the gap of {missing} leads a month between budget and goal"),
            format!(
                "The budget buys {} of the leads that the goal needs",
                words::percent(figures.funnel.coverage)
            ),
        ));
    }
    if let Some(best) = &of.best {
        made.push((
            "learn-best",
            format!("Write down why {best} works, and try it elsewhere"),
            "It has the lowest cost per opportunity".to_owned(),
        ));
    }
    for trial in of.trials.iter().filter(|trial| !trial.significant) {
        made.push((
            "finish-test",
            format!("Finish or drop: {}", trial.name),
            format!("p = {:.3} says nothing yet", trial.p_value),
        ));
    }
    if !of.observed {
        made.push((
            "measure",
            "Record results by month and channel before the next cycle".to_owned(),
            "All analysis rests on the plan until then".to_owned(),
        ));
    }
    made.push((
        "next-experiment",
        format!(
            "Run “{}” next",
            figures.experiments.first().map_or("the first experiment", |of| of.title.as_str())
        ),
        figures.experiments.first().map(|of| format!("Can be told in {} days", of.days)).unwrap_or_default(),
    ));
    let mut seen: std::collections::BTreeMap<&str, u32> = std::collections::BTreeMap::new();
    let mut ranked = Vec::new();
    for (place, (id, title, effect)) in made.into_iter().enumerate() {
        let times = seen.entry(id).or_default();
        *times += 1;
        let id = if *times == 1 { id.to_owned() } else { format!("{id}-{times}") };
        ranked.push(Recommendation {
            id,
            title,
            priority: u32::try_from(place).unwrap_or(u32::MAX) + 1,
            effect,
        });
    }
    ranked
}

/// The coordinator's decisions: taken where the figures carry them, postponed where they do not yet.
pub(super) fn iteration(business: &Business, figures: &Figures) -> Iteration {
    let decide = |of: Recommendation| {
        let (decision, why) = match of.id.split('-').next().unwrap_or_default() {
            "finish" => ("postponed", "Runs on to its planned size first"),
            "learn" => ("accepted", "Costs a day and is due in two weeks"),
            _ => ("accepted", of.effect.as_str()),
        };
        DecisionItem { recommendation: of.id.clone(), decision: decision.to_owned(), why: why.to_owned() }
    };
    Iteration {
        verdict: figures.economics.verdict.advice.clone(),
        decisions: recommendations(business, figures).into_iter().map(decide).collect(),
    }
}

/// The verdict of a worked example, for the tables of templates.
pub(in crate::programmes::draft) fn added_up(example: &Example) -> String {
    let parts: Vec<String> = example.parts.iter().map(|(_, points)| points.to_string()).collect();
    format!("{} = {}", parts.join(" + ").replace("+ -", "− "), example.total)
}
