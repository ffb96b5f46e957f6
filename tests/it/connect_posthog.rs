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
