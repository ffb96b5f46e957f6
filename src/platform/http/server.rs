//! From routers to the running service: the layers in their order, and the listener.
//!
//! Promises: whatever is handed to [`build`] gets every layer. From the outside in: compression of answers; request
//! id, trace, log, measurement and the last form of errors ([`super::observe`]); panics and time ([`super::guard`]);
//! decompression of requests (gzip), whose size is bounded after it; the document's rules ([`super::contract`]).
//! Leaves out: TLS, which a proxy in front ends.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use serde_json::Value;
use tokio::net::TcpListener;
use tower_http::compression::CompressionLayer;
use tower_http::decompression::RequestDecompressionLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_swagger_ui::SwaggerUi;

use super::contract::{Contract, ContractFaults, Enforcer, enforce};
use super::extract::Json;
use super::guard::{Bounds, guard};
use super::observe::observe;
use super::platform::Platform;
use super::{openapi, ops};
use crate::kernel::clock::Clock;
use crate::platform::lifecycle::Lifecycle;
use crate::platform::{audit, keys};

/// The bounds of the service.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Largest body in bytes, after decompression.
    pub body_bytes: usize,
    /// Longest time for an answer, unless the operation's document says otherwise (`x-timeout-seconds`).
    pub answer: Duration,
}

impl Default for Limits {
    /// 16 MiB (a batch of some ten thousand events), 30 seconds.
    fn default() -> Self {
        Self { body_bytes: 16 << 20, answer: Duration::from_secs(30) }
    }
}

/// The service: a router with all layers, and the document it keeps to.
#[derive(Debug)]
pub struct Service {
    /// Ready to be served.
    pub router: Router,
    /// The `OpenAPI` document, as at `/openapi.json`.
    pub document: Value,
    layers: Layers,
}

impl Service {
    /// Adds routes that are made of the finished service, because they call it within the process. They get the same
    /// layers; `answer` is their longest time, which covers that of the calls they make.
    #[must_use]
    pub fn and(mut self, further: Router, answer: Duration) -> Self {
        self.router = self.router.merge(self.layers.around(further, answer));
        self
    }
}

/// The layers that every route gets.
#[derive(Clone)]
struct Layers {
    enforcer: Arc<Enforcer>,
    clock: Clock,
    body_bytes: usize,
}

impl Layers {
    /// A router within the layers. The last layer added is the outermost.
    fn around(&self, router: Router, answer: Duration) -> Router {
        let bounds = Bounds { contract: Arc::clone(&self.enforcer.contract), time_limit: answer };
        router
            .layer(from_fn_with_state(Arc::clone(&self.enforcer), enforce))
            .layer(from_fn(keys::api::reveal))
            .layer(DefaultBodyLimit::max(self.body_bytes))
            .layer(RequestDecompressionLayer::new())
            .layer(from_fn_with_state(bounds, guard))
            .layer(from_fn_with_state(self.clock.clone(), observe))
            .layer(CompressionLayer::new())
    }
}

impl std::fmt::Debug for Layers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Layers").field("body_bytes", &self.body_bytes).finish_non_exhaustive()
    }
}

/// Why the service cannot be put together.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error(transparent)]
    Contract(#[from] ContractFaults),
    #[error("the OpenAPI document cannot be written: {0}")]
    Document(#[from] serde_json::Error),
}

/// Puts the service together: the documented routes of the slices (their state applied), further routes that are no
/// part of the API, and the platform's own.
///
/// # Errors
/// When an operation does not say who may call it.
pub fn build(
    platform: Platform,
    slices: OpenApiRouter,
    further: Router,
    limits: &Limits,
) -> Result<Service, BuildError> {
    ops::metrics_handle();
    let all = OpenApiRouter::with_openapi(openapi::frame())
        .merge(own_routes().with_state(platform.clone()))
        .merge(slices);
    let (router, document) = all.split_for_parts();
    let document = openapi::publish(&document)?;
    let contract = Arc::new(Contract::read(&document)?);
    let published = document.clone();
    let layers = Layers {
        clock: platform.clock.clone(),
        enforcer: Arc::new(Enforcer { platform, contract }),
        body_bytes: limits.body_bytes,
    };
    let router = router
        .route("/openapi.json", get(async move || Json(published)))
        .merge(Router::from(SwaggerUi::new("/docs").config(utoipa_swagger_ui::Config::from("/openapi.json"))))
        .merge(further);
    let router = layers.around(router, limits.answer);
    Ok(Service { router, document, layers })
}

/// The routes that the platform itself brings.
fn own_routes() -> OpenApiRouter<Platform> {
    ops::routes().merge(keys::api::routes()).merge(audit::api::routes())
}

/// The document of a service with these routes, without starting anything.
///
/// # Errors
/// When the document cannot be written.
pub fn document_of<S>(slices: OpenApiRouter<S>) -> Result<Value, BuildError>
where
    S: Clone + Send + Sync + 'static,
{
    let mut document = OpenApiRouter::with_openapi(openapi::frame()).merge(own_routes()).into_openapi();
    document.merge(slices.into_openapi());
    Ok(openapi::publish(&document)?)
}

/// Serves until the soft stop, then finishes what is under way.
///
/// # Errors
/// When the listener fails.
pub async fn serve(listener: TcpListener, router: Router, life: Lifecycle) -> std::io::Result<()> {
    let soft = life.soft().clone().cancelled_owned();
    axum::serve(listener, router).with_graceful_shutdown(soft).await
}
