//! The same commands as tools for AI agents: the Model Context Protocol at `/mcp`.
//!
//! A tool is a call of the published API that the process makes to itself, on behalf of the key that the agent came with
//! ([`calls`]). Hence scopes, faults, dry runs, idempotency keys, limits, the log and the audit log are those of the API,
//! because it is the API that answers; what an agent cannot do over HTTP it cannot do here. This part adds what an agent
//! needs and a program does not: descriptions for somebody who has never seen the service ([`tool`]), answers short enough to
//! be read ([`tools`]), documents to be looked at ([`resources`]), beginnings of a conversation ([`prompts`]).
//!
//! Promises: both ways of the protocol, with an opening handshake (the revisions of 2025) and without (2026-07-28), without
//! sessions, so that any replica answers any request; a tool that writes writes only when `dryRun` is false, and then once
//! for its idempotency key; a tool whose scope the key lacks is not offered, and named with the scope when it is called all
//! the same. Nothing here touches the database or a slice's commands.
//!
//! Leaves out: what a server may ask of its client (sampling, elicitation, roots), subscriptions, tasks of the protocol,
//! OAuth: a key of the API is what proves an agent.

mod calls;
mod door;
mod prompts;
mod resources;
mod schema;
mod server;
mod tool;
mod tools;
mod words;

use std::sync::Arc;

use axum::Router;
use serde::Deserialize;

use crate::platform::http::Platform;
use crate::platform::http::server::{Limits, Service};
use calls::Operations;
use server::Catalogue;

/// Where the protocol is spoken.
pub const PATH: &str = "/mcp";

/// Who may reach the tools from where.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct McpSettings {
    pub allowed_hosts: Vec<String>,
    pub allowed_origins: Vec<String>,
}

/// Why the tools cannot be offered.
#[derive(Debug, thiserror::Error)]
#[error("the tools for AI agents do not fit the API:\n{}", .0.join("\n"))]
pub struct McpError(pub Vec<String>);

/// The service with the tools for agents beside its API.
///
/// # Errors
/// When a tool, resource or prompt names a call that the API does not have.
pub fn beside(
    service: Service,
    platform: Platform,
    settings: &McpSettings,
    bind: &str,
    limits: &Limits,
) -> Result<Service, McpError> {
    let operations = Operations::read(&service.document);
    // A tool makes a few calls, one of which may be a long one; each has its own limit.
    let answer = operations.longest().unwrap_or_default() + 2 * limits.answer;
    let catalogue = Arc::new(Catalogue::new(operations)?);
    let door =
        door::Door::new(platform, service.router.clone(), catalogue, settings, bind, limits.body_bytes);
    let further = Router::new().route(PATH, axum::routing::any(door::answer)).with_state(door);
    Ok(service.and(further, answer))
}

/// A line of the documentation: a tool, a resource or a prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub name: String,
    pub summary: String,
    /// The scopes that it needs.
    pub scopes: Vec<&'static str>,
    /// Whether it can change something.
    pub writes: bool,
    /// What it takes: names, those that are required with a star.
    pub takes: Vec<String>,
}

/// Everything that is offered over a service with this `OpenAPI` document: tools, resources, prompts.
///
/// # Errors
/// When something names a call that the document does not have.
pub fn listed(document: &serde_json::Value) -> Result<[Vec<Listed>; 3], McpError> {
    Ok(Catalogue::new(Operations::read(document))?.listed())
}
