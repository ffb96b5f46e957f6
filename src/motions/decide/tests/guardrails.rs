//! Each guardrail where it passes and one step beyond, and which of several names the outcome.

use chrono::TimeDelta;
use uuid::Uuid;

use super::*;

fn second() -> TimeDelta {
    TimeDelta::seconds(1)
}

fn outcome(signals: &Signals, ledger: &Ledger) -> (Outcome, Option<DateTime>, Vec<Awaited>) {
    let decision = decided(signals, ledger);
    assert_eq!(
        decision.effects.is_empty(),
        !matches!(decision.outcome, Outcome::Executed | Outcome::Conflict)
    );
    (decision.outcome, decision.wake_at, decision.waits_for.iter().collect())
}

#[test]
fn self_serve_needs_seven_days_of_usage() {
    let mut signals = small_business();
    signals.usage.days = 7;
    assert_eq!(decided(&signals, &Ledger::default()).outcome, Outcome::Executed);
    signals.usage.days = 6;
    let decision = decided(&signals, &Ledger::default());
    assert_eq!(
        guardrail(&decision, GuardrailId::UsageDataDays).detail,
        Detail::UsageDays { days: 6, needed: 7 }
    );
    assert_eq!(outcome(&signals, &Ledger::default()), (Outcome::Deferred, None, vec![Awaited::Usage]));
    assert_eq!(&*decision.exit_state, "deferred");
    // Other motions do not need it.
    let other = decided(&enterprise(), &Ledger::default());
    assert_eq!(guardrail(&other, GuardrailId::UsageDataDays).verdict, Verdict::NotApplicable);
}

#[test]
fn sales_needs_crm_data_of_the_last_day() {
    let mut signals = enterprise();
    signals.crm.provenance.as_of = Some(hours_ago(24));
    assert_eq!(decided(&signals, &Ledger::default()).outcome, Outcome::Executed, "exactly a day old");
    for as_of in [Some(hours_ago(24) - second()), None] {
        signals.crm.provenance.as_of = as_of;
        assert_eq!(outcome(&signals, &Ledger::default()), (Outcome::Deferred, None, vec![Awaited::CrmSync]));
    }
    let mut other = small_business();
    other.crm.provenance.as_of = None;
    assert_eq!(decided(&other, &Ledger::default()).outcome, Outcome::Executed, "self-serve does without");
}

#[test]
fn co_sell_needs_a_confirmed_partner_sync_of_the_last_day() {
    let mut signals = co_sell();
    signals.partner.synced_at = Some(hours_ago(24));
    assert_eq!(decided(&signals, &consenting()).outcome, Outcome::Executed);
    for synced_at in [Some(hours_ago(24) - second()), None] {
        signals.partner.synced_at = synced_at;
        signals.partner.provenance.as_of = Some(now());
        assert_eq!(outcome(&signals, &consenting()), (Outcome::Deferred, None, vec![Awaited::PartnerSync]));
    }
    let mut other = referred();
    other.partner.synced_at = None;
    assert_eq!(decided(&other, &consenting()).outcome, Outcome::Executed, "the gate is for co-sell");
}

#[test]
fn a_competing_claim_holds_until_the_instant_it_expires() {
    let signals = small_business();
    let mut ledger = Ledger { claims: vec![claim(Motion::SalesLed, hours_ago(72))], ..Ledger::default() };
    assert_eq!(decided(&signals, &ledger).outcome, Outcome::Executed, "free at that very instant");
    ledger.claims[0].expires_at = now() + second();
    let decision = decided(&signals, &ledger);
    assert_eq!((decision.outcome, &*decision.exit_state), (Outcome::Conflict, "conflict"));
    let id = ledger.claims[0].id;
    let expected =
        Effect::OpenConflict { holder_claim: id, holder: Motion::SalesLed, wanted: Motion::PlgSelfServe };
    assert_eq!(decision.effects, [expected]);
    assert_eq!(
        outcome(&signals, &ledger),
        (Outcome::Conflict, Some(now() + second()), vec![Awaited::ConflictResolution, Awaited::Time])
    );
}

#[test]
fn a_motion_that_does_not_compete_runs_beside_the_holder() {
    let ledger = Ledger { claims: vec![claim(Motion::SalesLed, hours_ago(1))], ..consenting() };
    let decision = decided(&co_sell(), &ledger);
    assert_eq!((decision.outcome, decision.motion), (Outcome::Executed, Some(Motion::PartnerCoSell)));
    assert!(!decision.effects.iter().any(|effect| matches!(effect, Effect::Release { .. })));
}

#[test]
fn a_switch_takes_over_from_the_holder_and_is_used_up() {
    let signals = small_business();
    let mut ledger = Ledger { claims: vec![claim(Motion::SalesLed, hours_ago(1))], ..Ledger::default() };
    ledger.switch_to = Some(Motion::SalesAssist);
    assert_eq!(decided(&signals, &ledger).outcome, Outcome::Conflict, "the switch is for another motion");
    ledger.switch_to = Some(Motion::PlgSelfServe);
    let decision = decided(&signals, &ledger);
    let id = ledger.claims[0].id;
    assert_eq!(decision.outcome, Outcome::Executed);
    assert_eq!(decision.effects[..2], [Effect::Release { claim_id: id }, Effect::ConsumeSwitch]);
    assert!(matches!(decision.effects[2], Effect::Claim { motion: Motion::PlgSelfServe, .. }));
    assert_eq!(
        guardrail(&decision, GuardrailId::MotionExclusivity).detail,
        Detail::TakesOver { claim_id: id, from: Motion::SalesLed }
    );
    // It excuses from exclusivity and from nothing else.
    ledger.touches = vec![touch(hours_ago(1)), touch(hours_ago(1))];
    assert_eq!(decided(&signals, &ledger).outcome, Outcome::Blocked);
}

#[test]
fn two_touches_in_seven_days_are_the_budget() {
    let signals = small_business();
    let week = TimeDelta::days(7);
    let mut ledger =
        Ledger { touches: vec![touch(now() - week), touch(now() - second())], ..Ledger::default() };
    assert_eq!(decided(&signals, &ledger).outcome, Outcome::Executed, "exactly a week old no longer counts");
    ledger.touches[0].at = now() - week + second();
    assert_eq!(outcome(&signals, &ledger), (Outcome::Blocked, Some(now() + second()), vec![Awaited::Time]));
    // With more touches than the budget, enough of them must leave the window; order does not matter.
    ledger.touches = vec![touch(hours_ago(1)), touch(hours_ago(50)), touch(hours_ago(100))];
    assert_eq!(outcome(&signals, &ledger).1, Some(hours_ago(50) + week));
}

#[test]
fn explicit_preferences_are_obeyed() {
    let signals = small_business();
    let mut ledger = Ledger::default();
    ledger.preferences.allowed = vec![Motion::PlgSelfServe, Motion::SalesLed];
    assert_eq!(decided(&signals, &ledger).outcome, Outcome::Executed);
    ledger.preferences.allowed = vec![Motion::SalesLed];
    assert_eq!(outcome(&signals, &ledger), (Outcome::Blocked, None, vec![Awaited::Preference]));
    ledger.preferences.allowed.clear();
    ledger.preferences.blocked = vec![Motion::PlgSelfServe];
    let decision = decided(&signals, &ledger);
    assert_eq!(decision.outcome, Outcome::Blocked);
    assert_eq!(guardrail(&decision, GuardrailId::MotionPreferences).detail, Detail::BlockedMotion);
    ledger.preferences.blocked.clear();
    ledger.preferences.do_not_contact = true;
    assert_eq!(outcome(&signals, &ledger), (Outcome::Blocked, None, vec![Awaited::Preference]));
}

#[test]
fn a_pause_rests_the_motion_until_its_instant() {
    let signals = small_business();
    let pause = |motion, until| Pause { motion, until, conflict_id: Uuid::from_u128(5) };
    let mut ledger = Ledger { pauses: vec![pause(Motion::PlgSelfServe, now())], ..Ledger::default() };
    assert_eq!(decided(&signals, &ledger).outcome, Outcome::Executed);
    ledger.pauses =
        vec![pause(Motion::PlgSelfServe, now() + second()), pause(Motion::SalesLed, hours_ago(-9))];
    assert_eq!(outcome(&signals, &ledger), (Outcome::Blocked, Some(now() + second()), vec![Awaited::Time]));
}

#[test]
fn deals_in_negotiation_or_closing_freeze_everything_but_a_continuation() {
    for (stage, frozen) in [
        (DealStage::Open, false),
        (DealStage::Proposal, false),
        (DealStage::Negotiation, true),
        (DealStage::Closing, true),
    ] {
        let mut signals = enterprise();
        signals.crm.active_deals = 2;
        signals.crm.open_stages = vec![DealStage::Discovery, stage];
        signals.crm.deal_stage = stage;
        let decision = decided(&signals, &Ledger::default());
        assert_eq!(decision.outcome == Outcome::Blocked, frozen, "{stage:?}");
        if frozen {
            assert_eq!(outcome(&signals, &Ledger::default()).2, [Awaited::DealStage]);
            let running = Ledger { claims: vec![claim(Motion::SalesLed, hours_ago(5))], ..Ledger::default() };
            assert_eq!(decided(&signals, &running).outcome, Outcome::Continued);
        }
    }
    // A deal in a frozen stage freezes even when another one is further.
    let policy =
        policy_with(&[("frozen_stages = [\"negotiation\", \"closing\"]", "frozen_stages = [\"proposal\"]")]);
    let mut signals = enterprise();
    signals.crm.open_stages = vec![DealStage::Proposal, DealStage::Closing];
    signals.crm.deal_stage = DealStage::Closing;
    assert_eq!(decide(&policy, &signals, &Ledger::default(), now()).outcome, Outcome::Blocked);
}

#[test]
fn without_a_live_consent_partner_data_is_withheld_and_nothing_is_stopped() {
    let consent = |granted, expires_at| ConsentView { granted, legal_basis: None, expires_at };
    for (view, live) in [
        (None, false),
        (Some(consent(true, None)), true),
        (Some(consent(false, None)), false),
        (Some(consent(true, Some(now() + second()))), true),
        (Some(consent(true, Some(now()))), false),
    ] {
        let consents = view.into_iter().map(|view| ("partner_data_sharing".to_owned(), view)).collect();
        let decision = decided(&co_sell(), &Ledger { consents, ..Ledger::default() });
        assert_eq!(decision.outcome, Outcome::Executed);
        assert_eq!(decision.partner_data_withheld, !live);
        let audited =
            decision.effects.iter().filter(|effect| matches!(effect, Effect::WithholdPartnerData { .. }));
        assert_eq!(audited.count(), usize::from(!live));
        assert!(decision.waits_for.is_empty(), "it waits for nothing");
    }
    let other = decided(&small_business(), &Ledger::default());
    assert_eq!(guardrail(&other, GuardrailId::PartnerConsent).verdict, Verdict::NotApplicable);
}

#[test]
fn the_crm_owner_comes_first() {
    let mut signals = enterprise();
    let decision = decided(&signals, &Ledger::default());
    assert_eq!(guardrail(&decision, GuardrailId::AccountOwnership).verdict, Verdict::NotApplicable);
    signals.crm.owner_id = Some("rep-1".to_owned());
    let decision = decided(&signals, &Ledger::default());
    assert_eq!(guardrail(&decision, GuardrailId::AccountOwnership).detail, Detail::Owned);
}

#[test]
fn a_continuation_does_nothing_and_yields_to_what_the_account_asked_for() {
    let mut signals = small_business();
    signals.usage.days = 1;
    let mut ledger = Ledger {
        claims: vec![claim(Motion::PlgSelfServe, hours_ago(71))],
        touches: vec![touch(hours_ago(1)), touch(hours_ago(2))],
        ..Ledger::default()
    };
    let decision = decided(&signals, &ledger);
    assert_eq!((decision.outcome, &*decision.exit_state), (Outcome::Continued, "plg_activation"));
    assert!(decision.effects.is_empty());
    assert_eq!(guardrail(&decision, GuardrailId::TouchBudget).verdict, Verdict::NotApplicable);
    ledger.preferences.do_not_contact = true;
    assert_eq!(decided(&signals, &ledger).outcome, Outcome::Blocked);
    ledger.preferences = PreferenceView { blocked: vec![Motion::PlgSelfServe], ..PreferenceView::default() };
    assert_eq!(decided(&signals, &ledger).outcome, Outcome::Blocked);
}

#[test]
fn of_several_failures_the_first_by_precedence_names_the_outcome_and_all_are_listed() {
    let mut signals = enterprise();
    signals.crm.provenance.as_of = None;
    signals.crm.open_stages = vec![DealStage::Closing];
    let mut ledger = Ledger {
        claims: vec![claim(Motion::PlgSelfServe, hours_ago(1))],
        touches: vec![touch(hours_ago(1)), touch(hours_ago(2))],
        ..Ledger::default()
    };
    let stops = |signals: &Signals, ledger: &Ledger| {
        let decision = decided(signals, ledger);
        let ids: Vec<&str> = decision.stopped_by().map(|guardrail| guardrail.id.name()).collect();
        (decision.outcome, ids.join(" "), decision.wake_at)
    };
    assert_eq!(
        stops(&signals, &ledger),
        (
            Outcome::Blocked,
            "motion_exclusivity crm_freshness touch_budget deal_stage_freeze".to_owned(),
            None
        )
    );
    signals.crm.open_stages.clear();
    assert_eq!(
        stops(&signals, &ledger),
        (Outcome::Deferred, "motion_exclusivity crm_freshness touch_budget".to_owned(), None)
    );
    signals.crm.provenance.as_of = Some(now());
    let all_free = hours_ago(2) + TimeDelta::days(7);
    assert_eq!(
        stops(&signals, &ledger),
        (Outcome::Conflict, "motion_exclusivity touch_budget".to_owned(), Some(all_free)),
        "time alone frees it when the last of both is over"
    );
    ledger.claims.clear();
    assert_eq!(stops(&signals, &ledger), (Outcome::Blocked, "touch_budget".to_owned(), Some(all_free)));
}
