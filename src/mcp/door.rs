//! The way in: who calls, from where, and how trouble of the transport is told.
//!
//! Promises: nobody gets past without a live key, which goes no further than this (no log can hold it); a page of a browser
//! from elsewhere, and a name of this machine that it was tricked into, are refused; every refusal of the transport is a
//! problem document as everywhere else.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{FromRef, Request, State};
use axum::http::{StatusCode, header};
use axum::response::Response;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};

use super::McpSettings;
use super::server::{Agents, Catalogue};
use crate::platform::http::{Known, Platform, Problem};

/// Names of this machine that only this machine can mean.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];
/// The longest text of the transport that is handed on, in bytes.
const TEXT_MAX: usize = 1 << 16;

/// What the way in works with.
#[derive(Clone)]
pub struct Door {
    platform: Platform,
    transport: StreamableHttpService<Agents, NeverSessionManager>,
}

impl FromRef<Door> for Platform {
    fn from_ref(door: &Door) -> Self {
        door.platform.clone()
    }
}

impl Door {
    pub fn new(
        platform: Platform,
        api: Router,
        catalogue: Arc<Catalogue>,
        settings: &McpSettings,
        bind: &str,
        body_bytes: usize,
    ) -> Self {
        let agents = Agents { api, catalogue, clock: platform.clock.clone() };
        let config = StreamableHttpServerConfig::default()
            .with_legacy_session_mode(false)
            .with_json_response(true)
            .with_allowed_hosts(hosts(settings, bind))
            .with_allowed_origins(origins(settings))
            .enforce_origin_validation()
            .with_max_request_body_bytes(body_bytes);
        let sessions = Arc::new(NeverSessionManager::default());
        Self { platform, transport: StreamableHttpService::new(move || Ok(agents.clone()), sessions, config) }
    }
}

/// The names under which the service may be called: this machine's, the one it listens on, those of the settings.
fn hosts(settings: &McpSettings, bind: &str) -> Vec<String> {
    let bound = bind.rsplit_once(':').map_or(bind, |(host, _)| host);
    let names = LOOPBACK.into_iter().chain([bound]).map(str::to_owned);
    names.chain(settings.allowed_hosts.iter().cloned()).collect()
}

/// The pages that may call: this machine's, and those of the settings.
fn origins(settings: &McpSettings) -> Vec<String> {
    let own = LOOPBACK.iter().flat_map(|host| [format!("http://{host}:*"), format!("https://{host}:*")]);
    // Without a port an origin has the one of its scheme, which the transport wants to hear.
    let given = settings.allowed_origins.iter().map(|origin| match origin.split_once("://") {
        Some(("http", host)) if !host.contains(':') => format!("{origin}:80"),
        Some(("https", host)) if !host.contains(':') => format!("{origin}:443"),
        _ => origin.clone(),
    });
    own.chain(given).collect()
}

/// Answers a request of the protocol.
pub async fn answer(
    State(door): State<Door>,
    Known(_): Known,
    mut request: Request,
) -> Result<Response, Problem> {
    // The key has done its work, and what comes next writes requests into the log when it is asked to.
    request.headers_mut().remove(header::AUTHORIZATION);
    let response = door.transport.handle(request).await.map(Body::new);
    if response.status().is_success() || is_json(&response) {
        return Ok(response);
    }
    let status = response.status();
    if status == StatusCode::METHOD_NOT_ALLOWED {
        return Ok(response);
    }
    let text = axum::body::to_bytes(response.into_body(), TEXT_MAX).await.unwrap_or_default();
    Err(worded(status, &String::from_utf8_lossy(&text)))
}

fn is_json(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("application/json"))
}

/// What the transport said, as a problem that says what to do.
fn worded(status: StatusCode, text: &str) -> Problem {
    let text = text.trim().trim_end_matches('.').to_owned();
    match status {
        StatusCode::FORBIDDEN => Problem::forbidden(
            "host_or_origin_not_allowed",
            format!(
                "{text}. Only this machine's own names are known: add the name that clients use to the setting \
                 mcp.allowed_hosts, and pages that call from a browser to mcp.allowed_origins."
            ),
        ),
        StatusCode::UNSUPPORTED_MEDIA_TYPE if text.contains("deserialize") => Problem::bad_request(
            "malformed_json",
            "The body is no single JSON-RPC 2.0 message of the Model Context Protocol.",
        )
        .because(text),
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new(
            status,
            "body_too_large",
            "The message is larger than this service takes (setting http.body_limit_bytes).",
        ),
        status if status.is_server_error() => Problem::internal(text),
        status => Problem::new(status, "mcp_request", format!("{text}.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_and_the_settings_are_known() {
        let settings = McpSettings {
            allowed_hosts: vec!["gtm.example.com".into()],
            allowed_origins: vec!["https://app.example".into(), "https://b.example:8443".into()],
        };
        let hosts = hosts(&settings, "10.0.0.5:8080");
        assert!(
            ["localhost", "10.0.0.5", "gtm.example.com"]
                .iter()
                .all(|host| hosts.contains(&(*host).to_owned()))
        );
        let origins = origins(&settings);
        assert!(origins.contains(&"https://app.example:443".to_owned()), "{origins:?}");
        assert!(origins.contains(&"https://b.example:8443".to_owned()), "{origins:?}");
    }

    #[test]
    fn a_refusal_names_the_setting() {
        let refusal = worded(StatusCode::FORBIDDEN, "Forbidden: Host header is not allowed");
        assert!(refusal.detail().contains("mcp.allowed_hosts"), "{refusal}");
        assert_eq!(worded(StatusCode::NOT_ACCEPTABLE, "Not Acceptable: x").detail(), "Not Acceptable: x.");
    }
}
