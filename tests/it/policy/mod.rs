//! Policies over the API: checked, stored, put in force for every replica at once, and on record.

mod changes;
mod history;

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::Client;
use crate::harness::Service;
use crate::stories;

const PRODUCT_LED: &str = include_str!("../../../config/policies/product-led-sales.toml");
const REQUIRED: (&str, &str) = ("GTM_POLICIES__REVIEW", "required");

async fn upload(client: &Client, path: &str, kind: &str, text: &str, expected: u16) -> Value {
    let request = client.request(Method::POST, path).header("content-type", kind).body(text.to_owned());
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let body: Value = answer.json().await.unwrap();
    assert_eq!(status, expected, "{body:#}");
    body
}

async fn activate(client: &Client, version: &Value) -> Value {
    client.post(&format!("/v1/policies/{}/activate", version.as_str().unwrap()), json!({})).await
}

/// The versions in force, of which there is one.
async fn in_force(client: &Client) -> Vec<Value> {
    let page = client.get("/v1/policies").await;
    let all = page["data"].as_array().unwrap();
    all.iter().filter(|policy| policy["active"] == true).map(|policy| policy["version"].clone()).collect()
}

/// The file of a policy of another name, which is another version.
fn file(name: &str) -> String {
    PRODUCT_LED.replacen("name = \"product-led-sales\"", &format!("name = \"{name}\""), 1)
}

/// Stores a policy that Rosa made; gives its version.
async fn stored(client: &Client, name: &str) -> String {
    let request = client.request(Method::POST, "/v1/policies?author=Rosa%20Diaz");
    let answer = request.header("content-type", "application/toml").body(file(name)).send().await.unwrap();
    assert_eq!(answer.status(), 201);
    let policy: Value = answer.json().await.unwrap();
    assert_eq!(policy["author"], "Rosa Diaz");
    policy["version"].as_str().unwrap().to_owned()
}

async fn post(client: &Client, version: &str, below: &str, body: Value, expected: u16) -> Value {
    client.send(Method::POST, &format!("/v1/policies/{version}/{below}"), Some(body), expected).await
}

/// Somebody with a key of their own.
async fn somebody(service: &Service) -> Client {
    let body = json!({"label": "a second person", "scopes": ["config:read", "config:write"]});
    let made = service.send(Method::POST, "/v1/keys", Some(body), 201).await;
    service.with_key(made["key"].as_str().unwrap())
}

async fn approve(client: &Client, version: &str) -> Value {
    post(client, version, "reviews", json!({"name": "Tom Baker", "verdict": "approve"}), 200).await
}

async fn history(client: &Client) -> Vec<Value> {
    client.get("/v1/policies/activations").await["data"].as_array().unwrap().clone()
}

fn text<'l>(line: &'l Value, member: &str) -> &'l str {
    line[member].as_str().unwrap()
}

/// Version and status of each activation, newest first.
fn told(history: &[Value]) -> Vec<(&str, &str)> {
    let told = |line| (text(line, "version"), text(line, "status"));
    history.iter().map(told).collect()
}

/// The one version in force.
async fn live(client: &Client) -> String {
    let versions = in_force(client).await;
    assert_eq!(versions.len(), 1, "{versions:?}");
    versions[0].as_str().unwrap().to_owned()
}

async fn rolled_back(client: &Client, body: Value, expected: u16) -> Value {
    client.send(Method::POST, "/v1/policies/rollback", Some(body), expected).await
}

/// What was done to policies, newest first: the actions of the audit log.
async fn actions(service: &Service) -> Vec<String> {
    let entries = service.get("/v1/audit?accountId=@system&action=policy.*").await;
    let entries = entries["data"].as_array().unwrap();
    entries.iter().map(|entry| entry["action"].as_str().unwrap().to_owned()).collect()
}

fn instant(value: &Value) -> DateTime<Utc> {
    value.as_str().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_put_in_force_on_one_replica_rules_the_next_decision_of_the_other() {
    let one = Service::sandbox().await;
    let other = one.replica(&[]).await;
    // Mid-market, usage has levelled off, no partner: the literal ladder keeps watching, the product-led one acts.
    one.events(&stories::without_partners(one.now(), "acc_1", TimeDelta::zero())).await;
    let literal = other.orchestrate("acc_1").await;
    assert_eq!(
        (&literal["outcome"], &literal["matchedRule"]),
        (&json!("monitoring"), &json!("keep_watching"))
    );
    let default = literal["policyVersion"].clone();
    assert_eq!(in_force(&one).await, std::slice::from_ref(&default));

    let mine = PRODUCT_LED.replacen("name = \"product-led-sales\"", "name = \"ours\"", 1);
    let checked = upload(&one, "/v1/policies/check", "application/toml", &mine, 200).await;
    let added = upload(&one, "/v1/policies", "application/toml", &mine, 201).await;
    assert_eq!((&added["version"], &added["active"]), (&checked["version"], &json!(false)));
    let known = upload(&other, "/v1/policies", "application/toml", &mine, 200).await;
    assert_eq!(
        known["version"], added["version"],
        "the same content is the same version, wherever it comes from"
    );
    let preview = json!({"dryRun": true, "policyVersion": added["version"]});
    let previewed = other.post("/v1/accounts/acc_1/orchestrate", preview).await;
    assert_eq!(previewed["recommendation"]["motion"], "sales_assist");
    assert_eq!(other.orchestrate("acc_1").await["outcome"], "monitoring", "stored is not in force");

    assert_eq!(activate(&one, &added["version"]).await["active"], true);
    let product_led = other.orchestrate("acc_1").await;
    assert_eq!(product_led["policyVersion"], added["version"], "at once");
    assert_eq!(
        (&product_led["outcome"], &product_led["exitState"]),
        (&json!("executed"), &json!("sales_assist"))
    );
    assert_eq!(in_force(&other).await, [added["version"].clone()]);
    activate(&other, &default).await;
    assert_eq!(one.orchestrate("acc_1").await["policyVersion"], default, "and back");

    for decision in [&literal, &product_led] {
        one.expect_identical_replay(decision["decisionId"].as_str().unwrap()).await;
    }
    let entries = one.get("/v1/audit?accountId=@system&action=policy.*").await;
    let entries: Vec<_> =
        entries["data"].as_array().unwrap().iter().map(|e| (&e["action"], &e["subject"])).collect();
    let subject = |version: &Value| json!(format!("policy:{}", version.as_str().unwrap()));
    let (mine, default) = (subject(&added["version"]), subject(&default));
    let (activated, added) = (json!("policy.activated"), json!("policy.added"));
    assert_eq!(entries[..3], [(&activated, &default), (&activated, &mine), (&added, &mine)]);
    one.expect_intact_audit().await;
    other.stop().await;
    one.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn putting_in_force_what_is_in_force_is_no_event_and_what_is_not_there_no_policy() {
    let service = Service::sandbox().await;
    let before = service.number("SELECT count(*) FROM audit_entry").await;
    activate(&service, &in_force(&service).await[0]).await;
    assert_eq!(service.number("SELECT count(*) FROM audit_entry").await, before);
    let path = "/v1/policies/none-000000000000/activate";
    service.send(Method::POST, path, Some(json!({})), 404).await;
    let unknown = json!({"dryRun": true, "policyVersion": "none-000000000000"});
    service.events(&[stories::employees("acc_1", 20)]).await;
    service.send(Method::POST, "/v1/accounts/acc_1/orchestrate", Some(unknown), 404).await;
    let recorded = json!({"policyVersion": in_force(&service).await[0]});
    service.send(Method::POST, "/v1/accounts/acc_1/orchestrate", Some(recorded), 422).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_of_a_policy_is_named_with_its_line_and_path() {
    let service = Service::sandbox().await;
    let broken = PRODUCT_LED
        .replacen("usage_depth > 70 && segment", "usage_dept > 70 && segment", 1)
        .replacen("exclusivity_hours = 72", "exclusivity_hours = \"long\"", 1);
    let line_of = |text: &str| broken.lines().position(|line| line.contains(text)).unwrap() + 1;
    for path in ["/v1/policies", "/v1/policies/check"] {
        let problem = upload(&service, path, "application/toml", &broken, 422).await;
        assert_eq!(problem["code"], "invalid_policy");
        let faults = problem["faults"].as_array().unwrap();
        assert_eq!(faults.len(), 2, "{problem:#}");
        for (text, path) in
            [("usage_dept >", "branches[0].when"), ("exclusivity_hours", "guardrails.exclusivity_hours")]
        {
            let fault = faults.iter().find(|fault| fault["path"] == path);
            let fault = fault.unwrap_or_else(|| panic!("nothing at {path}: {problem:#}"));
            assert_eq!(fault["line"], line_of(text), "{fault}");
        }
        let places: Vec<&Value> =
            problem["errors"].as_array().unwrap().iter().map(|e| &e["pointer"]).collect();
        assert_eq!(places.len(), 2, "{places:?}");
        let text = problem.to_string();
        assert!(text.contains("usage_depth"), "the word that was meant: {text}");
    }
    upload(&service, "/v1/policies", "application/toml", "name = ", 422).await;
    upload(&service, "/v1/policies", "application/json", "{", 422).await;
    assert_eq!(service.number("SELECT count(*) FROM policy").await, 2, "nothing broken is stored");
    service.stop().await;
}
