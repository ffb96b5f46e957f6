//! Strategy and messaging: complete, adding up, tied to the configuration.

use super::{Finding, Found, Look, blank, words};
use crate::programmes::deliverable::data::{
    BudgetData, Messaging, PersonaData, Positioning, Strategy, ValueProps,
};
use crate::programmes::draft::words::amount;

/// A reason shorter than this says nothing, in characters.
const REASON_MIN: usize = 15;
/// So many words of a differentiator may also be in a competitor's claim, as a part of all.
const OVERLAP_MAX: f64 = 0.6;

/// The text has a heading for each of the sections, with something below it.
pub(super) fn sections(look: &Look<'_>) -> Vec<Finding> {
    let mut found = Found::default();
    for (file, deliverable, _) in look.workspace.below(look.file()) {
        for section in &look.check.sections {
            let below = under(&deliverable.body, section);
            found.need(below.is_some(), file, || format!("has no section “{section}”"));
            found.need(below.is_none_or(|text| text.len() >= 80), file, || {
                format!("its section “{section}” is as good as empty")
            });
        }
    }
    found.0
}

/// What stands below a heading of the second rank.
fn under(body: &str, heading: &str) -> Option<String> {
    let mut lines = body.lines().skip_while(|line| {
        line.strip_prefix("## ").is_none_or(|title| !title.trim().eq_ignore_ascii_case(heading))
    });
    lines.next()?;
    Some(lines.take_while(|line| !line.starts_with("## ")).collect::<Vec<_>>().join("\n").trim().to_owned())
}

/// Hundredths of an amount such as `10800.00`.
fn cents(text: &str) -> Option<i64> {
    let (whole, parts) = text.split_once('.').unwrap_or((text, "00"));
    let parts = (parts.len() == 2).then(|| parts.parse::<i64>().ok()).flatten()?;
    (parts >= 0).then_some(())?;
    let whole: i64 = whole.parse().ok().filter(|whole: &i64| (0..=1_000_000_000_000).contains(whole))?;
    Some(whole * 100 + parts)
}

pub(super) fn budget_sums(look: &Look<'_>) -> Vec<Finding> {
    let mut found = Found::default();
    let budget = look.business.monthly_budget_cents;
    for (file, deliverable, data) in look.of::<BudgetData>(look.file(), &mut found) {
        let mut sum = 0;
        for line in &data.lines {
            match cents(&line.amount) {
                Some(cents) => {
                    sum += cents;
                    let shown = amount(crate::programmes::figures::budget_amount(cents));
                    found.need(cents == 0 || deliverable.body.contains(&shown), file, || {
                        format!("its text does not show the {shown} of `{}`", line.channel)
                    });
                }
                None => found.add(
                    file,
                    format!("`{}` of `{}` is no amount such as 10800.00", line.amount, line.channel),
                ),
            }
            found.need(line.why.chars().count() >= REASON_MIN, file, || {
                format!("`{}` is not justified", line.channel)
            });
        }
        let shown = |cents: i64| format!("{}.{:02}", cents / 100, cents % 100);
        found.need(sum == budget, file, || {
            format!("the lines sum to {}, the monthly budget is {}", shown(sum), shown(budget))
        });
        found.need(cents(&data.month_total) == Some(budget), file, || {
            format!("says {} in total, the monthly budget is {}", data.month_total, shown(budget))
        });
        for channel in look.business.channels.iter().filter(|of| of.share > 0.0) {
            found.need(data.lines.iter().any(|line| line.channel == channel.slug), file, || {
                format!("has no line for `{}`", channel.slug)
            });
        }
    }
    found.0
}

pub(super) fn personas_complete(look: &Look<'_>) -> Vec<Finding> {
    let mut found = Found::default();
    let read = look.of::<PersonaData>(look.file(), &mut found);
    for (file, _, data) in &read {
        let filled = |texts: &[String]| texts.iter().any(|text| !blank(text));
        found.need(filled(&data.pains), file, || "names no pain point".to_owned());
        found.need(filled(&data.triggers), file, || "names no buying trigger".to_owned());
        let answered = data.objections.iter().any(|of| !blank(&of.says) && !blank(&of.answer));
        found.need(answered, file, || "has no objection with an answer".to_owned());
        found.need(file.ends_with(&format!("/{}.md", data.id)), file, || {
            format!("says that it is about `{}`", data.id)
        });
    }
    for slug in look.persona_slugs() {
        found.need(read.iter().any(|(_, _, data)| data.id == slug), look.file(), || {
            format!("has no profile of `{slug}`")
        });
    }
    found.0
}

pub(super) fn metrics_tied(look: &Look<'_>) -> Vec<Finding> {
    let mut found = Found::default();
    for (file, _, data) in look.of::<Strategy>(look.file(), &mut found) {
        for metric in &data.metrics {
            let goal = look.business.goals.iter().find(|goal| goal.slug == metric.goal);
            found.need(goal.is_some(), file, || {
                format!(
                    "the metric `{}` is tied to `{}`, which is no goal of the configuration",
                    metric.metric, metric.goal
                )
            });
            found.need(!blank(&metric.measured_by), file, || {
                format!("does not say how `{}` is measured", metric.metric)
            });
            if let Some(goal) = goal {
                let same = (goal.target - metric.target).abs() <= 1e-9 * goal.target.abs().max(1.0);
                found.need(same, file, || {
                    format!(
                        "`{}` has the target {}, the goal says {}",
                        metric.goal, metric.target, goal.target
                    )
                });
                found.need(metric.by == goal.by.to_string(), file, || {
                    format!("`{}` is due on {}, the goal on {}", metric.goal, metric.by, goal.by)
                });
            }
        }
        for goal in &look.business.goals {
            found.need(data.metrics.iter().any(|metric| metric.goal == goal.slug), file, || {
                format!("no metric measures the goal “{}”", goal.name)
            });
        }
    }
    found.0
}

pub(super) fn positioning_framework(look: &Look<'_>) -> Vec<Finding> {
    let mut found = Found::default();
    for (file, deliverable, data) in look.of::<Positioning>(look.file(), &mut found) {
        let parts = [
            ("target", &data.target),
            ("need", &data.need),
            ("product", &data.product),
            ("category", &data.category),
            ("benefit", &data.benefit),
            ("alternative", &data.alternative),
            ("differentiator", &data.differentiator),
        ];
        let mut from = 0;
        for (name, part) in parts {
            if blank(part) {
                found.add(file, format!("the statement has no {name}"));
                continue;
            }
            match data.statement.get(from..).and_then(|rest| rest.find(part.as_str())) {
                Some(at) => from += at + part.len(),
                None => {
                    found.add(file, format!("the statement does not have its {name} “{part}” in its place"));
                }
            }
        }
        found.need(data.product == look.business.product, file, || {
            format!("is about `{}`, not about `{}`", data.product, look.business.product)
        });
        found.need(deliverable.body.contains(&data.statement), file, || {
            "its text does not show the statement".to_owned()
        });
        let own = words(&data.differentiator);
        for rival in &look.business.competitors {
            let theirs = words(&format!("{} {}", rival.claim, rival.strengths.join(" ")));
            let shared = own.intersection(&theirs).count();
            let part = crate::programmes::figures::real(shared as u64)
                / crate::programmes::figures::real(own.len().max(1) as u64);
            found.need(part <= OVERLAP_MAX, file, || {
                format!("what makes it different is also what {} says of itself", rival.name)
            });
        }
    }
    found.0
}

pub(super) fn value_props_proven(look: &Look<'_>) -> Vec<Finding> {
    let mut found = Found::default();
    for (file, _, data) in look.of::<ValueProps>(look.file(), &mut found) {
        found.need(!data.value_props.is_empty(), file, || "has no value proposition".to_owned());
        for prop in &data.value_props {
            found.need(prop.proofs.iter().any(|proof| !blank(proof)), file, || {
                format!("`{}` has no proof", prop.id)
            });
        }
    }
    found.0
}

pub(super) fn persona_variants(look: &Look<'_>) -> Vec<Finding> {
    let mut found = Found::default();
    for (file, _, data) in look.of::<Messaging>(look.file(), &mut found) {
        for slug in look.persona_slugs() {
            let variant = data.variants.iter().find(|variant| variant.persona == slug);
            found.need(variant.is_some(), file, || format!("has no variant for `{slug}`"));
            let filled = variant.is_none_or(|variant| !blank(&variant.headline) && !blank(&variant.promise));
            found.need(filled, file, || format!("the variant for `{slug}` has no headline or no promise"));
        }
    }
    found.0
}

pub(super) fn features_mapped(look: &Look<'_>) -> Vec<Finding> {
    let mut found = Found::default();
    for (file, _, data) in look.of::<ValueProps>(look.file(), &mut found) {
        for feature in &look.business.features {
            let Some(mapping) = data.features.iter().find(|of| of.feature == feature.slug) else {
                found.add(file, format!("the feature `{}` is not mapped", feature.slug));
                continue;
            };
            found.need(!blank(&mapping.benefit), file, || format!("`{}` has no benefit", feature.slug));
            found.need(!blank(&mapping.outcome), file, || format!("`{}` has no outcome", feature.slug));
            for slug in look.persona_slugs() {
                found.need(mapping.personas.iter().any(|of| of == slug), file, || {
                    format!("`{}` is not mapped for `{slug}`", feature.slug)
                });
            }
        }
    }
    found.0
}
