//! Workers that are cut off anywhere in their work: what escalates, escalates once.

use std::future::Future;
use std::pin::pin;
use std::task::Poll;

use serde_json::{Value, json};

use super::{act, claim, document, running};
use crate::harness::Service;

/// Lets a piece of work go on until it has waited so often, and drops it there: as a process that ends just then. Gives
/// whether it came to its end.
async fn cut_off<F: Future>(work: F, waits: usize) -> bool {
    let mut work = pin!(work);
    let mut waited = 0;
    std::future::poll_fn(|context| {
        if work.as_mut().poll(context).is_ready() {
            return Poll::Ready(true);
        }
        waited += 1;
        if waited > waits { Poll::Ready(false) } else { Poll::Pending }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn escalations_happen_once_wherever_a_worker_is_cut_off() {
    let service = Service::sandbox().await;
    let mut strict = document(&service);
    strict["errorHandling"]["retries"] = json!(1);
    strict["tasks"][1]["dependsOn"] = json!([]);
    strict["tasks"][2]["dependsOn"] = json!([]);
    strict["tasks"][2]["checkpoint"] = json!(true);
    let id = running(&service, &strict).await;
    // One is failed by its agent, one is left by it, one is never taken.
    let first = claim(&service, "agent-1").await;
    for _ in 0..2 {
        let reason = json!({ "reason": "no" });
        let task = if first["lease"].is_null() { first.clone() } else { claim_or(&service, &first).await };
        let mut body = reason;
        body["lease"] = task["lease"].clone();
        act(&service, &task, "fail", body, 200).await;
    }
    claim(&service, "agent-2").await;

    let app = &service.running.app;
    let mut waits = 0;
    for _ in 0..40 {
        app.platform.clock.advance_to(service.now() + chrono::TimeDelta::hours(7));
        loop {
            let ended = cut_off(app.plans.work_due(), waits).await;
            waits = (waits + 1) % 60;
            // The lease of a worker that is gone runs out.
            sqlx::query("UPDATE job SET leased_until = clock_timestamp() WHERE kind LIKE 'plan%'")
                .execute(&service.database.pool)
                .await
                .unwrap();
            if ended && app.plans.work_due().await.unwrap() == 0 {
                break;
            }
        }
    }

    let rows: Vec<(String, i64)> = sqlx::query_as(
        "SELECT once, count(*) FROM plan_entry WHERE plan_id = $1 AND what IN ('rung_told', 'checkpoint_missed', 'guardrail_exceeded')
         GROUP BY once ORDER BY once",
    )
    .bind(id)
    .fetch_all(&service.database.pool)
    .await
    .unwrap();
    assert!(rows.iter().all(|(_, count)| *count == 1), "{rows:?}");
    let rungs: Vec<&str> =
        rows.iter().map(|(once, _)| once.as_str()).filter(|once| once.starts_with("rung:")).collect();
    let expected: Vec<String> = ["enablement", "intake"]
        .iter()
        .flat_map(|name| (0..3).map(move |rung| format!("rung:{name}:1:{rung}")))
        .collect();
    assert_eq!(rungs, expected);
    // What is told once leaves once.
    let left = service
        .number(
            "SELECT count(*) FROM plan_entry e WHERE what IN ('rung_told', 'guardrail_exceeded')
             AND (SELECT count(*) FROM delivery d WHERE d.entry_id = e.id) <> 1",
        )
        .await;
    assert_eq!(left, 0);
    let told: Value = service.get("/v1/sandbox/effects").await;
    assert!(told.as_array().unwrap().len() >= rungs.len());
    assert_eq!(service.number("SELECT count(*) FROM job_dead").await, 0);
    service.expect_intact_audit().await;
    service.stop().await;
}

/// The task again, or another claim of it where it went back to the queue.
async fn claim_or(service: &Service, task: &Value) -> Value {
    let now = service.get(&format!("/v1/tasks/{}", task["taskId"].as_str().unwrap())).await;
    if now["status"] == "claimed" { task.clone() } else { claim(service, "agent-1").await }
}
