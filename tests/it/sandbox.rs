//! A sandbox's clock: when it has been moved, everything that fell due has run.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::harness::Service;
use crate::stories;

#[tokio::test(flavor = "multi_thread")]
async fn a_quarter_passes_with_its_sweeps_and_what_is_old_is_forgotten() {
    let service = Service::sandbox().await;
    service.events(&stories::worked_example(service.now(), "acc_1", TimeDelta::zero())).await;
    let body = json!({});
    let keyed = service.request(reqwest::Method::POST, "/v1/accounts/acc_1/orchestrate");
    assert_eq!(keyed.header("idempotency-key", "k1").json(&body).send().await.unwrap().status(), 200);
    let began = service.now();
    service.advance("P100D").await;

    // Its facts have become old, and only the sweep was there to notice.
    let told = service.get("/v1/accounts/acc_1/timeline?limit=200").await;
    let swept = |entry: &&Value| entry["detail"]["trigger"] == "sweep";
    let first = told["data"].as_array().unwrap().iter().rfind(swept).expect("the sweep looked");
    let at: chrono::DateTime<chrono::Utc> = first["at"].as_str().unwrap().parse().unwrap();
    assert_eq!(at.timestamp() % 900, 0, "at its own instant and not at the end of the move: {at}");
    assert!(at > began + TimeDelta::days(1) && at < began + TimeDelta::days(90), "{at}");
    let stale = "SELECT count(*) FROM motion_state m, service_mode s
                 WHERE m.evaluated_at < s.sandbox_now - interval '25 hours'";
    assert_eq!(service.number(stale).await, 0);

    assert_eq!(service.number("SELECT count(*) FROM event").await, 0, "their retention is over");
    assert_eq!(service.number("SELECT count(*) FROM idempotency_key").await, 0);
    assert_eq!(service.number("SELECT count(*) FROM audit_head WHERE dirty").await, 0);
    // The weeks of the new present are there.
    service.events(&[stories::employees("acc_2", 20)]).await;
    service.expect_intact_audit().await;
    service.stop().await;
}
