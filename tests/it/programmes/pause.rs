//! Holding a run and letting it go on, beside another and over a kill.

use reqwest::Method;
use serde_json::{Value, json};

use super::{begin, claim, hand_in, paths, read, text, until_done};
use crate::client::Client;
use crate::designs::line::{gtm, said};
use crate::harness::{DataDir, Service};
use crate::process::Process;

async fn hold(service: &Client, id: &str, status: u16) -> Value {
    let body = json!({ "note": "The board meets first" });
    service.send(Method::POST, &format!("/v1/programmes/{id}/pause"), Some(body), status).await
}

async fn resume(service: &Client, id: &str, status: u16) -> Value {
    service.send(Method::POST, &format!("/v1/programmes/{id}/resume"), Some(json!({})), status).await
}

async fn names(service: &Client, id: &str, status: &str) -> usize {
    let run = read(service, id).await;
    run["plan"]["tasks"].as_array().unwrap().iter().filter(|task| task["status"] == status).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_given_a_task_of_a_run_that_is_held_and_another_goes_on() {
    let service = Service::sandbox().await;
    let workers = json!({ "agents": { "coordinator": "outside" } });
    let id = begin(&service, json!({ "phases": ["strategy"], "workers": workers })).await;
    let task = claim(&service, "coordinator").await;
    let refused = service
        .send(Method::POST, &format!("/v1/programmes/{id}/pause"), Some(json!({ "note": " " })), 422)
        .await;
    assert_eq!(refused["errors"][0]["pointer"], "#/note");
    resume(&service, &id, 409).await;
    let look = json!({ "note": "why not", "dryRun": true });
    let would = service.send(Method::POST, &format!("/v1/programmes/{id}/pause"), Some(look), 200).await;
    assert_eq!(would["plan"]["paused"], json!(null));
    let held = hold(&service, &id, 200).await;
    assert_eq!(held["plan"]["paused"]["why"], "The board meets first");
    assert!(held["plan"]["paused"]["by"].as_str().unwrap().starts_with("key:"), "{held:#}");
    assert!(held["plan"]["paused"]["at"].is_string());
    let again = hold(&service, &id, 409).await;
    assert_eq!(again["code"], "plan_paused");

    // What is claimed may be completed; what follows from it waits, for workers and for whoever does it without a claim.
    let other = begin(&service, json!({ "phases": ["strategy"] })).await;
    service.advance("PT1M").await;
    until_done(&service, &other).await;
    hand_in(&service, &task, super::workers::from_drafter(&service, &task).await, 200).await;
    assert_eq!((names(&service, &id, "done").await, names(&service, &id, "ready").await), (1, 1));
    let claimed = service.post("/v1/tasks/claim", json!({ "agent": "w", "kinds": ["coordinator"] })).await;
    assert_eq!(claimed["tasks"], json!([]));
    let ready = service.get(&format!("/v1/tasks?planId={id}&status=ready")).await;
    let next = ready["data"][0]["taskId"].as_str().unwrap();
    let unclaimed = json!({ "data": { "files": [] } });
    let refused =
        service.send(Method::POST, &format!("/v1/tasks/{next}/complete"), Some(unclaimed), 409).await;
    assert_eq!(refused["code"], "plan_paused");
    assert!(refused["detail"].as_str().unwrap().contains("The board meets first"), "{refused}");

    let planned = read(&service, &id).await["plan"]["endsAt"].as_str().unwrap().to_owned();
    service.advance("PT59M").await;
    let on = resume(&service, &id, 200).await;
    assert_eq!(on["plan"]["paused"], json!(null));
    assert_eq!(on["durations"]["pausedSeconds"], 3_600);
    assert!(on["durations"]["actualSeconds"].as_i64().unwrap() < 3_600, "{:#}", on["durations"]);
    let instant = |text: &str| text.parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    let moved = instant(on["plan"]["endsAt"].as_str().unwrap()) - instant(&planned);
    assert_eq!(moved.num_minutes(), 60);
    let changes = service.get(&format!("/v1/programmes/{id}/changes")).await;
    assert!(changes["data"][0]["why"].as_str().unwrap().contains("The board meets first"), "{changes:#}");
    claim(&service, "coordinator").await;
    let log = service.get("/v1/audit?accountId=@system&limit=200").await;
    let logged = |action: &str| log["data"].as_array().unwrap().iter().any(|of| of["action"] == action);
    assert!(logged("plan.paused") && logged("plan.resumed"), "{log:#}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_held_stays_held_over_a_kill() {
    let database = gtm::testing::database().await;
    let data = DataDir::new();
    let url = database.url();
    let process = Process::start(&url, &data.0, &[]).await;
    let id = begin(&process.client, json!({})).await;
    while paths(&process.client, &id).await.len() < 10 {
        tokio::task::yield_now().await;
    }
    hold(&process.client, &id, 200).await;
    process.kill().await;
    let process = Process::start(&url, &data.0, &[]).await;
    // Leases that the killed process had end, and nobody is given what they were for.
    while names(&process.client, &id, "claimed").await > 0 {
        tokio::task::yield_now().await;
    }
    let before = paths(&process.client, &id).await;
    let other = begin(&process.client, json!({ "phases": ["strategy"] })).await;
    until_done(&process.client, &other).await;
    assert_eq!(paths(&process.client, &id).await, before);
    assert_eq!(read(&process.client, &id).await["plan"]["paused"]["why"], "The board meets first");
    resume(&process.client, &id, 200).await;
    let run = until_done(&process.client, &id).await;
    assert_eq!(run["plan"]["paused"], json!(null));
    assert!(text(&process.client, &id, "status/growth-analyst.md").await.contains("status: complete"));
    process.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_holds_a_run_says_why_and_lets_it_go_on() {
    let service = Service::sandbox().await;
    let out = DataDir::new();
    let id = begin(&service, json!({ "phases": ["strategy"], "workers": { "all": "person" } })).await;
    let line = |arguments: &'static [&'static str]| {
        let (service, out, id) = (&service, &out, &id);
        async move {
            let arguments: Vec<&str> =
                arguments.iter().map(|of| if *of == "ID" { id } else { *of }).collect();
            gtm(service, &out.0, &arguments).await
        }
    };
    assert!(!line(&["programme", "pause", "ID"]).await.status.success(), "a note is needed");
    let held = said(&line(&["programme", "pause", "ID", "--note", "The board meets first"]).await);
    let status = said(&line(&["programme", "status", "ID"]).await);
    for told in [&held, &status] {
        assert!(told.contains("  held since ") && told.contains(": The board meets first\n"), "{told}");
    }
    let watched = line(&["programme", "run", "--resume", "ID"]).await;
    assert!(!watched.status.success());
    let told = String::from_utf8_lossy(&watched.stderr).into_owned();
    assert!(told.contains(&format!("gtm programme resume {id}")), "{told}");
    let on = said(&line(&["programme", "resume", "ID"]).await);
    assert!(!on.contains("held since"), "{on}");
    assert!(!line(&["programme", "resume", "ID"]).await.status.success(), "it is not held any more");
    service.stop().await;
}
