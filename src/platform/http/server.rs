//! From routers to the running service: the layers in their order, and the listener.
//!
//! Promises: whatever is handed to [`build`] goes through one layer, the gate. From the outside in: compression of answers,
//! for those who take it; request id, trace, log, measurement and the last form of errors ([`super::observe`]); panics and time
//! ([`super::guard`]); decompression of requests (gzip), for those that need it, whose size is bounded after it; the
//! document's rules ([`super::contract`]). One layer, because each of the router's layers costs every request several
//! allocations.
//! Leaves out: TLS, which a proxy in front ends.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::header;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::Value;
use tokio::net::TcpListener;
use tower::{Layer, ServiceExt, service_fn};
use tower_http::compression::CompressionLayer;
use tower_http::decompression::RequestDecompressionLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_swagger_ui::SwaggerUi;

use super::contract::{Contract, ContractFaults, Enforcer, enforce};
use super::extract::Json;
use super::guard::{Bounds, guard};
use super::observe::Observer;
use super::platform::Platform;
use super::problem::Problem;
use super::{openapi, ops};
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
    gate: Gate,
}

impl Service {
    /// Adds routes that are made of the finished service, because they call it within the process. They go through the
    /// same gate; `answer` is their longest time, which covers that of the calls they make.
    #[must_use]
    pub fn and(mut self, further: Router, answer: Duration) -> Self {
        let bounds = Bounds { time_limit: answer, ..self.gate.bounds.clone() };
        self.router = self.router.merge(Gate { bounds, ..self.gate.clone() }.before(further));
        self
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
    let gate = Gate {
        observer: Arc::new(Observer::new(platform.clock.clone())),
        bounds: Bounds { contract: Arc::clone(&contract), time_limit: limits.answer },
        body: DefaultBodyLimit::max(limits.body_bytes),
        enforcer: Arc::new(Enforcer { platform, contract }),
    };
    let router = router
        .route("/openapi.json", get(async move || Json(published)))
        .merge(Router::from(SwaggerUi::new("/docs").config(utoipa_swagger_ui::Config::from("/openapi.json"))))
        .merge(further);
    Ok(Service { router: gate.clone().before(router), document, gate })
}

/// What every request goes through.
#[derive(Clone)]
struct Gate {
    observer: Arc<Observer>,
    bounds: Bounds,
    body: DefaultBodyLimit,
    enforcer: Arc<Enforcer>,
}

impl Gate {
    /// A router behind the gate.
    fn before(self, router: Router) -> Router {
        router.layer(from_fn_with_state(Arc::new(self), pass))
    }
}

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gate").finish_non_exhaustive()
    }
}

/// The layer.
async fn pass(State(gate): State<Arc<Gate>>, request: Request, next: Next) -> Response {
    let gate = gate.as_ref();
    let enforced = |mut request: Request| {
        gate.body.apply(&mut request);
        keys::api::reveal(request, |request| enforce(&gate.enforcer, request, next))
    };
    let guarded = |request| guard(&gate.bounds, request, |request| unpacked(request, enforced));
    // What only some requests need (packing and unpacking) makes the whole large: it is not carried about.
    Box::pin(packed(request, |request| gate.observer.observe(request, guarded))).await
}

/// Compresses the answer for whoever takes it so.
async fn packed<F>(request: Request, next: impl FnOnce(Request) -> F) -> Response
where
    F: Future<Output = Response>,
{
    if !request.headers().contains_key(header::ACCEPT_ENCODING) {
        return next(request).await;
    }
    let mut next = Some(next);
    let service = service_fn(move |request: Request| {
        let answer = next.take().map(|next| next(request));
        async move { answered(answer).await }
    });
    match CompressionLayer::new().layer(service).oneshot(request).await {
        Ok(response) => response.map(Body::new),
        Err(error) => Problem::internal(error).into_response(),
    }
}

/// Decompresses the body of a request that says it is compressed.
async fn unpacked<F>(request: Request, next: impl FnOnce(Request) -> F) -> Response
where
    F: Future<Output = Response>,
{
    if !request.headers().contains_key(header::CONTENT_ENCODING) {
        return next(request).await;
    }
    let mut next = Some(next);
    let service = service_fn(move |request: axum::http::Request<_>| {
        let answer = next.take().map(|next| next(request.map(Body::new)));
        async move { answered(answer).await }
    });
    match RequestDecompressionLayer::new().layer(service).oneshot(request).await {
        Ok(response) => response.map(Body::new),
        Err(error) => Problem::internal(error).into_response(),
    }
}

/// The answer of a service that is called once.
async fn answered<F>(answer: Option<F>) -> Result<Response, Infallible>
where
    F: Future<Output = Response>,
{
    Ok(match answer {
        Some(answer) => answer.await,
        None => Problem::internal("called twice").into_response(),
    })
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
