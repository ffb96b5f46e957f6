//! Every branch, indicator and guardrail at its boundary, and what every decision holds to.

mod guardrails;
mod laws;

use super::*;
use crate::accounts::model::{AccountState, OverlapKind};
use crate::motions::model::*;
use crate::motions::samples::*;
use crate::motions::signals::{Failing, derive};

/// The signals of an account of which only freshness is known: everything is as quiet as can be.
fn quiet() -> Signals {
    let mut signals = derive(policy().definitions(), &AccountState::default(), Failing::default(), now());
    signals.crm.provenance.as_of = Some(hours_ago(1));
    signals.partner.synced_at = Some(hours_ago(1));
    signals
}

/// A small business that uses the product deeply.
fn small_business() -> Signals {
    let mut signals = quiet();
    signals.lifecycle.segment = Segment::Smb;
    signals.usage.depth = 80.0;
    signals.usage.days = 30;
    signals
}

/// An enterprise that hardly uses the product.
fn enterprise() -> Signals {
    let mut signals = quiet();
    signals.lifecycle.segment = Segment::Enterprise;
    signals.usage.depth = 10.0;
    signals
}

/// An enterprise that has levelled off and where a partner is active.
fn co_sell() -> Signals {
    let mut signals = enterprise();
    signals.usage.depth = 50.0;
    signals.usage.plateau = true;
    let overlap = |overlap_type| PartnerOverlap { partner_id: "aws".to_owned(), overlap_type, strength: 0.8 };
    signals.partner.overlaps = vec![overlap(OverlapKind::Customer), overlap(OverlapKind::TechStack)];
    signals
}

/// A referred account that nothing else is known of.
fn referred() -> Signals {
    let mut signals = quiet();
    signals.partner.referrals = vec!["snowflake".to_owned()];
    signals
}

/// Decides by the default policy.
fn decided(signals: &Signals, ledger: &Ledger) -> Decision {
    decide(&policy(), signals, ledger, now())
}

fn guardrail(decision: &Decision, id: GuardrailId) -> Guardrail {
    let guardrail = decision.guardrails[id as usize];
    assert_eq!(guardrail.id, id, "guardrails stand in their order");
    guardrail
}

#[test]
fn each_branch_leads_to_its_motion_skills_exit_and_handoff() {
    let policy = policy();
    let example = derive(policy.definitions(), &worked_example(), Failing::default(), now());
    for (signals, rule, motion, exit, skill, parallel, team) in [
        (
            small_business(),
            0,
            Motion::PlgSelfServe,
            "plg_activation",
            "plg/self_serve_expansion",
            vec![],
            None,
        ),
        (
            co_sell(),
            1,
            Motion::PartnerCoSell,
            "co_sell_trigger",
            "ecosystem/nearbound_signal",
            vec!["revops/opportunity_scoring"],
            Some("partner"),
        ),
        (
            example,
            1,
            Motion::SalesAssist,
            "sales_assist",
            "revops/opportunity_scoring",
            vec!["ecosystem/nearbound_signal", "plg/usage_depth_analyzer"],
            Some("sales"),
        ),
        (
            enterprise(),
            2,
            Motion::SalesLed,
            "lead_qualification",
            "revops/lead_routing",
            vec![],
            Some("sales"),
        ),
        (
            referred(),
            3,
            Motion::PartnerSourced,
            "partner_sourced",
            "ecosystem/partner_influenced_revenue",
            vec![],
            Some("sales"),
        ),
    ] {
        let decision = decide(&policy, &signals, &consenting(), now());
        assert_eq!(
            (decision.outcome, decision.matched, decision.motion),
            (Outcome::Executed, rule, Some(motion))
        );
        assert_eq!(&*decision.exit_state, exit);
        let candidate = decision.candidate(&policy).unwrap();
        assert_eq!(&*candidate.skill, skill);
        assert_eq!(candidate.parallel.iter().map(|skill| &**skill).collect::<Vec<_>>(), parallel);
        assert_eq!(candidate.handoff.as_ref().map(|handoff| &*handoff.team), team);
        let calls: Vec<&str> = decision
            .effects
            .iter()
            .filter_map(|effect| if let Effect::CallSkill { skill } = effect { Some(&**skill) } else { None })
            .collect();
        assert_eq!(calls, [vec![skill], parallel].concat());
        let handoffs = decision.effects.iter().filter(|effect| matches!(effect, Effect::OpenHandoff { .. }));
        assert_eq!(handoffs.count(), usize::from(team.is_some()));
    }
    let watching = decided(&quiet(), &Ledger::default());
    assert_eq!((watching.outcome, watching.matched, watching.motion), (Outcome::Monitoring, 4, None));
    assert_eq!(&*watching.exit_state, "idle");
    assert!(watching.effects.is_empty() && watching.waits_for.is_empty());
}

#[test]
fn the_first_branch_needs_more_than_seventy_smb_and_no_deal() {
    let mut signals = small_business();
    signals.usage.depth = 70.0;
    let decision = decided(&signals, &Ledger::default());
    assert_eq!((decision.outcome, decision.branches[0].failing), (Outcome::Monitoring, 0b001));
    signals.usage.depth = 70.01;
    assert_eq!(decided(&signals, &Ledger::default()).motion, Some(Motion::PlgSelfServe));
    signals.crm.active_deals = 1;
    assert_eq!(decided(&signals, &Ledger::default()).branches[0].failing, 0b100);
    signals.lifecycle.segment = Segment::MidMarket;
    assert_eq!(
        decided(&signals, &Ledger::default()).branches[0].failing,
        0b110,
        "all that failed, not the first"
    );
}

#[test]
fn low_self_serve_ends_at_forty() {
    let mut signals = enterprise();
    signals.usage.depth = 39.99;
    assert_eq!(decided(&signals, &Ledger::default()).motion, Some(Motion::SalesLed));
    signals.usage.depth = 40.0;
    assert_eq!(decided(&signals, &Ledger::default()).motion, None);
}

#[test]
fn the_second_policy_sends_larger_accounts_without_a_partner_to_sales() {
    let policy = Policy::built_in("product-led-sales").unwrap().unwrap();
    let mut signals = co_sell();
    signals.partner.overlaps.clear();
    assert_eq!(
        decided(&signals, &Ledger::default()).outcome,
        Outcome::Monitoring,
        "the literal ladder does not"
    );
    let decision = decide(&policy, &signals, &Ledger::default(), now());
    assert_eq!((decision.motion, &*decision.exit_state), (Some(Motion::SalesAssist), "sales_assist"));
    signals.usage.plateau = false;
    assert_eq!(decide(&policy, &signals, &Ledger::default(), now()).motion, None);
    signals.usage.expansion_signals = vec!["usage_spike".to_owned()];
    assert_eq!(decide(&policy, &signals, &Ledger::default(), now()).motion, Some(Motion::SalesAssist));
}

/// Signals changed in one respect, the motion it speaks for, and the indicator that must fire.
type Case = (fn(&mut Signals), Motion, usize);

#[test]
fn each_indicator_fires_at_its_boundary_and_adds_its_weight() {
    let cases: &[Case] = &[
        (|s| s.usage.depth = 70.01, Motion::PlgSelfServe, 0),
        (|s| s.lifecycle.segment = Segment::Smb, Motion::PlgSelfServe, 1),
        (|s| s.crm.active_deals = 0, Motion::PlgSelfServe, 2),
        (|s| s.lifecycle.segment = Segment::MidMarket, Motion::SalesAssist, 0),
        (|s| s.usage.plateau = true, Motion::SalesAssist, 1),
        (|s| s.usage.expansion_signals = vec!["usage_spike".to_owned()], Motion::SalesAssist, 2),
        (|s| *s.intent.kinds.get_mut("expansion").unwrap() = 0.5, Motion::SalesAssist, 2),
        (|s| s.lifecycle.segment = Segment::Enterprise, Motion::SalesLed, 0),
        (|s| s.usage.depth = 39.99, Motion::SalesLed, 1),
        (|s| *s.intent.kinds.get_mut("budget").unwrap() = 0.5, Motion::SalesLed, 2),
        (|s| s.partner.overlaps = co_sell().partner.overlaps[..1].to_vec(), Motion::PartnerCoSell, 0),
        (|s| s.partner.overlaps = co_sell().partner.overlaps[1..].to_vec(), Motion::PartnerCoSell, 1),
        (|s| s.partner.referrals = vec!["aws".to_owned()], Motion::PartnerSourced, 0),
        (|s| s.crm.prior_engagement = false, Motion::PartnerSourced, 1),
    ];
    // An account for which nothing speaks.
    let mut silent = quiet();
    silent.usage.depth = 70.0;
    silent.crm.active_deals = 1;
    silent.crm.prior_engagement = true;
    silent.intent.kinds = [("budget".to_owned(), 0.49), ("expansion".to_owned(), 0.49)].into();
    assert!(
        decided(&silent, &Ledger::default())
            .scores
            .iter()
            .all(|score| score.fired == 0 && score.score == 0.0)
    );
    let policy = policy();
    for (index, (change, motion, indicator)) in cases.iter().enumerate() {
        let mut signals = silent.clone();
        change(&mut signals);
        let score = decided(&signals, &Ledger::default()).scores[motion.index()];
        assert_eq!(score.fired >> indicator & 1, 1, "case {index}");
        let added: f64 =
            policy.motion(*motion).indicators.iter().enumerate().fold(0.0, |sum, (i, indicator)| {
                if score.fired >> i & 1 == 1 { sum + indicator.contribution } else { sum }
            });
        assert!((score.score - added).abs() < 1e-6, "case {index}");
    }
}

#[test]
fn equal_scores_fall_to_the_heavier_motion_then_to_the_earlier_one() {
    // Both score 0.15 × 1 and 0.25 × 0.6.
    let policy = policy_with(&[
        ("id = \"mid_market\", weight = 0.35", "id = \"mid_market\", weight = 0.6"),
        ("id = \"usage_plateau\", weight = 0.35", "id = \"usage_plateau\", weight = 0.1"),
        ("says = \"it is a mid-market company\"", "says = \"it is larger\""),
        ("when = 'segment == \"mid_market\"'", "when = 'segment != \"smb\"'"),
        ("when = 'usage_plateau', says", "when = 'ticket_escalated', says"),
    ]);
    let decision = decide(&policy, &co_sell(), &consenting(), now());
    assert!(decision.candidates[0].score.to_bits() == decision.candidates[1].score.to_bits());
    assert_eq!(decision.motion, Some(Motion::SalesAssist), "0.25 weighs more than 0.15");
    assert_eq!(format!("{}", decision.confidence.lead), "0");
    // Of equal weight too: the order of motions, whatever the order of the file.
    let level = [
        ("id = \"sales_assist\"\nweight = 0.25", "id = \"sales_assist\"\nweight = 0.20"),
        ("id = \"partner_co_sell\"\nweight = 0.15", "id = \"partner_co_sell\"\nweight = 0.20"),
        ("when = 'segment == \"mid_market\"'", "when = 'segment == \"enterprise\" || usage_depth > 99'"),
        ("size(expansion_signals) > 0 ||", "size(partner_overlap) > 0 ||"),
    ];
    let decision = decide(&policy_with(&level), &co_sell(), &consenting(), now());
    assert!(decision.candidates[0].score.to_bits() == decision.candidates[1].score.to_bits());
    assert_eq!(decision.motion, Some(Motion::SalesAssist));
}

#[test]
fn confidence_is_made_of_fit_lead_and_evidence() {
    let signals = derive(policy().definitions(), &worked_example(), Failing::default(), now());
    let decision = decided(&signals, &consenting());
    let confidence = decision.confidence;
    assert_eq!(format!("{confidence:?}"), "Confidence { value: 0.88, fit: 1.0, lead: 0.4, evidence: 1.0 }");
    // Alone in its branch a candidate leads fully; what is stale, missing or degraded is no evidence.
    let mut alone = small_business();
    alone.lifecycle.provenance.as_of = Some(hours_ago(2_160));
    alone.usage.provenance.as_of = Some(hours_ago(73));
    alone.partner.provenance =
        Provenance { as_of: Some(now()), degraded: true, source: "partner".to_owned() };
    let confidence = decided(&alone, &Ledger::default()).confidence;
    assert_eq!(format!("{confidence:?}"), "Confidence { value: 0.82, fit: 1.0, lead: 1.0, evidence: 0.4 }");
}

#[test]
fn an_executed_decision_claims_touches_calls_and_hands_over_in_this_order() {
    let mut signals = derive(policy().definitions(), &worked_example(), Failing::default(), now());
    signals.crm.owner_id = Some("rep-7".to_owned());
    let decision = decided(&signals, &Ledger::default());
    let names: Vec<String> = decision
        .effects
        .iter()
        .map(|effect| serde_json::to_value(effect).unwrap()["effect"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        names,
        ["claim", "touch", "call_skill", "call_skill", "call_skill", "open_handoff", "withhold_partner_data"]
    );
    let Effect::Claim { motion, expires_at, pairs } = &decision.effects[0] else { panic!("a claim first") };
    assert_eq!((*motion, *expires_at), (Motion::SalesAssist, now() + chrono::TimeDelta::hours(72)));
    assert!(pairs.iter().any(|pair| &**pair == "plg_self_serve|sales_assist"));
    assert!(pairs.iter().any(|pair| &**pair == "sales_assist|sales_assist"));
    let Effect::OpenHandoff { handoff, crm_owner_first } = &decision.effects[5] else { panic!("a handoff") };
    assert_eq!(
        (&*handoff.handoff_type, handoff.sla_seconds, *crm_owner_first),
        ("plg_to_sales", 172_800, true)
    );
}
