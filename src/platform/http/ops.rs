//! What operators and their machines ask: is it alive, is it ready, how is it doing.
//!
//! Promises: `/livez` touches nothing but the process; `/readyz` is 503 while the database does not answer within
//! [`DATABASE_PATIENCE`], while a background worker is silent for longer than it promised or reports a failure, and
//! from the first moment of a stop; `/metrics` is the Prometheus text format. All three are open to whoever reaches
//! the port and hold no names of accounts or keys.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::Json;
use super::platform::Platform;

/// How long the database may take to answer the question whether it is there.
const DATABASE_PATIENCE: Duration = Duration::from_secs(2);
/// Upper bounds of the histograms of durations, in seconds: fine enough for p50, p95 and p99 from a millisecond to
/// ten seconds, and coarse up to the hour that a backlog can take.
const BUCKETS: [f64; 20] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 30.0,
    60.0, 600.0, 3_600.0,
];

/// The measurements of the process. There is one recorder per process, whoever asks first.
static METRICS: LazyLock<PrometheusHandle> = LazyLock::new(|| {
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &BUCKETS)
        .map_or_else(|_| PrometheusBuilder::new().build_recorder(), PrometheusBuilder::build_recorder);
    let handle = recorder.handle();
    if metrics::set_global_recorder(recorder).is_err() {
        tracing::warn!("another recorder of metrics is installed; /metrics stays empty");
    }
    metrics::describe_histogram!(
        super::observe::DURATION,
        metrics::Unit::Seconds,
        "Time to answer a request"
    );
    metrics::describe_gauge!(super::observe::ACTIVE, "Requests under way");
    handle
});

/// The recorder of the process; installed on first use.
pub fn metrics_handle() -> &'static PrometheusHandle {
    &METRICS
}

/// The background workers and their last signs of life. Cloning shares it.
#[derive(Debug, Clone, Default)]
pub struct Health(Arc<Mutex<BTreeMap<&'static str, Pulse>>>);

#[derive(Debug, Clone)]
struct Pulse {
    silence_max: Duration,
    last_beat: Instant,
    failure: Option<String>,
}

/// A worker's way of showing that it lives.
#[derive(Debug, Clone)]
pub struct Heartbeat {
    health: Health,
    name: &'static str,
}

impl Health {
    /// Watches the worker `name`, which promises to beat at least every `silence_max`. Counts as a first beat.
    pub fn watch(&self, name: &'static str, silence_max: Duration) -> Heartbeat {
        self.pulses().insert(name, Pulse { silence_max, last_beat: Instant::now(), failure: None });
        Heartbeat { health: self.clone(), name }
    }

    fn pulses(&self) -> MutexGuard<'_, BTreeMap<&'static str, Pulse>> {
        // A panic while the lock was held leaves the map as it was.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn checks(&self) -> Vec<Check> {
        self.pulses().iter().map(|(name, pulse)| pulse.check(name)).collect()
    }
}

impl Heartbeat {
    /// The worker is at work and well.
    pub fn beat(&self) {
        self.set(None);
    }

    /// The worker is at work, but its last round failed.
    pub fn failed(&self, why: impl std::fmt::Display) {
        self.set(Some(why.to_string()));
    }

    fn set(&self, failure: Option<String>) {
        if let Some(pulse) = self.health.pulses().get_mut(self.name) {
            (pulse.last_beat, pulse.failure) = (Instant::now(), failure);
        }
    }
}

impl Pulse {
    fn check(&self, name: &'static str) -> Check {
        let silence = self.last_beat.elapsed();
        let detail = match &self.failure {
            _ if silence > self.silence_max => Some("silent for longer than it promised".to_owned()),
            // The reason is in the log; what a database says is not for whoever reaches the port.
            Some(_) => Some("its last round failed; see the log".to_owned()),
            None => None,
        };
        Check { name, ok: detail.is_none(), seconds_since_beat: Some(silence.as_secs()), detail }
    }
}

/// One thing that must be well for the service to be ready.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Check {
    /// `database`, `lifecycle`, or the name of a background worker.
    name: &'static str,
    /// Whether it is well.
    ok: bool,
    /// Age of a worker's last sign of life.
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds_since_beat: Option<u64>,
    /// What is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Readiness {
    /// Whether all checks are well.
    ready: bool,
    checks: Vec<Check>,
}

/// The routes.
pub(super) fn routes() -> OpenApiRouter<Platform> {
    OpenApiRouter::new().routes(routes!(livez)).routes(routes!(readyz)).routes(routes!(show_metrics))
}

/// Whether the process runs.
#[utoipa::path(get, path = "/livez", tag = "operations", security(()),
    responses((status = 200, description = "It runs.", content_type = "text/plain", body = String)))]
async fn livez() -> &'static str {
    "alive\n"
}

/// Whether the service can take requests, per dependency and background worker.
#[utoipa::path(get, path = "/readyz", tag = "operations", security(()),
    responses((status = 200, description = "It can.", body = Readiness),
              (status = 503, description = "It cannot; see the checks.", body = Readiness)))]
async fn readyz(State(platform): State<Platform>) -> impl IntoResponse {
    let mut checks = vec![database(&platform).await];
    let stopping = platform.life.soft().is_cancelled();
    let detail = stopping.then(|| "the process is stopping".to_owned());
    checks.push(Check { name: "lifecycle", ok: !stopping, seconds_since_beat: None, detail });
    checks.extend(platform.health.checks());
    let ready = checks.iter().all(|check| check.ok);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Readiness { ready, checks }))
}

async fn database(platform: &Platform) -> Check {
    let asked = sqlx::query!("select 1 as one").fetch_one(&platform.pool);
    let detail = match tokio::time::timeout(DATABASE_PATIENCE, asked).await {
        Ok(Ok(_)) => None,
        Ok(Err(error)) => {
            tracing::warn!(%error, "not ready: the database does not answer");
            Some("does not answer".to_owned())
        }
        Err(_) => Some("does not answer in time".to_owned()),
    };
    Check { name: "database", ok: detail.is_none(), seconds_since_beat: None, detail }
}

/// Measurements in the Prometheus text format.
#[utoipa::path(get, path = "/metrics", tag = "operations", security(()),
    responses((status = 200, description = "The measurements.", content_type = "text/plain", body = String)))]
async fn show_metrics() -> impl IntoResponse {
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], metrics_handle().render())
}
