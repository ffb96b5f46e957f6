//! Policies from the file to the compiled form.

mod faults;

use chrono::TimeDelta;

use super::*;
use crate::motions::model::DealStage;

const DEFAULT: &str = BUILT_IN[0].1;

fn compiled(name: &str) -> Policy {
    Policy::built_in(name).unwrap().unwrap_or_else(|faults| {
        panic!("{name}:\n{}", faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    })
}

#[test]
fn the_built_in_policies_compile_and_are_told_apart() {
    for (name, _) in BUILT_IN {
        let policy = compiled(name);
        assert_eq!(policy.name(), name);
        let digest = policy.version().strip_prefix(&format!("{name}-")).unwrap();
        assert!(digest.len() == 12 && digest.bytes().all(|b| b.is_ascii_hexdigit()), "{digest}");
    }
    assert!(Policy::built_in("another").is_none());
}

#[test]
fn the_default_policy_holds_the_figures_of_the_requirements() {
    let policy = compiled("default");
    let weights = Motion::ALL.map(|motion| policy.motion(motion).weight);
    assert_eq!(format!("{weights:?}"), "[0.35, 0.25, 0.2, 0.15, 0.05]");
    let guardrails = policy.guardrails();
    assert_eq!(guardrails.exclusivity, TimeDelta::hours(72));
    assert_eq!((guardrails.touch_limit, guardrails.touch_window), (2, TimeDelta::days(7)));
    assert_eq!(guardrails.usage_days.min_days, 7);
    assert_eq!(
        (guardrails.crm.max_age, guardrails.partner.max_age),
        (TimeDelta::hours(24), TimeDelta::hours(24))
    );
    assert_eq!(guardrails.frozen, [DealStage::Negotiation, DealStage::Closing]);
    let definitions = policy.definitions();
    assert_eq!(definitions.segment.smb_below_employees, 200);
    assert_eq!(definitions.segment.enterprise_from_employees, 2000);
    assert_eq!((definitions.usage.window_days, definitions.usage.expected_active_days), (28, 20));
    assert_eq!((definitions.usage.trend_days, definitions.usage.plateau_history_days), (14, 28));
    let exits: Vec<&str> = policy
        .branches()
        .iter()
        .flat_map(|branch| &branch.candidates)
        .map(|candidate| &*candidate.exit)
        .collect();
    assert_eq!(
        exits,
        ["plg_activation", "co_sell_trigger", "sales_assist", "lead_qualification", "partner_sourced"]
    );
    assert_eq!(&*policy.branches().last().unwrap().exit, "idle");
}

#[test]
fn the_crm_stage_names_of_hubspot_and_salesforce_are_known() {
    let stages = &compiled("default").definitions().deal_stages.clone();
    for (name, stage) in [
        ("appointmentscheduled", DealStage::Discovery),
        ("qualifiedtobuy", DealStage::Qualification),
        ("presentationscheduled", DealStage::Proposal),
        ("decisionmakerboughtin", DealStage::Negotiation),
        ("contractsent", DealStage::Closing),
        ("closedwon", DealStage::ClosedWon),
        ("closedlost", DealStage::ClosedLost),
        ("Prospecting", DealStage::Discovery),
        ("Qualification", DealStage::Qualification),
        ("Needs Analysis", DealStage::Discovery),
        ("Value Proposition", DealStage::Proposal),
        ("Id. Decision Makers", DealStage::Qualification),
        ("Perception Analysis", DealStage::Discovery),
        ("Proposal/Price Quote", DealStage::Proposal),
        ("Negotiation/Review", DealStage::Negotiation),
        ("Closed Won", DealStage::ClosedWon),
        ("Closed Lost", DealStage::ClosedLost),
        ("Negotiation", DealStage::Negotiation),
        ("Closing", DealStage::Closing),
    ] {
        assert_eq!(stages.get(&stage_key(name)), Some(&stage), "{name}");
    }
}

#[test]
fn pairs_are_the_same_from_both_sides_and_include_the_motion_itself() {
    let policy = compiled("default");
    let guardrails = policy.guardrails();
    for one in Motion::ALL {
        let own = &guardrails.pairs[one.index()];
        assert!(own.iter().any(|name| **name == *pair(one, one)));
        for other in Motion::ALL {
            assert_eq!(pair(one, other), pair(other, one));
            let shared = own.iter().any(|name| guardrails.pairs[other.index()].contains(name));
            assert_eq!(shared, one == other || guardrails.compete(one, other), "{one:?} {other:?}");
        }
    }
    assert!(!guardrails.compete(Motion::PartnerCoSell, Motion::SalesAssist));
    assert_eq!(pair(Motion::SalesAssist, Motion::PlgSelfServe), "plg_self_serve|sales_assist");
}

#[test]
fn equal_content_has_one_version_in_either_format_and_any_layout() {
    for (name, text) in BUILT_IN {
        let policy = compiled(name);
        let json = serde_json::to_string_pretty(policy.content()).unwrap();
        assert_eq!(Policy::compile(&json, Format::Json).unwrap().version(), policy.version());
        let relaid = format!("# another comment\n{}", text.replace("weight = 0.20", "weight = 0.2"));
        assert_eq!(Policy::compile(&relaid, Format::Toml).unwrap().version(), policy.version());
    }
    let changed = DEFAULT.replace("exclusivity_hours = 72", "exclusivity_hours = 73");
    assert_ne!(Policy::compile(&changed, Format::Toml).unwrap().version(), compiled("default").version());
    // A number written with or without a fraction is the same content.
    let written = DEFAULT.replace("spike_factor = 1.5", "spike_factor = 2");
    let fraction = DEFAULT.replace("spike_factor = 1.5", "spike_factor = 2.0");
    let version = |text: &str| Policy::compile(text, Format::Toml).unwrap().version().to_owned();
    assert_eq!(version(&written), version(&fraction));
}
