//! Segment and `RudderStack`: what their clients send becomes events once, with nothing changed but host and key.

use serde_json::{Value, json};

use crate::captures::{all, counts, told};
use crate::client::ADMIN_KEY;
use crate::harness::Service;

const ACCOUNT: &str = r#"gtm.account.upserted acc_12345 {"name": "Acme", "employeeCount": 120}"#;
const ACTIVE: &str = r#"gtm.usage.recorded acc_12345 {"date": "2026-01-02", "activeUsers": 1}"#;
const USED: &str = r#"gtm.usage.recorded acc_12345 {"date": "2026-01-02", "features": {"Feature Used": 1}}"#;

/// Replays a client's requests three times: what is told is this, and `taken` of it is new, the first time only.
async fn replayed(text: &str, expected: &[&str], taken: i64, ignored: i64) {
    let service = Service::connected(&json!({})).await;
    for _ in 0..3 {
        for capture in all(text) {
            let answer = capture.authorised(ADMIN_KEY).send(&service, "/v1/segment").await;
            assert_eq!(answer, (200, r#"{"success":true}"#.to_owned()), "exactly this, for all clients");
        }
    }
    let mut expected: Vec<String> = expected.iter().map(ToString::to_string).collect();
    expected.sort();
    let mut found = told(&service).await;
    found.sort();
    assert_eq!(found, expected);
    assert_eq!(counts(&service).await, [taken, 2 * taken, 3 * ignored, 0]);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_of_segments_node_client_count_once() {
    let account = r#"gtm.account.upserted acc_12345 {"name": "Acme", "domain": "acme.com", "industry": "Software", "planTier": "pro", "employeeCount": 120}"#;
    let contact = r#"gtm.contact.upserted acc_12345 {"email": "jane@acme.com", "lastName": "Doe", "contactId": "u_1", "firstName": "Jane"}"#;
    let text = include_str!("../fixtures/segment/node.json");
    replayed(text, &[account, contact, ACTIVE, USED], 4, 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_of_segments_python_client_count_once() {
    // Jane names no account: she waits for one to be found by her address.
    replayed(include_str!("../fixtures/segment/python.json"), &[ACCOUNT, ACTIVE, USED], 4, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_of_rudderstacks_node_client_count_once() {
    replayed(include_str!("../fixtures/segment/rudderstack_node.json"), &[ACCOUNT], 2, 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_of_rudderstacks_python_client_count_once() {
    let account = r#"gtm.account.upserted acc_12345 {"name": "Acme"}"#;
    replayed(include_str!("../fixtures/segment/rudderstack_python.json"), &[account], 2, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_drops_the_path_of_its_host_is_heard_too() {
    let service = Service::connected(&json!({})).await;
    for capture in all(include_str!("../fixtures/segment/node.json")) {
        assert_eq!(capture.authorised(ADMIN_KEY).send(&service, "").await.0, 200);
    }
    assert_eq!(counts(&service).await, [4, 0, 4, 0]);
    service.stop().await;
}

async fn call(service: &Service, path: &str, key: Option<&str>, body: &str) -> (u16, Value) {
    let mut request = service.http.post(service.url(path)).body(body.to_owned());
    if let Some(key) = key {
        request = request.basic_auth(key, Some(""));
    }
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_live_key_for_events_opens_and_what_is_wrong_is_not_kept() {
    let service = Service::connected(&json!({})).await;
    let key = |scope: &str| json!({"label": "analytics", "scopes": [scope]});
    let made = service.send(reqwest::Method::POST, "/v1/keys", Some(key("events:write")), 201).await;
    let reader = service.send(reqwest::Method::POST, "/v1/keys", Some(key("audit:read")), 201).await;
    let (writer, reader) = (made["key"].as_str().unwrap(), reader["key"].as_str().unwrap());
    let track =
        json!({"event": "Opened", "userId": "u_1", "messageId": "m1", "context": {"groupId": "acc_1"}});
    let path = "/v1/segment/v1/track";
    assert_eq!(call(&service, path, None, &track.to_string()).await.0, 401);
    assert_eq!(call(&service, path, Some("gtm_not-a-key-of-ours"), &track.to_string()).await.0, 401);
    let (status, refused) = call(&service, path, Some(reader), &track.to_string()).await;
    assert_eq!((status, refused["requiredScope"].as_str()), (403, Some("events:write")));
    assert_eq!(call(&service, path, Some(writer), "{\"event\":").await.0, 400);
    assert_eq!(call(&service, path, Some(writer), &" ".repeat(17 << 20)).await.0, 400, "too large is final");
    assert_eq!(call(&service, "/v1/segment/v1/trick", Some(writer), "{}").await.0, 404);
    assert_eq!(service.number("SELECT count(*) FROM received").await, 0);

    let mut keyed = track.clone();
    keyed["writeKey"] = writer.into();
    assert_eq!(call(&service, path, None, &keyed.to_string()).await, (200, json!({"success": true})));
    assert_eq!(call(&service, path, Some(writer), &track.to_string()).await.0, 200);
    assert_eq!(counts(&service).await, [2, 2, 0, 0], "the same message by both ways of proof");
    let bodies =
        sqlx::query_scalar::<_, Vec<u8>>("SELECT body FROM received").fetch_all(&service.database.pool);
    for body in bodies.await.unwrap() {
        assert!(!String::from_utf8(body).unwrap().contains(writer), "a key is never stored");
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_of_a_day_are_counted_once_across_calls() {
    let service = Service::connected(&json!({})).await;
    let today = service.now();
    for (at, user) in ["u_1", "u_2", "u_1", "u_1", "u_2"].into_iter().enumerate() {
        let track = json!({"event": "Opened", "userId": user, "messageId": format!("m{at}"), "groupId": "acc_1",
                           "timestamp": today});
        assert_eq!(call(&service, "/v1/segment/v1/track", Some(ADMIN_KEY), &track.to_string()).await.0, 200);
    }
    told(&service).await;
    let account = service.get("/v1/accounts/acc_1").await;
    let day = today.date_naive().to_string();
    let shown = account.to_string();
    let of_day = shown.split(&format!("\"{day}\":")).nth(1).unwrap_or_else(|| panic!("{shown}"));
    let of_day: String = of_day.chars().take(120).collect();
    assert!(of_day.contains("\"activeUsers\":2"), "{of_day}");
    assert!(of_day.contains("\"Opened\":5"), "{of_day}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_of_segment_and_its_tracking_api_tell_the_same_once() {
    let secret = json!({"segment": {"shared_secret": "segment_shared_secret_1"}});
    let service = Service::connected(&secret).await;
    let message = json!({"type": "track", "event": "Opened", "userId": "u_1", "messageId": "m1",
                         "context": {"groupId": "acc_1"}})
    .to_string();
    let digest = gtm::connectors::sign::hmac_sha1(b"segment_shared_secret_1", &[message.as_bytes()]);
    let hook = |signature: String| {
        let url = service.url("/v1/webhooks/segment");
        service.http.post(url).header("x-signature", signature).body(message.clone()).send()
    };
    assert_eq!(hook(hex::encode(&digest)).await.unwrap().status(), 200);
    assert_eq!(hook("0".repeat(40)).await.unwrap().status(), 401);
    assert_eq!(call(&service, "/v1/segment/v1/track", Some(ADMIN_KEY), &message).await.0, 200);
    assert_eq!(counts(&service).await, [2, 2, 0, 0]);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wish_to_be_forgotten_waits_for_a_person_and_is_not_lost() {
    let service = Service::connected(&json!({})).await;
    let delete = json!({"batch": [{"type": "delete", "userId": "u_1"}, {"type": "page"}]}).to_string();
    assert_eq!(call(&service, "/v1/segment/v1/batch", Some(ADMIN_KEY), &delete).await.0, 200);
    assert_eq!(counts(&service).await, [0, 0, 1, 1]);
    let dead = service.get("/v1/dead-letters/received").await;
    let fault = &dead["data"][0]["faults"][0];
    assert_eq!(fault["pointer"], "/batch/0");
    assert!(fault["detail"].as_str().unwrap().contains("gtm privacy erase"), "{fault}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_switched_off_takes_no_calls() {
    let off = json!({"segment": {"enabled": false}, "posthog": {"enabled": false}});
    let service = Service::connected(&off).await;
    for path in ["/v1/segment/v1/batch", "/v1/batch", "/batch/"] {
        assert_eq!(call(&service, path, Some(ADMIN_KEY), "{}").await.0, 404, "{path}");
    }
    let capture = all(include_str!("../fixtures/segment/node.json")).remove(0);
    assert_eq!(capture.authorised(ADMIN_KEY).send(&service, "/v1/segment").await.0, 404);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_check_says_where_clients_send_and_of_webhooks_only_where_they_are_believed() {
    let said = async |connectors: Value, name: &str| {
        let service = Service::connected(&connectors).await;
        let found = service.post(&format!("/v1/connectors/{name}/check"), json!({})).await;
        let findings = found["findings"].as_array().unwrap();
        let calls = findings.iter().find(|one| one["what"] == "calls").unwrap();
        let said = calls["detail"].as_str().unwrap().to_owned();
        service.stop().await;
        said
    };
    let clients = said(json!({}), "segment").await;
    assert!(clients.contains("send to /v1/segment ") && clients.contains("events:write"), "{clients}");
    assert!(
        !clients.contains("/v1/webhooks/"),
        "without a secret that address refuses everything: {clients}"
    );
    assert!(clients.contains("connectors.segment.shared_secret"), "{clients}");
    let hooked = said(json!({"segment": {"shared_secret": "s"}}), "segment").await;
    assert!(hooked.contains("/v1/webhooks/segment"), "{hooked}");

    // What proves itself by its address is told of that step, and not of the secret.
    let rules = json!([{"type": "gtm.account.upserted", "id": "/id", "subject": "/a", "data": {"name": {"from": "/n"}}}]);
    let proof = json!({"kind": "path", "secret": "open sesame"});
    let mapped = said(json!({"webhooks": {"billing": {"proof": proof, "rules": rules}}}), "billing").await;
    assert!(mapped.contains("/v1/webhooks/billing/SECRET ") && !mapped.contains("sesame"), "{mapped}");
    let proof = json!({"kind": "hmac", "header": "x-sign", "secret": "open sesame"});
    let mapped = said(json!({"webhooks": {"billing": {"proof": proof, "rules": rules}}}), "billing").await;
    assert!(mapped.contains("/v1/webhooks/billing ") && mapped.contains("x-sign"), "{mapped}");
    let listening =
        json!({"salesforce": {"webhook_secret": "open sesame", "organization_id": "00D7F00000107XsUAI"}});
    let listening = said(listening, "salesforce").await;
    assert!(
        listening.contains("/v1/webhooks/salesforce/SECRET ") && !listening.contains("sesame"),
        "{listening}"
    );
}
