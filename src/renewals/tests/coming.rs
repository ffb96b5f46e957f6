//! Coming renewals: what belongs together, what is assumed, what comes first.

use serde_json::{Value, json};

use crate::plans::model::TaskId;
use crate::plans::schedule::schedule;
use crate::renewals::measures::told_worth;
use crate::renewals::model::{Risk, Tier};
use crate::renewals::remedy::late;
use crate::renewals::samples::{Scene, date, plan, terms};
use crate::renewals::upcoming::{Coming, Starts, Urgency, coming, sort, when_to_start};

#[expect(clippy::needless_pass_by_value, reason = "reads better where a value is written in place")]
fn fact(value: Value) -> Value {
    json!({"value": value, "asOf": "2026-11-01T00:00:00Z", "source": "/billing"})
}

fn find(state: &Value, days: u32) -> Option<Coming> {
    let scene = Scene::new(state, &json!({}));
    coming(&scene.plays, &scene.state, &scene.measures(), days, &mut Starts::default())
}

#[test]
fn what_ends_together_is_one_renewal() {
    let sub = |end: &str, mrr: &str| json!({"mrr": fact(json!(mrr)), "endDate": fact(json!(end)), "startDate": fact(json!("2026-01-01"))});
    let found = find(
        &json!({"subscriptions": {"sub-2": sub("2027-03-20", "100.00"), "sub-3": sub("2027-04-30", "50.00"), "sub-0": sub("2026-11-19", "9.00")}}),
        180,
    )
    .unwrap();
    let ids: Vec<(&str, &str)> =
        found.basis.iter().map(|basis| (basis.kind.as_str(), basis.id.as_str())).collect();
    assert_eq!(ids, [("deal", "deal-7"), ("subscription", "sub-1"), ("subscription", "sub-2")]);
    assert_eq!(
        (found.deadline, found.later),
        (date("2027-02-26"), 1),
        "the next one is another renewal; what has ended is none"
    );
    assert_eq!(told_worth(&found.value.unwrap()), "66,000 USD", "what ends, not what goes on");
}

#[test]
fn an_open_end_renews_every_year() {
    let open = json!({"subscriptions": {"sub-1": {"endDate": null, "startDate": fact(json!("2024-02-29"))}}, "deals": null});
    let found = find(&open, 120).unwrap();
    assert_eq!((found.deadline, found.basis[0].assumed), (date("2027-02-28"), true));
    assert_eq!(find(&open, 90), None, "beyond the horizon");
    let trial = json!({"subscriptions": {"sub-1": {"trial": fact(json!(true))}}, "deals": null});
    assert_eq!(find(&trial, 180), None, "a trial does not renew");
}

#[test]
fn deals_count_when_they_are_renewals() {
    let only = |name: &str, closed: Value| json!({"subscriptions": null, "deals": {"deal-7": {"name": fact(json!(name)), "closedAt": closed}}});
    let found = find(&only("RENEWAL of licences", Value::Null), 180).unwrap();
    assert_eq!(told_worth(&found.value.unwrap()), "64,800 USD");
    assert_eq!(find(&only("New business", Value::Null), 180), None);
    assert_eq!(find(&only("Renewal", fact(json!("2026-11-02T00:00:00Z"))), 180), None, "it is closed");
}

#[test]
fn the_latest_start_is_the_one_that_keeps_every_date() {
    let scene = Scene::new(&json!({}), &json!({}));
    for (play, tier, risk) in [
        ("value-realization", Tier::Growth, Risk::Green),
        ("exec-save", Tier::Strategic, Risk::Red),
        ("pricing-refresh", Tier::Scale, Risk::Yellow),
    ] {
        let deadline = date("2027-05-14");
        let start = Starts::default().of(&scene.plays, play, tier, risk, deadline);
        let impossible = |day: chrono::NaiveDate| {
            let mut at_start = Scene::new(&json!({}), &json!({}));
            at_start.now = day.and_hms_opt(9, 0, 0).unwrap().and_utc();
            let plan = plan(&at_start, &terms(play, tier, risk, "2027-05-14"), &[]);
            let dates = schedule(&plan).unwrap();
            late(&at_start.plays, &plan, &dates)
                .iter()
                .map(|late| late.task.id.clone())
                .collect::<Vec<TaskId>>()
        };
        assert_eq!(impossible(start), [], "{play}: everything fits from {start} on");
        let next = scene.plays.calendar().add_days(start, 1).unwrap();
        assert!(!impossible(next).is_empty(), "{play}: and not from {next} on");
    }
}

#[test]
fn what_begins_first_comes_first() {
    let of = |id: &str, urgency: Urgency, mrr: &str, trend: f64| {
        let scene = Scene::new(
            &json!({"subscriptions": {"sub-1": {"mrr": fact(json!(mrr))}}}),
            &json!({"usage": {"trendPct": trend}}),
        );
        let mut one =
            coming(&scene.plays, &scene.state, &scene.measures(), 180, &mut Starts::default()).unwrap();
        (one.account_id, one.urgency) = (id.to_owned(), urgency);
        one
    };
    let mut list = vec![
        of("soon-rich", Urgency::Soon, "90000.00", 0.0),
        of("now-poor", Urgency::Now, "10.00", 0.0),
        of("late-rich", Urgency::Late, "500.00", 0.0),
        of("late-falling", Urgency::Late, "10.00", -60.0),
        of("late-richer", Urgency::Late, "600.00", 0.0),
    ];
    sort(&mut list);
    let ids: Vec<&str> = list.iter().map(|one| one.account_id.as_str()).collect();
    assert_eq!(ids, ["late-falling", "late-richer", "late-rich", "now-poor", "soon-rich"]);
    for (start, told) in [
        ("2026-11-18", "should have begun 2 days ago"),
        ("2026-11-20", "begin today"),
        ("2026-11-21", "begin by tomorrow"),
        ("2026-11-27", "begin within 7 days"),
    ] {
        assert_eq!(when_to_start(date(start), date("2026-11-20")), told);
    }
    let near =
        find(&json!({"subscriptions": {"sub-1": {"endDate": fact(json!("2026-12-04"))}}, "deals": null}), 90)
            .unwrap();
    assert_eq!(near.urgency, Urgency::Late);
}
