//! `PostHog`: what its clients send becomes events once, with nothing changed but host and key.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::json;

use crate::captures::{Capture, all, counts, told};
use crate::client::ADMIN_KEY;
use crate::harness::Service;

const ACCOUNT: &str = r#"gtm.account.upserted acc_12345 {"name": "Acme", "employeeCount": 120}"#;
const ACTIVE: &str = r#"gtm.usage.recorded acc_12345 {"date": "2026-01-02", "activeUsers": 1}"#;
const USED: &str = r#"gtm.usage.recorded acc_12345 {"date": "2026-01-02", "features": {"feature_used": 1}}"#;

/// The same request with another key, which is in the body and nowhere else.
fn keyed(mut capture: Capture) -> Capture {
    let swap = |text: &str| {
        assert!(text.contains("phc_testkey123"));
        text.replace("phc_testkey123", ADMIN_KEY)
    };
    capture.body = if capture.is_packed() {
        let mut text = String::new();
        GzDecoder::new(capture.body.as_slice()).read_to_string(&mut text).unwrap();
        let mut packer = GzEncoder::new(Vec::new(), Compression::default());
        packer.write_all(swap(&text).as_bytes()).unwrap();
        packer.finish().unwrap()
    } else {
        swap(std::str::from_utf8(&capture.body).unwrap()).into_bytes()
    };
    capture
}

async fn replayed(text: &str, expected: &[&str], taken: i64, ignored: i64) {
    let service = Service::connected(&json!({})).await;
    for _ in 0..3 {
        for capture in all(text) {
            let answer = keyed(capture).send(&service, "").await;
            assert_eq!(answer, (200, r#"{"status":1}"#.to_owned()), "exactly this, for all clients");
        }
    }
    let mut expected: Vec<String> = expected.iter().map(ToString::to_string).collect();
    expected.sort();
    let mut found = told(&service).await;
    found.sort();
    assert_eq!(found, expected);
    assert_eq!(counts(&service).await, [taken, 2 * taken, 3 * ignored, 0]);
    let keys = "SELECT count(*) FROM received WHERE position('test-admin-key'::bytea IN body) > 0";
    assert_eq!(service.number(keys).await, 0, "no key is kept");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_of_posthogs_node_client_count_once() {
    let others = [
        r#"gtm.usage.recorded acc_2 {"date": "2026-11-20", "activeUsers": 1}"#,
        r#"gtm.usage.recorded acc_2 {"date": "2026-11-20", "features": {"signed_up": 1}}"#,
    ];
    let expected = [&[ACCOUNT, ACTIVE, USED][..], &others].concat();
    // Jane names no account: she waits for one to be found by her address.
    replayed(include_str!("../fixtures/posthog/node.json"), &expected, 6, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_of_posthogs_python_client_count_once() {
    replayed(include_str!("../fixtures/posthog/python.json"), &[ACCOUNT, ACTIVE, USED], 4, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_address_of_a_client_is_open_to_a_key_and_to_nothing_else() {
    let service = Service::connected(&json!({})).await;
    let event = |key: &str| {
        json!({"api_key": key, "event": "opened", "distinct_id": "u_1", "uuid": "e1",
               "properties": {"$groups": {"company": "acc_1"}}})
    };
    for path in ["/batch", "/batch/", "/e/", "/i/v0/e/", "/capture/"] {
        let ask = |key: &str| service.http.post(service.url(path)).json(&event(key)).send();
        assert_eq!(ask(ADMIN_KEY).await.unwrap().status(), 200, "{path}");
        assert_eq!(ask("phc_not-a-key-of-ours").await.unwrap().status(), 401, "{path}");
        assert_eq!(ask("").await.unwrap().status(), 401, "{path}");
    }
    assert_eq!(counts(&service).await, [2, 8, 0, 0]);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_batch_is_taken_and_a_larger_one_refused_for_good() {
    let service = Service::connected(&json!({})).await;
    let body = |size: usize| json!({"api_key": ADMIN_KEY, "batch": [], "padding": "x".repeat(size)});
    let ask = |size| service.http.post(service.url("/batch/")).json(&body(size)).send();
    assert_eq!(ask(18 << 20).await.unwrap().status(), 200);
    assert_eq!(ask(21 << 20).await.unwrap().status(), 400);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_check_says_where_clients_send_and_not_where_webhooks_are_refused() {
    let service = Service::connected(&json!({})).await;
    let calls = async || {
        let found = service.post("/v1/connectors/posthog/check", json!({})).await;
        let findings = found["findings"].as_array().unwrap();
        findings.iter().find(|one| one["what"] == "calls").unwrap()["detail"].as_str().unwrap().to_owned()
    };
    let said = calls().await;
    assert!(said.starts_with("None has come yet.") && said.contains("events:write"), "{said}");
    assert!(!said.contains("/v1/webhooks/posthog"), "that address refuses everything: {said}");
    let hook = service.http.post(service.url("/v1/webhooks/posthog")).json(&json!({})).send().await.unwrap();
    assert_eq!(hook.status(), 401);
    let event = json!({"api_key": ADMIN_KEY, "event": "opened", "distinct_id": "u_1", "uuid": "e1",
                       "properties": {"$groups": {"company": "acc_1"}}});
    assert_eq!(service.http.post(service.url("/batch/")).json(&event).send().await.unwrap().status(), 200);
    assert!(calls().await.starts_with("The last came on "));
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_without_the_right_to_send_events_is_refused() {
    let service = Service::connected(&json!({})).await;
    let key = json!({"label": "analytics", "scopes": ["audit:read"]});
    let made = service.send(reqwest::Method::POST, "/v1/keys", Some(key), 201).await;
    let event = json!({"api_key": made["key"], "event": "opened", "distinct_id": "u_1", "uuid": "e1",
                       "properties": {"$groups": {"company": "acc_1"}}});
    for path in ["/batch/", "/e/", "/i/v0/e/", "/capture/"] {
        let answer = service.http.post(service.url(path)).json(&event).send().await.unwrap();
        assert_eq!(answer.status(), 403, "{path}");
        let refused: serde_json::Value = answer.json().await.unwrap();
        assert_eq!(refused["requiredScope"], "events:write", "{path}: {refused}");
    }
    assert_eq!(service.number("SELECT count(*) FROM received").await, 0, "nothing is kept");
    service.stop().await;
}
