//! Each fault with its place, and that all come at once.

use super::*;
use crate::kernel::calendar::Length;
use crate::plans::model::{CheckedBy, Direction, Duration, GateCheck, TaskId};
use crate::plans::samples::{at, diamond, id, role, task};

/// The faults of a plan as (pointer, code).
fn faults(plan: &Plan) -> Vec<(String, FaultCode)> {
    check(plan).into_iter().map(|fault| (fault.pointer, fault.code)).collect()
}

fn one(plan: &Plan) -> Fault {
    let all = check(plan);
    assert_eq!(all.len(), 1, "{all:?}");
    all[0].clone()
}

#[test]
fn a_good_plan_has_none() {
    assert_eq!(check(&diamond()), Vec::new());
}

#[test]
fn a_cycle_is_named_task_by_task_in_order() {
    let mut plan = diamond();
    plan.tasks[0].depends_on = vec![id("enablement")];
    let fault = one(&plan);
    assert_eq!((fault.pointer.as_str(), fault.code), ("#/tasks/0/dependsOn/0", FaultCode::Cycle));
    assert_eq!(
        fault.detail,
        "these wait for each other and none can begin: `intake` → `enablement` → `intake`; take one of the dependencies away"
    );
}

#[test]
fn a_cycle_through_a_gate_is_named_with_the_gate() {
    let mut plan = diamond();
    plan.tasks[1].depends_on.push(id("approval"));
    let fault = one(&plan);
    assert!(fault.detail.contains("`routing` → gate `ready` → `approval` → `routing`"), "{}", fault.detail);
    assert_eq!(fault.pointer, "#/tasks/1/dependsOn/1");
}

#[test]
fn each_knot_is_told_once_and_a_task_that_waits_for_itself_where_it_says_so() {
    let mut plan = diamond();
    plan.gates.clear();
    plan.tasks[0].depends_on = vec![id("intake")];
    plan.tasks[1].depends_on = vec![id("enablement")];
    plan.tasks[2].depends_on = vec![id("routing"), id("approval")];
    plan.tasks[3].depends_on = vec![id("enablement")];
    let found = check(&plan);
    let told: Vec<&str> = found.iter().map(|fault| fault.pointer.as_str()).collect();
    assert_eq!(told, ["#/tasks/0/dependsOn/0", "#/tasks/1/dependsOn/0"]);
    assert!(found[0].detail.contains("`intake` waits for itself"));
}

#[test]
fn names_that_lead_nowhere_are_told_with_what_was_probably_meant() {
    let mut plan = diamond();
    plan.tasks[0].owner = role("directer");
    plan.tasks[1].depends_on = vec![id("intak")];
    plan.tasks[2].depends_on = vec![id("ready")];
    plan.gates[0].keeper = role("");
    plan.gates[0].after.push(id("routing"));
    if let Some(holder) = plan.roles.get_mut(&role("manager")) {
        (holder.calendar, holder.fallback) = (Some("berlim".to_owned()), Some(role("boss")));
    }
    let found = check(&plan);
    let told: Vec<(&str, FaultCode)> =
        found.iter().map(|fault| (fault.pointer.as_str(), fault.code)).collect();
    assert_eq!(
        told,
        [
            ("#/tasks/0/owner", FaultCode::Unknown),
            ("#/tasks/1/dependsOn/0", FaultCode::Unknown),
            ("#/tasks/2/dependsOn/0", FaultCode::Unknown),
            ("#/gates/0/keeper", FaultCode::NoOwner),
            ("#/gates/0/after/2", FaultCode::Duplicate),
            ("#/roles/manager/calendar", FaultCode::Unknown),
            ("#/roles/manager/fallback", FaultCode::Unknown),
        ]
    );
    assert!(found[0].detail.ends_with("did you mean `director`?"));
    assert!(found[1].detail.ends_with("did you mean `intake`?"));
    assert!(found[2].detail.contains("is a gate: list what waits for it"));
}

#[test]
fn fallbacks_that_lead_in_a_circle_are_told_once() {
    let mut plan = diamond();
    for (of, to) in [("director", "manager"), ("manager", "cro"), ("cro", "manager")] {
        if let Some(holder) = plan.roles.get_mut(&role(of)) {
            holder.fallback = Some(role(to));
        }
    }
    let fault = one(&plan);
    assert_eq!(fault.code, FaultCode::Cycle);
    assert!(fault.detail.starts_with("`cro` → `manager` → `cro`: "), "{}", fault.detail);
}

#[test]
fn dates_that_contradict_each_other_are_told() {
    let mut plan = diamond();
    plan.deadline = Some(plan.start_at);
    plan.tasks[0].due = Some(at("2027-01-01T00:00:00Z"));
    plan.tasks[1].not_before = Some(at("2027-02-02T00:00:00Z"));
    plan.tasks[1].due = Some(at("2027-02-01T00:00:00Z"));
    plan.tasks[2].duration = Duration::WorkingDays(0);
    plan.tasks[3].duration = Duration::WorkingDays(1_001);
    plan.tasks[3].due = Some(at("2050-01-01T00:00:00Z"));
    assert_eq!(
        faults(&plan),
        [
            ("#/tasks/0/due".to_owned(), FaultCode::Dates),
            ("#/tasks/1/due".to_owned(), FaultCode::Dates),
            ("#/tasks/2/duration".to_owned(), FaultCode::Missing),
            ("#/tasks/3/duration".to_owned(), FaultCode::TooLarge),
            ("#/tasks/3/due".to_owned(), FaultCode::TooFar),
            ("#/deadline".to_owned(), FaultCode::Dates),
        ]
    );
    let back = Plan { deadline: None, direction: Direction::Workback, ..diamond() };
    assert_eq!(faults(&back), [("#/deadline".to_owned(), FaultCode::Missing)]);
}

#[test]
fn gates_and_escalations_need_somebody_and_something() {
    let mut plan = diamond();
    plan.gates[0].after.clear();
    plan.gates[0].checks.clear();
    let rules = &mut plan.error_handling;
    rules.ladder.clear();
    rules.guardrail.tell = vec![role("cro"), role("cro")];
    rules.guardrail.exceeded = 0;
    rules.rung_after = Length::hours(0);
    rules.retries = 11;
    assert_eq!(
        faults(&plan),
        [
            ("#/gates/0/after".to_owned(), FaultCode::Missing),
            ("#/gates/0/checks".to_owned(), FaultCode::Missing),
            ("#/errorHandling/retries".to_owned(), FaultCode::TooLarge),
            ("#/errorHandling/rungAfter".to_owned(), FaultCode::Dates),
            ("#/errorHandling/guardrail/exceeded".to_owned(), FaultCode::Missing),
            ("#/errorHandling/ladder".to_owned(), FaultCode::NoOwner),
            ("#/errorHandling/guardrail/tell/1".to_owned(), FaultCode::Duplicate),
        ]
    );
}

#[test]
fn names_texts_and_calendars_are_looked_at() {
    let mut plan = diamond();
    plan.objective = " ".to_owned();
    plan.tasks[0].id = TaskId("in take".to_owned());
    plan.tasks[1].title = "x".repeat(301);
    plan.tasks[2].id = id("routing");
    plan.tasks[3].inputs = vec!["a".to_owned(), "a".to_owned()];
    let check = plan.gates[0].checks[0].clone();
    plan.gates[0].checks.push(GateCheck { by: CheckedBy::Attested, ..check });
    if let Some(calendar) = plan.calendars.get_mut("berlin") {
        calendar.hours.monday[0] = "9-12".to_owned();
    }
    let found = faults(&plan);
    for expected in [
        ("#/objective", FaultCode::Missing),
        ("#/tasks/0/id", FaultCode::Malformed),
        ("#/tasks/1/title", FaultCode::TooLarge),
        ("#/tasks/2/id", FaultCode::Duplicate),
        ("#/tasks/3/inputs/1", FaultCode::Duplicate),
        ("#/gates/0/checks/1/id", FaultCode::Duplicate),
        ("#/calendars/berlin/hours/monday/0", FaultCode::Calendar),
    ] {
        assert!(found.contains(&(expected.0.to_owned(), expected.1)), "{expected:?} in {found:?}");
    }
}

#[test]
fn a_plan_has_some_tasks_and_not_too_many() {
    let mut plan = diamond();
    plan.tasks.clear();
    plan.gates.clear();
    assert_eq!(faults(&plan), [("#/tasks".to_owned(), FaultCode::Missing)]);
    let hour = Duration::Time(Length::hours(1));
    plan.tasks = (0..=TASKS_MAX).map(|at| task(&format!("t{at}"), "cro", hour, &[])).collect();
    assert_eq!(faults(&plan), [("#/tasks".to_owned(), FaultCode::TooLarge)]);
}
