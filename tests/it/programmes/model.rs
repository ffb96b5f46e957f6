//! A language model as a worker, over both styles of API, by servers that behave badly.

use serde_json::{Value, json};

use super::{begin, read, text, until_done};
use crate::fakes::server::{Answer, Asked, Fake};
use crate::harness::Service;

const KEY: &str = "sk-secret-of-the-model";

/// What a model would hand in as recommendations.
fn deliverable() -> Value {
    json!({
        "title": "Recommendations", "body": "## First\n\nMove the budget.", "personas": ["plant-manager"],
        "data": { "recommendations": [{ "id": "move", "title": "Move", "priority": 1, "effect": "Cheaper" }] },
    })
}

fn completion(content: &str) -> Answer {
    Answer::Json(
        200,
        json!({ "choices": [{ "message": { "role": "assistant", "content": content }, "finish_reason": "stop" }] }),
    )
}

fn message(input: &Value) -> Answer {
    let tool = json!({ "type": "tool_use", "id": "t", "name": "hand_in_deliverable", "input": input });
    Answer::Json(200, json!({ "content": [tool], "stop_reason": "tool_use" }))
}

/// A service whose model is a fake, and a run of one task that the model works on.
async fn asked(style: &str, fake: &Fake) -> (Service, String) {
    let base = fake.url("/v1");
    let service = Service::live(&[
        ("GTM_PROGRAMMES__MODEL__STYLE", style),
        ("GTM_PROGRAMMES__MODEL__BASE_URL", &base),
        ("GTM_PROGRAMMES__MODEL__MODEL", "writer-1"),
        ("GTM_PROGRAMMES__MODEL__KEY", KEY),
        ("GTM_PROGRAMMES__MODEL__TIMEOUT_MS", "1500"),
        ("GTM_PROGRAMMES__MODEL__WAIT_MS", "1"),
    ])
    .await;
    let ask = json!({
        "agent": "growth-analyst", "task": "Prioritised recommendations", "withoutInputs": true,
        "workers": { "all": "model" },
    });
    let id = begin(&service, ask).await;
    (service, id)
}

/// Waits until the only task is escalated; gives why.
async fn until_escalated(service: &Service, id: &str) -> String {
    loop {
        let programme = read(service, id).await;
        if programme["plan"]["tasks"][0]["status"] == "escalated" {
            let timeline = service.get(&format!("/v1/plans/{id}/timeline?limit=200")).await;
            return timeline.to_string();
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn completions_are_asked_again_where_it_passes_and_repaired_once() {
    let fake = Fake::start(|asked: &Asked, before| {
        assert_eq!(asked.header("authorization"), format!("Bearer {KEY}"));
        match before {
            0 => Answer::Limited(0),
            1 => Answer::Text(503, "overloaded"),
            // Words around it, then what has not all that is needed, then as it must be.
            2 => completion("Sure! Here it is."),
            _ => completion(&format!("```json\n{}\n```", deliverable())),
        }
    })
    .await;
    let (service, id) = asked("completions", &fake).await;
    until_done(&service, &id).await;
    let asked = fake.asked_at("/v1/chat/completions");
    assert_eq!(asked.len(), 4);
    let first = asked[0].json();
    assert_eq!((&first["model"], &first["messages"][0]["role"]), (&json!("writer-1"), &json!("system")));
    assert_eq!(first["response_format"]["json_schema"]["schema"]["properties"]["data"]["type"], "object");
    assert!(first["messages"][1]["content"].as_str().unwrap().contains("monthly_budget: 36000"));
    let repaired = asked[3].json();
    let last =
        repaired["messages"].as_array().unwrap().last().unwrap()["content"].as_str().unwrap().to_owned();
    assert!(last.contains("the answer is not JSON"), "{last}");
    assert!(text(&service, &id, "analytics/recommendations.md").await.contains("Move the budget."));
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_hand_in_by_a_tool_and_wrong_data_is_repaired_once() {
    let fake = Fake::start(|asked: &Asked, before| {
        assert_eq!((asked.header("x-api-key"), asked.header("anthropic-version")), (KEY, "2023-06-01"));
        let mut wrong = deliverable();
        wrong["data"]["recommendations"][0]["priority"] = json!("first");
        match before {
            0 => Answer::Silent,
            1 => Answer::Broken,
            2 => message(&wrong),
            _ => message(&deliverable()),
        }
    })
    .await;
    let (service, id) = asked("messages", &fake).await;
    until_done(&service, &id).await;
    let asked = fake.asked_at("/v1/messages");
    assert_eq!(asked.len(), 4);
    assert_eq!(asked[0].json()["tool_choice"]["name"], "hand_in_deliverable");
    let repaired = asked[3].json();
    assert!(
        repaired["messages"][2]["content"].as_str().unwrap().contains("/data/recommendations/0/priority"),
        "{repaired:#}"
    );
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stays_wrong_fails_with_the_reason_and_goes_up_the_ladder() {
    let fake =
        Fake::start(|_, _| completion("{\"title\": \"T\", \"body\": \"B\", \"data\": {\"more\": 1}}")).await;
    let (service, id) = asked("completions", &fake).await;
    let why = until_escalated(&service, &id).await;
    assert!(why.contains("the repaired one neither") && why.contains("unknown field `more`"), "{why}");
    assert!(!why.contains(KEY));
    // Three attempts of the plan, each asked and repaired once.
    assert_eq!(fake.asked().len(), 6);
    let status = text(&service, &id, "status/growth-analyst.md").await;
    assert!(status.contains("status: blocked"), "{status}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_key_is_not_tried_again_and_again() {
    let fake = Fake::start(|_, _| Answer::Json(401, json!({ "error": { "message": "invalid key" } }))).await;
    let (service, id) = asked("messages", &fake).await;
    let why = until_escalated(&service, &id).await;
    assert!(why.contains("answered 401: invalid key"), "{why}");
    assert_eq!(fake.asked().len(), 3);
    service.stop().await;
}
