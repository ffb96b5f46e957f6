//! Dates that can be followed on a calendar, and the words for those that cannot be kept.

use chrono::TimeDelta;

use super::{Misses, schedule};
use crate::kernel::calendar::Length;
use crate::kernel::clock::DateTime;
use crate::plans::check::FaultCode;
use crate::plans::model::{Direction, Duration, Plan, TaskId};
use crate::plans::samples::{at, diamond, id, role, task};

/// Each task with its planned dates.
fn planned(plan: &Plan) -> Vec<(String, String, String)> {
    let show = |at: DateTime| at.format("%a %d %H:%M").to_string();
    let schedule = schedule(plan).unwrap();
    schedule.slots.iter().map(|slot| (slot.task.0.clone(), show(slot.start_at), show(slot.end_at))).collect()
}

fn rows(of: &[(&str, &str, &str)]) -> Vec<(String, String, String)> {
    of.iter().map(|(a, b, c)| ((*a).to_owned(), (*b).to_owned(), (*c).to_owned())).collect()
}

fn names(of: &[TaskId]) -> Vec<&str> {
    of.iter().map(|id| id.0.as_str()).collect()
}

#[test]
fn forward_each_task_begins_as_soon_as_its_owner_can() {
    // Monday 11 January 2027, 09:00 in Berlin. Ten hours of the director are seven on Tuesday and three on Wednesday;
    // the manager's three whole days go on until Thursday; the CRO has no calendar and goes on at once.
    assert_eq!(
        planned(&diamond()),
        rows(&[
            ("intake", "Mon 11 08:00", "Mon 11 16:00"),
            ("routing", "Tue 12 08:00", "Wed 13 11:00"),
            ("enablement", "Tue 12 08:00", "Thu 14 16:00"),
            ("approval", "Thu 14 16:00", "Thu 14 18:00"),
        ])
    );
    let schedule = schedule(&diamond()).unwrap();
    assert_eq!(names(&schedule.critical_path), ["intake", "enablement", "approval"]);
    assert_eq!(schedule.gates[0].opens_at, at("2027-01-14T16:00:00Z"));
    assert_eq!(schedule.sequential, TimeDelta::hours(7 + 10 + 21 + 2));
    assert_eq!(schedule.parallel, TimeDelta::hours(7 + 21 + 2));
    assert!(schedule.impossible.is_empty());
}

#[test]
fn counted_back_each_task_begins_as_late_as_it_may() {
    let plan = Plan { direction: Direction::Workback, ..diamond() };
    // The deadline is Friday 29 January, 17:00 in Berlin; on Fridays they leave at 15:00 and have no break.
    assert_eq!(
        planned(&plan),
        rows(&[
            ("intake", "Tue 26 08:00", "Tue 26 16:00"),
            ("routing", "Thu 28 11:00", "Fri 29 14:00"),
            ("enablement", "Wed 27 08:00", "Fri 29 14:00"),
            ("approval", "Fri 29 14:00", "Fri 29 16:00"),
        ])
    );
}

#[test]
fn days_off_are_no_working_days() {
    let mut plan = diamond();
    if let Some(holder) = plan.roles.get_mut(&role("manager")) {
        holder.days_off = vec!["2027-01-13".parse().unwrap()];
    }
    let schedule = schedule(&plan).unwrap();
    assert_eq!(schedule.slots[2].end_at, at("2027-01-15T14:00:00Z"), "Tuesday, Thursday, Friday");
}

#[test]
fn what_cannot_be_kept_is_named_with_what_would_make_it_possible() {
    let mut plan = Plan { deadline: Some(at("2027-01-13T16:00:00Z")), ..diamond() };
    plan.tasks[1].due = Some(at("2027-01-13T10:00:00Z"));
    let found = schedule(&plan).unwrap();
    let told: Vec<(&str, Misses)> =
        found.impossible.iter().map(|one| (one.task.0.as_str(), one.misses)).collect();
    assert_eq!(
        told,
        [("routing", Misses::Due), ("enablement", Misses::Deadline), ("approval", Misses::Deadline)]
    );
    assert_eq!(
        found.impossible[0].text,
        "`routing` cannot end by its due date, Wed 13 Jan 2027, 10:00 UTC: the earliest is Wed 13 Jan 2027, 11:00 UTC (1 h of \
         working time later), by way of `intake` → `routing`. To keep all dates, start the plan by Thu 7 Jan 2027, 08:00 UTC, \
         shorten these tasks by that much, or move the date."
    );
    assert_eq!(found.impossible[2].late_by, TimeDelta::hours(26));
    assert!(found.slots[3].slack < TimeDelta::zero());
    // A plan that cannot be kept begins at its start all the same, and not before.
    let back = schedule(&Plan { direction: Direction::Workback, ..plan.clone() }).unwrap();
    assert_eq!(back.impossible, found.impossible);
    assert!(back.slots.iter().all(|slot| slot.start_at >= plan.start_at));
}

#[test]
fn a_date_before_which_a_task_may_not_begin_is_what_is_in_the_way() {
    let mut plan = diamond();
    plan.tasks[3].not_before = Some(at("2027-01-29T15:00:00Z"));
    let found = schedule(&plan).unwrap();
    assert_eq!(names(&found.critical_path), ["approval"], "it waits for its own date alone");
    assert_eq!(found.held_back[0].begin_by, at("2027-01-29T14:00:00Z"));
    let text = &found.impossible[0].text;
    assert!(text.contains("To keep all dates, let `approval` begin by Fri 29 Jan 2027, 14:00 UTC"), "{text}");
}

#[test]
fn a_milestone_takes_nobody_any_time() {
    let mut plan = diamond();
    plan.tasks.push(task("signed", "director", Duration::Time(Length::minutes(0)), &["approval"]));
    let found = schedule(&plan).unwrap();
    let slot = found.slot(&id("signed")).unwrap();
    assert_eq!((slot.start_at, slot.end_at), (at("2027-01-14T18:00:00Z"), at("2027-01-14T18:00:00Z")));
    assert_eq!(names(&found.critical_path), ["intake", "enablement", "approval", "signed"]);
}

#[test]
fn a_plan_of_centuries_is_refused_with_the_task_at_which_it_goes_too_far() {
    let mut plan = Plan { deadline: None, ..diamond() };
    plan.gates.clear();
    plan.tasks = (0..20)
        .map(|place| {
            let before = format!("t{}", place - 1);
            let after: &[&str] = if place == 0 { &[] } else { &[&before] };
            task(&format!("t{place}"), "manager", Duration::WorkingDays(1_000), after)
        })
        .collect();
    let faults = schedule(&plan).unwrap_err();
    let told: Vec<(FaultCode, &str)> = faults.iter().map(|one| (one.code, one.pointer.as_str())).collect();
    assert_eq!(told, [(FaultCode::TooFar, "#/tasks/10")]);
}

#[test]
fn faults_come_instead_of_dates() {
    let mut plan = diamond();
    plan.tasks[0].depends_on = vec![id("approval")];
    assert_eq!(schedule(&plan).unwrap_err()[0].code, FaultCode::Cycle);
}
