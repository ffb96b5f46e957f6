//! The watch on handoffs that are made up: shares, causes, and exactly when it is told.

use chrono::TimeDelta;
use proptest::prelude::*;
use uuid::Uuid;

use super::cause::CauseKind;
use super::compliance::findings;
use super::rule::{Rule, breaches, guardrail, last_window, next_look, two_windows};
use super::*;
use crate::handoffs::commands::Measured;
use crate::kernel::clock::DateTime;

fn start() -> DateTime {
    "2027-03-01T09:00:00Z".parse().unwrap()
}

fn hour(hours: i64) -> DateTime {
    start() + TimeDelta::hours(hours)
}

/// In time, of Ada.
fn kept(number: u128, at: DateTime) -> Measured {
    Measured {
        id: Uuid::from_u128(number),
        account_id: format!("account-{number}"),
        handoff_type: "mql_to_sales".to_owned(),
        segment: "enterprise".to_owned(),
        team: "sales".to_owned(),
        owner: Some("ada".to_owned()),
        created_at: at,
        assigned_at: Some(at),
        due_at: Some(at + TimeDelta::hours(2)),
        contacted_at: Some(at + TimeDelta::hours(1)),
        late_at: None,
        in_time: Some(true),
        preparing_secs: None,
        closed_secs: 0.0,
        alarmed_at: None,
        fell_back: false,
        reassigned: false,
        rejected: false,
        load: Some(2),
    }
}

fn late(number: u128, at: DateTime) -> Measured {
    let contacted_at = Some(at + TimeDelta::hours(5));
    Measured {
        in_time: Some(false),
        late_at: Some(at + TimeDelta::hours(2)),
        contacted_at,
        ..kept(number, at)
    }
}

fn terms() -> WatchTerms {
    WatchTerms::default()
}

fn week() -> (DateTime, DateTime) {
    (start(), start() + TimeDelta::days(7))
}

#[test]
fn shares_are_counted_by_segment_team_and_owner() {
    let mut handoffs: Vec<Measured> = (0..8).map(|n| kept(n, hour(1))).collect();
    handoffs.extend((8..10).map(|n| Measured { owner: Some("ben".to_owned()), ..late(n, hour(2)) }));
    // Open, and over before its deadline: neither counts.
    handoffs.push(Measured { in_time: None, ..kept(10, hour(3)) });
    let found = findings(&handoffs, week(), &terms());
    let told: Vec<(String, u64, u64, bool)> =
        found.iter().map(|one| (one.scope.words(), one.in_time, one.late, one.under)).collect();
    let expected = [
        ("segment enterprise".to_owned(), 8, 2, true),
        ("team sales".to_owned(), 8, 2, true),
        ("owner ada".to_owned(), 8, 0, false),
        // Two are too few to say anything of Ben.
        ("owner ben".to_owned(), 0, 2, false),
    ];
    assert_eq!(told, expected);
    let enterprise = &found[0];
    assert!((enterprise.share - 0.8).abs() < 1e-12 && !enterprise.certain && enterprise.sure.high > 0.9);
    assert!(findings(&[], week(), &terms()).is_empty());
}

/// Makes the handoff of a number.
type Make = Box<dyn Fn(u128) -> Measured>;

#[test]
fn each_late_handoff_has_its_cause_with_what_to_do() {
    let usual: Vec<Measured> = (0..4).map(|n| kept(n, hour(1))).collect();
    let cases: [(CauseKind, &str, Make); 5] = [
        (
            CauseKind::Hours,
            "revops_director",
            Box::new(|n| Measured { closed_secs: 7_000.0, assigned_at: None, ..late(n, hour(2)) }),
        ),
        (
            CauseKind::Routing,
            "revops_director",
            Box::new(|n| Measured {
                assigned_at: Some(hour(2) + TimeDelta::minutes(90)),
                ..late(n, hour(2))
            }),
        ),
        (
            CauseKind::Routing,
            "revops_director",
            Box::new(|n| Measured { rejected: true, ..late(n, hour(2)) }),
        ),
        (CauseKind::Capacity, "sales_manager", Box::new(|n| Measured { load: Some(9), ..late(n, hour(2)) })),
        (CauseKind::Unexplained, "sales_manager", Box::new(|n| late(n, hour(2)))),
    ];
    for (kind, owner, make) in cases {
        let mut handoffs = usual.clone();
        handoffs.extend((10..14).map(make));
        let found = findings(&handoffs, week(), &terms()).remove(0);
        let cause = &found.causes[0];
        assert_eq!((cause.kind, cause.count, cause.owner.as_str()), (kind, 4, owner), "{:?}", found.causes);
        assert!(cause.evidence.starts_with("4 of 4 late ones") && cause.examples.len() == 4, "{cause:?}");
    }
    // One rep far behind the others.
    let mut handoffs: Vec<Measured> = (0..20).map(|n| kept(n, hour(1))).collect();
    handoffs.extend((20..26).map(|n| Measured { owner: Some("ben".to_owned()), ..late(n, hour(2)) }));
    let found = findings(&handoffs, week(), &terms()).remove(0);
    assert_eq!(found.causes[0].kind, CauseKind::OneRep);
    assert!(found.causes[0].evidence.contains("ben's"), "{:?}", found.causes);
    assert_eq!(found.causes.iter().map(|cause| cause.count).sum::<u64>(), found.late);
}

#[test]
fn two_windows_in_a_row_are_told_once_for_each_second_one() {
    let cases: [(&[bool], bool); 7] = [
        (&[], false),
        (&[true], false),
        (&[true, true], true),
        (&[true, true, true], false),
        (&[true, true, true, true], true),
        (&[false, true, true], false),
        (&[true, false, true], false),
    ];
    for (newest_first, told) in cases {
        assert_eq!(two_windows(newest_first), told, "{newest_first:?}");
    }
}

#[test]
fn windows_follow_each_other_from_monday_on() {
    let (from, to) = last_window(hour(24), &terms());
    assert_eq!(
        (from.to_rfc3339(), to.to_rfc3339()),
        ("2027-02-22T00:00:00+00:00".into(), "2027-03-01T00:00:00+00:00".into())
    );
    assert_eq!(last_window(to, &terms()), (from, to), "a window that ends now has ended");
    assert_eq!(last_window(to - TimeDelta::microseconds(1), &terms()).1, from);
    assert_eq!(next_look(start(), &terms()), start() + TimeDelta::minutes(5));
}

#[test]
fn two_breaches_in_two_days_are_told_once() {
    let enterprise = Scope { kind: ScopeKind::Segment, name: "enterprise".to_owned() };
    let told = |handoffs: &[Measured], told_at| {
        guardrail(&breaches(handoffs, &enterprise, &terms()), told_at, &terms())
    };
    // Each becomes late two hours after it was made.
    assert_eq!(told(&[late(1, hour(0))], None), None, "one");
    assert_eq!(
        told(&[late(1, hour(0)), late(2, hour(48))], None),
        Some(hour(50)),
        "48 hours apart is within"
    );
    assert_eq!(told(&[late(1, hour(0)), late(2, hour(49))], None), None, "49 are not");
    let three = [late(1, hour(0)), late(2, hour(10)), late(3, hour(20))];
    assert_eq!(told(&three, None), Some(hour(12)));
    assert_eq!(told(&three, Some(hour(12))), None, "one after it was told is not two");
    let four: Vec<Measured> = (0..4).map(|n| late(n, hour(i64::try_from(n).unwrap() * 20))).collect();
    assert_eq!(told(&four, Some(hour(22))), None, "not before its time is over");
    let later: Vec<Measured> = (0..6).map(|n| late(n, hour(i64::try_from(n).unwrap() * 20))).collect();
    assert_eq!(told(&later, Some(hour(22))), Some(hour(82)));
    // Among many that are in time, one that is late breaches nothing.
    let mut many: Vec<Measured> = (0..40).map(|n| kept(n, hour(1))).collect();
    many.extend([late(50, hour(2)), late(51, hour(3))]);
    assert!(breaches(&many, &enterprise, &terms()).is_empty());
    // Nobody could take it: that counts before the deadline does.
    let alarmed = Measured {
        alarmed_at: Some(hour(1)),
        owner: None,
        assigned_at: None,
        due_at: None,
        contacted_at: None,
        in_time: None,
        ..kept(1, hour(0))
    };
    let fell = Measured { fell_back: true, assigned_at: Some(hour(4)), ..kept(2, hour(0)) };
    assert_eq!(told(&[alarmed, fell], None), Some(hour(4)));
    let other = Scope { kind: ScopeKind::Segment, name: "smb".to_owned() };
    assert!(breaches(&three, &other, &terms()).is_empty());
}

#[test]
fn terms_that_make_no_sense_name_their_key() {
    assert_eq!(terms().faults(), []);
    let wrong =
        WatchTerms { window: Length::minutes(5), threshold: 1.5, least: 0, every_minutes: 0, ..terms() };
    let keys: Vec<&str> = wrong.faults().iter().map(|(key, _)| *key).collect();
    assert_eq!(keys, ["watch.window", "watch.threshold", "watch.least", "watch.every_minutes"]);
    assert_eq!(Rule::Guardrail.name(), "guardrail");
}

proptest! {
    #[test]
    fn looking_often_or_seldom_tells_the_same(
        gaps in proptest::collection::vec(1_i64..60, 0..40), every in 1_i64..30,
    ) {
        let mut at = 0;
        let instants: Vec<DateTime> = gaps.iter().map(|gap| { at += gap; hour(at) }).collect();
        // All at once, after the fact.
        let (mut told_at, mut at_once) = (None, Vec::new());
        while let Some(next) = guardrail(&instants, told_at, &terms()) {
            at_once.push(next);
            told_at = Some(next);
        }
        // Step by step, as time goes by.
        let (mut told_at, mut by_steps, mut now) = (None, Vec::new(), 0);
        while now < at + every {
            now += every;
            let seen: Vec<DateTime> = instants.iter().copied().filter(|at| *at <= hour(now)).collect();
            while let Some(next) = guardrail(&seen, told_at, &terms()) {
                by_steps.push(next);
                told_at = Some(next);
            }
        }
        prop_assert_eq!(&at_once, &by_steps);
        // Never twice within the time of the guardrail, and each has two breaches behind it.
        let within = terms().guardrail_within.as_delta();
        prop_assert!(at_once.windows(2).all(|pair| pair[1] - pair[0] >= within));
    }

    #[test]
    fn every_late_handoff_is_counted_under_one_cause(
        kinds in proptest::collection::vec((0_u8..6, 0_i64..12, any::<bool>()), 1..60),
    ) {
        let handoffs: Vec<Measured> = kinds.iter().enumerate().map(|(n, (kind, load, ada))| {
            let base = if *kind == 0 { kept(n as u128, hour(1)) } else { late(n as u128, hour(1)) };
            Measured {
                owner: Some(if *ada { "ada" } else { "ben" }.to_owned()),
                load: Some(*load),
                closed_secs: if *kind == 2 { 9_000.0 } else { 0.0 },
                rejected: *kind == 3,
                ..base
            }
        }).collect();
        for finding in findings(&handoffs, week(), &terms()).iter().filter(|finding| finding.under) {
            prop_assert_eq!(finding.causes.iter().map(|cause| cause.count).sum::<u64>(), finding.late);
            prop_assert!(finding.causes.is_sorted_by(|a, b| a.count >= b.count));
            prop_assert!((finding.sure.low - 1e-9..=finding.sure.high + 1e-9).contains(&finding.share));
        }
    }
}
