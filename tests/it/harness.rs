//! A running service of its own for each test, over a database that replicas may share.

use std::future::poll_fn;
use std::ops::Deref;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;

use chrono::{DateTime, Datelike, TimeDelta, Utc};
use gtm::app::{self, Running, StartOptions};
use gtm::connectors::source::Group;
use gtm::kernel::clock::Clock;
use gtm::platform::jobs::{self, Lane, NewJob};
use gtm::settings::Settings;
use gtm::testing::{self, TestDatabase};
use serde_json::Value;

use crate::client::{ADMIN_KEY, Client};

/// A service in this process, and a client of it.
pub struct Service {
    pub running: Running,
    pub database: Arc<TestDatabase>,
    pub client: Client,
    data: Arc<DataDir>,
}

impl Deref for Service {
    type Target = Client;
    fn deref(&self) -> &Client {
        &self.client
    }
}

/// Systems that say nothing are not waited for as long as real ones.
const HURRIED: (&str, &str) = ("GTM_OUTBOX__TIMEOUT_MS", "1500");

/// A directory that is gone when the test is.
pub struct DataDir(pub PathBuf);

impl DataDir {
    pub fn new() -> Self {
        static DIRS: AtomicU64 = AtomicU64::new(0);
        let name = format!("gtm-it-{}-{}", std::process::id(), DIRS.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// The key that signs the audit log; replicas share it.
    pub fn signing_key(&self) -> String {
        self.0.join("audit.pem").display().to_string()
    }
}

impl Drop for DataDir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Service {
    /// With time that stands still until it is moved.
    pub async fn sandbox() -> Self {
        Self::start(true, &[]).await
    }

    /// As [`Service::sandbox`], with settings.
    pub async fn sandbox_with(env: &[(&str, &str)]) -> Self {
        Self::start(true, env).await
    }

    /// With the machine's time and deliveries that leave.
    pub async fn live(env: &[(&str, &str)]) -> Self {
        Self::start(false, env).await
    }

    /// With systems connected as in a `[connectors]` table; time moves by itself, and what is sent leaves.
    pub async fn connected(connectors: &Value) -> Self {
        let database = Arc::new(testing::database().await);
        Self::with(database, Arc::new(DataDir::new()), false, &[HURRIED], connectors).await
    }

    /// The same with time that stands still until it is moved: what is called is taken in, and nothing is read or sent but
    /// by hand.
    pub async fn connected_sandbox(connectors: &Value) -> Self {
        let database = Arc::new(testing::database().await);
        Self::with(database, Arc::new(DataDir::new()), true, &[HURRIED], connectors).await
    }

    /// Another service on the same database, with systems connected as in a `[connectors]` table.
    pub async fn reconnected(&self, connectors: &Value) -> Self {
        let key = self.data.signing_key();
        let env = [HURRIED, ("GTM_AUDIT__SIGNING_KEY_FILE", key.as_str())];
        Self::with(self.database.clone(), Arc::new(DataDir::new()), false, &env, connectors).await
    }

    async fn start(sandbox: bool, env: &[(&str, &str)]) -> Self {
        let database = Arc::new(testing::database().await);
        Self::over(database, Arc::new(DataDir::new()), sandbox, env).await
    }

    /// Another service on the same database, which shares nothing else with this one but the signing key.
    pub async fn replica(&self, env: &[(&str, &str)]) -> Self {
        let sandbox = self.running.app.platform.clock.is_manual();
        let key = self.data.signing_key();
        let mut env = env.to_vec();
        env.push(("GTM_AUDIT__SIGNING_KEY_FILE", &key));
        Self::over(self.database.clone(), Arc::new(DataDir::new()), sandbox, &env).await
    }

    async fn over(
        database: Arc<TestDatabase>,
        data: Arc<DataDir>,
        sandbox: bool,
        env: &[(&str, &str)],
    ) -> Self {
        Self::with(database, data, sandbox, env, &Value::Object(serde_json::Map::new())).await
    }

    async fn with(
        database: Arc<TestDatabase>,
        data: Arc<DataDir>,
        sandbox: bool,
        env: &[(&str, &str)],
        connectors: &Value,
    ) -> Self {
        logs();
        let url = database.url();
        let mut variables = vec![
            ("DATABASE_URL", url.as_str()),
            ("GTM_HTTP__BIND", "127.0.0.1:0"),
            ("GTM_DATABASE__MAX_CONNECTIONS", "8"),
            ("GTM_DESIGNS__RUNS", "24"),
        ];
        variables.extend(env);
        let owned = variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        let mut settings = Settings::load(None, owned).unwrap();
        settings.connectors = serde_json::from_value(connectors.clone()).unwrap();
        let options = StartOptions {
            settings,
            data_dir: data.0.clone(),
            sandbox,
            announced: true,
            admin_key: Some(ADMIN_KEY.into()),
        };
        let running = app::start(options).await.unwrap();
        let client = Client::new(&format!("http://{}", running.address));
        let service = Self { running, database, client, data };
        if sandbox {
            service.begin_the_week().await;
        }
        service
    }

    /// Moves a sandbox whose clock was never moved to the next Tuesday at 10:00 UTC: what a test sees of working hours must
    /// not depend on when it runs.
    async fn begin_the_week(&self) {
        let now = self.now();
        if now > Clock::System.now() {
            return;
        }
        let ten = now.date_naive().and_hms_opt(10, 0, 0).unwrap().and_utc();
        let mornings = (0..).map(|days| ten + TimeDelta::days(days));
        let tuesday =
            mornings.filter(|at| *at > now).find(|at| at.weekday() == chrono::Weekday::Tue).unwrap();
        self.pass_to(&tuesday.to_rfc3339()).await;
    }

    /// Where the service keeps what is its own.
    pub fn data(&self) -> &DataDir {
        &self.data
    }

    /// The present of the service.
    pub fn now(&self) -> DateTime<Utc> {
        self.running.app.platform.clock.now()
    }

    /// Has the worker look once at a group of an account's signals; whether that made the group fresh.
    pub async fn refresh(&self, account_id: &str, group: Group) -> bool {
        let (connectors, now) = (&self.running.app.connectors, self.now());
        let synced = "SELECT count(*) FROM event WHERE type = 'gtm.source.synced'";
        let before = self.number(synced).await;
        let asked = NewJob {
            key: format!("{}/{account_id}", group.name()),
            payload: serde_json::json!({"group": group.name(), "accountId": account_id}).to_string(),
            lane: Lane::Hot,
            due_at: now,
        };
        let mut conn = self.database.pool.acquire().await.unwrap();
        jobs::enqueue(&mut conn, gtm::connectors::commands::REFRESH, &[asked], now).await.unwrap();
        drop(conn);
        if self.running.app.platform.clock.is_manual() {
            connectors.fetch_due().await.unwrap();
        } else {
            connectors.fetch.notify_one();
            self.until("SELECT count(*) = 0 FROM job WHERE kind = 'connector_refresh' AND due_at <= now()")
                .await;
        }
        self.number(synced).await > before
    }

    /// Waits until every call that was received is read.
    pub async fn until_read(&self) {
        self.until("SELECT count(*) = 0 FROM received WHERE status = 'waiting'").await;
    }

    /// Waits until every event that was acknowledged is part of what is known of its account: lists do not wait for it.
    pub async fn until_applied(&self) {
        self.until("SELECT count(*) = 0 FROM inbox").await;
    }

    /// Waits until a query over the database says yes; a minute of no is a failure.
    pub async fn until(&self, query: &'static str) {
        let asked = async {
            while !sqlx::query_scalar::<_, bool>(query).fetch_one(&self.database.pool).await.unwrap() {
                tokio::task::yield_now().await;
            }
        };
        let patience = std::time::Duration::from_mins(1);
        assert!(tokio::time::timeout(patience, asked).await.is_ok(), "never came true: {query}");
    }

    /// The number that a query over the database gives.
    pub async fn number(&self, query: &'static str) -> i64 {
        sqlx::query_scalar(query).fetch_one(&self.database.pool).await.unwrap()
    }

    /// Stops the service and checks that it stops cleanly.
    pub async fn stop(self) {
        let end = self.running.stop().await;
        assert_eq!(end, gtm::platform::lifecycle::End::Clean);
    }
}

/// Stops the test where a plan document does not fit the schema that the service publishes.
pub async fn expect_fitting_plan(client: &Client, plan: &Value) {
    let schema = client.get("/v1/plans/schema.json").await;
    let fits = jsonschema::validator_for(&schema).unwrap();
    let faults: Vec<String> =
        fits.iter_errors(plan).map(|fault| format!("{}: {fault}", fault.instance_path())).collect();
    assert_eq!(faults, Vec::<String>::new());
}

/// What the services say, where `GTM_TEST_LOG` asks for it, such as `GTM_TEST_LOG=warn`.
fn logs() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    if let Ok(filter) = std::env::var("GTM_TEST_LOG") {
        ONCE.call_once(|| tracing_subscriber::fmt().with_env_filter(filter).init());
    }
}

/// The outcome of one guardrail of a decision document.
pub fn guardrail<'a>(document: &'a Value, id: &str) -> &'a Value {
    let guardrails = document["guardrails"].as_array().unwrap();
    &guardrails.iter().find(|guardrail| guardrail["id"] == id).unwrap()["outcome"]
}

/// Polls a future so often; gone when it has not come to its end by then, as work that is cut off in the middle.
pub async fn cut_short<F: Future>(future: F, polls: i64) -> Option<F::Output> {
    let (mut future, mut left) = (pin!(future), polls);
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending if left == 0 => Poll::Ready(None),
        Poll::Pending => {
            left -= 1;
            Poll::Pending
        }
    })
    .await
}
