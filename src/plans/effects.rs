//! What leaves the service because something happened to a plan: commands in the service's own words, pure.
//!
//! Promises: for one thing that happened there is at most one command; whom it is for is whoever acts for the role, so that
//! a role without a person reaches whoever stands in. Whoever delivers it translates.
//! Leaves out: addresses of systems and retries, which the outbox has.

use serde_json::{Value, json};

use super::happening::{Happened, What, because};
use super::lifecycle::Happening;
use super::model::{Plan, Role, Task};
use super::preflight::acting;
use super::wording::stamp;
use crate::motions::Urgency;

/// An alert to people, as handoffs send it.
pub use crate::handoffs::ALERT;

/// The command of something that happened; none where nobody outside needs to know.
pub fn of(plan: &Plan, happened: &Happened) -> Option<Value> {
    let task = happened.name.as_ref().and_then(|name| plan.tasks.iter().find(|task| task.id == *name));
    let title = task.map_or_else(String::new, |task| format!("“{}”", task.title));
    match &happened.what {
        What::Task(Happening::Told { role, because: why, .. }) => Some(alert(
            plan,
            happened,
            task,
            role,
            "A task of a plan needs you",
            &format!("{title}: {}. Do it, let it be tried again, skip it or give it up.", because(*why)),
            Urgency::Urgent,
        )),
        What::Task(Happening::Missed { date, looks, .. }) if *looks <= plan.error_handling.retries => {
            let owner = &task?.owner;
            Some(alert(
                plan,
                happened,
                task,
                owner,
                "A checkpoint is overdue",
                &format!("{title} was to be done by {}.", stamp(*date)),
                Urgency::High,
            ))
        }
        What::Alarm { role, .. } => {
            let guardrail = &plan.error_handling.guardrail;
            Some(alert(
                plan,
                happened,
                None,
                role,
                "Too much goes wrong in a plan",
                &format!(
                    "{} failures or missed checkpoints within {}. The plan: {}",
                    guardrail.exceeded, guardrail.within, plan.objective
                ),
                Urgency::Urgent,
            ))
        }
        _ => None,
    }
}

fn alert(
    plan: &Plan,
    happened: &Happened,
    task: Option<&Task>,
    role: &Role,
    title: &str,
    body: &str,
    priority: Urgency,
) -> Value {
    let holder = acting(plan, role).and_then(|role| plan.roles.get(role));
    let to: Vec<Value> = holder
        .iter()
        .map(|holder| json!({ "repId": holder.rep_id, "name": holder.name, "email": holder.email }))
        .collect();
    let account_name = plan.context.get("accountName").and_then(Value::as_str).unwrap_or(&plan.objective);
    json!({
        "channel": null, "to": to, "role": role, "title": title, "body": body, "priority": priority,
        "accountId": happened.account_id, "accountName": account_name, "planId": happened.plan_id,
        "task": task.map(|task| &task.id), "path": format!("/v1/plans/{}", happened.plan_id), "actions": [],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plans::lifecycle::Because;
    use crate::plans::model::PlanKind;
    use crate::plans::samples::{at, diamond, id, role};

    fn happened(what: What) -> Happened {
        Happened {
            account_id: "acme".to_owned(),
            plan_id: uuid::Uuid::nil(),
            kind: PlanKind::Renewal,
            name: Some(id("routing")),
            what,
            at: at("2027-01-12T08:00:00Z"),
        }
    }

    #[test]
    fn a_rung_reaches_whoever_stands_in() {
        let mut plan = diamond();
        if let Some(holder) = plan.roles.get_mut(&role("director")) {
            holder.name = None;
        }
        let told = Happening::Told {
            climb: 1,
            rung: 0,
            role: role("director"),
            because: Because::Failed,
            at: at("2027-01-12T08:00:00Z"),
        };
        let command = of(&plan, &happened(What::Task(told))).unwrap();
        assert_eq!((&command["role"], &command["to"][0]["name"]), (&json!("director"), &json!("Sam")));
        assert!(command["body"].as_str().unwrap().starts_with("“Do routing”: it failed as often"));
    }

    #[test]
    fn an_owner_is_reminded_as_often_as_there_are_retries() {
        let date = at("2027-01-12T08:00:00Z");
        let missed =
            |looks| of(&diamond(), &happened(What::Task(Happening::Missed { date, looks, at: date })));
        assert!(
            missed(1).is_some() && missed(2).is_some() && missed(3).is_none(),
            "then the ladder is climbed"
        );
        assert_eq!(missed(1).unwrap()["to"][0]["name"], "Dana");
    }

    #[test]
    fn what_nobody_needs_to_know_stays_here() {
        assert_eq!(of(&diamond(), &happened(What::Done)), None);
        assert_eq!(of(&diamond(), &happened(What::Task(Happening::Done))), None);
    }
}
