//! A plan as people read it.

use super::*;
use crate::kernel::document::{html, markdown};
use crate::plans::model::Plan;
use crate::plans::samples::{diamond, role};
use crate::plans::schedule::schedule;
use crate::plans::wording::spelled;

fn told(plan: &Plan) -> Vec<Block> {
    let zone = Zone::find("Europe/Berlin").unwrap();
    let schedule = schedule(plan).unwrap();
    whole(
        &Told { plan, schedule: &schedule, tasks: None, gates: None, zone: &zone, stage: spelled },
        "Handoff design",
    )
}

#[test]
fn it_tells_dates_people_the_path_and_what_happens_otherwise() {
    let text = markdown::render(&told(&diamond()));
    for expected in [
        "# Handoff design",
        "| Begins | Mon 11 Jan 2027, 09:00 |",
        "Diamond: “Routing” and “Enablement” do not need each other",
        "| Do routing | Dana (RevOps Director) | Tue 12 Jan 2027, 09:00 | Wed 13 Jan 2027, 12:00 | 10h | 85 h slack |",
        "1. **Do intake**: Mon 11 Jan 2027, 09:00 to Mon 11 Jan 2027, 17:00, Dana (RevOps Director)",
        "| RevOps Director | Dana (RevOps Director) | Do intake; Do routing | Sam (Sales Manager) |",
        "What fails is tried again 2 times. Then these are told, one every 24h",
        "When this happens 2 times within 48h, these are told at once: Cleo (CRO).",
    ] {
        assert!(text.contains(expected), "{expected}\n---\n{text}");
    }
}

#[test]
fn the_chart_has_a_row_for_each_task_and_gate_and_stands_in_html_alone() {
    let page = html::render("Plan", &told(&diamond()));
    assert_eq!(page.matches("<rect ").count(), 4);
    assert_eq!(page.matches("<path ").count(), 1, "the gate");
    assert!(page.contains("<title>Do intake: Mon 11 Jan 2027, 09:00 to Mon 11 Jan 2027, 17:00</title>"));
    assert!(!markdown::render(&told(&diamond())).contains("<svg"));
}

#[test]
fn what_cannot_be_kept_and_who_is_missing_cannot_be_overlooked() {
    let mut plan = diamond();
    plan.deadline = Some("2027-01-12T10:00:00Z".parse().unwrap());
    if let Some(holder) = plan.roles.get_mut(&role("manager")) {
        holder.name = None;
    }
    let text = markdown::render(&told(&plan));
    assert!(
        text.contains("> ⚠️ **Cannot be kept**: “Do routing” cannot end by the plan's deadline"),
        "{text}"
    );
    assert!(text.contains("Sales Manager – nobody yet"));
}

#[test]
fn names_of_others_do_not_break_out() {
    let mut plan = diamond();
    plan.tasks[0].title = "<script>alert(1)</script> | **x**".to_owned();
    let page = html::render("Plan", &told(&plan));
    assert!(!page.contains("<script>"));
    assert!(!markdown::render(&told(&plan)).contains("| **x**"));
}

#[test]
fn a_chart_of_very_many_tasks_is_told_by_stages() {
    let mut plan = diamond();
    let last = plan.tasks[3].clone();
    for at in 0..300 {
        let mut task = last.clone();
        task.id.0 = format!("more{at}");
        plan.tasks.push(task);
    }
    let page = html::render("Plan", &told(&plan));
    assert_eq!(page.matches("<rect ").count(), 4, "one for each stage");
}
