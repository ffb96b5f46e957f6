//! The bounds of a request: how long it may take, and that a panic stays its own.
//!
//! Promises: a handler that panics answers 500 and takes nothing else down; one that takes too long is dropped, which
//! rolls its transaction back unless that was just being committed, and answers 503. Leaves out: streams, of which
//! only the beginning is bounded; requests under an `Idempotency-Key`, which run on to their own limit.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;

use super::contract::Contract;
use super::problem::Problem;
use crate::platform::lifecycle::said;

/// What [`guard`] works with.
#[derive(Clone)]
pub(super) struct Bounds {
    pub(super) contract: Arc<Contract>,
    pub(super) time_limit: Duration,
}

/// Answers within the bounds.
pub(super) async fn guard<F>(bounds: &Bounds, request: Request, next: impl FnOnce(Request) -> F) -> Response
where
    F: Future<Output = Response>,
{
    let limit = bounds.contract.time_limit(&request).unwrap_or(bounds.time_limit);
    let answer = AssertUnwindSafe(next(request)).catch_unwind();
    match tokio::time::timeout(limit, answer).await {
        Ok(Ok(response)) => response,
        Ok(Err(panic)) => Problem::internal(format!("panicked: {}", said(&*panic))).into_response(),
        Err(_) => Problem::new(
            axum::http::StatusCode::SERVICE_UNAVAILABLE,
            "timeout",
            "The answer took too long and was given up. Whether it was done is not known: repeat a creating call under \
             the same Idempotency-Key, or look first.",
        )
        .retry_after(5)
        .because(format!("no answer within {limit:?}"))
        .into_response(),
    }
}
