//! Events in: durable, once, tolerant of disorder, and refused with all their faults.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{HeaderName, HeaderValue};
use serde_json::{Value, json};

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

/// The faults of an answer, as the recordings name them: place and code, or the place alone.
fn faults(errors: &Value) -> Vec<String> {
    let place = |fault: &Value| fault["pointer"].as_str().unwrap().trim_start_matches('#').to_owned();
    errors.as_array().unwrap().iter().map(place).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn recorded_requests_of_cloudevents_clients_are_taken_and_refused_alike() {
    let service = Service::sandbox().await;
    let (mut taken, mut refused) = (0, 0);
    for text in [
        include_str!("../fixtures/cloudevents/node.json"),
        include_str!("../fixtures/cloudevents/python.json"),
    ] {
        let fixture: Value = serde_json::from_str(text).unwrap();
        for recorded in fixture["requests"].as_array().unwrap() {
            let case = format!("{}, {}", fixture["client"], recorded["name"]);
            let mut request = service.request(reqwest::Method::POST, "/v1/events");
            for header in recorded["headers"].as_array().unwrap() {
                // The records show each byte as the character with its number.
                let bytes: Vec<u8> = header[1]
                    .as_str()
                    .unwrap()
                    .chars()
                    .map(|c| u8::try_from(u32::from(c)).unwrap())
                    .collect();
                let name: HeaderName = header[0].as_str().unwrap().parse().unwrap();
                request = request.header(name, HeaderValue::from_bytes(&bytes).unwrap());
            }
            let body = match recorded["body"].as_str() {
                Some(text) => text.as_bytes().to_vec(),
                None => STANDARD.decode(recorded["bodyBase64"].as_str().unwrap()).unwrap(),
            };
            let answer = request.body(body).send().await.unwrap();
            let status = answer.status();
            let answer: Value = answer.json().await.unwrap();
            let (good, bad): (Vec<&Value>, Vec<&Value>) =
                recorded["expect"].as_array().unwrap().iter().partition(|one| one["faults"].is_null());
            let wanted = |one: &Value| -> Vec<String> {
                let faults = one["faults"].as_array().unwrap().iter();
                faults.map(|fault| fault.as_str().unwrap().split(' ').next().unwrap().to_owned()).collect()
            };
            (taken, refused) = (taken + good.len(), refused + bad.len());
            if recorded["mode"] != "batch" && !bad.is_empty() {
                assert_eq!(status, 422, "{case}: {answer}");
                assert_eq!(faults(&answer["errors"]), wanted(bad[0]), "{case}: {answer}");
                continue;
            }
            assert_eq!(status, 202, "{case}: {answer}");
            let count = answer["accepted"].as_u64().unwrap() + answer["duplicates"].as_u64().unwrap();
            assert_eq!(count, good.len() as u64, "{case}: {answer}");
            let rejected = answer["rejected"].as_array().unwrap();
            assert_eq!(rejected.len(), bad.len(), "{case}: {answer}");
            for (rejected, bad) in rejected.iter().zip(bad) {
                assert_eq!(faults(&rejected["errors"]), wanted(bad), "{case}: {answer}");
            }
        }
    }
    assert!(taken >= 12 && refused >= 8, "{taken} and {refused}");
    let stored = "SELECT count(DISTINCT (source, event_id)) FROM event";
    assert_eq!(service.number(stored).await, service.number("SELECT count(*) FROM event").await);
    let account = service.get("/v1/accounts/acc_12345").await;
    assert!(account["state"]["usage"]["days"]["2026-01-02"].is_object(), "{account}");
    service.stop().await;
}
