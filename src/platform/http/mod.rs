//! The HTTP surface: what all slices share when they answer requests.
//!
//! A handler is written with the readers of [`extract`] and [`paging`], asks for its scope by [`auth::Scoped`], fails
//! with a [`Problem`], and is registered on a `utoipa_axum::router::OpenApiRouter`. [`server::build`] turns such a
//! router into the service: what the `OpenAPI` document says of an operation (scopes, query parameters,
//! `Idempotency-Key`, time limit) is what the layers enforce, so document and behaviour cannot part.
//!
//! Reading order: [`problem`], [`extract`], [`auth`], [`contract`], [`observe`], [`server`].

pub mod auth;
pub mod contract;
pub mod database;
pub mod etag;
pub mod extract;
mod guard;
pub mod idempotency;
pub mod observe;
pub mod openapi;
pub mod ops;
pub mod paging;
mod platform;
pub mod problem;
pub mod server;
#[cfg(test)]
mod tests;

pub use auth::{Caller, Either, Known, Scope, Scoped, scope};
pub use database::Constraint;
pub use etag::{ETag, Precondition, Tagged};
pub use extract::{Created, Delivered, Json, Path, Query, RawBody};
pub use idempotency::{Claim, IdempotencyParams};
pub use observe::{RequestId, TraceContext};
pub use ops::{Health, Heartbeat};
pub use paging::{NoFilter, Page, PageParams, PageRequest, Paged};
pub use platform::Platform;
pub use problem::{Fault, Problem, ProblemDocument};
