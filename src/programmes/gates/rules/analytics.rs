//! Analytics: weights, KPIs, questions, statistics, unit economics; what can be computed again is.

use std::collections::BTreeSet;

use super::{Finding, Found, Look, blank};
use crate::programmes::deliverable::data::{
    AttributionData, Dashboard, Dashboards, EconomicsData, ExperimentFramework, Kpis, Test, Tests,
};
use crate::programmes::figures::statistics::per_arm;
use crate::programmes::figures::{cents, real};

/// The questions of leadership that dashboards must answer.
const QUESTIONS_MIN: usize = 10;
/// Where KPIs are defined; the questions refer to them.
const KPI_FILE: &str = "analytics/kpi-definitions.md";

pub(super) fn attribution_weights(look: &Look<'_>) -> Vec<Finding> {
    let mut found = Found::default();
    for (file, _, data) in look.of::<AttributionData>(look.file(), &mut found) {
        found.need(!blank(&data.model), file, || "does not name its model".to_owned());
        let sum: u32 = data.weights.iter().map(|weight| weight.percent).sum();
        found.need(sum == 100, file, || format!("the weights sum to {sum} %, they must sum to 100 %"));
        found.need(data.weights.len() > 1, file, || "weighs one touch only".to_owned());
    }
    found.0
}

pub(super) fn kpis_cover(look: &Look<'_>) -> Vec<Finding> {
    let mut found = Found::default();
    for (file, _, data) in look.of::<Kpis>(look.file(), &mut found) {
        for stage in &look.check.sections {
            found.need(data.kpis.iter().any(|kpi| kpi.stage == *stage), file, || {
                format!("has no KPI for {stage}")
            });
        }
        for kpi in &data.kpis {
            found.need(kpi.target.is_finite() && kpi.target > 0.0, file, || {
                format!("`{}` has no target", kpi.id)
            });
            found.need(!blank(&kpi.measured_by), file, || {
                format!("does not say how `{}` is measured", kpi.id)
            });
        }
    }
    found.0
}

pub(super) fn leadership_questions(look: &Look<'_>) -> Vec<Finding> {
    let mut found = Found::default();
    let defined: BTreeSet<String> = look
        .of::<Kpis>(KPI_FILE, &mut found)
        .into_iter()
        .flat_map(|(_, _, data)| data.kpis.into_iter().map(|kpi| kpi.id))
        .collect();
    for (file, _, data) in look.of::<Dashboards>(look.file(), &mut found) {
        let answered =
            data.questions.iter().filter(|of| !of.kpis.is_empty() && !blank(&of.dashboard)).count();
        found.need(answered >= QUESTIONS_MIN, file, || {
            format!("answers {answered} questions, leadership asks {QUESTIONS_MIN}")
        });
        for question in &data.questions {
            for kpi in question.kpis.iter().filter(|kpi| !defined.contains(*kpi)) {
                found.add(
                    file,
                    format!("“{}” rests on `{kpi}`, which {KPI_FILE} does not define", question.question),
                );
            }
        }
    }
    found.0
}

pub(super) fn experiment_statistics(look: &Look<'_>) -> Vec<Finding> {
    let mut found = Found::default();
    for (file, _, data) in look.of::<ExperimentFramework>(look.file(), &mut found) {
        found.need(data.alpha > 0.0 && data.alpha <= 0.1, file, || {
            format!("a significance of {} is none", data.alpha)
        });
        found.need((0.7..1.0).contains(&data.power), file, || format!("a power of {} is none", data.power));
        found.need(!data.sizes.is_empty(), file, || "states no sample size".to_owned());
        for size in &data.sizes {
            let right = per_arm(size.baseline, size.expected, data.alpha, data.power).unwrap_or_default();
            found.need(size.per_arm == right, file, || {
                format!(
                    "from {} to {} needs {right} in each arm, it says {}",
                    size.baseline, size.expected, size.per_arm
                )
            });
        }
    }
    found.0
}

/// What is wrong with the plan of a test.
pub(super) fn test_faults(test: &Test) -> Vec<String> {
    let mut faults = Vec::new();
    let id = &test.id;
    let hypothesis = test.hypothesis.to_lowercase();
    if !["if ", "then ", "because "].iter().all(|part| hypothesis.contains(part)) {
        faults.push(format!("`{id}` has no hypothesis of the form “if … then … because …”"));
    }
    if blank(&test.metric) || blank(&test.success) {
        faults.push(format!("`{id}` has no metric or does not say what success is"));
    }
    match per_arm(test.baseline, test.expected, test.alpha, test.power) {
        Some(right) if right == test.per_arm => {}
        Some(right) => {
            faults.push(format!("`{id}` needs {right} visitors in each arm, it says {}", test.per_arm));
        }
        None => faults.push(format!(
            "`{id}` compares {} with {}, which cannot be told apart",
            test.baseline, test.expected
        )),
    }
    let come = test.visits_per_day * real(test.days);
    if come < 2.0 * real(test.per_arm) {
        faults.push(format!(
            "`{id}` runs {} days, in which {come:.0} visitors come; it needs {}",
            test.days,
            2 * test.per_arm
        ));
    }
    faults
}

pub(super) fn experiments_sound(look: &Look<'_>) -> Vec<Finding> {
    let mut found = Found::default();
    for (file, _, data) in look.of::<Tests>(look.file(), &mut found) {
        found.need(!data.tests.is_empty(), file, || "plans no test".to_owned());
        for fault in data.tests.iter().flat_map(test_faults) {
            found.add(file, fault);
        }
    }
    found.0
}

pub(super) fn dashboards_answer(look: &Look<'_>) -> Vec<Finding> {
    let mut found = Found::default();
    let dashboards = look.of::<Dashboard>(look.against(), &mut found);
    for (file, _, data) in look.of::<Dashboards>(look.file(), &mut found) {
        for stakeholder in &look.check.sections {
            found.need(data.questions.iter().any(|of| of.stakeholder == *stakeholder), file, || {
                format!("has no question of {stakeholder}")
            });
        }
        for question in &data.questions {
            let Some((answering, _, dashboard)) =
                dashboards.iter().find(|(_, _, of)| of.name == question.dashboard)
            else {
                found.add(
                    file,
                    format!(
                        "“{}” is to be answered by `{}`, which is not there",
                        question.question, question.dashboard
                    ),
                );
                continue;
            };
            if !dashboard.answers.contains(&question.id) {
                found.between(answering, file, format!("does not answer “{}”", question.question));
            }
        }
    }
    found.0
}

pub(super) fn economics_computed(look: &Look<'_>) -> Vec<Finding> {
    let mut found = Found::default();
    for (file, _, of) in look.of::<EconomicsData>(look.file(), &mut found) {
        // A unit of the last decimal may differ by rounding of the parts.
        let mut same = |name: &str, says: f64, right: f64| {
            let near = (says - right).abs() <= 0.011 + right.abs() * 1e-4;
            found.need(near, file, || format!("{name} is {}, its parts give {}", cents(says), cents(right)));
        };
        same("CAC", of.cac, (of.spend + of.sales_cost) / real(of.customers).max(1.0));
        same("payback", of.payback_months, of.cac / of.monthly_margin);
        same("the yearly margin", of.yearly_margin, look.business.deal_size * look.business.gross_margin);
        same("the monthly margin", of.monthly_margin, of.yearly_margin / 12.0);
        same("LTV", of.ltv, of.yearly_margin * of.lifetime_years);
    }
    found.0
}
