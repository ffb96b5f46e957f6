//! The source's worked example, field by field, and the words of every outcome.

use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::motions::decide::{GuardrailId, decide};
use crate::motions::samples::*;
use crate::motions::signals::{Failing, derive};

fn meta() -> Meta {
    Meta {
        account_id: AccountId::parse("acc_12345").unwrap(),
        decision_id: Uuid::from_u128(42),
        dry_run: false,
    }
}

/// Derives, decides and tells.
fn told(policy: &Policy, state: &crate::accounts::model::AccountState, ledger: &Ledger) -> DecisionDocument {
    let signals = derive(policy.definitions(), state, Failing::default(), now());
    let decision = decide(policy, &signals, ledger, now());
    document(policy, &signals, ledger, &decision, &meta())
}

#[test]
fn the_worked_example_comes_out_as_the_source_shows_it() {
    let told = serde_json::to_value(told(&policy(), &worked_example(), &consenting())).unwrap();
    let expected: Vec<(&str, Value)> = vec![
        ("/accountId", json!("acc_12345")),
        ("/analysis/currentMotion", json!("plg")),
        ("/analysis/segmentFit", json!("mid_market")),
        ("/analysis/usageScore", json!(72)),
        ("/analysis/partnerOverlap", json!(["aws", "salesforce"])),
        ("/analysis/dealStatus", json!("no_active_opportunity")),
        ("/recommendation/motion", json!("sales_assist")),
        ("/recommendation/nextSkill", json!("revops/opportunity_scoring")),
        (
            "/recommendation/parallelActions",
            json!(["ecosystem/nearbound_signal", "plg/usage_depth_analyzer"]),
        ),
        ("/handoff/targetTeam", json!("sales")),
        ("/handoff/context/topFeatures", json!(["api", "integrations", "team_seats"])),
        ("/handoff/context/expansionSignals", json!(["new_department_users", "api_usage_spike"])),
        ("/handoff/context/partnerContext", json!("AWS Marketplace customer, eligible for co-sell")),
        ("/handoff/urgency", json!("medium")),
        ("/handoff/sla", json!("48h")),
        ("/exitState", json!("sales_assist")),
        ("/outcome", json!("executed")),
        ("/matchedRule", json!("plateau_with_partner")),
    ];
    for (pointer, value) in expected {
        assert_eq!(told.pointer(pointer), Some(&value), "{pointer}");
    }
    let confidence = told.pointer("/recommendation/confidence").and_then(Value::as_f64).unwrap();
    assert!((0.80..=0.90).contains(&confidence), "{confidence}");
    assert_eq!(
        told["recommendation"]["reasoning"],
        "Sales assist fits: it is a mid-market company, adoption is strong (72%) but has levelled off and it \
         shows signs of expansion (new department users and api usage spike). Partner co-sell comes second \
         (score 0.15 against 0.25): partners are active there (AWS Marketplace and Salesforce) and it runs a \
         partner's technology."
    );
    // The keys of the source, no more and no fewer, where the source shows an object.
    let keys = |pointer: &str| -> Vec<String> {
        let mut keys: Vec<String> =
            told.pointer(pointer).unwrap().as_object().unwrap().keys().cloned().collect();
        keys.sort();
        keys
    };
    assert_eq!(
        keys("/analysis"),
        ["currentMotion", "dealStatus", "partnerOverlap", "segmentFit", "usageScore"]
    );
    assert_eq!(
        keys("/recommendation"),
        ["confidence", "motion", "nextSkill", "parallelActions", "reasoning"]
    );
    assert_eq!(keys("/handoff/context"), ["expansionSignals", "partnerContext", "topFeatures"]);
}

#[test]
fn a_document_survives_being_written_and_read() {
    let told = told(&policy(), &worked_example(), &consenting());
    let read: DecisionDocument = serde_json::from_str(&serde_json::to_string(&told).unwrap()).unwrap();
    assert_eq!(read, told);
}

#[test]
fn partners_are_neither_named_nor_described_without_consent() {
    let told = told(&policy(), &worked_example(), &Ledger::default());
    assert_eq!(told.outcome, Outcome::Executed, "consent never stops a decision");
    assert_eq!(told.handoff.as_ref().unwrap().context.partner_context, None);
    assert!(!told.recommendation.reasoning.contains("AWS"), "{}", told.recommendation.reasoning);
    assert!(told.recommendation.reasoning.contains("2 partners"), "{}", told.recommendation.reasoning);
    let consent = told.guardrails.iter().find(|view| view.id == GuardrailId::PartnerConsent).unwrap();
    assert!(!consent.blocking);
    assert_eq!(consent.detail, "Partner data is withheld: there is no consent for partner_data_sharing.");
}

#[test]
fn each_skill_is_told_its_own_data_and_partner_data_only_with_consent() {
    let policy = policy();
    let signals = derive(policy.definitions(), &worked_example(), Failing::default(), now());
    let told = |skill: &str, ledger: &Ledger| {
        let decision = decide(&policy, &signals, ledger, now());
        skill_payload(&policy, skill, &signals, ledger, &decision, &meta())
    };
    for (skill, data) in [
        ("plg/self_serve_expansion", vec!["upgrade_triggers", "usage_context"]),
        ("plg/usage_depth_analyzer", vec!["usage_context"]),
        ("revops/lead_routing", vec!["intent_signals", "segment", "usage_summary"]),
        ("revops/opportunity_scoring", vec!["account_data", "motion_history"]),
        ("ecosystem/nearbound_signal", vec!["overlap_type", "partner_ids"]),
        ("ecosystem/partner_influenced_revenue", vec!["deal_context", "partner_context"]),
        ("nobody/knows", vec![]),
    ] {
        let payload = told(skill, &consenting());
        let mut keys: Vec<&str> = payload["data"].as_object().unwrap().keys().map(String::as_str).collect();
        keys.sort_unstable();
        assert_eq!(keys, data, "{skill}");
        assert_eq!(payload["withheld"], json!([]), "{skill}");
        assert_eq!(payload["accountId"], "acc_12345");
    }
    let withheld = told("ecosystem/nearbound_signal", &Ledger::default());
    assert_eq!(withheld["data"], json!({}));
    assert_eq!(withheld["withheld"], json!(["partner_ids", "overlap_type"]));
    let shared = told("ecosystem/nearbound_signal", &consenting());
    assert_eq!(shared["data"]["partner_ids"], json!(["aws", "salesforce"]));
}

#[test]
fn the_strongest_relation_speaks_for_the_partners() {
    let policy = policy();
    let mut signals = derive(policy.definitions(), &worked_example(), Failing::default(), now());
    let mut with = |overlap_type: OverlapKind, partner: &str| {
        let overlap = PartnerOverlap { partner_id: partner.into(), overlap_type, strength: 0.5 };
        signals.partner.overlaps = vec![overlap];
        partner_context(&policy, &signals).unwrap()
    };
    assert_eq!(with(OverlapKind::Customer, "aws"), "AWS Marketplace customer, eligible for co-sell");
    assert_eq!(with(OverlapKind::TechStack, "own"), "own is in its technology stack, eligible for co-sell");
    assert_eq!(with(OverlapKind::Prospect, "own"), "own prospect, an introduction is possible");
    assert_eq!(
        with(OverlapKind::Opportunity, "own"),
        "own has an open opportunity there, eligible for co-sell"
    );
    signals.partner.overlaps.clear();
    assert_eq!(partner_context(&policy, &signals), None);
    signals.partner.referrals = vec!["snowflake".into()];
    assert_eq!(partner_context(&policy, &signals).unwrap(), "Referred by Snowflake");
}

#[test]
fn a_stopped_decision_says_what_stopped_it_and_makes_no_handoff() {
    let mut ledger = consenting();
    ledger.touches = vec![touch(hours_ago(30)), touch(hours_ago(20))];
    let stopped = told(&policy(), &worked_example(), &ledger);
    assert_eq!((stopped.outcome, stopped.exit_state.as_str()), (Outcome::Blocked, "blocked"));
    assert_eq!(stopped.handoff, None);
    assert_eq!(stopped.recommendation.motion, Some(Motion::SalesAssist), "what is right now is still said");
    let reasoning = &stopped.recommendation.reasoning;
    let budget = "Not started: 2 of 2 touches are used in the last 7 days; the next is free from 2026-11-24 06:00 UTC.";
    assert!(reasoning.ends_with(budget), "{reasoning}");

    ledger.touches.clear();
    ledger.claims = vec![claim(Motion::PlgSelfServe, hours_ago(10))];
    let conflict = told(&policy(), &worked_example(), &ledger);
    assert_eq!(conflict.exit_state, "conflict");
    let reasoning = &conflict.recommendation.reasoning;
    let held = "Not started: Self-serve growth holds the account until 2026-11-21 02:00 UTC.";
    assert!(reasoning.ends_with(held), "{reasoning}");

    ledger.claims = vec![claim(Motion::SalesAssist, hours_ago(10))];
    let continued = told(&policy(), &worked_example(), &ledger);
    assert_eq!((continued.outcome, continued.exit_state.as_str()), (Outcome::Continued, "sales_assist"));
    assert_eq!(continued.handoff, None, "no second handoff");
    assert!(continued.recommendation.reasoning.contains("already runs"));
}

#[test]
fn keeping_watch_is_explained_too() {
    let state = crate::accounts::model::AccountState::default();
    let told = told(&policy(), &state, &Ledger::default());
    assert_eq!(told.outcome, Outcome::Monitoring);
    assert_eq!(told.recommendation.motion, None);
    assert_eq!(told.exit_state, "idle");
    assert_eq!(told.matched_rule, "keep_watching");
    assert!(told.recommendation.confidence.abs() < f64::EPSILON);
    let reasoning = &told.recommendation.reasoning;
    let start = "Nothing calls for a motion yet: none of the 4 rules before it applies.";
    assert!(reasoning.starts_with(start), "{reasoning}");
    let first = &told.branches[0];
    assert_eq!(first.verdict, BranchVerdict::NotMatched);
    assert_eq!(first.failing, ["usage_depth > 70", "segment == \"smb\""]);
}

#[test]
fn branches_after_the_match_are_not_tried() {
    use BranchVerdict::{Matched, NotMatched, NotTried};
    let told = told(&policy(), &worked_example(), &consenting());
    let verdicts: Vec<BranchVerdict> = told.branches.iter().map(|branch| branch.verdict).collect();
    assert_eq!(verdicts, [NotMatched, Matched, NotTried, NotTried, NotTried]);
    let total: f64 = told.scores[1].indicators.iter().map(|indicator| indicator.contribution).sum();
    assert!((total - told.scores[1].score).abs() < 1e-6);
}
