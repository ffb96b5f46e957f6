//! The published document, enforced: what it says of an operation is checked before the handler runs.
//!
//! Promises: an operation needs the scope that its `security` names, or one of them where it names several alternatives
//! (`security(())` makes it public, no `security` at all keeps the service from starting); a query parameter that the operation does not declare is
//! refused; `Idempotency-Key` counts where it is declared and nowhere else; `x-timeout-seconds` replaces the time
//! limit. A route below `/v1` that is not in the document answers 500, so none can go undocumented.
//! Leaves out: bodies and the values of parameters, which the readers of [`super::extract`] check.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{MatchedPath, Request};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::auth::{self, Scope};
use super::platform::Platform;
use super::problem::{Fault, Problem};
use super::{extract, idempotency};
use crate::kernel::text::nearest;

/// Name of the security scheme in the document.
pub const SECURITY_SCHEME: &str = "api_key";
/// Name of the extension that gives an operation a time limit of its own, in seconds.
pub const TIME_LIMIT: &str = "x-timeout-seconds";

/// What the document says of each operation.
#[derive(Debug, Default)]
pub struct Contract {
    operations: HashMap<String, HashMap<Method, Operation>>,
}

#[derive(Debug)]
struct Operation {
    access: Access,
    query: Vec<String>,
    idempotent: bool,
    time_limit: Option<Duration>,
}

#[derive(Debug, PartialEq, Eq)]
enum Access {
    Public,
    /// One of these.
    Scopes(Vec<Scope>),
}

/// Operations of the document that cannot be enforced; one line each.
#[derive(Debug, thiserror::Error)]
#[error("the OpenAPI document cannot be enforced:\n{}", .0.join("\n"))]
pub struct ContractFaults(pub Vec<String>);

impl Contract {
    /// Reads the document.
    ///
    /// # Errors
    /// Every operation that does not say who may call it, or says it in a way that cannot be enforced.
    pub fn read(document: &Value) -> Result<Self, ContractFaults> {
        let (mut operations, mut faults) = (HashMap::<_, HashMap<_, _>>::new(), Vec::new());
        for (path, item) in document["paths"].as_object().into_iter().flatten() {
            for (name, operation) in item.as_object().into_iter().flatten() {
                let Some(method) = method(name) else { continue };
                match Operation::read(operation) {
                    Ok(operation) => {
                        drop(
                            operations
                                .entry(written(path).into_owned())
                                .or_default()
                                .insert(method, operation),
                        );
                    }
                    Err(fault) => faults.push(format!("{method} {path}: {fault}")),
                }
            }
        }
        if faults.is_empty() { Ok(Self { operations }) } else { Err(ContractFaults(faults)) }
    }

    fn operation(&self, template: &str, method: &Method) -> Option<&Operation> {
        let operations = self.operations.get(written(template).as_ref())?;
        // A GET handler answers HEAD too.
        operations.get(method).or_else(|| operations.get(&Method::GET).filter(|_| method == Method::HEAD))
    }

    /// The time limit that the document gives to the operation behind a request.
    pub(super) fn time_limit(&self, request: &Request) -> Option<Duration> {
        let template = request.extensions().get::<MatchedPath>()?;
        self.operation(template.as_str(), request.method())?.time_limit
    }
}

/// A path as documents write it: one whose last part takes the rest of the address, slashes included, says so to the router
/// only.
pub(super) fn written(path: &str) -> Cow<'_, str> {
    if path.contains("{*") { path.replace("{*", "{").into() } else { path.into() }
}

fn method(name: &str) -> Option<Method> {
    ["get", "put", "post", "delete", "patch", "head", "options"]
        .contains(&name)
        .then(|| Method::from_bytes(name.to_ascii_uppercase().as_bytes()).ok())?
}

impl Operation {
    fn read(operation: &Value) -> Result<Self, String> {
        let parameters = || operation["parameters"].as_array().into_iter().flatten();
        let named = |kind: &'static str| {
            parameters().filter(move |one| one["in"] == kind).filter_map(|one| one["name"].as_str())
        };
        Ok(Self {
            access: Access::read(&operation["security"])?,
            query: named("query").map(str::to_owned).collect(),
            idempotent: named("header").any(|name| name.eq_ignore_ascii_case(idempotency::HEADER)),
            time_limit: operation[TIME_LIMIT].as_u64().map(Duration::from_secs),
        })
    }

    /// Refuses parameters that the document does not know.
    fn check_query(&self, pairs: &[(String, String)]) -> Result<(), Problem> {
        let unknown = pairs.iter().filter(|(name, _)| !self.query.contains(name));
        let faults: Vec<_> = unknown
            .map(|(name, _)| {
                let hint = nearest(name, self.query.iter().map(String::as_str));
                let hint = hint.map_or_else(String::new, |near| format!("; did you mean {near}?"));
                Fault::new(format!("query:{name}"), format!("unknown parameter{hint}"))
            })
            .collect();
        if faults.is_empty() { Ok(()) } else { Err(extract::invalid_query(faults)) }
    }
}

impl Access {
    fn read(security: &Value) -> Result<Self, String> {
        let none =
            "says nothing of security; write security((\"api_key\" = [\"…\"])) or security(()) if public";
        let alternatives = security.as_array().filter(|list| !list.is_empty()).ok_or(none)?;
        if let [only] = alternatives.as_slice()
            && only.as_object().ok_or(none)?.is_empty()
        {
            return Ok(Self::Public);
        }
        alternatives.iter().map(Self::scope).collect::<Result<_, _>>().map(Self::Scopes)
    }

    fn scope(requirement: &Value) -> Result<Scope, String> {
        match requirement[SECURITY_SCHEME].as_array().map(Vec::as_slice) {
            Some([scope]) => {
                let name = scope.as_str().unwrap_or_default();
                Scope::parse(name).ok_or_else(|| Scope::unknown(name))
            }
            _ => Err(format!("must name one scope of {SECURITY_SCHEME} in each of its alternatives")),
        }
    }
}

/// What [`enforce`] works with.
pub(super) struct Enforcer {
    pub(super) platform: Platform,
    pub(super) contract: Arc<Contract>,
}

/// Checks a request against the document and hands it on.
pub(super) async fn enforce(enforcer: &Enforcer, request: Request, next: Next) -> Response {
    let Some(template) = request.extensions().get::<MatchedPath>().cloned() else {
        return next.run(request).await;
    };
    let known = enforcer.contract.operations.contains_key(written(template.as_str()).as_ref());
    match enforcer.contract.operation(template.as_str(), request.method()) {
        Some(operation) => {
            admit(&enforcer.platform, operation, template.as_str(), request, next).await.into_response()
        }
        // The router answers a method that the path does not have with 405.
        None if known || !template.as_str().starts_with("/v1") => next.run(request).await,
        None => Problem::internal(format!("route {} is not in the OpenAPI document", template.as_str()))
            .into_response(),
    }
}

async fn admit(
    platform: &Platform,
    operation: &Operation,
    template: &str,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let (mut parts, body) = request.into_parts();
    let mut caller = None;
    if let Access::Scopes(scopes) = &operation.access {
        let found = auth::identify(&mut parts, platform).await?;
        found.require(scopes)?;
        caller = Some(found);
    }
    operation.check_query(&extract::pairs(&parts)?)?;
    let request = Request::from_parts(parts, body);
    match caller.filter(|_| operation.idempotent) {
        Some(caller) => idempotency::answer(platform, &caller, template, request, next).await,
        None => Ok(next.run(request).await),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_operation_without_a_word_on_security_cannot_be_served() {
        let document = json!({ "paths": {
            "/v1/a": { "get": { "security": [{ "api_key": ["events:write"] }] } },
            "/v1/b": { "get": {}, "post": { "security": [{ "api_key": ["event:write"] }] } },
            "/v1/c": { "get": { "security": [{}] }, "put": { "security": [{ "api_key": [] }] } },
            "/v1/d": { "get": { "security": [{ "api_key": ["admin"] }, {}] } },
            "/v1/e": { "get": { "security": [{ "api_key": ["admin"] }, { "api_key": ["events:write"] }] } },
        }});
        let faults = Contract::read(&document).unwrap_err().0;
        assert_eq!(faults.len(), 4, "{faults:?}");
        assert!(faults.iter().any(|fault| fault.contains("POST /v1/b") && fault.contains("events:write")));
    }
}
