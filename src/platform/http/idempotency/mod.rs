//! `Idempotency-Key`: a creating POST that is sent twice creates once.
//!
//! An operation takes the header by declaring it (`params(IdempotencyParams)`); the layer in [`super::contract`] then
//! does the rest. Keys are separate per API key and route.
//!
//! Promises: the same key and request (path, query, body) get the stored answer for [`KEPT`], marked
//! `Idempotency-Replayed: true`; another request under the same key is 422 `idempotency_key_reused`; a repeat while the
//! first still runs is 409 `idempotency_in_progress`. Only success is stored: a refused request changed nothing and
//! may be repeated, corrected, under the same key. The request runs to its end even when the caller hangs up, so the
//! repeat finds an answer. A crash blocks a key no longer than [`LEASE`].
//!
//! A crash between the handler's commit and the storing of its answer would let a repeat create again. A handler that
//! must not, takes [`Claim`] and stores its answer in its own transaction with [`Claim::keep`].
//!
//! Owns the table `idempotency_key`.

mod store;
#[cfg(test)]
mod tests;

pub use store::{HeldAnswer, held, rewrite};

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, FromRequestParts, OptionalFromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use chrono::TimeDelta;
use futures_util::FutureExt;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sqlx::{PgConnection, PgPool};
use tracing::Instrument;
use utoipa::IntoParams;
use uuid::Uuid;

use super::auth::Caller;
use super::extract;
use super::platform::Platform;
use super::problem::{Fault, Problem};
use crate::kernel::clock::DateTime;
use crate::kernel::ids::new_id;
use crate::kernel::json::Hash;
use crate::platform::lifecycle::said;

/// The header.
pub const HEADER: &str = "Idempotency-Key";
/// The header of an answer that was given before.
pub const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// For how long an answer is kept.
pub const KEPT: TimeDelta = TimeDelta::hours(24);
/// How long a request may hold a key: longer than it may run, see [`RUN_MAX`].
pub const LEASE: Duration = Duration::from_secs(90);
/// How long a request under a key may run, whether its caller still waits or not.
const RUN_MAX: Duration = Duration::from_secs(75);
/// Longest key.
const KEY_MAX: usize = 255;
/// Largest answer that is stored, in bytes.
const ANSWER_MAX: usize = 16 << 20;
/// Headers that are stored with an answer.
const HEADERS_KEPT: [HeaderName; 3] = [header::CONTENT_TYPE, header::LOCATION, header::ETAG];

/// The header of creating operations, for the `OpenAPI` document. Declaring it switches it on.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Header)]
pub struct IdempotencyParams {
    /// Any text of 1–255 visible characters, best a fresh UUID. The same key and body give the same answer for
    /// 24 hours; the same key with another body is refused.
    #[serde(rename = "Idempotency-Key")]
    #[param(min_length = 1, max_length = 255, pattern = "^[!-~]+$")]
    pub idempotency_key: Option<String>,
}

/// The key of one request, and the token that shows who works on it.
#[derive(Debug, Clone)]
struct Slot {
    api_key: Uuid,
    route: String,
    key: String,
    fingerprint: Hash,
    lease: Uuid,
}

/// An answer as it is stored.
struct StoredAnswer {
    status: i16,
    headers: serde_json::Value,
    body: Bytes,
}

/// The right of a handler to store its own answer, inside its own transaction. Taken as `Option<Claim>`; `None` when
/// the request came without a key.
#[derive(Debug, Clone)]
pub struct Claim(Slot);

impl Claim {
    /// Stores the answer with what it tells of: commit both, and a repeat finds it whatever happens to this process.
    ///
    /// # Errors
    /// 409 when the lease was lost to a later request (this one took too long); roll back then.
    pub async fn keep(
        &self,
        conn: &mut PgConnection,
        status: StatusCode,
        body: &(impl Serialize + Sync),
    ) -> Result<(), Problem> {
        let body = serde_json::to_vec(body)
            .map_err(|error| Problem::internal(format!("cannot write the answer: {error}")))?;
        let headers = serde_json::json!({ "content-type": "application/json" });
        let answer = StoredAnswer { status: code_of(status), headers, body: body.into() };
        if store::keep(conn, &self.0, &answer).await? { Ok(()) } else { Err(in_progress()) }
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for Claim {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Option<Self>, Problem> {
        Ok(parts.extensions.get::<Self>().cloned())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Claim {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| {
            Problem::bad_request("idempotency_key_missing", "This call needs an Idempotency-Key header.")
        })
    }
}

/// Answers a request to an operation that takes the header.
pub(super) async fn answer(
    platform: &Platform,
    caller: &Caller,
    route: &str,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let Some(key) = key_of(request.headers())? else {
        return Ok(next.run(request).await);
    };
    let (mut parts, body) = request.into_parts();
    let body = take_in(&parts, body).await?;
    let slot = Slot {
        api_key: caller.key_id,
        route: format!("{} {route}", parts.method),
        key,
        fingerprint: fingerprint(&parts, &body),
        lease: new_id(platform.clock.now()),
    };
    if let Some(stored) = claim(platform, &slot).await? {
        return Ok(stored);
    }
    parts.extensions.insert(Claim(slot.clone()));
    let request = Request::from_parts(parts, Body::from(body));
    let pool = platform.pool.clone();
    let work = run(pool, slot, request, next).in_current_span();
    match platform.life.run(work).await {
        Ok(Some(response)) => response,
        Ok(None) => Err(Problem::unavailable("The service is stopping; try again shortly.", 5)),
        Err(panic) => Err(Problem::internal(format!("panicked under an idempotency key: {panic}"))),
    }
}

/// Reads the body, which the fingerprint needs, within the limit that the layers have set on the request.
async fn take_in(parts: &Parts, body: Body) -> Result<Bytes, Problem> {
    let request = Request::from_parts(parts.clone(), body);
    Bytes::from_request(request, &()).await.map_err(|rejection| extract::unread_body(&rejection))
}

/// The key of a request. The quotes of a structured field are taken off, so both spellings mean one key.
fn key_of(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut values = headers.get_all(HEADER).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let text = value.to_str().unwrap_or_default();
    let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    let sane = (1..=KEY_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    if !sane || values.next().is_some() {
        return Err(Problem::bad_request("invalid_idempotency_key", "The Idempotency-Key cannot be used.")
            .faults([Fault::new(
                format!("header:{HEADER}"),
                "must be given once, with 1 to 255 visible characters",
            )]));
    }
    Ok(Some(text.to_owned()))
}

/// What makes two requests the same.
fn fingerprint(parts: &Parts, body: &[u8]) -> Hash {
    let mut hash = Sha256::new();
    for part in [parts.uri.path().as_bytes(), parts.uri.query().unwrap_or_default().as_bytes()] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.update(body);
    hash.finalize().into()
}

/// Takes the key, or gives the stored answer.
async fn claim(platform: &Platform, slot: &Slot) -> Result<Option<Response>, Problem> {
    let now = platform.clock.now();
    let found = store::claim(&platform.pool, slot, now, now + KEPT, LEASE.as_secs_f64()).await?;
    let Some(found) = found else { return Err(in_progress()) };
    if found.ours {
        return Ok(None);
    }
    if found.fingerprint != slot.fingerprint {
        let detail =
            "This Idempotency-Key was used with another request; take a fresh key for a new request.";
        return Err(Problem::unprocessable("idempotency_key_reused", detail));
    }
    match (found.status, found.headers, found.body) {
        (Some(status), Some(headers), Some(body)) => Ok(Some(replay(status, &headers, body)?)),
        _ => Err(in_progress()),
    }
}

fn in_progress() -> Problem {
    let detail = "A request with this Idempotency-Key is still running; ask again shortly for its answer.";
    Problem::conflict("idempotency_in_progress", detail).retry_after(1)
}

fn replay(status: i16, headers: &serde_json::Value, body: Vec<u8>) -> Result<Response, Problem> {
    let status = u16::try_from(status).ok().and_then(|code| StatusCode::from_u16(code).ok());
    let status = status.ok_or_else(|| Problem::internal("a stored answer without a status"))?;
    let mut response = (status, body).into_response();
    response.headers_mut().remove(header::CONTENT_TYPE);
    for (name, value) in headers.as_object().into_iter().flatten() {
        let value = value.as_str().and_then(|text| HeaderValue::from_str(text).ok());
        if let (Ok(name), Some(value)) = (HeaderName::try_from(name), value) {
            response.headers_mut().insert(name, value);
        }
    }
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    Ok(response)
}

/// Runs the request that holds the key, and stores its answer or frees the key.
async fn run(pool: PgPool, slot: Slot, request: Request, next: Next) -> Result<Response, Problem> {
    let work = AssertUnwindSafe(next.run(request)).catch_unwind();
    let response = match tokio::time::timeout(RUN_MAX, work).await {
        Ok(Ok(response)) if response.status().is_success() => response,
        failed => {
            // Nothing was committed, or `Claim::keep` has stored the answer, which this leaves alone.
            release(&pool, &slot).await;
            return match failed {
                Ok(Ok(refused)) => Ok(refused),
                Ok(Err(panic)) => Err(Problem::internal(format!("panicked: {}", said(&*panic)))),
                Err(_) => {
                    Err(Problem::unavailable("The request took too long and was given up; try again.", 5))
                }
            };
        }
    };
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, ANSWER_MAX)
        .await
        .map_err(|error| Problem::internal(format!("an answer too large to be repeated: {error}")))?;
    let answer =
        StoredAnswer { status: code_of(parts.status), headers: kept(&parts.headers), body: body.clone() };
    let stored = match pool.acquire().await {
        Ok(mut conn) => store::keep(&mut conn, &slot, &answer).await.map(drop),
        Err(error) => Err(error),
    };
    if let Err(error) = stored {
        // What was asked for is done; refusing it now would be a lie. Only a repeat would not know.
        tracing::error!(%error, route = slot.route, "an answer could not be stored under its idempotency key");
    }
    Ok(Response::from_parts(parts, Body::from(body)))
}

async fn release(pool: &PgPool, slot: &Slot) {
    if let Err(error) = store::release(pool, slot).await {
        tracing::warn!(%error, "an idempotency key stays taken until its lease runs out");
    }
}

fn kept(headers: &HeaderMap) -> serde_json::Value {
    let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    HEADERS_KEPT.iter().filter_map(|name| text(name).map(|value| (name.to_string(), value))).collect()
}

#[expect(clippy::cast_possible_wrap, reason = "a status has three digits")]
fn code_of(status: StatusCode) -> i16 {
    status.as_u16() as i16
}

/// Forgets answers whose day is over, up to 5000; the number forgotten. For a worker, hourly.
pub async fn purge(pool: &PgPool, now: DateTime) -> Result<u64, sqlx::Error> {
    store::purge(pool, now).await
}
