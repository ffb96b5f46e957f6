//! A running service of its own for each test, and a client that says what it expects.

use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use gtm::app::{self, Running, StartOptions};
use gtm::settings::Settings;
use gtm::testing::{self, TestDatabase};
use serde_json::{Value, json};

pub const ADMIN_KEY: &str = "test-admin-key-0123456789";

/// A service on a database of its own.
pub struct Service {
    pub running: Running,
    pub database: TestDatabase,
    pub http: reqwest::Client,
    _data: DataDir,
    next: AtomicU64,
}

/// A directory that is gone when the test is.
struct DataDir(std::path::PathBuf);

impl Drop for DataDir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn settings(database: &TestDatabase, env: &[(&str, String)]) -> Settings {
    let mut variables = vec![
        ("DATABASE_URL".to_owned(), database.url()),
        ("GTM_HTTP__BIND".to_owned(), "127.0.0.1:0".to_owned()),
        ("GTM_DATABASE__MAX_CONNECTIONS".to_owned(), "8".to_owned()),
    ];
    variables.extend(env.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    Settings::load(None, variables).unwrap()
}

impl Service {
    /// With time that stands still until it is moved.
    pub async fn sandbox() -> Self {
        Self::start(true, &[]).await
    }

    /// With the machine's time and deliveries that leave.
    pub async fn live(env: &[(&str, String)]) -> Self {
        Self::start(false, env).await
    }

    async fn start(sandbox: bool, env: &[(&str, String)]) -> Self {
        let database = testing::database().await;
        let settings = settings(&database, env);
        Self::over(database, settings, sandbox).await
    }

    async fn over(database: TestDatabase, settings: Settings, sandbox: bool) -> Self {
        static DIRS: AtomicU64 = AtomicU64::new(0);
        let name = format!("gtm-it-{}-{}", std::process::id(), DIRS.fetch_add(1, Ordering::Relaxed));
        let data_dir = std::env::temp_dir().join(name);
        let options =
            StartOptions { settings, data_dir: data_dir.clone(), sandbox, admin_key: Some(ADMIN_KEY.into()) };
        let running = app::start(options).await.unwrap();
        let http = reqwest::Client::builder().build().unwrap();
        Self { running, database, http, _data: DataDir(data_dir), next: AtomicU64::new(0) }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.running.address)
    }

    /// The present of the service.
    pub fn now(&self) -> DateTime<Utc> {
        self.running.app.platform.clock.now()
    }

    pub async fn get(&self, path: &str) -> Value {
        self.send(reqwest::Method::GET, path, None, 200).await
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
        let mut request = self.http.request(method.clone(), self.url(path)).bearer_auth(ADMIN_KEY);
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
        let answer = self
            .http
            .post(self.url("/v1/events"))
            .bearer_auth(ADMIN_KEY)
            .header("content-type", "application/cloudevents-batch+json")
            .body(serde_json::to_string(events).unwrap())
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 202);
        answer.json().await.unwrap()
    }

    /// An event with an id of its own, true at `at`.
    pub fn event_at(&self, at: DateTime<Utc>, kind: &str, account: &str, data: Value) -> Value {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        json!({
            "specversion": "1.0", "id": format!("e{id}"), "source": "/test", "type": kind, "subject": account,
            "time": at.to_rfc3339(), "data": data,
        })
    }

    /// An event with an id of its own, true when it arrives.
    pub fn event(&self, kind: &str, account: &str, data: Value) -> Value {
        let mut event = self.event_at(self.now(), kind, account, data);
        event.as_object_mut().unwrap().remove("time");
        event
    }

    /// Daily usage over the last `days` days up to yesterday.
    pub fn usage(&self, account: &str, days: i64, day: &Value) -> Vec<Value> {
        let today = self.now().date_naive();
        (1..=days)
            .rev()
            .map(|back| {
                let mut data = day.clone();
                data["date"] = json!(today - TimeDelta::days(back));
                self.event("gtm.usage.recorded", account, data)
            })
            .collect()
    }

    pub async fn orchestrate(&self, account: &str) -> Value {
        self.post(&format!("/v1/accounts/{account}/orchestrate"), json!({})).await
    }

    pub async fn advance(&self, duration: &str) -> Value {
        self.post("/v1/sandbox/clock", json!({ "advance": duration })).await
    }

    /// Stops the service and checks that it stops cleanly.
    pub async fn stop(self) {
        let end = self.running.stop().await;
        assert_eq!(end, gtm::platform::lifecycle::End::Clean);
        drop(self.database);
    }
}

/// The outcome of one guardrail of a decision document.
pub fn guardrail<'a>(document: &'a Value, id: &str) -> &'a Value {
    let guardrails = document["guardrails"].as_array().unwrap();
    &guardrails.iter().find(|guardrail| guardrail["id"] == id).unwrap()["outcome"]
}
