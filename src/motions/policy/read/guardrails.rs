//! The `guardrails` and `confidence` parts of a policy.

use std::sync::Arc;

use chrono::TimeDelta;

use super::{check_sum, motions};
use crate::motions::model::{DealStage, Motion};
use crate::motions::policy::fault::FaultCode;
use crate::motions::policy::model::{AgeGate, ConfidenceRules, Guardrails, UsageGate, pair};
use crate::motions::policy::section::Section;

/// A quarter; no motion owns or rests longer.
const HOURS_MAX: u32 = 24 * 92;
/// Ten years of hours, for the age of slow facts.
const AGE_HOURS_MAX: u32 = 24 * 3650;

pub fn read(mut section: Section<'_>) -> Guardrails {
    let exclusivity = hours(&mut section, "exclusivity_hours", HOURS_MAX);
    let competing = competing(&mut section);
    let mut touches = section.section("touch_budget");
    let touch_limit = touches.whole("touches", 1..=1000);
    // The ledger holds the touches of a week.
    let touch_window = TimeDelta::days(touches.whole("days", 1..=7).into());
    touches.finish();
    let mut gate = section.section("usage_data");
    let usage_days = UsageGate {
        motions: gate.set_of("motions", "motion", &motions()),
        min_days: gate.whole("min_days", 1..=63),
    };
    gate.finish();
    let crm = age_gate(section.section("crm_freshness"));
    let partner = age_gate(section.section("partner_sync"));
    let stages: Vec<(&str, DealStage)> = DealStage::ALL
        .into_iter()
        .filter(|stage| stage.is_open())
        .map(|stage| (stage.name(), stage))
        .collect();
    let frozen = section.set_of("frozen_stages", "stage of an open deal", &stages);
    let consent_purpose = section.text("partner_consent_purpose").text;
    let conflict_pause = hours(&mut section, "conflict_pause_hours", HOURS_MAX);
    section.finish();
    Guardrails {
        exclusivity,
        pairs: pairs(&competing),
        competing,
        touch_limit,
        touch_window,
        usage_days,
        crm,
        partner,
        frozen,
        consent_purpose,
        conflict_pause,
    }
}

fn hours(section: &mut Section<'_>, key: &'static str, max: u32) -> TimeDelta {
    TimeDelta::hours(section.whole(key, 1..=max).into())
}

fn age_gate(mut section: Section<'_>) -> AgeGate {
    let gate = AgeGate {
        motions: section.set_of("motions", "motion", &motions()),
        max_age: hours(&mut section, "max_age_hours", AGE_HOURS_MAX),
    };
    section.finish();
    gate
}

/// Which motions exclude each other, from texts of the form `one | other`.
fn competing(section: &mut Section<'_>) -> [[bool; 5]; 5] {
    let names = motions();
    let mut competing = [[false; 5]; 5];
    for placed in section.texts("competing") {
        let sides: Vec<&str> = placed.text.split('|').map(str::trim).collect();
        let [one, other] = sides.as_slice() else {
            let message = "needs two motions as `one | other`";
            section.faults().add(FaultCode::WrongType, &placed.span, &placed.path, message);
            continue;
        };
        let find = |name: &str| {
            let side = crate::motions::policy::section::Placed { text: name.to_owned(), ..placed.clone() };
            section.named(&side, "motion", &names)
        };
        let (Some(one), Some(other)) = (find(one), find(other)) else { continue };
        if one == other || competing[one.index()][other.index()] {
            let message = if one == other {
                "a motion does not compete with itself"
            } else {
                "this pair is given twice"
            };
            section.faults().add(FaultCode::Duplicate, &placed.span, &placed.path, message);
        }
        competing[one.index()][other.index()] = one != other;
        competing[other.index()][one.index()] = one != other;
    }
    competing
}

fn pairs(competing: &[[bool; 5]; 5]) -> [Arc<[Arc<str>]>; 5] {
    Motion::ALL.map(|motion| {
        let rivals = Motion::ALL.into_iter().filter(|other| competing[motion.index()][other.index()]);
        let mut pairs: Vec<Arc<str>> =
            rivals.chain([motion]).map(|other| Arc::from(pair(motion, other))).collect();
        pairs.sort_unstable();
        Arc::from(pairs)
    })
}

pub fn confidence(mut section: Section<'_>) -> ConfidenceRules {
    let fit_weight = section.number("fit", 0.0..=1.0);
    let lead_weight = section.number("lead", 0.0..=1.0);
    let evidence_weight = section.number("evidence", 0.0..=1.0);
    check_sum(&section, "the weights of confidence", &[fit_weight, lead_weight, evidence_weight]);
    let mut fresh = section.section("fresh_within_hours");
    let fresh_within = ["lifecycle", "usage", "crm", "partner", "intent"]
        .map(|group| hours(&mut fresh, group, AGE_HOURS_MAX));
    fresh.finish();
    section.finish();
    ConfidenceRules { fit_weight, lead_weight, evidence_weight, fresh_within }
}
