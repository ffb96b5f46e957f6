//! Events in: durable, once, tolerant of disorder, and refused with all their faults.

use serde_json::json;

use crate::client::ADMIN_KEY;
use crate::harness::Service;
use crate::stories;

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_event_counts_once() {
    let service = Service::sandbox().await;
    let today = service.now().date_naive();
    let usage = stories::event(
        "gtm.usage.recorded",
        "acc_1",
        json!({"date": today, "activeUsers": 3, "features": {"api": 5}}),
    );
    let first = service.events(&[usage.clone(), usage.clone()]).await;
    assert_eq!((&first["accepted"], &first["duplicates"]), (&json!(1), &json!(1)));
    let second = service.events(&[usage]).await;
    assert_eq!((&second["accepted"], &second["duplicates"]), (&json!(0), &json!(1)));
    let account = service.get("/v1/accounts/acc_1").await;
    assert_eq!(account["state"]["usage"]["days"][today.to_string()]["features"]["api"], 5);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_event_never_overwrites_a_newer_fact() {
    let service = Service::sandbox().await;
    let now = service.now();
    let hour = chrono::TimeDelta::hours(1);
    let named = |name: &str| json!({ "name": name });
    service.events(&[stories::event_at(now, "gtm.account.upserted", "acc_1", named("new"))]).await;
    service.events(&[stories::event_at(now - hour, "gtm.account.upserted", "acc_1", named("old"))]).await;
    let account = service.get("/v1/accounts/acc_1").await;
    assert_eq!(account["state"]["profile"]["name"]["value"], "new");
    assert_eq!(account["state"]["profile"]["name"]["source"], "/test");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replacement_between_additions_is_exact_in_any_order() {
    let service = Service::sandbox().await;
    let (now, minute) = (service.now(), chrono::TimeDelta::minutes(1));
    let today = now.date_naive();
    let say = |back: i32, count: u64, mode: &str| {
        stories::event_at(
            now - minute * back,
            "gtm.usage.recorded",
            "acc_1",
            json!({"date": today, "features": {"api": count}, "mode": mode}),
        )
    };
    // Additions before and after the replacement arrive first; it comes last.
    service.events(&[say(30, 1, "add"), say(10, 4, "add")]).await;
    service.get("/v1/accounts/acc_1").await;
    service.events(&[say(20, 100, "replace")]).await;
    let account = service.get("/v1/accounts/acc_1").await;
    assert_eq!(account["state"]["usage"]["days"][today.to_string()]["features"]["api"], 104);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_event_is_refused_with_all_its_faults_and_a_batch_keeps_its_good_ones() {
    let service = Service::sandbox().await;
    let good = stories::event("gtm.lifecycle.changed", "acc_1", json!({"stage": "customer"}));
    let bad = stories::event("gtm.deal.upserted", "acc 1", json!({"amount": true}));
    let answer = service.batch(&[good, bad.clone()]).await;
    assert_eq!(answer["accepted"], 1);
    assert_eq!(answer["rejected"][0]["index"], 1);
    let pointers: Vec<&str> = answer["rejected"][0]["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fault| fault["pointer"].as_str().unwrap())
        .collect();
    assert_eq!(pointers, ["/subject", "/data/dealId", "/data/amount", "/data/stage"]);

    let answer = service
        .http
        .post(service.url("/v1/events"))
        .bearer_auth(ADMIN_KEY)
        .header("content-type", "application/cloudevents+json")
        .body(bad.to_string())
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 422);
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    let problem: serde_json::Value = answer.json().await.unwrap();
    assert_eq!(problem["errors"].as_array().unwrap().len(), 4, "{problem}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_time_from_event_to_decision_is_measured() {
    let service = Service::sandbox().await;
    service.events(&[stories::employees("acc_1", 20)]).await;
    service.advance("PT4S").await;
    let metrics =
        service.request(reqwest::Method::GET, "/metrics").send().await.unwrap().text().await.unwrap();
    // The gathering of events takes milliseconds; the rest of the four seconds nobody had to wait.
    let fast = r#"gtm_event_to_decision_seconds_bucket{lane="normal",le="0.025"}"#;
    assert!(metrics.lines().any(|line| line.starts_with(fast) && !line.ends_with(" 0")), "{metrics}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attributes_that_mean_nothing_here_are_kept_for_those_who_read_the_event() {
    let service = Service::sandbox().await;
    let mut event = stories::employees("acc_1", 20);
    event["dataschema"] = json!("https://crm.example/account/7");
    event["traceparent"] = json!("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    event["sampledrate"] = json!(30);
    event["datacontenttype"] = json!("application/json");
    service.events(&[event]).await;
    let timeline = service.get("/v1/accounts/acc_1/timeline").await;
    let attributes = json!({
        "datacontenttype": "application/json",
        "dataschema": "https://crm.example/account/7",
        "sampledrate": 30,
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    });
    assert_eq!(timeline["data"][0]["detail"]["attributes"], attributes, "{timeline:#}");
    service.events(&[stories::employees("acc_2", 20)]).await;
    let plain = service.get("/v1/accounts/acc_2/timeline").await;
    assert_eq!(plain["data"][0]["detail"]["attributes"], json!({}));
    service.stop().await;
}
