//! Calls of connected systems: believed, kept, read once, and visible where they cannot be understood.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::Service;

/// A mapping that knows these kinds of plan.
fn billing(plans: &Value) -> Value {
    json!({ "webhooks": { "billing": {
        "proof": { "kind": "header", "header": "x-secret", "secret": "open sesame" },
        "items": "/events",
        "rules": [{
            "when": { "/kind": "subscribed" }, "type": "gtm.subscription.upserted", "id": "/id",
            "subject": "/account", "time": "/at",
            "data": { "subscriptionId": { "from": "/subscription" }, "planTier": { "from": "/plan", "map": plans } },
        }],
    } } })
}

fn subscribed(id: u32, plan: &str) -> Value {
    json!({
        "kind": "subscribed", "id": id, "at": "2026-11-01T00:00:00Z", "account": "acc_1", "subscription": "sub_1",
        "plan": plan,
    })
}

async fn call(service: &Service, secret: &str, items: &[Value]) -> u16 {
    let answer = service
        .http
        .post(service.url("/v1/webhooks/billing"))
        .header("x-secret", secret)
        .json(&json!({ "events": items }))
        .send()
        .await
        .unwrap();
    answer.status().as_u16()
}

/// Connectors of which one does not understand what it is told.
pub fn misunderstanding() -> Value {
    billing(&json!({}))
}

/// Six calls that were not understood.
pub async fn populate(service: &Service) {
    for n in 0..6 {
        assert_eq!(call(service, "open sesame", &[subscribed(n, "P1")]).await, 200);
    }
    service.until_read().await;
}

async fn dead(service: &Service) -> Vec<Value> {
    service.get("/v1/dead-letters/received").await["data"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_counts_once_however_often_it_comes_and_not_at_all_unproven() {
    let service = Service::connected(&billing(&json!({"P1": "pro"}))).await;
    assert_eq!(call(&service, "open barley", &[subscribed(1, "P1")]).await, 401);
    assert_eq!(service.number("SELECT count(*) FROM received").await, 0, "what is not believed is not kept");
    for _ in 0..3 {
        assert_eq!(call(&service, "open sesame", &[subscribed(1, "P1")]).await, 200);
    }
    service.until_read().await;
    let counts = "SELECT sum(accepted) * 10 + sum(duplicates) FROM received";
    assert_eq!(service.number(counts).await, 12, "once taken, twice known");
    let account = service.get("/v1/accounts/acc_1").await;
    assert!(account.to_string().contains("\"pro\""), "{account}");
    let listed = service.get("/v1/connectors").await;
    assert_eq!(listed["data"][0]["name"], "billing");
    assert!(listed["data"][0]["lastReceivedAt"].is_string(), "{listed}");
    service.send(Method::POST, "/v1/webhooks/bilking", Some(json!({})), 404).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_the_mapping_does_not_understand_is_read_again_once_it_does() {
    let service = Service::connected(&billing(&json!({"P1": "pro"}))).await;
    assert_eq!(call(&service, "open sesame", &[subscribed(1, "P1"), subscribed(2, "P2")]).await, 200);
    service.until_read().await;
    let [one] = dead(&service).await.try_into().unwrap();
    assert_eq!(
        (one["accepted"].as_i64(), one["faults"][0]["pointer"].as_str()),
        (Some(1), Some("/events/1/plan"))
    );
    assert!(one["faults"][0]["detail"].as_str().unwrap().contains("P2"), "{one}");
    let path = format!("/v1/dead-letters/received/{}", one["receivedId"].as_str().unwrap());
    assert_eq!(service.get(&path).await["json"]["events"][1]["plan"], "P2", "the body is there as it came");

    let mended = service.reconnected(&billing(&json!({"P1": "pro", "P2": "team"}))).await;
    service.stop().await;
    let ask = |dry_run| json!({ "connector": "billing", "dryRun": dry_run });
    let path = "/v1/dead-letters/received/retry";
    assert_eq!(mended.post(path, ask(true)).await["count"], 1);
    assert_eq!(dead(&mended).await.len(), 1, "a preview leaves it");
    assert_eq!(mended.post(path, ask(false)).await["count"], 1);
    mended.until_read().await;
    assert_eq!(dead(&mended).await, Vec::<Value>::new());
    let counts = "SELECT (accepted * 10 + duplicates)::bigint FROM received";
    assert_eq!(mended.number(counts).await, 21, "the good part was taken before");
    assert_eq!(mended.post(path, ask(false)).await["count"], 0, "nothing is left");
    let audit = mended.get("/v1/audit?accountId=@system").await.to_string();
    assert!(audit.contains("received.retried"), "{audit}");
    mended.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn items_that_come_out_of_order_count_by_their_time() {
    let service = Service::connected(&billing(&json!({"P1": "pro", "P2": "team"}))).await;
    let (mut newer, mut older) = (subscribed(1, "P2"), subscribed(2, "P1"));
    (newer["at"], older["at"]) = (json!("2026-11-02T00:00:00Z"), json!("2026-11-01T00:00:00Z"));
    for item in [newer, older] {
        assert_eq!(call(&service, "open sesame", &[item]).await, 200);
        service.until_read().await;
    }
    assert_eq!(service.number("SELECT sum(accepted)::bigint FROM received").await, 2, "both are on record");
    let account = service.get("/v1/accounts/acc_1").await["state"].to_string();
    assert!(account.contains("\"team\"") && !account.contains("\"pro\""), "{account}");
    service.stop().await;
}
