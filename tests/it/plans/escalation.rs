//! What happens when a task fails, a checkpoint is missed and too much goes wrong.

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};

use super::{act, claim, document, running, story, task};
use crate::harness::Service;

/// The alerts that left because of a plan, oldest first: role and who was told.
async fn alerts(service: &Service) -> Vec<(String, String, String)> {
    let effects = service.get("/v1/sandbox/effects").await;
    let mut told: Vec<(String, String, String)> = effects
        .as_array()
        .unwrap()
        .iter()
        .filter(|effect| effect["destination"] == "messaging/alert")
        .map(|effect| {
            let data = &effect["payload"]["data"];
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            (text(&data["role"]), text(&data["to"][0]["name"]), text(&data["title"]))
        })
        .collect();
    told.reverse();
    told
}

fn rung(role: &str, name: &str) -> (String, String, String) {
    (role.to_owned(), name.to_owned(), "A task of a plan needs you".to_owned())
}

#[tokio::test]
async fn after_two_retries_the_ladder_is_climbed_until_somebody_settles_it() {
    let service = Service::sandbox().await;
    let id = running(&service, &document(&service)).await;
    for expected in ["ready", "ready", "escalated"] {
        let task = claim(&service, "agent-1").await;
        let failed = json!({ "lease": task["lease"], "reason": "no access" });
        assert_eq!(act(&service, &task, "fail", failed, 200).await["status"], expected);
    }
    assert_eq!(alerts(&service).await, [rung("director", "Dana")]);
    service.advance("PT23H").await;
    assert_eq!(alerts(&service).await.len(), 1);
    service.advance("PT1H").await;
    assert_eq!(alerts(&service).await[1..], [rung("manager", "Sam")]);
    service.advance("P5D").await;
    assert_eq!(alerts(&service).await[2..], [rung("cro", "Cleo")], "each rung once, and then no more");

    let failed = task(&service, id, "intake").await;
    assert_eq!((&failed["status"], &failed["rungsTold"]), (&json!("escalated"), &json!(3)));
    assert_eq!(act(&service, &failed, "retry", json!(null), 200).await["status"], "ready");
    act(&service, &failed, "complete", json!({ "note": "done by hand" }), 200).await;
    service.advance("P5D").await;
    assert_eq!(alerts(&service).await.len(), 3);
    let told = story(&service, id).await;
    assert_eq!(told.iter().filter(|line| line.starts_with("rung_told")).count(), 3);
    service.expect_intact_audit().await;
    service.stop().await;
}

#[tokio::test]
async fn a_role_without_a_person_reaches_whoever_stands_in() {
    let service = Service::sandbox().await;
    let mut nobody = document(&service);
    nobody["roles"]["director"]["name"] = Value::Null;
    running(&service, &nobody).await;
    for _ in 0..3 {
        let task = claim(&service, "agent-1").await;
        act(&service, &task, "fail", json!({ "lease": task["lease"], "reason": "no" }), 200).await;
    }
    assert_eq!(alerts(&service).await, [rung("director", "Sam")]);
    service.stop().await;
}

#[tokio::test]
async fn a_missed_checkpoint_is_looked_at_twice_more_before_the_ladder() {
    let service = Service::sandbox().await;
    let mut checkpoint = document(&service);
    checkpoint["tasks"][0]["checkpoint"] = json!(true);
    checkpoint["tasks"][0]["due"] = json!(service.now() + TimeDelta::days(5));
    let id = running(&service, &checkpoint).await;
    let overdue =
        |role: &str, name: &str| (role.to_owned(), name.to_owned(), "A checkpoint is overdue".to_owned());
    service.advance("P5D").await;
    assert_eq!(alerts(&service).await, [overdue("director", "Dana")]);
    service.advance("P1D").await;
    assert_eq!(alerts(&service).await[1..], [overdue("director", "Dana")]);
    service.advance("P1D").await;
    assert_eq!(alerts(&service).await[2..], [rung("director", "Dana")]);
    let intake = task(&service, id, "intake").await;
    assert_eq!(intake["status"], "ready", "it can be done all the same");
    act(&service, &intake, "complete", json!({}), 200).await;
    service.advance("P5D").await;
    assert_eq!(alerts(&service).await.len(), 3);
    let late = service.get("/v1/tasks?overdue=true").await;
    let late: Vec<&Value> = late["data"].as_array().unwrap().iter().map(|task| &task["name"]).collect();
    assert_eq!(
        late,
        ["routing", "enablement", "approval"].map(|name| json!(name)).iter().collect::<Vec<_>>()
    );
    service.stop().await;
}

#[tokio::test]
async fn two_that_exceed_their_retries_within_two_days_tell_leadership_at_once() {
    let service = Service::sandbox().await;
    let mut strict = document(&service);
    strict["errorHandling"]["retries"] = json!(0);
    strict["tasks"][1]["dependsOn"] = json!([]);
    strict["tasks"][2]["dependsOn"] = json!([]);
    let id = running(&service, &strict).await;
    let fail_next = async || {
        let task = claim(&service, "agent-1").await;
        act(&service, &task, "fail", json!({ "lease": task["lease"], "reason": "no" }), 200).await;
    };
    let rang = async || {
        let told = story(&service, id).await;
        told.iter().filter(|line| *line == "guardrail_exceeded").count()
    };
    fail_next().await;
    service.advance("PT48H").await;
    fail_next().await;
    assert_eq!(rang().await, 0, "exactly two days apart is not within two days");
    service.advance("PT47H").await;
    fail_next().await;
    assert_eq!(rang().await, 2, "one line for each role that is told");
    let told = alerts(&service).await;
    let alarms: Vec<&str> = told
        .iter()
        .filter(|(_, _, title)| title == "Too much goes wrong in a plan")
        .map(|(role, ..)| role.as_str())
        .collect();
    assert_eq!(alarms, ["cro", "manager"]);
    assert_eq!(service.get(&format!("/v1/plans/{id}")).await["alarms"], 1);
    service.send(Method::GET, "/v1/tasks?status=nothing", None, 400).await;
    service.stop().await;
}
