//! Plans: dates on working days, the gate, checkpoints, what stays, what cannot be.

use chrono::{Datelike as _, NaiveDate, TimeDelta};
use proptest::prelude::*;
use serde_json::json;

use crate::plans::check::check;
use crate::plans::model::{Duration, Plan, TaskId};
use crate::plans::schedule::schedule;
use crate::renewals::build::{GATE, Recipe, build, date_of, due_date, is_time_left, number_of};
use crate::renewals::measures::facts;
use crate::renewals::model::{Risk, Tier};
use crate::renewals::remedy::{late, remedies};
use crate::renewals::samples::{Scene, date, plan, terms};

fn scene() -> Scene {
    Scene::new(&json!({}), &json!({}))
}

#[test]
fn a_plan_is_counted_back_over_working_days() {
    let scene = scene();
    let terms = terms("value-realization", Tier::Strategic, Risk::Yellow, "2027-02-26");
    let plan = plan(&scene, &terms, &[]);
    assert_eq!(check(&plan), []);
    let dates = schedule(&plan).unwrap();
    assert_eq!(dates.impossible, []);
    let day = |id: &str| {
        let slot = dates.slot(&TaskId(id.to_owned())).unwrap();
        (slot.start_at.to_string(), slot.end_at.to_string())
    };
    // Three days before Friday 26 February is a Tuesday; two days of work end there.
    assert_eq!(day("signature"), ("2027-02-22 09:00:00 UTC".into(), "2027-02-23 17:00:00 UTC".into()));
    // Forty days before is a Sunday: it is done on the Friday before, if nothing behind it needs it sooner.
    assert_eq!(day("offer-terms").1, "2027-01-15 17:00:00 UTC");
    assert_eq!(plan.deadline.unwrap().to_string(), "2027-02-26 17:00:00 UTC");
    let gate = &plan.gates[0];
    assert_eq!(gate.id.0, GATE);
    assert_eq!(gate.before, [TaskId("offer-terms".into())]);
    for id in ["roi-analysis", "value-workshop", "executive-review", "renewal-faq"] {
        assert!(gate.after.contains(&TaskId(id.into())), "{id} meets at the gate: {:?}", gate.after);
    }
    assert!(!gate.after.contains(&TaskId("goal-baseline".into())), "others wait for it already");
    assert_eq!(
        plan.error_handling.ladder.iter().map(|role| role.0.as_str()).collect::<Vec<_>>(),
        ["csm", "renewal_director", "exec_sponsor"]
    );
}

#[test]
fn checkpoints_come_as_often_as_the_risk_says() {
    let scene = scene();
    let days = |risk: Risk, deadline: &str| -> Vec<String> {
        let plan = plan(&scene, &terms("exec-save", Tier::Growth, risk, deadline), &[]);
        plan.tasks
            .iter()
            .filter(|task| task.checkpoint)
            .map(|task| date_of(task).unwrap().to_string())
            .collect()
    };
    assert_eq!(days(Risk::Green, "2027-02-26"), ["2026-11-27", "2026-12-28", "2027-01-27"]);
    assert_eq!(
        days(Risk::Red, "2026-12-12"),
        ["2026-11-27", "2026-12-04"],
        "a Saturday's checkpoints are on Fridays"
    );
    assert_eq!(
        days(Risk::Green, "2026-12-01"),
        ["2026-11-30"],
        "a near date has one, on the last working day before"
    );
    assert_eq!(days(Risk::Red, "2026-11-20"), Vec::<String>::new(), "today there is no day left for one");
}

#[test]
fn what_is_done_stays_and_numbers_go_on() {
    let scene = scene();
    let yellow = terms("exec-save", Tier::Growth, Risk::Yellow, "2027-02-26");
    let first = plan(&scene, &yellow, &[]);
    let kept: Vec<_> = first
        .tasks
        .iter()
        .filter(|task| ["context-review", "risk-review", "checkpoint-1"].contains(&task.id.0.as_str()))
        .cloned()
        .collect();
    let red = terms("exec-save", Tier::Growth, Risk::Red, "2027-02-26");
    let facts = facts(&scene.measures(), red.deadline);
    let now = scene.now + TimeDelta::days(14);
    let recipe = Recipe {
        plays: &scene.plays,
        terms: &red,
        facts: &facts,
        start_at: scene.now,
        now,
        context: None,
        kept: &kept,
    };
    let second = build(&recipe).unwrap();
    assert_eq!(check(&second), []);
    for task in &kept {
        assert!(second.tasks.contains(task), "{} is as it was", task.id);
    }
    assert!(second.tasks.iter().any(|task| task.id.0 == "sponsor-alignment"), "red adds it");
    let numbers: Vec<u32> = second.tasks.iter().filter_map(number_of).collect();
    assert_eq!(numbers, (1..=u32::try_from(numbers.len()).unwrap()).collect::<Vec<_>>());
    let later = second.tasks.iter().find(|task| number_of(task) == Some(2)).unwrap();
    assert!(date_of(later).unwrap() > now.date_naive());
    let open = second.tasks.iter().find(|task| task.id.0 == "play-brief").unwrap();
    assert_eq!(open.not_before, Some(now), "what is open begins no earlier than now");
}

#[test]
fn dates_that_cannot_be_kept_are_named_with_what_helps() {
    let scene = scene();
    let near = terms("exec-save", Tier::Strategic, Risk::Red, "2026-12-18");
    let plan = plan(&scene, &near, &[]);
    let dates = schedule(&plan).unwrap();
    let named: Vec<&str> =
        late(&scene.plays, &plan, &dates).iter().map(|late| late.task.id.0.as_str()).collect();
    assert!(
        named.contains(&"context-review") && named.contains(&"sponsor-call") && named.contains(&"signature"),
        "{named:?}"
    );
    let help = remedies(&scene.plays, &near, &plan, &dates);
    assert!(help[0].starts_with("Start now. The whole play should have begun by "), "{help:?}");
    assert!(help[1].starts_with("Compress the tasks"), "{help:?}");
    assert!(help.iter().any(|text| text.starts_with("Move the renewal date to ")), "{help:?}");
    let roomy = help.last().unwrap();
    let found = roomy
        .strip_prefix("With a renewal date of ")
        .and_then(|text| text.strip_suffix(" every date could be kept."))
        .unwrap();
    let found = NaiveDate::parse_from_str(found, "%a %d %b %Y").unwrap();
    let later = terms("exec-save", Tier::Strategic, Risk::Red, &found.to_string());
    let plan = super::super::samples::plan(&scene, &later, &[]);
    assert_eq!(late(&scene.plays, &plan, &schedule(&plan).unwrap()), [], "what is promised holds");
}

#[test]
fn compressed_is_as_short_as_it_gets() {
    let scene = scene();
    let mut terms = terms("adoption-accelerator", Tier::Growth, Risk::Green, "2027-02-26");
    let days = |plan: &Plan, id: &str| plan.tasks.iter().find(|task| task.id.0 == id).unwrap().duration;
    assert_eq!(days(&plan(&scene, &terms, &[]), "team-sessions"), Duration::WorkingDays(10));
    terms.compressed = true;
    assert_eq!(days(&plan(&scene, &terms, &[]), "team-sessions"), Duration::WorkingDays(4));
}

fn anything() -> impl Strategy<Value = (usize, Tier, Risk, i64, bool, bool)> {
    (
        0_usize..4,
        proptest::sample::select(Tier::ALL.to_vec()),
        proptest::sample::select(Risk::ALL.to_vec()),
        0_i64..400,
        any::<bool>(),
        any::<bool>(),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    /// Any combination, at any distance from its deadline: no faults, nobody works on a day off, and what does not end in
    /// time is named.
    #[test]
    fn any_plan_keeps_its_dates_or_says_which_not((play, tier, risk, days, compressed, holidays) in anything()) {
        let mut scene = scene();
        if holidays {
            let text = crate::renewals::plays::DEFAULT_PLAYS
                .replace("zone = \"UTC\"", "zone = \"America/New_York\"")
                .replacen("[[calendar.specialDays]]", "[[calendar.specialDays]]\non = \"12-24\"\n\n[[calendar.specialDays]]", 1);
            scene.plays = crate::renewals::plays::Plays::parse(&text).unwrap();
        }
        let name = scene.plays.names()[play].to_owned();
        let deadline = scene.now.date_naive() + TimeDelta::days(days);
        let mut terms = terms(&name, tier, risk, &deadline.to_string());
        terms.compressed = compressed;
        prop_assume!(is_time_left(&scene.plays, deadline, scene.now));
        let plan = plan(&scene, &terms, &[]);
        prop_assert_eq!(check(&plan), vec![]);
        let dates = schedule(&plan).unwrap();
        let calendar = scene.plays.calendar();
        let named: Vec<TaskId> = late(&scene.plays, &plan, &dates).iter().map(|late| late.task.id.clone()).collect();
        for (task, slot) in plan.tasks.iter().zip(&dates.slots) {
            let first = calendar.local_date(slot.start_at);
            let last = calendar.local_date(slot.end_at - TimeDelta::microseconds(1));
            prop_assert!(calendar.is_working_day(first) && calendar.is_working_day(last), "{} on {first} to {last}", task.id);
            let impossible = dates.impossible.iter().any(|one| one.task == task.id);
            prop_assert!(impossible || slot.end_at <= plan.deadline.unwrap(), "{} is late and not named", task.id);
            let named = named.contains(&task.id);
            prop_assert_eq!(named, due_date(task).is_some_and(|due| due < last), "{} misses its day", task.id);
            prop_assert!(named || !impossible, "{} is impossible and not named", task.id);
        }
        let mut seen = date("1970-01-01");
        for task in plan.tasks.iter().filter(|task| task.checkpoint) {
            let day = date_of(task).unwrap();
            prop_assert!(day > seen && day.year() > 2000, "checkpoints come one after the other");
            seen = day;
        }
        prop_assert_eq!(remedies(&scene.plays, &terms, &plan, &dates).is_empty(), named.is_empty());
        prop_assert_eq!(&super::super::samples::plan(&scene, &terms, &[]), &plan, "equal inputs, equal plan");
    }
}
