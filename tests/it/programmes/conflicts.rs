//! Conflicts between outputs: found by the gates' rules or told by an agent, decided, applied by the agents whose files change.

use gtm::programmes::deliverable::Deliverable;
use reqwest::Method;
use serde_json::{Value, json};

use super::workers::from_drafter;
use super::{begin, claim, hand_in, read, text, until_done, until_gate};
use crate::harness::Service;

const SCORING: &str = "demand-gen/lead-scoring.md";
const DEALS: &str = "pipeline/scoring-model.md";

/// A file of a run as data.
async fn data(service: &Service, id: &str, path: &str) -> Deliverable {
    Deliverable::parse(&text(service, id, path).await).unwrap().0
}

/// Waits until there are so many conflicts of which one has a status; gives all of them.
async fn until_conflict(service: &Service, id: &str, status: &str) -> Vec<Value> {
    loop {
        let known = service.get(&format!("/v1/programmes/{id}/conflicts")).await;
        let known = known["data"].as_array().unwrap().clone();
        if known.iter().any(|of| of["status"] == status) {
            return known;
        }
        tokio::task::yield_now().await;
    }
}

/// The open tasks of decisions: their names, queues and states.
async fn orders(service: &Service, id: &str) -> Vec<(String, String, String)> {
    let plan = read(service, id).await;
    let tasks = plan["plan"]["tasks"].as_array().unwrap();
    let word = |task: &Value, field: &str| task[field].as_str().unwrap().to_owned();
    let orders = tasks.iter().filter(|task| word(task, "name").starts_with("decision-"));
    orders.map(|task| (word(task, "name"), word(task, "work"), word(task, "status"))).collect()
}

/// A run of pipeline building on a drafted strategy, in which an outside demand generator hands in a lead scoring that the pipeline
/// manager, whom the drafter fills, contradicts.
async fn contradicted(service: &Service) -> (String, Deliverable) {
    let drafted = begin(service, json!({ "phases": ["strategy"] })).await;
    until_done(service, &drafted).await;
    let build = json!({ "phases": ["pipeline-building"] });
    let first = begin(service, build.clone()).await;
    until_done(service, &first).await;
    let good = data(service, &first, SCORING).await;
    let mut outside = build;
    outside["workers"] = json!({ "agents": { "demand-generation": "outside" } });
    let id = begin(service, outside).await;
    let mut bad = good.clone();
    bad.data["mql"] = json!(bad.data["mql"].as_i64().unwrap() + 1);
    loop {
        let task = claim(service, "demand-generation").await;
        let files = if task["outputs"] == json!([SCORING]) {
            json!([{ "deliverable": bad }])
        } else {
            from_drafter(service, &task).await
        };
        hand_in(service, &task, files, 200).await;
        if task["outputs"] == json!(["demand-gen/tracking-plan.md"]) {
            return (id, good);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_contradicts_is_raised_once_decided_and_applied_by_the_agent_that_is_asked() {
    let service = Service::live(&[]).await;
    let (id, good) = contradicted(&service).await;
    let known = until_conflict(&service, &id, "open").await;
    assert_eq!(known.len(), 1, "{known:#?}");
    let found = &known[0];
    assert_eq!(
        (&found["files"], &found["check"]),
        (&json!([SCORING, DEALS]), &json!("lead-scoring-aligned"))
    );
    let said = found["description"].as_str().unwrap();
    for part in ["of demand-generation", "of pipeline-manager", "MQL from", "says"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(
        text(&service, &id, "conflicts/001.md").await.contains("found by the check `lead-scoring-aligned`")
    );
    until_gate(&service, &id, "pipeline-building", "failed").await;

    let path = format!("/v1/programmes/{id}/conflicts/1/decide");
    let decide = |change: Value| json!({ "decision": "The pipeline manager's border holds", "rationale": "Sales has to call them", "change": change });
    let refused = service.send(Method::POST, &path, Some(decide(json!(["x.md"]))), 422).await;
    assert_eq!(refused["errors"][0]["pointer"], "#/change/0");
    let mut look = decide(json!([SCORING]));
    look["dryRun"] = json!(true);
    let would = service.send(Method::POST, &path, Some(look), 200).await;
    assert_eq!((&would["status"], orders(&service, &id).await), (&json!("decided"), vec![]));
    service.send(Method::POST, &path, Some(decide(json!([SCORING]))), 200).await;
    let open = ("decision-1:1".to_owned(), "demand-generation".to_owned(), "ready".to_owned());
    assert_eq!(orders(&service, &id).await, [open]);
    until_gate(&service, &id, "pipeline-building", "waiting").await;
    let changes = service.get(&format!("/v1/programmes/{id}/changes")).await;
    assert!(
        changes["data"][0]["why"].as_str().unwrap().starts_with("decision on conflict 1: "),
        "{changes:#}"
    );

    // The task outlives a change of who fills the agents, and says what is to be done.
    let run = format!("/v1/programmes/{id}");
    let tag = service.request(Method::GET, &run).send().await.unwrap().headers()["etag"].clone();
    let change = json!({ "workers": { "agents": { "demand-generation": "person" } }, "why": "she is here" });
    let changed = service.request(Method::PATCH, &run).header("if-match", tag).json(&change);
    assert_eq!(changed.send().await.unwrap().status(), 200);
    let task = claim(&service, "demand-generation").await;
    assert_eq!(task["inputs"], json!([SCORING, "strategy/decisions/001.md", DEALS]));
    assert_eq!((&task["data"]["conflict"], &task["data"]["worker"]), (&json!(1), &json!("person")));
    assert!(task["detail"].as_str().unwrap().contains("Sales has to call them"), "{task:#}");
    let same = json!([{ "text": text(&service, &id, SCORING).await }]);
    let refused = hand_in(&service, &task, same, 422).await;
    assert!(
        refused["errors"][0]["detail"].as_str().unwrap().contains("is the same as the version"),
        "{refused}"
    );
    hand_in(&service, &task, json!([{ "deliverable": good }]), 200).await;
    let known = until_conflict(&service, &id, "applied").await;
    assert_eq!((known.len(), &known[0]["applied"]), (1, &json!([SCORING])));
    assert!(known[0]["settledAt"].is_string(), "{known:#?}");
    until_done(&service, &id).await;
    assert_eq!(data(&service, &id, SCORING).await, good);
    service.expect_intact_audit().await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_drafter_says_that_it_cannot_apply_and_a_better_version_settles_the_conflict() {
    let service = Service::live(&[]).await;
    let (id, good) = contradicted(&service).await;
    until_conflict(&service, &id, "open").await;
    until_gate(&service, &id, "pipeline-building", "failed").await;
    let decide = json!({ "decision": "Both look again", "rationale": "Nobody knows which is right" });
    let path = format!("/v1/programmes/{id}/conflicts/1/decide");
    service.send(Method::POST, &path, Some(decide), 200).await;
    // The pipeline manager's drafter writes what it wrote; it is asked as often as the plan says, and not again.
    let escalated = ("decision-1:2".to_owned(), "drafter".to_owned(), "escalated".to_owned());
    while !orders(&service, &id).await.contains(&escalated) {
        tokio::task::yield_now().await;
    }
    let timeline = service.get(&format!("/v1/plans/{id}/timeline?limit=200")).await;
    let retried: Vec<&Value> = timeline["data"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|of| of["what"] == "task_retried" && of["name"] == "decision-1:2")
        .collect();
    assert_eq!(retried.len(), 2, "{retried:#?}");
    assert!(retried[0].to_string().contains("would write the same again"), "{retried:#?}");
    assert!(text(&service, &id, "status/pipeline-manager.md").await.contains("status: blocked"));

    // Whoever puts a version that names the conflict does the task; the other one is not needed any more.
    let file = format!("/v1/programmes/{id}/files/{SCORING}");
    let put = json!({ "deliverable": good, "conflict": 1, "why": "the border of sales" });
    service.send(Method::PUT, &file, Some(put), 200).await;
    let states: Vec<String> = orders(&service, &id).await.into_iter().map(|(_, _, status)| status).collect();
    assert_eq!(states, ["done", "skipped"]);
    let known = until_conflict(&service, &id, "settled").await;
    assert_eq!((known.len(), &known[0]["applied"]), (1, &json!([SCORING])));
    let written = text(&service, &id, "conflicts/001.md").await;
    assert!(written.contains("## Settled") && written.contains("strategy/decisions/001.md"), "{written}");
    until_done(&service, &id).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_drafter_applies_what_it_can_write_anew() {
    let service = Service::live(&[]).await;
    let (id, good) = contradicted(&service).await;
    until_conflict(&service, &id, "open").await;
    until_gate(&service, &id, "pipeline-building", "failed").await;
    let run = format!("/v1/programmes/{id}");
    let tag = service.request(Method::GET, &run).send().await.unwrap().headers()["etag"].clone();
    let change = json!({ "workers": {}, "why": "the drafter takes over" });
    let changed = service.request(Method::PATCH, &run).header("if-match", tag).json(&change);
    assert_eq!(changed.send().await.unwrap().status(), 200);
    let decide = json!({ "decision": "As configured", "rationale": "Both follow it", "change": [SCORING] });
    service.send(Method::POST, &format!("{run}/conflicts/1/decide"), Some(decide), 200).await;
    until_done(&service, &id).await;
    assert_eq!(data(&service, &id, SCORING).await, good);
    assert_eq!(until_conflict(&service, &id, "applied").await.len(), 1);
    // What was applied lies in the repository where everything comes together.
    let folder = super::run::workspace(&service, &id).await;
    let written = std::fs::read_to_string(folder.0.join("workspace").join(SCORING)).unwrap();
    assert_eq!(Deliverable::parse(&written).unwrap().0, good);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_tells_a_conflict_with_what_it_hands_in_and_one_is_settled_before_anybody_decides() {
    let service = Service::live(&[]).await;
    let drafted = begin(&service, json!({ "phases": ["strategy"] })).await;
    until_done(&service, &drafted).await;
    let workers = json!({ "agents": { "growth-analyst": "outside" } });
    let id = begin(&service, json!({ "phases": ["strategy"], "workers": workers })).await;
    let task = claim(&service, "growth-analyst").await;
    let files = from_drafter(&service, &task).await;
    let complete = format!("/v1/tasks/{}/complete", task["taskId"].as_str().unwrap());
    let body = |files: &Value, conflict: &str| {
        json!({ "lease": task["lease"], "data": { "files": files, "conflicts": [
            { "files": [conflict], "description": "The personas do not measure what the model weighs" },
        ] } })
    };
    let refused = service.send(Method::POST, &complete, Some(body(&files, "nothing.md")), 422).await;
    assert_eq!(refused["errors"][0]["pointer"], "#/data/conflicts/0/files/0");
    let told = "messaging/value-props.md";
    service.send(Method::POST, &complete, Some(body(&files, told)), 200).await;
    let known = until_conflict(&service, &id, "open").await;
    assert_eq!((&known[0]["raisedBy"], &known[0]["files"]), (&json!("growth-analyst"), &json!([told])));
    assert_eq!(known[0]["check"], json!(null));
    service.stop().await;
}
