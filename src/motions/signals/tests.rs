//! Definitions at their boundaries.

use chrono::{Days, TimeDelta};

use super::*;
use crate::accounts::model::{Deal, Fact, Intent, Overlap, OverlapKind, Subscription, Ticket, UsageDay};
use crate::motions::model::DealStage;
use crate::motions::samples::*;

fn signals(state: &AccountState) -> Signals {
    derive(policy().definitions(), state, Failing::default(), now())
}

#[test]
fn nothing_known_gives_quiet_signals() {
    let signals = signals(&AccountState::default());
    assert_eq!(signals.lifecycle.segment, Segment::Unknown);
    assert_eq!(signals.lifecycle.segment_basis, "none");
    assert_eq!((signals.usage.days, signals.usage.history_days, signals.usage.plateau), (0, 0, false));
    assert_eq!(signals.usage.trend_pct, None);
    assert_eq!(signals.crm.deal_stage, DealStage::None);
    for group in [&signals.usage.provenance, &signals.crm.provenance, &signals.intent.provenance] {
        assert_eq!((group.source.as_str(), group.as_of, group.degraded), ("none", None, false));
    }
}

#[test]
fn the_segment_changes_exactly_at_its_thresholds() {
    for (employees, segment) in [
        (0, Segment::Smb),
        (199, Segment::Smb),
        (200, Segment::MidMarket),
        (1_999, Segment::MidMarket),
        (2_000, Segment::Enterprise),
    ] {
        let mut state = AccountState::default();
        state.profile.employee_count = known(employees);
        assert_eq!(signals(&state).lifecycle.segment, segment, "{employees}");
    }
}

#[test]
fn the_segment_rests_on_the_best_evidence_there_is() {
    let mut state = AccountState::default();
    state.profile.plan_tier = known("Enterprise".to_owned());
    let by = |state: &AccountState| {
        let lifecycle = signals(state).lifecycle;
        (lifecycle.segment, lifecycle.segment_basis)
    };
    assert_eq!(by(&state), (Segment::Enterprise, "plan_tier".to_owned()));
    state.profile.seats = known(49);
    assert_eq!(by(&state), (Segment::Smb, "seats".to_owned()));
    state.profile.seats = known(50);
    assert_eq!(by(&state), (Segment::MidMarket, "seats".to_owned()));
    state.profile.employee_count = known(3_000);
    assert_eq!(by(&state), (Segment::Enterprise, "employee_count".to_owned()));
    state.lifecycle.segment = known("Mid-Market".to_owned());
    assert_eq!(by(&state), (Segment::MidMarket, "lifecycle".to_owned()));
    state.lifecycle.segment = known("whatever".to_owned());
    assert_eq!(by(&state).1, "employee_count", "a segment that nobody knows decides nothing");
}

#[test]
fn depth_blends_breadth_frequency_and_penetration() {
    let signals = signals(&worked_example());
    let usage = &signals.usage;
    assert_eq!(
        format!("{} {} {} {}", usage.breadth, usage.frequency, usage.penetration, usage.depth),
        "50 100 73.33 72"
    );
    assert_eq!((usage.days, usage.history_days), (49, 49));
    assert_eq!((usage.weekly_active_users, usage.seats), (22, Some(30)));
    assert_eq!(usage.trend_pct, Some(0.0));
    assert!(usage.plateau);
    assert_eq!(usage.provenance.as_of, Some(hours_ago(1)));
}

#[test]
fn penetration_never_exceeds_a_hundred_and_no_seats_give_none() {
    let mut state = AccountState::default();
    days(&mut state, 0, 1, 50, &[("api", 1)]);
    state.profile.seats = known(10);
    assert_eq!(format!("{}", signals(&state).usage.penetration), "100");
    state.profile.seats = None;
    assert_eq!(format!("{}", signals(&state).usage.penetration), "0");
}

#[test]
fn windows_end_today_and_see_nothing_after_it() {
    let mut state = AccountState::default();
    let today = now().date_naive();
    let day = |feature: &str| UsageDay {
        active_users: 3,
        features: [(feature.to_owned(), 5)].into(),
        ..UsageDay::default()
    };
    state.usage.days.insert(today + Days::new(1), day("tomorrow"));
    state.usage.days.insert(today, day("today"));
    state.usage.days.insert(today - Days::new(27), day("first_in"));
    state.usage.days.insert(today - Days::new(28), day("last_out"));
    let usage = signals(&state).usage;
    assert_eq!(usage.top_features, ["first_in", "today"]);
    assert_eq!((usage.days, usage.history_days), (3, 29));
    assert_eq!(format!("{}", usage.breadth), "20");
}

/// Two fortnights of whole days of usage, up to yesterday, with these volumes a day, at full depth otherwise.
fn two_fortnights(before: u64, lately: u64) -> AccountState {
    let mut state = AccountState::default();
    state.profile.seats = known(10);
    days(&mut state, 15, 14, 10, &[("api", before)]);
    days(&mut state, 1, 14, 10, &[("api", lately)]);
    state
}

#[test]
fn a_plateau_is_within_the_band_with_enough_history_and_depth() {
    for (lately, trend, plateau) in
        [(105, 5.0, true), (95, -5.0, true), (106, 6.0, false), (94, -6.0, false), (100, 0.0, true)]
    {
        let usage = signals(&two_fortnights(100, lately)).usage;
        assert_eq!(usage.trend_pct, Some(trend));
        assert_eq!(usage.plateau, plateau, "{lately}");
    }
    // 27 days of history are one too few.
    let mut young = two_fortnights(100, 100);
    let first = young.usage.first_day.unwrap();
    young.usage.days.remove(&first);
    young.usage.first_day = Some(first + Days::new(1));
    assert_eq!(signals(&young).usage.history_days, 27);
    assert!(!signals(&young).usage.plateau);
    // Depth: breadth 10 %·0.4 + frequency 100 %·0.3 + penetration 20 %·0.3 = 40, and just below it.
    let mut shallow = two_fortnights(100, 100);
    shallow.usage.days.values_mut().for_each(|day| day.active_users = 2);
    assert!(signals(&shallow).usage.plateau, "depth exactly 40 counts");
    shallow.profile.seats = known(11);
    assert!(!signals(&shallow).usage.plateau);
}

#[test]
fn without_usage_before_there_is_no_trend() {
    let mut state = AccountState::default();
    days(&mut state, 0, 14, 5, &[("api", 10)]);
    assert_eq!(signals(&state).usage.trend_pct, None);
    // Days that count users and no features still have a trend.
    let mut users = AccountState::default();
    days(&mut users, 15, 14, 10, &[]);
    days(&mut users, 1, 14, 12, &[]);
    assert_eq!(signals(&users).usage.trend_pct, Some(20.0));
    // Today is still going on: what of it is recorded so far says nothing about the trend.
    days(&mut users, 0, 1, 1, &[]);
    assert_eq!(signals(&users).usage.trend_pct, Some(20.0));
}

#[test]
fn expansion_signals_come_in_their_order() {
    let mut state = AccountState::default();
    state.profile.seats = known(10);
    days(&mut state, 7, 21, 9, &[("api", 10), ("exports", 10), ("quiet", 1)]);
    days(&mut state, 0, 7, 9, &[("api", 15), ("exports", 30), ("quiet", 2)]);
    state.usage.departments.insert("finance".to_owned(), now().date_naive() - Days::new(13));
    assert_eq!(
        signals(&state).usage.expansion_signals,
        [
            "new_department_users",
            "exports_usage_spike",
            "api_usage_spike",
            "usage_spike",
            "seats_nearly_full"
        ],
        "`quiet` doubled with too little volume"
    );
    // A mean just below one and a half times, a department of a day earlier, seats just below 90 %.
    state.usage.departments.insert("finance".to_owned(), now().date_naive() - Days::new(14));
    state.profile.seats = known(11);
    days(&mut state, 0, 7, 9, &[("api", 14), ("exports", 14)]);
    assert!(signals(&state).usage.expansion_signals.is_empty());
}

#[test]
fn a_new_department_needs_usage_before_its_time() {
    let mut state = AccountState::default();
    days(&mut state, 0, 15, 5, &[("api", 10)]);
    state.usage.departments.insert("sales".to_owned(), now().date_naive());
    assert_eq!(signals(&state).usage.expansion_signals, ["new_department_users"], "used since 14 days ago");
    state.usage.first_day = Some(now().date_naive() - Days::new(13));
    assert!(signals(&state).usage.expansion_signals.is_empty());
}

#[test]
fn the_first_users_of_a_new_account_are_no_expansion() {
    let mut state = AccountState::default();
    days(&mut state, 0, 9, 5, &[("api", 50)]);
    state.usage.departments.insert("sales".to_owned(), now().date_naive() - Days::new(8));
    assert!(signals(&state).usage.expansion_signals.is_empty(), "nine days have no base to spike from");
}

fn deal(stage: &str, closed_hours_ago: Option<i64>) -> Deal {
    Deal {
        stage: known(stage.to_owned()),
        amount: known("1200.50".to_owned()),
        closed_at: closed_hours_ago.and_then(|hours| known(hours_ago(hours))),
        ..Deal::default()
    }
}

#[test]
fn the_furthest_open_deal_speaks_and_unknown_stages_are_open_and_reported() {
    let mut state = AccountState::default();
    state.deals.insert("d1".to_owned(), deal("Closed Won", Some(5)));
    state.deals.insert("d2".to_owned(), deal("closedlost", Some(2)));
    let crm = signals(&state).crm;
    assert_eq!((crm.active_deals, crm.deal_stage), (0, DealStage::ClosedLost), "the one closed last");
    assert!(crm.prior_engagement);
    state.deals.insert("d3".to_owned(), deal("Legal Review", None));
    state.deals.insert("d4".to_owned(), deal("Proposal/Price Quote", None));
    state.deals.insert("d5".to_owned(), deal("contractsent", None));
    let crm = signals(&state).crm;
    assert_eq!((crm.active_deals, crm.deal_stage), (3, DealStage::Closing));
    assert_eq!(crm.open_stages, [DealStage::Open, DealStage::Proposal, DealStage::Closing]);
    assert_eq!(crm.unknown_stages, ["Legal Review"]);
    let told = crm.deal.unwrap();
    assert_eq!((told.id.as_str(), told.amount.as_deref()), ("d5", Some("1200.50")));
}

#[test]
fn the_age_of_crm_data_is_that_of_its_newest_fact_or_sync() {
    let mut state = AccountState::default();
    state.profile.name = Some(fact(Some("Acme".to_owned()), hours_ago(30), "crm"));
    assert_eq!(signals(&state).crm.provenance.as_of, Some(hours_ago(30)));
    state.deals.insert("d1".to_owned(), Deal { name: known("Pilot".to_owned()), ..Deal::default() });
    assert_eq!(signals(&state).crm.provenance.as_of, Some(hours_ago(2)));
    state.syncs.insert(SyncSource::Crm, fact(hours_ago(1), hours_ago(50), "hubspot"));
    let provenance = signals(&state).crm.provenance;
    assert_eq!((provenance.as_of, provenance.source.as_str()), (Some(hours_ago(1)), "hubspot"));
}

#[test]
fn only_a_sync_confirms_partner_data() {
    let mut state = AccountState::default();
    let overlap = |active, strength| fact(Overlap { strength, active }, hours_ago(1), "partner");
    let kinds = state.overlaps.entry("aws".to_owned()).or_default();
    kinds.insert(OverlapKind::TechStack, overlap(true, 7.0));
    kinds.insert(OverlapKind::Prospect, overlap(false, 0.9));
    kinds.insert(OverlapKind::Customer, overlap(true, f64::NAN));
    let partner = signals(&state).partner;
    assert_eq!(partner.synced_at, None);
    assert_eq!(partner.provenance.as_of, Some(hours_ago(1)));
    let kinds: Vec<(OverlapKind, String)> =
        partner.overlaps.iter().map(|overlap| (overlap.overlap_type, overlap.strength.to_string())).collect();
    assert_eq!(kinds, [(OverlapKind::TechStack, "1".to_owned()), (OverlapKind::Customer, "0".to_owned())]);
}

#[test]
fn referrals_and_intents_count_up_to_the_end_of_their_window() {
    let mut state = AccountState::default();
    let referral = |at| Fact::new(at, stamp(at, "partner"));
    state.referrals.insert("aws".to_owned(), referral(now() - TimeDelta::days(90)));
    state.referrals.insert("gcp".to_owned(), referral(now() - TimeDelta::days(3)));
    state.referrals.insert("ibm".to_owned(), referral(now() - TimeDelta::days(90) - TimeDelta::seconds(1)));
    assert_eq!(signals(&state).partner.referrals, ["gcp", "aws"], "newest first");
    let intent = |at| fact(Intent { strength: 0.123_456, detail: None }, at, "web");
    state.intents.insert("budget".to_owned(), intent(now() - TimeDelta::days(30)));
    state.intents.insert("expansion".to_owned(), intent(now() - TimeDelta::days(30) - TimeDelta::seconds(1)));
    let kinds: Vec<(String, String)> = signals(&state)
        .intent
        .kinds
        .into_iter()
        .map(|(kind, strength)| (kind, strength.to_string()))
        .collect();
    assert_eq!(kinds, [("budget".to_owned(), "0.1235".to_owned())]);
}

#[test]
fn tickets_seats_and_plans_come_from_where_they_are_known() {
    let mut state = AccountState::default();
    let ticket = |status: &str, escalated| Ticket {
        status: status.to_owned(),
        priority: None,
        satisfaction: None,
        escalated: Some(escalated),
    };
    state.tickets.insert("t1".to_owned(), fact(ticket("Open", false), hours_ago(1), "desk"));
    state.tickets.insert("t2".to_owned(), fact(ticket("Closed", true), hours_ago(1), "desk"));
    let crm = signals(&state).crm;
    assert_eq!((crm.open_tickets, crm.ticket_escalated), (1, false));
    state.profile.seats = known(5);
    assert_eq!(signals(&state).usage.seats, Some(5));
    let subscription = |seats, plan: &str| Subscription {
        seats: known(seats),
        plan_tier: known(plan.to_owned()),
        ..Subscription::default()
    };
    state.subscriptions.insert("s1".to_owned(), subscription(20, "Pro"));
    state.subscriptions.insert("s2".to_owned(), subscription(22, "Pro"));
    let ended =
        Subscription { end_date: known(now().date_naive() - Days::new(1)), ..subscription(1_000, "Pro") };
    state.subscriptions.insert("s3".to_owned(), ended);
    let signals = signals(&state);
    assert_eq!(signals.usage.seats, Some(42));
    assert_eq!(signals.crm.plan_tier.as_deref(), Some("Pro"));
}

#[test]
fn the_ideal_customer_profile_adds_what_fits() {
    let policy = policy_with(&[(
        "industry = { any_of = [], weight = 0.3 }",
        "industry = { any_of = [\"Software\"], weight = 0.3 }",
    )]);
    let mut state = AccountState::default();
    state.profile.industry = known("software".to_owned());
    state.profile.employee_count = known(50);
    let fit = |state: &AccountState| {
        derive(policy.definitions(), state, Failing::default(), now()).lifecycle.icp_fit.to_string()
    };
    assert_eq!(fit(&state), "0.7");
    state.profile.industry = known("retail".to_owned());
    state.profile.employee_count = known(49);
    assert_eq!(fit(&state), "0");
}
