//! What a configuration says that cannot all be true, and what is doubtful in it.

use super::Business;
use super::markdown::Section;
use crate::programmes::fault::{Fault, Faults};

/// Shares may miss 100 % by so much: people write them rounded.
const SHARE_SLACK: f64 = 0.005;

/// The line of a section's part, for a fault about it.
fn line(root: &Section, title: &str, child: &str) -> usize {
    let section = root.child(title);
    let part = section.and_then(|section| section.child(child)).map(|part| part.line);
    part.or_else(|| section.map(|section| section.line)).unwrap_or_default()
}

/// Whether nothing contradicts anything else; only asked when all parts were read.
pub(super) fn contradictions(
    business: &Business,
    root: &Section,
    front: &str,
    agents: &[&str],
    faults: &mut Faults,
) {
    let share: f64 = business.channels.iter().map(|channel| channel.share).sum();
    if (share - 1.0).abs() > SHARE_SLACK {
        let message = format!(
            "the shares of the channels add up to {:.0} %, they must add up to 100 %: {}",
            share * 100.0,
            business
                .channels
                .iter()
                .map(|c| format!("{} {:.0} %", c.name, c.share * 100.0))
                .collect::<Vec<_>>()
                .join(", ")
        );
        faults.add(line(root, "Channels", ""), "Channels", message);
    }
    if business.currency.len() != 3 || !business.currency.chars().all(|c| c.is_ascii_uppercase()) {
        let message = format!("`{}` is no currency; write three letters such as USD", business.currency);
        faults.add(at(front, "currency"), "currency", message);
    }
    if !business.website.starts_with("https://") {
        faults.add(at(front, "website"), "website", "must begin with https://");
    }
    goals(business, root, front, faults);
    personas(business, root, faults);
    for member in &business.team {
        if !agents.contains(&member.agent.as_str()) {
            faults.unknown(line(root, "Team", ""), "Team", "agent", &member.agent, agents);
        }
    }
    for agent in agents {
        if business.team.iter().filter(|member| member.agent == *agent).count() > 1 {
            faults.add(
                line(root, "Team", ""),
                "Team",
                format!("`{agent}` is filled twice; name one who answers for it"),
            );
        }
    }
    if business.features.is_empty() || business.value_props.is_empty() || business.drivers.is_empty() {
        let message = "name at least one feature, one value proposition and one value driver";
        faults.add(line(root, "Product", ""), "Product", message);
    }
    let names = business.features.iter().map(|feature| &feature.slug);
    twice(names, line(root, "Product", "Features"), "Features", faults);
    let names = business.value_props.iter().map(|prop| &prop.slug);
    twice(names, line(root, "Product", "Value propositions"), "Value propositions", faults);
    if business.gross_margin * business.deal_size <= 0.0 {
        faults.add(at(front, "gross_margin"), "gross_margin", "leaves nothing of a deal");
    }
}

fn twice<'a>(slugs: impl Iterator<Item = &'a String>, line: usize, path: &str, faults: &mut Faults) {
    let mut seen = std::collections::BTreeSet::new();
    for slug in slugs {
        if !seen.insert(slug) {
            faults.add(line, path, format!("`{slug}` is there twice"));
        }
    }
}

fn at(front: &str, key: &str) -> usize {
    let found = front.lines().position(|line| line.split('=').next().is_some_and(|name| name.trim() == key));
    found.map_or(1, |index| index + 2)
}

fn goals(business: &Business, root: &Section, front: &str, faults: &mut Faults) {
    let goals = line(root, "Goals", "");
    for goal in &business.goals {
        if goal.by <= business.start {
            let message = format!(
                "`{}` is due on {}, before the programme begins on {}",
                goal.name, goal.by, business.start
            );
            faults.add(goals, "Goals", message);
        }
        if goal.target <= 0.0 {
            faults.add(goals, "Goals", format!("`{}` has a target of {}", goal.name, goal.target));
        }
    }
    let of = |metric: &str| business.goals.iter().find(|goal| goal.metric == metric);
    let Some(revenue) = of("new_revenue") else {
        faults.add(
            goals,
            "Goals",
            "needs a goal with the metric `new_revenue`: all targets are computed back from it",
        );
        return;
    };
    let days = (revenue.by - business.start).num_days();
    if days > 0 && i64::from(business.sales_cycle_days) >= days {
        let message = format!(
            "a sales cycle of {} days does not fit before {}, {days} days after the start: nothing that begins in this \
             programme could be won in time",
            business.sales_cycle_days, revenue.by
        );
        faults.add(at(front, "sales_cycle_days"), "sales_cycle_days", message);
    }
    let stated = [
        ("cac", business.targets.cac, "targets.cac"),
        ("payback_months", business.targets.payback_months, "targets.payback_months"),
        ("net_revenue_retention", business.targets.net_revenue_retention, "targets.net_revenue_retention"),
        ("annual_churn", business.annual_churn, "annual_churn"),
    ];
    for (metric, target, key) in stated.iter().take(3) {
        if let Some(goal) =
            of(metric).filter(|goal| (goal.target - target).abs() > 1e-9 * target.abs().max(1.0))
        {
            let message =
                format!("`{}` says {}, `{key}` on top says {target}; write the same", goal.name, goal.target);
            faults.add(goals, "Goals", message);
        }
    }
    twice(business.goals.iter().map(|goal| &goal.slug), goals, "Goals", faults);
}

fn personas(business: &Business, root: &Section, faults: &mut Faults) {
    for persona in &business.personas {
        if !business.channels.iter().any(|channel| channel.personas.contains(&persona.slug)) {
            let message =
                format!("no channel reaches `{}`; name it below a channel, or leave it out", persona.title);
            faults.add(line(root, "Personas", &persona.title), "Personas", message);
        }
    }
    for channel in business.channels.iter().filter(|channel| channel.personas.is_empty()) {
        faults.add(
            line(root, "Channels", &channel.name),
            "Channels",
            format!("`{}` reaches nobody", channel.name),
        );
    }
}

/// What is possible and still looks wrong.
pub(super) fn doubts(business: &Business, agents: &[&str], file: &str) -> Vec<Fault> {
    let mut doubts = Faults::of(file);
    for agent in agents.iter().filter(|agent| !business.team.iter().any(|member| member.agent == **agent)) {
        doubts.add(0, "Team", format!("nobody is named for `{agent}`; its fallback answers for it"));
    }
    for channel in business.channels.iter().filter(|channel| channel.share < 0.05) {
        let message = format!(
            "{:.1} % for {} is hardly enough to learn anything from",
            channel.share * 100.0,
            channel.name
        );
        doubts.add(0, "Channels", message);
    }
    if business.results.is_empty() {
        doubts.add(0, "Results", "there are none: the analysis compares the plan with itself and says so");
    }
    if business.cohorts.is_empty() {
        doubts.add(0, "Cohorts", "there are none: retention is drawn from the annual churn");
    }
    doubts.into_sorted()
}
