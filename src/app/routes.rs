//! The routes of the service, slice by slice, and the document that describes them.

use utoipa_axum::router::OpenApiRouter;

use super::{App, sandbox};
use crate::platform::http::Platform;
use crate::platform::http::server::{BuildError, Limits, Service, build};
use crate::{accounts, connectors, handoffs, motions, plans, platform, renewals};

/// The documented routes of all slices.
fn slices() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(accounts::api::router())
        .merge(motions::api::router())
        .merge(handoffs::api::router())
        .merge(connectors::api::router())
        .merge(plans::api::router())
        .merge(renewals::api::router())
        .merge(platform::outbox::api::router())
        .merge(platform::jobs::api::router())
}

/// Puts the service together.
pub(super) fn service(app: App, limits: &Limits, in_sandbox: bool) -> Result<Service, BuildError> {
    let platform: Platform = app.platform.clone();
    let mut routes = slices();
    if in_sandbox {
        routes = routes.merge(sandbox::router());
    }
    let further = connectors::api::further().with_state(app.clone());
    build(platform, routes.with_state(app), further, limits)
}

/// The `OpenAPI` document of the service, without starting anything.
pub fn openapi_document() -> Result<serde_json::Value, BuildError> {
    platform::http::server::document_of(slices())
}
