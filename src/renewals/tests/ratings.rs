//! Ratings: every sign on both sides of its beginning, the three proposals, no to and fro.

use chrono::TimeDelta;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::renewals::measures::measure;
use crate::renewals::model::{Risk, Tier};
use crate::renewals::rating::{SIGNS, propose_play, propose_tier, rate, rerate};
use crate::renewals::samples::{Scene, at, date, plays};

fn codes(scene: &Scene) -> Vec<String> {
    scene.rating().reasons.into_iter().map(|reason| reason.code).collect()
}

#[test]
fn a_sound_account_shows_no_sign() {
    let scene = Scene::new(&json!({}), &json!({}));
    assert_eq!(codes(&scene), Vec::<String>::new());
    assert_eq!((scene.rating().risk, scene.rating().score), (Risk::Green, 0));
}

/// What is said of the state and of the signals, the day of the renewal; the sign that it shows, or none.
type Case = (Value, Value, &'static str, Option<&'static str>);

#[test]
fn every_sign_begins_where_the_file_says() {
    let fact = |value: Value| json!({"value": value, "asOf": "2026-11-18T00:00:00Z", "source": "/crm"});
    let ticket = |satisfaction: f64| json!({"tickets": {"T-1": {"value": {"status": "closed", "satisfaction": satisfaction}, "asOf": "2026-10-01T00:00:00Z", "source": "/desk"}}});
    let usage = |over: Value| json!({"usage": over});
    let cases: Vec<Case> = vec![
        (json!({}), usage(json!({"trendPct": -20.0})), "2027-02-26", Some("usage_falling")),
        (json!({}), usage(json!({"trendPct": -19.9})), "2027-02-26", None),
        (json!({}), usage(json!({"depth": 29.9})), "2027-02-26", Some("usage_shallow")),
        (json!({}), usage(json!({"depth": 30.0})), "2027-02-26", None),
        (json!({}), usage(json!({"plateau": true})), "2027-02-26", Some("usage_plateau")),
        (json!({}), usage(json!({"days": 0, "trendPct": null})), "2027-02-26", Some("usage_unknown")),
        (json!({}), usage(json!({"weeklyActiveUsers": 59})), "2027-02-26", Some("seats_unused")),
        (json!({}), usage(json!({"weeklyActiveUsers": 60})), "2027-02-26", None),
        (json!({}), json!({"crm": {"openTickets": 3}}), "2027-02-26", Some("tickets_open")),
        (json!({}), json!({"crm": {"openTickets": 2}}), "2027-02-26", None),
        (ticket(3.5), json!({}), "2027-02-26", Some("satisfaction_low")),
        (ticket(3.6), json!({}), "2027-02-26", None),
        (
            json!({}),
            json!({"intent": {"kinds": {"competitor_evaluation": 0.4}}}),
            "2027-02-26",
            Some("churn_intent"),
        ),
        (json!({}), json!({"intent": {"kinds": {"pricing_page": 0.4}}}), "2027-02-26", Some("price_intent")),
        (json!({}), json!({"intent": {"kinds": {"expansion": 0.9}}}), "2027-02-26", None),
        (
            json!({"subscriptions": {"sub-1": {"autoRenew": fact(json!(false))}}}),
            json!({}),
            "2027-02-26",
            Some("auto_renew_off"),
        ),
        (
            json!({"subscriptions": {"sub-0": {"seats": fact(json!(30)), "startDate": fact(json!("2026-01-01")), "endDate": fact(json!("2026-09-30"))}}}),
            json!({}),
            "2027-02-26",
            Some("seats_cut"),
        ),
        (
            json!({"lifecycle": {"stage": fact(json!("Churned"))}}),
            json!({}),
            "2027-02-26",
            Some("marked_churned"),
        ),
        (
            json!({"engagement": {"lastInboundAt": "2026-10-21T10:00:00Z"}}),
            json!({}),
            "2027-02-26",
            Some("silent"),
        ),
        (json!({"engagement": {"lastInboundAt": "2026-10-21T10:00:01Z"}}), json!({}), "2027-02-26", None),
        (
            json!({"preferences": {"doNotContact": fact(json!(true))}}),
            json!({}),
            "2027-02-26",
            Some("do_not_contact"),
        ),
        (
            json!({"deals": {"deal-7": {"name": fact(json!("Upsell"))}}}),
            json!({}),
            "2026-12-20",
            Some("late_without_deal"),
        ),
        (json!({"deals": {"deal-7": {"name": fact(json!("Upsell"))}}}), json!({}), "2026-12-21", None),
        (json!({}), json!({}), "2026-12-20", None),
    ];
    let mut seen: Vec<&str> = Vec::new();
    for (state, signals, deadline, sign) in &cases {
        let scene = Scene::new(state, signals);
        let rating = rate(&scene.plays, &scene.measures(), date(deadline));
        let found: Vec<&str> = rating.reasons.iter().map(|reason| reason.code.as_str()).collect();
        assert_eq!(found, sign.iter().copied().collect::<Vec<_>>(), "{state} {signals}");
        seen.extend(sign);
    }
    // The rest has no beginning in the state, or comes with another.
    let mut scene = Scene::new(
        &json!({"tickets": {"T-2": {"value": {"status": "open", "escalated": true}}}}),
        &json!({"crm": {"ticketEscalated": true}, "usage": {"trendPct": -50.0}}),
    );
    (scene.reachable, scene.left) = (0, 2);
    assert_eq!(
        codes(&scene),
        ["ticket_escalated", "usage_falling", "usage_collapsing", "left_before", "nobody_to_call"]
    );
    seen.extend(["ticket_escalated", "usage_collapsing", "left_before", "nobody_to_call"]);
    let mut known = scene.known();
    known.nps = Some(crate::renewals::measures::Nps { score: 6, at: scene.now });
    let rating = rate(&scene.plays, &measure(&scene.plays, &known), date("2027-02-26"));
    assert!(rating.reasons.iter().any(|reason| reason.code == "nps_low"));
    seen.push("nps_low");
    for sign in SIGNS {
        assert!(seen.contains(&sign.code), "{} has no case", sign.code);
    }
}

#[test]
fn reasons_say_who_said_so_and_when() {
    let scene = Scene::new(&json!({}), &json!({"usage": {"trendPct": -34.0}}));
    let reason = scene.rating().reasons.remove(0);
    assert_eq!(reason.text, "Usage fell by 34 % in the last two weeks.");
    assert_eq!(
        (reason.source.as_deref(), reason.as_of),
        (Some("/analytics"), Some(at("2026-11-19T00:00:00Z")))
    );
}

#[test]
fn tiers_are_proposed_by_word_by_value_by_segment() {
    let fact = |value: Value| json!({"value": value, "asOf": "2026-11-18T00:00:00Z", "source": "/crm"});
    let tier = |state: Value, signals: Value| {
        let scene = Scene::new(&state, &signals);
        let found = propose_tier(&scene.plays, &scene.measures());
        (found.tier, found.why)
    };
    assert_eq!(tier(json!({}), json!({})).0, Tier::Growth, "64,800 USD a year");
    assert_eq!(tier(json!({"profile": {"tier": fact(json!(" Strategic"))}}), json!({})).0, Tier::Strategic);
    assert_eq!(
        tier(json!({"profile": {"tier": fact(json!("Gold"))}}), json!({})).0,
        Tier::Growth,
        "a word of somebody else"
    );
    for (mrr, expected) in [("8333.34", Tier::Strategic), ("8333.33", Tier::Growth), ("1666.66", Tier::Scale)]
    {
        assert_eq!(
            tier(json!({"subscriptions": {"sub-1": {"mrr": fact(json!(mrr))}}}), json!({})).0,
            expected,
            "{mrr}"
        );
    }
    let euro = json!({"subscriptions": {"sub-1": {"currency": fact(json!("EUR"))}}});
    let (found, why) = tier(euro, json!({"lifecycle": {"segment": "enterprise"}}));
    assert_eq!(found, Tier::Strategic, "amounts of another currency are not compared");
    assert!(why.contains("not known") && why.contains("enterprise"), "{why}");
    let (found, why) = tier(json!({"subscriptions": null}), json!({"lifecycle": {"segment": "unknown"}}));
    assert_eq!(found, Tier::Scale);
    assert!(why.starts_with("Neither"), "{why}");
}

#[test]
fn plays_are_proposed_by_what_is_wrong() {
    for (signals, expected) in [
        (json!({}), "value-realization"),
        (json!({"usage": {"trendPct": -30.0}}), "adoption-accelerator"),
        (json!({"intent": {"kinds": {"price_objection": 0.5}}}), "pricing-refresh"),
        (json!({"intent": {"kinds": {"churn_risk": 0.5}}, "usage": {"trendPct": -30.0}}), "exec-save"),
        // As much about value as about price: the first cause of the order.
        (
            json!({"usage": {"weeklyActiveUsers": 10, "trendPct": -30.0, "depth": 10.0}}),
            "adoption-accelerator",
        ),
    ] {
        let scene = Scene::new(&json!({}), &signals);
        let proposal = propose_play(&scene.plays, &scene.rating());
        assert_eq!(proposal.play, expected, "{signals}: {}", proposal.why);
    }
    let mut worst = Scene::new(
        &json!({}),
        &json!({"usage": {"trendPct": -60.0, "depth": 5.0, "weeklyActiveUsers": 1}, "crm": {"openTickets": 9}}),
    );
    worst.left = 1;
    let rating = worst.rating();
    assert!(rating.score >= 75, "{rating:?}");
    assert_eq!(
        propose_play(&worst.plays, &rating).play,
        "exec-save",
        "from this score on, whatever it is about"
    );
}

#[test]
fn better_takes_a_margin_and_a_week() {
    let plays = plays();
    let since = at("2026-11-20T10:00:00Z");
    let day = |days: i64| since + TimeDelta::days(days);
    for (held, score, days, expected) in [
        (Risk::Green, 25, 0, Risk::Yellow),
        (Risk::Green, 55, 0, Risk::Red),
        (Risk::Red, 54, 30, Risk::Red),
        (Risk::Red, 47, 30, Risk::Red),
        (Risk::Red, 46, 30, Risk::Yellow),
        (Risk::Red, 46, 6, Risk::Red),
        (Risk::Red, 46, 7, Risk::Yellow),
        (Risk::Red, 16, 30, Risk::Green),
        (Risk::Red, 17, 30, Risk::Yellow),
        (Risk::Yellow, 16, 30, Risk::Green),
        (Risk::Yellow, 17, 30, Risk::Yellow),
    ] {
        assert_eq!(
            rerate(&plays, held, since, score, day(days)),
            expected,
            "{held} at {score} after {days} days"
        );
    }
}

proptest! {
    /// However scores waver, it gets better at most once in the time that it must hold.
    #[test]
    fn a_rating_does_not_flap(scores in proptest::collection::vec(0_u32..120, 1..200), step in 1_i64..48) {
        let plays = plays();
        let start = at("2026-11-20T10:00:00Z");
        let (mut held, mut since) = (Risk::Green, start);
        let mut better: Vec<_> = Vec::new();
        for (turn, score) in scores.iter().enumerate() {
            let now = start + TimeDelta::hours(step * i64::try_from(turn).unwrap());
            let next = rerate(&plays, held, since, *score, now);
            if next != held {
                if next < held {
                    prop_assert!(now - since >= TimeDelta::days(7));
                    better.push(now);
                }
                (held, since) = (next, now);
            }
            let again = rerate(&plays, held, since, *score, now);
            prop_assert!(again == held, "the same score changes nothing");
        }
        for pair in better.windows(2) {
            prop_assert!(pair[1] - pair[0] >= TimeDelta::days(7));
        }
    }

    /// Worse facts never rate better.
    #[test]
    fn more_signs_never_rate_better(trend in -90.0..20.0_f64, depth in 0.0..100.0_f64, tickets in 0_u32..10) {
        let scene = |trend: f64, depth: f64, tickets: u32| {
            Scene::new(&json!({}), &json!({"usage": {"trendPct": trend, "depth": depth}, "crm": {"openTickets": tickets}})).rating()
        };
        let (one, worse) = (scene(trend, depth, tickets), scene(trend - 5.0, depth * 0.8, tickets + 1));
        prop_assert!(worse.score >= one.score && worse.risk >= one.risk);
        prop_assert_eq!(one.score, one.reasons.iter().map(|reason| reason.points).sum::<u32>());
    }
}
