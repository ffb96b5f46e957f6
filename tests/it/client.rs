//! A client of one service that says what it expects, and stops the test when it gets something else.

use std::time::Duration;

use serde_json::{Value, json};

/// The key that every service of these tests is started with.
pub const ADMIN_KEY: &str = "test-admin-key-0123456789";

/// Longer than any answer takes on a busy machine: a request that hangs is a failure, not a wait.
const PATIENCE: Duration = Duration::from_mins(1);

/// Talks to one address with one key.
#[derive(Clone)]
pub struct Client {
    pub base: String,
    pub key: String,
    pub http: reqwest::Client,
}

impl Client {
    pub fn new(base: &str) -> Self {
        let http = gtm::platform::outbox::client(PATIENCE).unwrap();
        Self { base: base.to_owned(), key: ADMIN_KEY.to_owned(), http }
    }

    /// The same service, asked with another key.
    pub fn with_key(&self, key: &str) -> Self {
        Self { key: key.to_owned(), ..self.clone() }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// A request with the key, to be completed.
    pub fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, self.url(path)).bearer_auth(&self.key)
    }

    pub async fn get(&self, path: &str) -> Value {
        self.send(reqwest::Method::GET, path, None, 200).await
    }

    /// A document in the form that is asked for.
    pub async fn text(&self, path: &str, accept: &str) -> String {
        let answer = self.request(reqwest::Method::GET, path).header("accept", accept).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        assert!(answer.headers()["content-type"].to_str().unwrap().starts_with(accept), "{path}");
        answer.text().await.unwrap()
    }

    pub async fn post(&self, path: &str, body: Value) -> Value {
        self.send(reqwest::Method::POST, path, Some(body), 200).await
    }

    pub async fn send(
        &self,
        method: reqwest::Method,
        path: &str,
        body: Option<Value>,
        expected: u16,
    ) -> Value {
        let mut request = self.request(method.clone(), path);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        assert_eq!(status, expected, "{method} {path}: {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    /// Sends events as one batch and expects all of them to be taken.
    pub async fn events(&self, events: &[Value]) -> Value {
        let answer = self.batch(events).await;
        assert_eq!(answer["rejected"], json!([]), "{answer}");
        answer
    }

    /// Sends events as one batch.
    pub async fn batch(&self, events: &[Value]) -> Value {
        let answer = self.try_batch(events).await.unwrap();
        assert_eq!(answer.status(), 202);
        answer.json().await.unwrap()
    }

    /// Sends events as one batch, to a service that may not be there.
    pub async fn try_batch(&self, events: &[Value]) -> reqwest::Result<reqwest::Response> {
        self.request(reqwest::Method::POST, "/v1/events")
            .header("content-type", "application/cloudevents-batch+json")
            .body(serde_json::to_string(events).unwrap())
            .send()
            .await
    }

    pub async fn orchestrate(&self, account: &str) -> Value {
        self.post(&format!("/v1/accounts/{account}/orchestrate"), json!({})).await
    }

    /// The newest decision about an account, as it stands in the list.
    pub async fn newest_decision(&self, account: &str) -> Value {
        self.get(&format!("/v1/decisions?accountId={account}&limit=1")).await["data"][0].clone()
    }

    /// Moves the clock of a sandbox.
    pub async fn advance(&self, duration: &str) -> Value {
        self.post("/v1/sandbox/clock", json!({ "advance": duration })).await
    }

    /// Moves the clock of a sandbox to an instant.
    pub async fn pass_to(&self, instant: &str) -> Value {
        self.post("/v1/sandbox/clock", json!({ "to": instant })).await
    }

    /// Has the audit log verified and expects nothing to be found.
    pub async fn expect_intact_audit(&self) {
        let report = self.post("/v1/audit/verify", json!({})).await;
        assert_eq!(report["intact"], true, "{report:#}");
    }

    /// Computes a decision again and expects it to be identical.
    pub async fn expect_identical_replay(&self, decision: &str) {
        let replay = self.post(&format!("/v1/decisions/{decision}/replay"), json!({})).await;
        assert_eq!(replay, json!({"identical": true, "differences": []}), "decision {decision}");
    }
}
