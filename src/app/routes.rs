//! The routes of the service, slice by slice, and the document that describes them.

use utoipa_axum::router::OpenApiRouter;

use super::{App, StartError, sandbox};
use crate::platform::http::Platform;
use crate::platform::http::server::{BuildError, Limits, Service, build};
use crate::settings::Settings;
use crate::{
    accounts, connectors, console, designs, handoffs, mcp, motions, plans, platform, programmes, renewals,
};

/// The documented routes of all slices.
fn slices() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(accounts::api::router())
        .merge(motions::api::router())
        .merge(handoffs::api::router())
        .merge(connectors::api::router())
        .merge(plans::api::router())
        .merge(designs::api::router())
        .merge(renewals::api::router())
        .merge(programmes::api::router())
        .merge(platform::outbox::api::router())
        .merge(platform::jobs::api::router())
}

/// Puts the service together: the API, and the tools for AI agents that are made of it.
pub(super) fn service(
    app: App,
    settings: &Settings,
    limits: &Limits,
    in_sandbox: bool,
) -> Result<Service, StartError> {
    let platform: Platform = app.platform.clone();
    let mut routes = slices();
    if in_sandbox {
        routes = routes.merge(sandbox::router());
    }
    let further = connectors::api::further().merge(console::router()).with_state(app.clone());
    let api = build(platform.clone(), routes.with_state(app), further, limits)?;
    Ok(mcp::beside(api, platform, &settings.mcp, &settings.http.bind, limits)?)
}

/// The `OpenAPI` document of the service, without starting anything.
pub fn openapi_document() -> Result<serde_json::Value, BuildError> {
    platform::http::server::document_of(slices())
}
