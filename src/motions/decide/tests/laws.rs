//! What holds for every decision, whatever the signals and the ledger.

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::kernel::ids::AccountId;
use crate::motions::document::{Meta, document, skill_payload};
use crate::motions::policy::{BUILT_IN, Format, live_claims};

/// The default policy with the candidates of its second branch in the other order, under the same rules.
fn reordered() -> Policy {
    let text = BUILT_IN[0].1;
    let (first, second) = (
        text.find("[[branches.candidates]]\nmotion = \"partner_co_sell\"").unwrap(),
        text.find("[[branches.candidates]]\nmotion = \"sales_assist\"").unwrap(),
    );
    let end = second + text[second..].find("\n[[branches]]").unwrap();
    let text = format!("{}{}\n{}{}", &text[..first], &text[second..end], &text[first..second], &text[end..]);
    Policy::compile(&text, Format::Toml).unwrap()
}

fn extreme_instant() -> impl Strategy<Value = DateTime> {
    prop::sample::select(vec![DateTime::MIN_UTC, DateTime::MAX_UTC, DateTime::UNIX_EPOCH, now()])
}

fn meta() -> Meta {
    Meta { account_id: AccountId::parse("acc").unwrap(), decision_id: Uuid::from_u128(1), dry_run: true }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn the_same_inputs_give_the_same_decision_also_after_being_stored(signals in any_signals(), ledger in any_ledger()) {
        let policy = policy_once();
        let decision = decide(policy, &signals, &ledger, now());
        prop_assert_eq!(&decision, &decide(policy, &signals, &ledger, now()));
        let signals_read: Signals = serde_json::from_str(&serde_json::to_string(&signals).unwrap()).unwrap();
        let ledger_read: Ledger = serde_json::from_str(&serde_json::to_string(&ledger).unwrap()).unwrap();
        prop_assert_eq!(&decision, &decide(policy, &signals_read, &ledger_read, now()));
        let read: Decision = serde_json::from_str(&serde_json::to_string(&decision).unwrap()).unwrap();
        prop_assert_eq!(&read, &decision);
    }

    #[test]
    fn the_order_of_candidates_does_not_matter(signals in any_signals(), ledger in any_ledger()) {
        let (one, other) = (decide(policy_once(), &signals, &ledger, now()), decide(reordered_once(), &signals, &ledger, now()));
        prop_assert_eq!(one.motion, other.motion);
        prop_assert_eq!(one.outcome, other.outcome);
        prop_assert_eq!(&one.effects, &other.effects);
        prop_assert_eq!(one.confidence, other.confidence);
    }

    #[test]
    fn what_is_executed_is_free_to_be(signals in any_signals(), ledger in any_ledger()) {
        let policy = policy_once();
        let decision = decide(policy, &signals, &ledger, now());
        let Some(motion) = decision.motion else {
            prop_assert_eq!(decision.outcome, Outcome::Monitoring);
            return Ok(());
        };
        let competing = live_claims(&ledger, now()).any(|claim| policy.guardrails().compete(claim.motion, motion));
        let touches = ledger.touches.iter().filter(|touch| touch.at > now() - chrono::TimeDelta::days(7)).count();
        let stopped = decision.stopped_by().count();
        match decision.outcome {
            Outcome::Executed => {
                prop_assert!(!competing || ledger.switch_to == Some(motion));
                prop_assert!(touches < 2);
                prop_assert!(!ledger.preferences.do_not_contact);
                prop_assert_eq!(stopped, 0);
                prop_assert_eq!(decision.effects.iter().filter(|e| matches!(e, Effect::Claim { .. })).count(), 1);
                prop_assert_eq!(decision.effects.iter().filter(|e| matches!(e, Effect::Touch)).count(), 1);
            }
            Outcome::Continued => {
                prop_assert!(live_claims(&ledger, now()).any(|claim| claim.motion == motion));
                prop_assert!(decision.effects.is_empty());
            }
            Outcome::Conflict => prop_assert!(competing && decision.effects.len() == 1),
            Outcome::Deferred | Outcome::Blocked => {
                prop_assert!(stopped > 0 && decision.effects.is_empty() && !decision.waits_for.is_empty());
            }
            Outcome::Monitoring => prop_assert!(false, "a motion was chosen"),
        }
    }

    #[test]
    fn waking_at_the_named_instant_lets_the_decision_through(signals in any_signals(), ledger in any_ledger()) {
        let policy = policy_once();
        let decision = decide(policy, &signals, &ledger, now());
        if let Some(wake_at) = decision.wake_at {
            prop_assert!(wake_at > now());
            let then = decide(policy, &signals, &ledger, wake_at);
            // Other guardrails may have failed by then through age alone; those that were named have not.
            let named: Vec<GuardrailId> = decision.stopped_by().map(|guardrail| guardrail.id).collect();
            if then.motion == decision.motion {
                prop_assert!(then.stopped_by().all(|guardrail| !named.contains(&guardrail.id)), "{:?}", named);
            }
        }
    }

    #[test]
    fn values_that_no_account_has_do_no_harm(
        signals in any_signals(),
        ledger in any_ledger(),
        numbers in prop::collection::vec(any::<f64>(), 6),
        instants in prop::collection::vec(extreme_instant(), 6),
    ) {
        let (mut signals, mut ledger) = (signals, ledger);
        signals.usage.depth = numbers[0];
        signals.usage.trend_pct = Some(numbers[1]);
        signals.lifecycle.icp_fit = numbers[2];
        signals.intent.kinds.insert("budget".to_owned(), numbers[3]);
        signals.partner.overlaps.iter_mut().for_each(|overlap| overlap.strength = numbers[4]);
        signals.usage.weekly_active_users = u64::MAX;
        signals.crm.provenance.as_of = Some(instants[0]);
        signals.partner.synced_at = Some(instants[1]);
        ledger.touches.push(touch(instants[2]));
        ledger.touches.push(touch(instants[3]));
        ledger.claims.push(Claim { expires_at: instants[4], ..claim(Motion::SalesLed, now()) });
        for at in [now(), instants[5]] {
            let decision = decide(policy_once(), &signals, &ledger, at);
            let told = document(policy_once(), &signals, &ledger, &decision, &meta());
            prop_assert!((0.0..=1.0).contains(&told.recommendation.confidence));
        }
    }

    #[test]
    fn every_decision_explains_itself(signals in any_signals(), ledger in any_ledger()) {
        let policy = policy_once();
        let decision = decide(policy, &signals, &ledger, now());
        let told = document(policy, &signals, &ledger, &decision, &meta());
        prop_assert!(told.recommendation.reasoning.len() > 20 && told.recommendation.reasoning.ends_with('.'));
        prop_assert!(!told.recommendation.reasoning.contains("  ") && !told.recommendation.reasoning.contains("()"));
        prop_assert!(!told.exit_state.is_empty() && !told.matched_rule.is_empty());
        prop_assert_eq!(told.guardrails.len(), 11);
        prop_assert!(told.guardrails.iter().all(|guardrail| guardrail.detail.ends_with('.')));
        prop_assert!((0.0..=1.0).contains(&told.recommendation.confidence));
        let makes_handoff = decision.effects.iter().any(|effect| matches!(effect, Effect::OpenHandoff { .. }));
        prop_assert_eq!(told.handoff.is_some(), makes_handoff);
        if decision.partner_data_withheld {
            prop_assert!(told.handoff.as_ref().is_none_or(|handoff| handoff.context.partner_context.is_none()));
            for skill in policy.skills() {
                let told = skill_payload(policy, &skill.name, &signals, &ledger, &decision, &meta());
                for part in &skill.needs_consent {
                    prop_assert!(told["data"].get(part.name()).is_none());
                }
            }
        }
    }
}

fn policy_once() -> &'static Policy {
    static POLICY: std::sync::OnceLock<Policy> = std::sync::OnceLock::new();
    POLICY.get_or_init(policy)
}

fn reordered_once() -> &'static Policy {
    static POLICY: std::sync::OnceLock<Policy> = std::sync::OnceLock::new();
    POLICY.get_or_init(reordered)
}
