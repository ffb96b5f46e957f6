//! Programmes as people and agents meet them: whole runs, gates, workers of all kinds, crashes.

mod base;
mod conflicts;
mod coordination;
mod crash;
mod model;
mod pause;
mod run;
pub mod workers;

use gtm::programmes::business::EXAMPLE;
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::Client;

/// What is asked for, with the example's configuration and these members in place of the defaults.
pub fn ask(changes: Value) -> Value {
    let mut body = json!({ "config": EXAMPLE });
    if let Value::Object(changes) = changes {
        body.as_object_mut().unwrap().extend(changes);
    }
    body
}

/// Makes a run and starts it; gives its id.
pub async fn begin(service: &Client, changes: Value) -> String {
    let made = service.send(Method::POST, "/v1/programmes", Some(ask(changes)), 201).await;
    made["programmeId"].as_str().unwrap().to_owned()
}

/// Six programmes that nobody has started, of which one was changed six times; gives its id.
pub async fn populate(service: &Client) -> String {
    let mut id = String::new();
    for _ in 0..6 {
        let body = ask(json!({ "start": false }));
        let made = service.send(Method::POST, "/v1/programmes", Some(body), 201).await;
        made["programmeId"].as_str().unwrap().clone_into(&mut id);
    }
    let path = format!("/v1/programmes/{id}");
    for all in ["person", "drafter"].into_iter().cycle().take(6) {
        let tag = service.request(Method::GET, &path).send().await.unwrap().headers()["etag"].clone();
        let change = json!({ "workers": { "all": all }, "why": "It is tried." });
        let changed = service.request(Method::PATCH, &path).header("if-match", tag).json(&change);
        assert_eq!(changed.send().await.unwrap().status(), 200);
    }
    id
}

pub async fn read(service: &Client, id: &str) -> Value {
    service.get(&format!("/v1/programmes/{id}")).await
}

/// Waits until a run is over; whatever stops it is shown.
pub async fn until_done(service: &Client, id: &str) -> Value {
    loop {
        let programme = read(service, id).await;
        if programme["plan"]["status"] == "done" {
            return programme;
        }
        let gates = programme["plan"]["gates"].as_array().unwrap();
        let failed: Vec<&Value> = gates.iter().filter(|gate| gate["status"] == "failed").collect();
        assert!(failed.is_empty(), "{failed:#?}");
        let tasks = programme["plan"]["tasks"].as_array().unwrap();
        let stuck: Vec<&Value> = tasks.iter().filter(|task| task["status"] == "escalated").collect();
        assert!(stuck.is_empty(), "{stuck:#?}");
        tokio::task::yield_now().await;
    }
}

/// Waits until a gate has a status.
pub async fn until_gate(service: &Client, id: &str, gate: &str, status: &str) -> Value {
    loop {
        let gates = service.get(&format!("/v1/programmes/{id}/gates")).await;
        let found = gates["data"].as_array().unwrap().iter().find(|of| of["gate"] == gate).unwrap().clone();
        if found["status"] == status {
            return found;
        }
        tokio::task::yield_now().await;
    }
}

/// The paths of the files of a run.
pub async fn paths(service: &Client, id: &str) -> Vec<String> {
    let files = service.get(&format!("/v1/programmes/{id}/files")).await;
    let files = files["data"].as_array().unwrap();
    files.iter().map(|file| file["path"].as_str().unwrap().to_owned()).collect()
}

/// The text of a file of a run.
pub async fn text(service: &Client, id: &str, path: &str) -> String {
    let answer =
        service.request(Method::GET, &format!("/v1/programmes/{id}/files/{path}")).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{path}");
    answer.text().await.unwrap()
}

/// Takes one task of a queue, once there is one.
pub async fn claim(service: &Client, queue: &str) -> Value {
    loop {
        let body = json!({ "agent": "worker-1", "kinds": [queue], "lease": "1h" });
        let claimed = service.post("/v1/tasks/claim", body).await;
        if let Some(task) = claimed["tasks"].as_array().unwrap().first() {
            return task.clone();
        }
        tokio::task::yield_now().await;
    }
}

/// Completes a task with files.
pub async fn hand_in(service: &Client, task: &Value, files: Value, status: u16) -> Value {
    let path = format!("/v1/tasks/{}/complete", task["taskId"].as_str().unwrap());
    let body = json!({ "lease": task["lease"], "data": { "files": files } });
    service.send(Method::POST, &path, Some(body), status).await
}
