//! Workers from outside, people, and whoever stands in: one queue, one check of what is handed in.

use std::path::Path;

use gtm::programmes::deliverable::Deliverable;
use reqwest::Method;
use serde_json::{Value, json};

use super::{begin, claim, hand_in, read, text, until_done, until_gate};
use crate::harness::Service;

/// What the drafter would hand in for the budget, as data.
async fn drafted_budget(service: &Service) -> Deliverable {
    let drafted = begin(service, json!({ "phases": ["strategy"] })).await;
    until_done(service, &drafted).await;
    Deliverable::parse(&text(service, &drafted, "strategy/budget-allocation.md").await).unwrap().0
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_gate_names_the_file_and_a_better_version_lets_it_pass() {
    let service = Service::live(&[]).await;
    let good = drafted_budget(&service).await;
    let id = begin(
        &service,
        json!({ "phases": ["strategy"], "workers": { "agents": { "coordinator": "outside" } } }),
    )
    .await;
    let mut bad = good.clone();
    bad.data["lines"][0]["amount"] = json!("10800.50");
    loop {
        let task = claim(&service, "coordinator").await;
        if task["outputs"] == json!(["strategy/budget-allocation.md"]) {
            let mut wrong = good.clone();
            wrong.data["month_total"] = json!(36_000);
            let refused = hand_in(&service, &task, json!([{ "deliverable": wrong }]), 422).await;
            assert_eq!(refused["errors"][0]["pointer"], "#/data/files/0/deliverable/data/month_total");
            let refused = hand_in(&service, &task, json!([]), 422).await;
            assert_eq!(refused["errors"][0]["pointer"], "#/data/files");
            hand_in(&service, &task, json!([{ "deliverable": bad }]), 200).await;
            // Said again with the same lease it changes nothing.
            hand_in(&service, &task, json!([{ "deliverable": bad }]), 200).await;
            continue;
        }
        hand_in(&service, &task, from_drafter(&service, &task).await, 200).await;
        if task["outputs"] == json!(["strategy/gtm-strategy.md"]) {
            break;
        }
    }
    let gate = until_gate(&service, &id, "strategy", "failed").await;
    let check = gate["checks"].as_array().unwrap().iter().find(|of| of["check"] == "budget-sums").unwrap();
    assert_eq!(check["passed"], json!(false));
    let found = &check["findings"][0];
    assert_eq!(found["file"], "strategy/budget-allocation.md");
    assert!(
        check.to_string().contains("the lines sum to 36000.50, the monthly budget is 36000.00"),
        "{check:#}"
    );
    assert_eq!(
        gate["checks"].as_array().unwrap().iter().filter(|of| of["passed"] == json!(false)).count(),
        1
    );

    let put = json!({ "deliverable": good, "why": "it must add up" });
    let path = format!("/v1/programmes/{id}/files/strategy/budget-allocation.md");
    let version = service.send(Method::PUT, &path, Some(put), 200).await;
    assert_eq!(version["version"], 2);
    until_gate(&service, &id, "strategy", "passed").await;
    until_done(&service, &id).await;
    service.expect_intact_audit().await;
    service.stop().await;
}

/// The files that a run of the drafter has for the outputs of a task.
pub async fn from_drafter(service: &Service, task: &Value) -> Value {
    let runs = service.get("/v1/programmes").await;
    let mut files = Vec::new();
    for run in runs["data"].as_array().unwrap() {
        let id = run["programmeId"].as_str().unwrap();
        if run["programmeId"] == task["planId"] {
            continue;
        }
        for path in super::paths(service, id)
            .await
            .iter()
            .filter(|path| Path::new(path).extension().is_some_and(|end| end == "md"))
        {
            let own = task["outputs"].as_array().unwrap().iter().any(|output| {
                let output = output.as_str().unwrap();
                path == output || (output.ends_with('/') && path.starts_with(output))
            });
            if own {
                files.push(json!({ "path": path, "text": text(service, id, path).await }));
            }
        }
    }
    json!(files)
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_missing_is_stood_in_for_and_may_come_later() {
    let service = Service::live(&[]).await;
    let workers = json!({ "agents": { "brand-messaging": "nobody", "growth-analyst": "person" } });
    let id = begin(&service, json!({ "phases": ["strategy"], "workers": workers })).await;
    // The coordinator, whom the drafter fills, stands in for the brand.
    until_gate(&service, &id, "messaging", "passed").await;
    let signed = service
        .number("SELECT count(*) FROM programme_entry WHERE doc ->> 'agent' = 'coordinator' AND doc ->> 'message' LIKE 'messaging:%'")
        .await;
    assert_eq!(signed, 4);
    // Nobody came for the analyst, so the drafter takes over.
    let path = format!("/v1/programmes/{id}");
    let answer = service.request(Method::GET, &path).send().await.unwrap();
    let tag = answer.headers()["etag"].to_str().unwrap().to_owned();
    let change = json!({ "workers": { "agents": { "brand-messaging": "nobody" } }, "why": "nobody came" });
    let refused = service.request(Method::PATCH, &path).json(&change).send().await.unwrap();
    assert_eq!(refused.status(), 428);
    let changed =
        service.request(Method::PATCH, &path).header("if-match", &tag).json(&change).send().await.unwrap();
    assert_eq!(changed.status(), 200, "{}", changed.text().await.unwrap());
    until_done(&service, &id).await;
    assert_eq!(read(&service, &id).await["plan"]["version"], 2);
    let changes = service.get(&format!("{path}/changes")).await;
    assert_eq!(changes["data"][0]["why"], "nobody came");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_not_heard_of_loses_its_task_to_another() {
    let service = Service::sandbox().await;
    let id = begin(&service, json!({ "phases": ["strategy"], "workers": { "all": "outside" } })).await;
    let first = claim(&service, "coordinator").await;
    service.advance("PT2H").await;
    let second = claim(&service, "coordinator").await;
    assert_eq!((&first["taskId"], &second["attempt"]), (&second["taskId"], &json!(2)));
    let lost = hand_in(&service, &first, json!([]), 409).await;
    assert_eq!(lost["code"], "lease_lost");
    assert_eq!(super::paths(&service, &id).await, Vec::<String>::new());
    service.stop().await;
}
