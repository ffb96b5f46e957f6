//! What is told of a change, and that a log gives back what was changed.

use std::collections::HashSet;

use chrono::TimeDelta;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::kernel::calendar::Length;
use crate::plans::model::{Direction, Duration, Role};
use crate::plans::samples::{any_plan, at, diamond, id, role, task};

fn told(from: &Plan, to: &Plan) -> Vec<String> {
    difference(from, to).iter().map(words).collect()
}

#[test]
fn changes_are_told_in_words() {
    let from = diamond();
    let mut to = diamond();
    to.deadline = Some(at("2027-02-05T16:00:00Z"));
    to.tasks[1].owner = role("manager");
    to.tasks[1].duration = Duration::WorkingDays(2);
    to.tasks[2].depends_on.clear();
    to.tasks[3].title = "Sign".to_owned();
    to.tasks[3].due = Some(at("2027-02-01T12:00:00Z"));
    to.tasks.insert(1, task("brief", "cro", Duration::Time(Length::hours(1)), &[]));
    to.gates[0].title = "Everything fits".to_owned();
    if let Some(holder) = to.roles.get_mut(&role("cro")) {
        holder.name = None;
    }
    to.error_handling.ladder.remove(0);
    to.error_handling.retries = 3;
    to.context.insert("region".to_owned(), json!("emea"));
    to.context.remove("segment");
    assert_eq!(
        told(&from, &to),
        [
            "The plan: deadline “Fri 5 Feb 2027, 16:00 UTC” instead of “Fri 29 Jan 2027, 16:00 UTC”.",
            "Task `brief` (Do brief) was added.",
            "Task `routing`: duration 2 working days instead of 10h.",
            "Task `routing`: owner “manager” instead of “director”.",
            "Task `enablement`: depends on no longer `intake`.",
            "Task `approval`: due now “Mon 1 Feb 2027, 12:00 UTC”.",
            "Task `approval`: title “Sign” instead of “Do approval”.",
            "Gate `ready`: title “Everything fits” instead of “Routing and enablement fit together”.",
            "Role `cro`: name no longer “Cleo”.",
            "Context `region` was added.",
            "Context `segment` was taken out.",
            "Error handling: ladder no longer `director`.",
            "Error handling: retries 3 instead of 2.",
        ]
    );
}

#[test]
fn what_is_the_same_is_no_change_and_an_order_is_one() {
    let from = diamond();
    let mut to = diamond();
    assert_eq!(difference(&from, &to), Vec::new());
    to.tasks.swap(0, 3);
    assert_eq!(told(&from, &to), ["The tasks stand in another order."]);
}

#[test]
fn a_log_that_does_not_fit_is_noticed() {
    let from = diamond();
    let to = Plan { objective: "Another one.".to_owned(), ..diamond() };
    let log = difference(&from, &to);
    assert_eq!(replay(&from, &log), Ok(to.clone()));
    assert!(matches!(replay(&to, &log), Err(Unfit::Elsewhere { at: 0, .. })));
    let gone = Change { of: Subject::Task(id("nothing")), ..log[0].clone() };
    assert!(matches!(replay(&from, &[gone]), Err(Unfit::Elsewhere { .. })));
}

#[test]
fn a_value_that_is_null_is_a_value() {
    let from = diamond();
    let mut to = diamond();
    to.context.insert("segment".to_owned(), Value::Null);
    let stored = serde_json::to_string(&difference(&from, &to)).unwrap();
    let read: Vec<Change> = serde_json::from_str(&stored).unwrap();
    assert_eq!(replay(&from, &read), Ok(to));
}

/// One edit, with what it picks.
fn edit(plan: &mut Plan, kind: u8, pick: usize, number: u16) {
    let count = plan.tasks.len();
    let at = pick % count.max(1);
    match kind {
        0 if count > 0 => plan.tasks[at].title = format!("Title {number}"),
        1 if count > 0 => plan.tasks[at].duration = Duration::Time(Length::minutes(number)),
        2 => {
            let new = task(&format!("new{number}"), "role0", Duration::WorkingDays(1), &[]);
            plan.tasks.insert(pick % (count + 1), new);
        }
        3 if count > 1 => drop(plan.tasks.remove(at)),
        4 if count > 0 => plan.tasks.swap(at, usize::from(number) % count),
        5 if count > 0 => {
            plan.tasks[at].depends_on.reverse();
            plan.tasks[at].depends_on.truncate(1);
        }
        6 => {
            let deadline = plan.start_at + TimeDelta::hours(i64::from(number));
            plan.deadline = (!number.is_multiple_of(3)).then_some(deadline);
        }
        7 => {
            let value = if number.is_multiple_of(2) { Value::Null } else { json!(number) };
            plan.context.insert(format!("key{}", pick % 3), value);
        }
        8 => plan.context.clear(),
        9 => plan.gates.reverse(),
        10 => drop(plan.gates.pop()),
        11 => {
            let holder = plan.roles.values().next().cloned();
            plan.roles.extend(holder.map(|holder| (Role(format!("role{number}")), holder)));
        }
        12 => plan.roles.values_mut().for_each(|holder| holder.email = Some(format!("{number}@example.com"))),
        13 => drop(plan.calendars.pop_first()),
        14 => plan.error_handling.retries = u8::try_from(number % 10).unwrap_or(0),
        _ => plan.direction = Direction::Workback,
    }
    let mut seen = HashSet::new();
    plan.tasks.retain(|task| seen.insert(task.id.clone()));
}

proptest! {
    #[test]
    fn any_sequence_of_edits_replays_to_the_same_plan(
        plan in any_plan(),
        edits in prop::collection::vec((0u8..16, any::<prop::sample::Index>(), 0u16..999), 1..12),
    ) {
        let mut versions = vec![plan];
        for (kind, pick, number) in edits {
            let mut next = versions[versions.len() - 1].clone();
            edit(&mut next, kind, pick.index(1_000), number);
            versions.push(next);
        }
        let mut log = Vec::new();
        for pair in versions.windows(2) {
            let step = difference(&pair[0], &pair[1]);
            // As it comes back from where it is kept.
            let stored: Vec<Change> = serde_json::from_str(&serde_json::to_string(&step).unwrap()).unwrap();
            prop_assert_eq!(&replay(&pair[0], &stored).unwrap(), &pair[1]);
            prop_assert_eq!(step.is_empty(), pair[0] == pair[1]);
            prop_assert!(step.iter().all(|change| !words(change).is_empty()));
            log.extend(stored);
        }
        prop_assert_eq!(&replay(&versions[0], &log).unwrap(), &versions[versions.len() - 1]);
        // Two versions apart, the difference goes straight.
        let straight = difference(&versions[0], &versions[versions.len() - 1]);
        prop_assert_eq!(&replay(&versions[0], &straight).unwrap(), &versions[versions.len() - 1]);
    }

    #[test]
    fn between_any_two_plans_there_is_a_way(from in any_plan(), to in any_plan()) {
        prop_assert_eq!(replay(&from, &difference(&from, &to)).unwrap(), to);
    }
}
