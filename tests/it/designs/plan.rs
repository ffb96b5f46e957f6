//! The plan of a design: worked off by its people, signed and applied in the design itself.

use reqwest::Method;
use serde_json::{Value, json};

use super::{approved, company, design_id, make, post, wanted};
use crate::harness::Service;

async fn task(service: &Service, plan: &str, name: &str) -> Value {
    let tasks = service.get(&format!("/v1/tasks?planId={plan}&limit=200")).await;
    tasks["data"].as_array().unwrap().iter().find(|task| task["name"] == name).unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_offs_and_the_application_are_tasks_of_the_plan() {
    let service = Service::sandbox().await;
    company(&service).await;
    let design = make(&service, wanted()).await;
    let id = design_id(&design);
    let plan = format!("/v1/plans/{id}");
    let missing: Vec<&Value> =
        design["preflight"].as_array().unwrap().iter().map(|finding| &finding["name"]).collect();
    service.post(&format!("{plan}/start"), json!({ "waive": missing })).await;
    service.pass_to(service.get(&format!("{plan}/plan.json")).await["startAt"].as_str().unwrap()).await;
    loop {
        let claimed = service.post("/v1/tasks/claim", json!({ "agent": "agent-1", "lease": "1h" })).await;
        let Some(one) = claimed["tasks"].as_array().unwrap().first() else { break };
        let path = format!("/v1/tasks/{}/complete", one["taskId"].as_str().unwrap());
        let body = json!({ "lease": one["lease"], "outputs": one["outputs"] });
        service.send(Method::POST, &path, Some(body), 200).await;
    }
    // What the model says is known at the gate; the rest is said by its keeper.
    let running = service.get(&plan).await;
    let gate = &running["gates"][0];
    assert_eq!(
        (&gate["verdicts"]["sla-kept"]["by"], &gate["verdicts"]["sla-kept"]["holds"]),
        (&json!("worker:designs"), &json!(true)),
        "{gate:#}"
    );
    assert_eq!(task(&service, &id, "approve-revops").await["status"], "waiting");
    let review = json!({ "by": "Rosa Diaz", "verdicts": { "enablement-ready": { "holds": true } } });
    let passed = service.post(&format!("{plan}/gates/ready-to-sign/review"), review).await;
    assert_eq!(passed["status"], "passed", "{passed:#}");

    approved(&service, &id).await;
    for name in ["approve-revops", "approve-sales-leadership"] {
        assert_eq!(task(&service, &id, name).await["status"], "done", "{name}");
    }
    assert_eq!(task(&service, &id, "apply").await["status"], "ready");
    post(&service, &id, "apply", json!({}), 200).await;
    assert_eq!(service.get(&plan).await["status"], "done");
    service.expect_intact_audit().await;
    service.stop().await;
}
