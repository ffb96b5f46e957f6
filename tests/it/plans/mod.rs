//! Plans as people and agents work on them: over HTTP, many at once, and through crashes.

mod crashes;
mod crowds;
mod escalation;
mod followers;
mod lifecycle;
mod line;
mod people;
mod schema;

use chrono::TimeDelta;
use gtm::plans::commands::NewPlan;
use gtm::plans::model::Plan;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::Service;

/// `intake → (routing, enablement) → gate → approval`, from now on; everybody has somebody and somebody who stands in.
pub fn document(service: &Service) -> Value {
    let now = service.now();
    let office = json!({ "zone": "Europe/Berlin", "hours": {
        "monday": ["09:00-17:00"], "tuesday": ["09:00-17:00"], "wednesday": ["09:00-17:00"],
        "thursday": ["09:00-17:00"], "friday": ["09:00-17:00"] } });
    let task = |id: &str, work: &str, after: &[&str]| {
        json!({ "id": id, "title": format!("Do {id}"), "stage": id, "owner": "director", "work": work,
                "outputs": [format!("{id}.md")], "dependsOn": after, "duration": { "time": "2h" } })
    };
    json!({
        "kind": "handoff_design",
        "objective": "Every enterprise lead is answered within two hours.",
        "startAt": now, "deadline": now + TimeDelta::days(30), "direction": "forward",
        "tasks": [
            task("intake", "review", &[]),
            task("routing", "draft", &["intake"]),
            task("enablement", "draft", &["intake"]),
            task("approval", "review", &[]),
        ],
        "gates": [{
            "id": "ready", "title": "Routing and enablement fit together", "after": ["routing", "enablement"],
            "before": ["approval"], "keeper": "manager",
            "checks": [{ "id": "fits", "asks": "They fit together.", "by": "attested" }] }],
        "roles": {
            "director": { "title": "RevOps Director", "name": "Dana", "fallback": "manager", "calendar": "office" },
            "manager": { "title": "Sales Manager", "name": "Sam", "email": "sam@us.example", "fallback": "cro" },
            "cro": { "title": "CRO", "name": "Cleo", "fallback": "deputy" },
            "deputy": { "title": "Deputy", "name": "Dee" } },
        "calendars": { "office": office },
        "errorHandling": {
            "retries": 2, "ladder": ["director", "manager", "cro"], "rungAfter": "24h",
            "guardrail": { "exceeded": 2, "within": "48h", "tell": ["cro", "manager"] } },
        "successMetrics": [{ "name": "sla_compliance", "target": "90 %" }],
        "context": { "segment": "enterprise" }
    })
}

/// The document without the one that is to stand in for the deputy, who is nobody's owner.
pub fn plan(document: &Value) -> Plan {
    serde_json::from_value(document.clone()).unwrap()
}

/// Makes a plan of no account.
pub async fn create(service: &Service, document: &Value) -> Uuid {
    create_for(service, document, None).await
}

/// Makes a plan of an account.
pub async fn create_for(service: &Service, document: &Value, account: Option<&str>) -> Uuid {
    let new = NewPlan {
        id: None,
        account_id: account.map(str::to_owned),
        plan: plan(document),
        by: "test".to_owned(),
        why: "first version".to_owned(),
    };
    service.running.app.plans.create_alone(new).await.unwrap().id
}

/// Makes a plan and starts it.
pub async fn running(service: &Service, document: &Value) -> Uuid {
    let id = create(service, document).await;
    service.post(&format!("/v1/plans/{id}/start"), json!({})).await;
    id
}

/// Takes one task, which there must be.
pub async fn claim(service: &Service, agent: &str) -> Value {
    let answer = service.post("/v1/tasks/claim", json!({ "agent": agent, "lease": "1h" })).await;
    assert_eq!(answer["tasks"].as_array().unwrap().len(), 1, "{answer:#}");
    answer["tasks"][0].clone()
}

pub async fn act(service: &Service, task: &Value, action: &str, body: Value, status: u16) -> Value {
    let path = format!("/v1/tasks/{}/{action}", task["taskId"].as_str().unwrap());
    service.send(Method::POST, &path, Some(body), status).await
}

/// Takes a task and completes it; gives its name.
pub async fn complete_next(service: &Service) -> String {
    let task = claim(service, "agent-1").await;
    act(service, &task, "complete", json!({ "lease": task["lease"], "outputs": task["outputs"] }), 200).await;
    task["name"].as_str().unwrap().to_owned()
}

/// The task of a plan by its name.
pub async fn task(service: &Service, plan: Uuid, name: &str) -> Value {
    let tasks = service.get(&format!("/v1/tasks?planId={plan}&limit=200")).await;
    let found = tasks["data"].as_array().unwrap().iter().find(|task| task["name"] == name);
    found.unwrap().clone()
}

/// What happened, oldest first, as `what` or `what:name`.
pub async fn story(service: &Service, plan: Uuid) -> Vec<String> {
    let timeline = service.get(&format!("/v1/plans/{plan}/timeline?limit=200")).await;
    let mut told: Vec<String> = timeline["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| match entry["name"].as_str() {
            Some(name) => format!("{}:{name}", entry["what"].as_str().unwrap()),
            None => entry["what"].as_str().unwrap().to_owned(),
        })
        .collect();
    told.reverse();
    told
}
