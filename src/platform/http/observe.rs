//! What every request leaves behind: an id, a trace, a log line, a measurement; and every error its last form.
//!
//! Promises: each answer has `X-Request-Id` (the caller's, when it is sane); a valid W3C `traceparent` goes on in the
//! span and in [`TraceContext`], an invalid one starts a new trace; each request gives one line of log with method,
//! route template, status, milliseconds, key id and account, as a warning when the service failed, as information when
//! it was slow, for debugging otherwise; `Authorization` is never logged, nor is any query, body
//! or raw path. Errors that did not begin as a [`Problem`] (the router's own 404 and 405, say) become one here.
//! Leaves out: exporting traces.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant};

use axum::RequestExt;
use axum::extract::{MatchedPath, RawPathParams, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tracing::Instrument;
use uuid::Uuid;

use super::problem::{self, Carried, Problem};
use crate::kernel::clock::Clock;
use crate::kernel::ids::new_id;

/// The header of the request id.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longest request id that is taken from a caller.
const REQUEST_ID_MAX: usize = 128;
/// Answers that take longer are in the log even when they are good.
const SLOW: Duration = Duration::from_secs(1);
/// Name of the histogram of answer times.
pub const DURATION: &str = "http_server_request_duration_seconds";
/// Name of the gauge of requests under way.
pub const ACTIVE: &str = "http_server_active_requests";

/// The id of a request, in its extensions.
#[derive(Debug, Clone)]
pub struct RequestId(pub Arc<str>);

/// Facts that are learnt while a request is answered, for its log line.
#[derive(Debug, Default)]
pub(super) struct Facts {
    pub(super) key: OnceLock<Uuid>,
}

/// Where a request stands in its distributed trace (W3C trace context), in its extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceContext {
    /// Written as 32 lower-case hex digits.
    pub trace_id: u128,
    /// The caller's span, when there is one: 16 lower-case hex digits.
    pub parent_id: Option<u64>,
    /// This request's span.
    pub span_id: u64,
    /// Two hex digits; 01 means sampled.
    pub flags: u8,
}

impl TraceContext {
    /// The context of a request with these headers: the caller's trace, or a new one.
    pub fn of(headers: &HeaderMap) -> Self {
        let span_id = rand::random_range(1..=u64::MAX);
        let given = headers.get("traceparent").and_then(|value| value.to_str().ok()).and_then(parse);
        match given {
            Some((trace_id, parent_id, flags)) => {
                Self { trace_id, parent_id: Some(parent_id), span_id, flags }
            }
            None => Self { trace_id: rand::random_range(1..=u128::MAX), parent_id: None, span_id, flags: 1 },
        }
    }

    /// The `traceparent` for calls made on behalf of this request.
    pub fn outgoing(&self) -> String {
        format!("00-{:032x}-{:016x}-{:02x}", self.trace_id, self.span_id, self.flags)
    }
}

/// Trace id, span id and flags of a `traceparent`; nothing when it is not valid.
fn parse(text: &str) -> Option<(u128, u64, u8)> {
    let mut fields = text.split('-');
    let (version, trace, span, flags) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let hex = |text: &str, length| {
        text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    // Later versions may carry more fields; version 00 may not.
    let shaped = hex(version, 2) && hex(trace, 32) && hex(span, 16) && hex(flags, 2);
    let allowed = version != "ff" && (version != "00" || fields.next().is_none());
    if !shaped || !allowed {
        return None;
    }
    let (trace, span) = (u128::from_str_radix(trace, 16).ok()?, u64::from_str_radix(span, 16).ok()?);
    (trace != 0 && span != 0).then_some((trace, span, u8::from_str_radix(flags, 16).ok()?))
}

/// The request id: the caller's, when it is printable and short, else a new one.
fn request_id(headers: &HeaderMap, clock: &Clock) -> Arc<str> {
    let given = headers.get(&REQUEST_ID).and_then(|value| value.to_str().ok());
    let sane = |text: &&str| {
        (1..=REQUEST_ID_MAX).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:/+=".contains(&byte))
    };
    let fresh = || new_id(clock.now()).hyphenated().encode_lower(&mut Uuid::encode_buffer()).into();
    given.filter(sane).map_or_else(fresh, Into::into)
}

/// What sees every request.
pub(super) struct Observer {
    clock: Clock,
    /// Requests under way.
    active: metrics::Gauge,
    durations: Durations,
}

impl Observer {
    /// Measures with the recorder that is there now.
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, active: metrics::gauge!(ACTIVE), durations: Durations::default() }
    }

    /// Answers a request and leaves its traces.
    pub(super) async fn observe<F>(&self, mut request: Request, next: impl FnOnce(Request) -> F) -> Response
    where
        F: Future<Output = Response>,
    {
        let started = Instant::now();
        let id = request_id(request.headers(), &self.clock);
        let trace = TraceContext::of(request.headers());
        let seen = Seen::of(&mut request).await;
        let span = tracing::info_span!(
            "request", request_id = %id, trace_id = %format_args!("{:032x}", trace.trace_id),
            span_id = %format_args!("{:016x}", trace.span_id), parent_id = tracing::field::Empty, method = seen.method,
            route = seen.route()
        );
        if let Some(parent) = trace.parent_id {
            span.record("parent_id", tracing::field::display(format_args!("{parent:016x}")));
        }
        let facts = Arc::new(Facts::default());
        request.extensions_mut().insert(RequestId(Arc::clone(&id)));
        request.extensions_mut().insert(trace);
        request.extensions_mut().insert(Arc::clone(&facts));
        let active = Active::begin(&self.active);
        let response = next(request).instrument(span.clone()).await;
        drop(active);
        span.in_scope(|| {
            let mut response = last_form(response, &id);
            add_headers(response.headers_mut(), &id, seen.route());
            self.durations.record(&seen, response.status(), started.elapsed());
            seen.report(response.status(), started.elapsed(), facts.key.get());
            response
        })
    }
}

/// Counts a request as under way until dropped, which also happens when the caller hangs up.
struct Active<'a>(&'a metrics::Gauge);

impl<'a> Active<'a> {
    fn begin(gauge: &'a metrics::Gauge) -> Self {
        gauge.increment(1.0);
        Self(gauge)
    }
}

impl Drop for Active<'_> {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

/// The histogram of a route's answers to a method that had a status.
type Answered = (&'static str, StatusCode, metrics::Histogram);

/// The histograms of answer times by route, with method and status: found without writing their labels each time.
#[derive(Default)]
struct Durations(RwLock<HashMap<String, Vec<Answered>>>);

impl Durations {
    fn record(&self, seen: &Seen, status: StatusCode, took: Duration) {
        let known = {
            let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
            let of_route = known.get(seen.route()).into_iter().flatten();
            let mut found = of_route.filter(|one| one.0 == seen.method && one.1 == status);
            found.next().map(|(_, _, histogram)| histogram.record(took.as_secs_f64()))
        };
        if known.is_none() {
            let histogram = metrics::histogram!(
                DURATION, "method" => seen.method, "route" => seen.route().to_owned(),
                "status" => status.as_str().to_owned()
            );
            histogram.record(took.as_secs_f64());
            let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
            known.entry(seen.route().to_owned()).or_default().push((seen.method, status, histogram));
        }
    }
}

/// What is known of a request before it is answered.
struct Seen {
    method: &'static str,
    route: Option<MatchedPath>,
    account: Option<String>,
}

impl Seen {
    async fn of(request: &mut Request) -> Self {
        let route = request.extensions().get::<MatchedPath>().cloned();
        let names_account = route.as_ref().is_some_and(|route| route.as_str().contains("{accountId}"));
        let account = if names_account {
            let params = request.extract_parts::<RawPathParams>().await.ok();
            params.and_then(|params| {
                params.iter().find(|(name, _)| *name == "accountId").map(|(_, value)| value.to_owned())
            })
        } else {
            None
        };
        Self { method: known_method(request.method()), route, account }
    }

    /// The template.
    fn route(&self) -> &str {
        self.route.as_ref().map_or("unmatched", MatchedPath::as_str)
    }

    /// The log line.
    fn report(&self, status: StatusCode, elapsed: Duration, key: Option<&Uuid>) {
        let ms = elapsed.as_secs_f64() * 1e3;
        let key = key.map(tracing::field::display);
        let account = self.account.as_deref();
        // The span carries request id, trace, method and route.
        if status.is_server_error() {
            tracing::warn!(target: "access", status = status.as_u16(), ms, key, account, "answered");
        } else if elapsed > SLOW {
            tracing::info!(target: "access", status = status.as_u16(), ms, key, account, "answered slowly");
        } else {
            tracing::debug!(target: "access", status = status.as_u16(), ms, key, account, "answered");
        }
    }
}

/// A method as a label: whatever callers make up is one label, so that they cannot grow the metrics.
fn known_method(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "OTHER",
    }
}

/// Gives an error its request id and logs what only we may see.
fn last_form(mut response: Response, id: &str) -> Response {
    let status = response.status();
    if let Some(Carried(problem)) = response.extensions_mut().remove::<Carried>() {
        if let Some(cause) = problem.cause() {
            if status.is_server_error() {
                tracing::error!(code = problem.code(), cause, "request failed");
            } else {
                tracing::info!(code = problem.code(), cause, "request refused");
            }
        }
        return with_body(response.headers(), &problem, id);
    }
    if (status.is_client_error() || status.is_server_error()) && !is_document(response.headers()) {
        return with_body(response.headers(), &bare(status), id);
    }
    response
}

fn with_body(headers: &HeaderMap, problem: &Problem, id: &str) -> Response {
    let mut headers = headers.clone();
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(problem::MEDIA_TYPE));
    let body = problem.document(Some(id)).to_string();
    let mut answer = (problem.status(), body).into_response();
    *answer.headers_mut() = headers;
    answer
}

/// Whether an error body is meant to be seen as it is: a page, or JSON of another protocol.
fn is_document(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.contains("json") || kind.starts_with("text/html") || kind.starts_with("text/event-stream")
}

/// The problem behind an answer that the router or a layer made.
fn bare(status: StatusCode) -> Problem {
    let (code, detail) = match status {
        StatusCode::NOT_FOUND => ("not_found", "There is nothing at this path; see /docs for what there is."),
        StatusCode::METHOD_NOT_ALLOWED => {
            ("method_not_allowed", "This path does not take this method; see the Allow header.")
        }
        StatusCode::PAYLOAD_TOO_LARGE => return super::extract::too_large(),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            ("unsupported_media_type", "The body has a type or encoding that is not taken here; gzip is.")
        }
        status if status.is_server_error() => return Problem::internal(format!("a bare {status}")),
        _ => ("bad_request", "The request cannot be read."),
    };
    Problem::new(status, code, detail)
}

/// Headers of every answer. What a handler has set itself stays: a page brings its own content policy.
fn add_headers(headers: &mut HeaderMap, id: &str, route: &str) {
    if let Ok(id) = HeaderValue::try_from(id) {
        headers.insert(REQUEST_ID, id);
    }
    let policy = if route.starts_with("/docs") {
        "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'"
    } else {
        "default-src 'none'; frame-ancestors 'none'"
    };
    let usual = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, policy),
    ];
    let of_api = route.starts_with("/v1").then_some((header::CACHE_CONTROL, "no-store"));
    for (name, value) in usual.into_iter().chain(of_api) {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(traceparent: &str) -> TraceContext {
        let mut headers = HeaderMap::new();
        headers.insert("traceparent", traceparent.parse().unwrap());
        TraceContext::of(&headers)
    }

    #[test]
    fn a_valid_trace_goes_on_and_an_invalid_one_is_replaced() {
        let given = context("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
        assert_eq!(given.trace_id, 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c);
        assert_eq!(given.parent_id, Some(0xb7ad_6b71_6920_3331));
        assert_ne!(given.span_id, 0xb7ad_6b71_6920_3331);
        assert!(given.outgoing().starts_with("00-0af7651916cd43dd8448eb211c80319c-"));
        assert_eq!(context("01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00-x").flags, 0);
        for invalid in [
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "",
        ] {
            let fresh = context(invalid);
            assert_eq!(fresh.parent_id, None, "{invalid}");
            assert_eq!(fresh.outgoing().len(), 55);
        }
    }

    #[test]
    fn a_request_id_is_taken_only_when_it_is_sane() {
        let id = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID, text.parse().unwrap());
            request_id(&headers, &Clock::System).to_string()
        };
        assert_eq!(id("abc-123"), "abc-123");
        assert_ne!(id("a b"), "a b");
        assert_ne!(id("<script>"), "<script>");
        assert_ne!(id(&"x".repeat(129)), "x".repeat(129));
    }
}
