//! The `definitions` part of a policy: how facts become signals.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use super::check_sum;
use crate::motions::model::{DealStage, Segment};
use crate::motions::policy::fault::FaultCode;
use crate::motions::policy::model::{
    AnyOf, Between, Definitions, ExpansionRules, IcpRules, SegmentRules, UsageRules, stage_key,
};
use crate::motions::policy::section::Section;

/// Ten years; nothing a policy looks back on is longer.
const DAYS_MAX: u32 = 3650;
/// Longest usage window: what an account keeps.
const USAGE_DAYS_MAX: u32 = 63;

pub fn read(mut section: Section<'_>) -> Definitions {
    let segment = segment(section.section("segment"));
    let usage = usage(section.section("usage"));
    let expansion = expansion(section.section("expansion"));
    let icp = icp(section.section("icp"));
    let mut windows = section.section("windows");
    let referral_window = TimeDelta::days(windows.whole("referral_days", 1..=DAYS_MAX).into());
    let intent_window = TimeDelta::days(windows.whole("intent_days", 1..=DAYS_MAX).into());
    windows.finish();
    let deal_stages = deal_stages(section.section("deal_stages"));
    let closed_tickets = section.texts("closed_tickets").into_iter().map(|s| s.text.to_lowercase()).collect();
    section.finish();
    Definitions {
        segment,
        usage,
        expansion,
        icp,
        referral_window,
        intent_window,
        deal_stages,
        closed_tickets,
    }
}

fn segment(mut section: Section<'_>) -> SegmentRules {
    let mut limits = |low: &'static str, high: &'static str| {
        let (from, to) = (section.whole(low, 1..=100_000_000), section.whole(high, 1..=100_000_000));
        if section.is_present() && from > to {
            let message = format!("`{low}` ({from}) is above `{high}` ({to})");
            section.faults().add(FaultCode::OutOfRange, section.span(), &section.path_of(low), message);
        }
        (from.into(), to.into())
    };
    let (smb_below_employees, enterprise_from_employees) =
        limits("smb_below_employees", "enterprise_from_employees");
    let (smb_below_seats, enterprise_from_seats) = limits("smb_below_seats", "enterprise_from_seats");
    let names: Vec<(&str, Segment)> = Segment::ALL.iter().map(|segment| (segment.name(), *segment)).collect();
    let tiers = section.section("plan_tiers");
    let (faults, path) = (section.faults(), tiers.path().to_owned());
    let mut plan_tiers = BTreeMap::new();
    for (tier, placed) in tiers.free_texts() {
        let found = section.named(&placed, "segment", &names);
        if plan_tiers.insert(tier.to_lowercase(), found.unwrap_or(Segment::Unknown)).is_some() {
            faults.add(
                FaultCode::Duplicate,
                &placed.span,
                &path,
                format!("the plan tier `{tier}` is given twice"),
            );
        }
    }
    section.finish();
    SegmentRules {
        smb_below_employees,
        enterprise_from_employees,
        smb_below_seats,
        enterprise_from_seats,
        plan_tiers,
    }
}

fn usage(mut section: Section<'_>) -> UsageRules {
    let window_days = section.whole("window_days", 1..=USAGE_DAYS_MAX);
    let catalogue_features = section.whole("catalogue_features", 1..=100_000);
    let expected_active_days = section.whole("expected_active_days", 1..=USAGE_DAYS_MAX);
    let mut weights = section.section("depth_weights");
    let breadth_weight = weights.number("breadth", 0.0..=1.0);
    let frequency_weight = weights.number("frequency", 0.0..=1.0);
    let penetration_weight = weights.number("penetration", 0.0..=1.0);
    check_sum(&weights, "the weights of depth", &[breadth_weight, frequency_weight, penetration_weight]);
    weights.finish();
    let top_features = section.whole("top_features", 1..=20) as usize;
    // Two windows must fit into the days that are kept.
    let trend_days = section.whole("trend_days", 1..=USAGE_DAYS_MAX / 2);
    let mut plateau = section.section("plateau");
    let plateau_band_pct = plateau.number("band_pct", 0.0..=100.0);
    let plateau_history_days = plateau.whole("history_days", 1..=DAYS_MAX);
    let plateau_depth = plateau.number("depth", 0.0..=100.0);
    plateau.finish();
    section.finish();
    UsageRules {
        window_days,
        catalogue_features,
        expected_active_days,
        breadth_weight,
        frequency_weight,
        penetration_weight,
        top_features,
        trend_days,
        plateau_band_pct,
        plateau_history_days,
        plateau_depth,
    }
}

fn expansion(mut section: Section<'_>) -> ExpansionRules {
    let rules = ExpansionRules {
        new_department_days: section.whole("new_department_days", 1..=DAYS_MAX),
        spike_recent_days: section.whole("spike_recent_days", 1..=31),
        spike_base_days: section.whole("spike_base_days", 1..=32),
        spike_factor: section.number("spike_factor", 1.0..=1000.0),
        spike_min_volume: section.whole("spike_min_volume", 1..=1_000_000_000).into(),
        seats_full_pct: section.number("seats_full_pct", 1.0..=100.0),
    };
    section.finish();
    rules
}

fn icp(mut section: Section<'_>) -> IcpRules {
    let mut any_of = |key: &'static str| {
        let mut rule = section.section_optional(key)?;
        let values = rule.texts("any_of").into_iter().map(|placed| placed.text.to_lowercase()).collect();
        let weight = rule.number("weight", 0.0..=1.0);
        rule.finish();
        Some(AnyOf { values, weight })
    };
    let (industry, country, tech_stack) = (any_of("industry"), any_of("country"), any_of("tech_stack"));
    let employees = section.section_optional("employees").map(|mut rule| {
        let from = rule.whole("from", 0..=100_000_000).into();
        let to = rule.whole("to", 0..=100_000_000).into();
        let weight = rule.number("weight", 0.0..=1.0);
        rule.finish();
        Between { from, to, weight }
    });
    let weight = |rule: &Option<AnyOf>| rule.as_ref().map_or(0.0, |rule| rule.weight);
    let weights = [
        weight(&industry),
        weight(&country),
        weight(&tech_stack),
        employees.as_ref().map_or(0.0, |rule| rule.weight),
    ];
    check_sum(&section, "the weights of the ideal customer profile", &weights);
    section.finish();
    IcpRules { industry, country, tech_stack, employees }
}

/// Each stage of ours with the names that CRMs give it; a name has one stage.
fn deal_stages(section: Section<'_>) -> BTreeMap<String, DealStage> {
    let faults = section.faults();
    let base = section.path().to_owned();
    let known: Vec<&str> = DealStage::ALL.iter().skip(2).map(|stage| stage.name()).collect();
    let mut stages = BTreeMap::new();
    for (name, span, crm_names) in section.free_lists() {
        let Some(stage) = DealStage::ALL.into_iter().skip(2).find(|stage| stage.name() == name) else {
            let hint = crate::motions::policy::section::did_you_mean(&name, known.iter().copied());
            let path = format!("{base}.{name}");
            faults.suggest(
                FaultCode::UnknownValue,
                &span,
                &path,
                format!("`{name}` is no deal stage"),
                Some(hint),
            );
            continue;
        };
        for crm_name in crm_names {
            if stages.insert(stage_key(&crm_name.text), stage).is_some_and(|other| other != stage) {
                let message = format!("`{}` is mapped to two stages", crm_name.text);
                faults.add(FaultCode::Duplicate, &crm_name.span, &crm_name.path, message);
            }
        }
    }
    stages
}
