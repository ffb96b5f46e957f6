//! What is missing is named with what to do, and what is there is not.

use super::*;
use crate::plans::samples::{at, diamond, id, role};

fn told(plan: &Plan, known: &Known) -> Vec<String> {
    preflight(plan, known).into_iter().map(|finding| finding.name).collect()
}

/// Everybody has somebody to stand in.
fn covered() -> Plan {
    let mut plan = diamond();
    for (of, by) in [("manager", "cro"), ("cro", "deputy")] {
        if let Some(holder) = plan.roles.get_mut(&role(of)) {
            holder.fallback = Some(role(by));
        }
    }
    plan.roles.insert(role("deputy"), crate::plans::samples::holder("Deputy", Some("Dee"), None));
    plan
}

#[test]
fn a_plan_in_which_all_is_there_has_no_findings() {
    assert_eq!(told(&covered(), &Known::default()), Vec::<String>::new());
}

#[test]
fn people_are_looked_for_and_those_who_stand_in() {
    let mut plan = covered();
    for (name, holder) in &mut plan.roles {
        match name.0.as_str() {
            "director" => (holder.name, holder.rep_id) = (None, Some("rep_7".to_owned())),
            "manager" => holder.name = None,
            "cro" => (holder.name, holder.fallback) = (None, None),
            _ => {}
        }
    }
    let known = Known { reps: Some(BTreeSet::from(["rep_1".to_owned()])), ..Known::default() };
    assert_eq!(
        told(&plan, &known),
        ["no_person:cro", "no_fallback:cro", "not_on_roster:director", "no_person:manager"]
    );
    let findings = preflight(&plan, &known);
    assert!(findings[0].blocks && !findings[1].blocks && findings[2].blocks);
    assert_eq!(
        findings[3].text,
        "Nobody is Sales Manager (`manager`), who is needed for task `enablement`, gate `ready` and the escalation ladder: \
         name a person, or a role that stands in."
    );
    assert_eq!(acting(&plan, &role("manager")), None);
    let covered = covered();
    assert_eq!(acting(&covered, &role("manager")), Some(&role("manager")));
}

#[test]
fn somebody_who_stands_in_is_told_and_does_not_block() {
    let mut plan = covered();
    if let Some(holder) = plan.roles.get_mut(&role("director")) {
        holder.name = None;
    }
    let findings = preflight(&plan, &Known::default());
    assert_eq!((findings.len(), findings[0].code, findings[0].blocks), (1, FindingCode::StandIn, false));
    assert_eq!(acting(&plan, &role("director")), Some(&role("manager")));
}

#[test]
fn what_tasks_begin_with_must_be_made_before_or_given() {
    let mut plan = covered();
    plan.tasks[1].inputs = vec!["intake.md".to_owned(), "scoring".to_owned(), "enablement.md".to_owned()];
    plan.tasks[2].outputs.push("routing.md".to_owned());
    plan.tasks[3].inputs = vec!["routing.md".to_owned()];
    plan.tasks[3].outputs.clear();
    let expected = [
        "input_missing:routing:scoring",
        "input_unordered:routing:enablement.md",
        "output_twice:enablement:routing.md",
        "no_deliverable:approval",
    ];
    assert_eq!(told(&plan, &Known::default()), expected);
    let known = Known { given: BTreeSet::from(["scoring".to_owned()]), ..Known::default() };
    assert_eq!(told(&plan, &known), expected[1..]);
}

#[test]
fn dates_that_cannot_be_kept_block() {
    let mut plan = covered();
    plan.tasks[3].due = Some(at("2027-01-12T00:00:00Z"));
    let findings = preflight(&plan, &Known::default());
    assert_eq!(findings[0].name, "impossible:approval");
    assert!(findings[0].blocks && findings[0].text.contains("To keep all dates, start the plan by"));
    assert_eq!(findings[0].pointer, "#/tasks/3");
}

#[test]
fn a_plan_with_faults_is_for_the_check() {
    let mut plan = covered();
    plan.tasks[0].depends_on = vec![id("approval")];
    assert_eq!(preflight(&plan, &Known::default()), Vec::new());
}
