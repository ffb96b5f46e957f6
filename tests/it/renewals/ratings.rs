//! Signals that change make new versions; agents report by doing tasks.

use chrono::{DateTime, Utc};
use reqwest::Method;
use serde_json::{Value, json};

use super::{customer, read, running, trouble};
use crate::handoffs::sales_team;
use crate::harness::Service;

#[tokio::test(flavor = "multi_thread")]
async fn a_worse_rating_makes_a_new_version_in_which_what_is_done_stays() {
    let service = Service::sandbox().await;
    sales_team(&service).await;
    customer(&service, "acme", 80).await;
    customer(&service, "pinned", 80).await;
    let id = running(&service, "acme", json!({})).await;
    let pinned = running(&service, "pinned", json!({"risk": "green"})).await;
    let before = read(&service, &id).await;
    assert_eq!(
        (before["risk"]["level"].as_str(), before["risk"]["pinned"].as_bool()),
        (Some("green"), Some(false))
    );
    let first: DateTime<Utc> = before["tasks"][0]["startAt"].as_str().unwrap().parse().unwrap();
    service.advance(&format!("PT{}S", (first - service.now()).num_seconds().max(1))).await;
    let tasks = service.get("/v1/tasks?status=ready").await;
    let task = tasks["data"].as_array().unwrap().iter().find(|task| task["planId"] == json!(id)).unwrap();
    let done = service
        .send(
            Method::POST,
            &format!("/v1/tasks/{}/complete", task["taskId"].as_str().unwrap()),
            Some(json!({})),
            200,
        )
        .await;
    assert_eq!(done["status"], "done", "{done:#}");

    trouble(&service, "acme").await;
    trouble(&service, "pinned").await;
    service.advance("PT1M").await;
    let after = read(&service, &id).await;
    assert_eq!(
        (after["version"].as_u64(), after["risk"]["level"].as_str()),
        (Some(2), Some("red")),
        "{:#}",
        after["rating"]
    );
    assert_eq!(after["tasks"].as_array().unwrap().iter().filter(|task| task["status"] == "done").count(), 1);
    assert!(after["checkpoints"].as_array().unwrap().len() > before["checkpoints"].as_array().unwrap().len());
    let log = service.get(&format!("/v1/renewals/{id}/changes")).await;
    let version = &log["data"][1];
    assert!(
        version["why"]
            .as_str()
            .unwrap()
            .starts_with("The risk went from green to red: it got worse. The score went from"),
        "{version:#}"
    );
    assert_eq!(version["madeBy"], "worker:renewals");
    assert!(
        version["words"]
            .as_array()
            .unwrap()
            .iter()
            .any(|words| words.as_str().unwrap().contains("sponsor-alignment")),
        "{version:#}"
    );
    let calendar = service.text(&format!("/v1/renewals/{id}/calendar.ics"), "text/calendar").await;
    assert!(calendar.contains("SEQUENCE:1\r\n"));

    // What people have set stays, and what it would be is told.
    let held = read(&service, &pinned).await;
    assert_eq!((held["version"].as_u64(), held["risk"]["level"].as_str()), (Some(1), Some("green")));
    assert_eq!(held["risk"]["wouldBe"], "red");
    let path = format!("/v1/renewals/{pinned}");
    let tag = service.request(Method::GET, &path).send().await.unwrap().headers()["etag"].clone();
    let let_go = json!({"risk": null, "why": "the rating knows better"});
    let answer =
        service.request(Method::PATCH, &path).header("if-match", tag).json(&let_go).send().await.unwrap();
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(
        (answer["risk"]["level"].as_str(), answer["risk"]["pinned"].as_bool()),
        (Some("red"), Some(false)),
        "{answer:#}"
    );

    // The same again says nothing new.
    service.advance("P3D").await;
    assert_eq!(read(&service, &id).await["version"], 2);
    service.expect_intact_audit().await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_reports_by_doing_the_task_of_a_checkpoint() {
    let service = Service::sandbox().await;
    sales_team(&service).await;
    customer(&service, "acme", 80).await;
    let id = running(&service, "acme", json!({"risk": "red"})).await;
    let renewal = read(&service, &id).await;
    let first: DateTime<Utc> = renewal["checkpoints"][0]["dueAt"].as_str().unwrap().parse().unwrap();
    service.advance(&format!("PT{}S", (first - service.now()).num_seconds() - 3_600)).await;
    let claimed = service
        .post("/v1/tasks/claim", json!({"agent": "renewal-bot", "kinds": ["checkpoint"], "max": 1}))
        .await;
    let task = &claimed["tasks"][0];
    let body = json!({"lease": task["lease"], "data": {"rating": "yellow", "note": "waits for budget"}});
    service
        .send(
            Method::POST,
            &format!("/v1/tasks/{}/complete", task["taskId"].as_str().unwrap()),
            Some(body),
            200,
        )
        .await;
    service.advance("PT1S").await;
    let held = &read(&service, &id).await["checkpoints"][0]["held"];
    assert_eq!((held["rating"].as_str(), held["note"].as_str()), (Some("yellow"), Some("waits for budget")));
    service.stop().await;
}
