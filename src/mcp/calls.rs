//! Calls of the service's own API within the process, on behalf of the key that asked for them.
//!
//! Promises: a call passes every layer of the API (scopes, document, limits, idempotency, log) as if it had come over the
//! network, with the caller's key as its actor and the id of the agent's request as its own; a tool makes only the calls that
//! it declares; an answer that is no success is a [`Refusal`] with all that the API said.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, Request, Response, header};
use serde::Serialize;
use serde_json::{Map, Value};
use tower::ServiceExt as _;

use super::schema::Components;
use crate::kernel::clock::DateTime;
use crate::kernel::text::segment;
use crate::platform::http::contract::{SECURITY_SCHEME, TIME_LIMIT};
use crate::platform::http::idempotency;
use crate::platform::http::observe::REQUEST_ID;
use crate::platform::http::{Caller, Fault, Problem, RequestId, Scope, TraceContext};

/// The largest answer that is handed on, in bytes: beyond what the API gives in one page.
const ANSWER_MAX: usize = 16 << 20;

/// What the API's document says of its calls.
#[derive(Debug, Default)]
pub struct Operations {
    by_id: BTreeMap<String, Operation>,
    pub components: Components,
}

/// One call of the API.
#[derive(Debug)]
pub struct Operation {
    method: Method,
    template: String,
    /// One of these will do; none are needed for a public call.
    pub scopes: Vec<Scope>,
    /// The schema of a good answer in JSON.
    pub answer: Option<Value>,
    time_limit: Option<Duration>,
}

impl Operations {
    /// Reads the document.
    pub fn read(document: &Value) -> Self {
        let mut by_id = BTreeMap::new();
        for (template, item) in document["paths"].as_object().into_iter().flatten() {
            for (name, operation) in item.as_object().into_iter().flatten() {
                let method = Method::from_bytes(name.to_ascii_uppercase().as_bytes());
                let (Some(id), Ok(method)) = (operation["operationId"].as_str(), method) else { continue };
                by_id.insert(id.to_owned(), Operation::read(method, template, operation));
            }
        }
        let components = document["components"]["schemas"].as_object().cloned().unwrap_or_default();
        Self { by_id, components }
    }

    pub fn get(&self, id: &str) -> Option<&Operation> {
        self.by_id.get(id)
    }

    /// The longest time that the document gives to a call.
    pub fn longest(&self) -> Option<Duration> {
        self.by_id.values().filter_map(|operation| operation.time_limit).max()
    }
}

impl Operation {
    fn read(method: Method, template: &str, operation: &Value) -> Self {
        let alternatives = operation["security"].as_array().into_iter().flatten();
        let named = alternatives.filter_map(|one| one[SECURITY_SCHEME][0].as_str());
        let good = ["200", "201"].iter().find_map(|status| {
            let schema = &operation["responses"][status]["content"]["application/json"]["schema"];
            (!schema.is_null()).then(|| schema.clone())
        });
        Self {
            method,
            template: template.to_owned(),
            scopes: named.filter_map(Scope::parse).collect(),
            answer: good,
            time_limit: operation[TIME_LIMIT].as_u64().map(Duration::from_secs),
        }
    }
}

/// What the API said instead of doing it: a problem document.
#[derive(Debug, Clone)]
pub struct Refusal(Value);

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        if let Some(cause) = problem.cause() {
            tracing::error!(code = problem.code(), cause, "a tool failed");
        }
        Self(problem.document(None))
    }
}

impl Refusal {
    /// The document, for programs.
    pub fn document(&self) -> &Value {
        &self.0
    }

    pub fn status(&self) -> u64 {
        self.0["status"].as_u64().unwrap_or(500)
    }

    /// What an agent reads: what happened, every fault with its place, what to do.
    pub fn text(&self) -> String {
        let said = |name: &str| self.0[name].as_str().unwrap_or_default();
        let detail = said("detail").replace("; see errors.", ":");
        let mut lines = vec![format!("Not done ({} {}): {detail}", self.status(), said("code"))];
        for fault in self.0["errors"].as_array().into_iter().flatten() {
            let of = |name: &str| fault[name].as_str().unwrap_or_default();
            lines.push(format!("- {}: {}", of("pointer"), of("detail")));
        }
        let usual = ["type", "title", "status", "detail", "code", "requestId", "errors", "requiredScope"];
        for (name, value) in self.0.as_object().into_iter().flatten() {
            if !usual.contains(&name.as_str()) {
                lines.push(format!("{name}: {value}"));
            }
        }
        if said("code") == "scope_missing" {
            lines.push(
                "Ask whoever runs the service for a key with this scope; no other call will help.".to_owned(),
            );
        }
        if !said("requestId").is_empty() {
            lines.push(format!("Request {}.", said("requestId")));
        }
        lines.join("\n")
    }

    /// Faults at the places where a tool takes what the API takes in a query, a path or a header.
    fn relocated(mut self) -> Self {
        for fault in self.0.get_mut("errors").and_then(Value::as_array_mut).into_iter().flatten() {
            let Some(pointer) = fault["pointer"].as_str() else { continue };
            let named = ["query:", "path:"].iter().find_map(|kind| pointer.strip_prefix(kind));
            let named = match pointer {
                "header:Idempotency-Key" => Some("idempotencyKey"),
                _ => named,
            };
            if let Some(name) = named {
                fault["pointer"] = format!("#/{name}").into();
            }
        }
        self
    }
}

/// The API as one request of an agent may use it.
#[derive(Clone)]
pub struct Calls {
    api: Router,
    operations: Arc<Operations>,
    caller: Arc<Caller>,
    request_id: Option<RequestId>,
    trace: Option<TraceContext>,
    declared: &'static [&'static str],
    /// The present, for ages in texts.
    pub now: DateTime,
}

impl Calls {
    pub fn new(api: Router, operations: Arc<Operations>, caller: Arc<Caller>, now: DateTime) -> Self {
        Self { api, operations, caller, request_id: None, trace: None, declared: &[], now }
    }

    /// Goes on under the id and the trace of the agent's request.
    #[must_use]
    pub fn under(mut self, request_id: Option<RequestId>, trace: Option<TraceContext>) -> Self {
        self.request_id = request_id;
        self.trace = trace;
        self
    }

    /// As far as something that declares these calls may use them.
    #[must_use]
    pub fn declaring(mut self, declared: &'static [&'static str]) -> Self {
        self.declared = declared;
        self
    }

    /// A call, to be completed.
    pub fn to(&self, operation: &'static str) -> Call<'_> {
        Call {
            calls: self,
            operation,
            path: Vec::new(),
            tail: None,
            query: Vec::new(),
            body: None,
            accept: None,
            key: None,
            on: None,
        }
    }
}

/// A call in the making.
pub struct Call<'c> {
    calls: &'c Calls,
    operation: &'static str,
    path: Vec<(&'static str, String)>,
    /// Written as it stands in the address.
    tail: Option<(&'static str, String)>,
    query: Vec<(&'static str, String)>,
    body: Option<Value>,
    accept: Option<&'static str>,
    key: Option<String>,
    /// The tag of the state that is changed.
    on: Option<String>,
}

impl Call<'_> {
    /// Fills in a part of the path.
    #[must_use]
    pub fn path(mut self, name: &'static str, value: &impl ToString) -> Self {
        self.path.push((name, value.to_string()));
        self
    }

    /// Fills in the last part of the path, which may have several steps.
    #[must_use]
    pub fn tail(mut self, name: &'static str, value: &str) -> Self {
        self.tail = Some((name, value.split('/').map(segment).collect::<Vec<_>>().join("/")));
        self
    }

    /// Adds a query parameter where there is a value for it, written as the API writes it.
    #[must_use]
    pub fn query(mut self, name: &'static str, value: Option<impl Serialize>) -> Self {
        let written = value.and_then(|value| serde_json::to_value(value).ok());
        let text = written.and_then(|value| match value {
            Value::Null => None,
            Value::String(text) => Some(text),
            other => Some(other.to_string()),
        });
        self.query.extend(text.map(|text| (name, text)));
        self
    }

    /// Sends these fields, without those that are null.
    #[must_use]
    pub fn body(mut self, body: Value) -> Self {
        let given =
            |fields: Map<String, Value>| fields.into_iter().filter(|(_, value)| !value.is_null()).collect();
        self.body = Some(match body {
            Value::Object(fields) => Value::Object(given(fields)),
            other => other,
        });
        self
    }

    /// Asks for the answer in this form.
    #[must_use]
    pub fn accept(mut self, kind: &'static str) -> Self {
        self.accept = Some(kind);
        self
    }

    /// Only looks, or writes once for a key.
    ///
    /// # Errors
    /// When something is to be written without a key: an agent that is unsure whether its call arrived will repeat it.
    pub fn once(mut self, dry_run: bool, key: Option<&str>) -> Result<Self, Refusal> {
        let mut fields = self.body.take().unwrap_or_else(|| Value::Object(Map::new()));
        fields["dryRun"] = dry_run.into();
        self.body = Some(fields);
        match key {
            _ if dry_run => Ok(self),
            Some(key) => {
                self.key = Some(key.to_owned());
                Ok(self)
            }
            None => {
                let detail = "is needed when dryRun is false: give a fresh text, such as a UUID, and the same one when \
                              you repeat the call, so that it is done once";
                Err(Problem::invalid(vec![Fault::new("#/idempotencyKey", detail)]).into())
            }
        }
    }

    /// Changes the state with this tag and no other.
    #[must_use]
    pub fn on(mut self, tag: String) -> Self {
        self.on = Some(tag);
        self
    }

    /// The tag of what is read, if its version, at a JSON pointer, is the one that the agent has seen. Otherwise one that nothing
    /// has: the change is then refused where it is made, unless it is the repeat of one that was made.
    pub async fn seen(self, pointer: &str, version: i32) -> Result<String, Refusal> {
        let (headers, body) = self.send().await?;
        let read: Value = serde_json::from_slice(&body).map_err(Problem::internal)?;
        let tag = headers.get(header::ETAG).and_then(|tag| tag.to_str().ok());
        let tag = tag.filter(|_| read.pointer(pointer) == Some(&version.into()));
        Ok(tag.map_or_else(|| format!("\"version-{version}\""), str::to_owned))
    }

    /// The answer as JSON.
    pub async fn json(self) -> Result<Value, Refusal> {
        let (_, body) = self.send().await?;
        serde_json::from_slice(&body).map_err(|error| Problem::internal(error).into())
    }

    /// The answer as text.
    pub async fn text(self) -> Result<String, Refusal> {
        let (_, body) = self.send().await?;
        String::from_utf8(body.to_vec()).map_err(|error| Problem::internal(error).into())
    }

    async fn send(self) -> Result<(HeaderMap, axum::body::Bytes), Refusal> {
        let calls = self.calls;
        let response = calls.api.clone().oneshot(self.request()?).await;
        let response: Response<Body> = response.unwrap_or_else(|never| match never {});
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, ANSWER_MAX).await.map_err(Problem::internal)?;
        if parts.status.is_success() {
            return Ok((parts.headers, body));
        }
        match serde_json::from_slice(&body) {
            Ok(problem) => Err(Refusal(problem).relocated()),
            Err(error) => {
                Err(Problem::internal(format!("{}: no problem document: {error}", parts.status)).into())
            }
        }
    }

    fn request(self) -> Result<Request<Body>, Refusal> {
        let (calls, id) = (self.calls, self.operation);
        let operation = calls.operations.get(id).filter(|_| calls.declared.contains(&id));
        let operation =
            operation.ok_or_else(|| Problem::internal(format!("the call {id} is not declared")))?;
        let mut address = operation.template.clone();
        for (name, value) in &self.path {
            address = address.replace(&format!("{{{name}}}"), &segment(value));
        }
        if let Some((name, written)) = &self.tail {
            address = address.replace(&format!("{{{name}}}"), written);
        }
        if !self.query.is_empty() {
            let mut query = form_urlencoded::Serializer::new(String::new());
            query.extend_pairs(&self.query);
            address = format!("{address}?{}", query.finish());
        }
        let mut request = Request::builder().method(&operation.method).uri(address);
        let text = |text: &str| HeaderValue::try_from(text).map_err(|_| unsendable());
        if let Some(id) = &calls.request_id {
            request = request.header(REQUEST_ID, text(&id.0)?);
        }
        if let Some(trace) = &calls.trace {
            request = request.header("traceparent", text(&trace.outgoing())?);
        }
        if let Some(key) = &self.key {
            request = request.header(idempotency::HEADER, text(key)?);
        }
        if let Some(tag) = &self.on {
            request = request.header(header::IF_MATCH, text(tag)?);
        }
        if let Some(kind) = self.accept {
            request = request.header(header::ACCEPT, kind);
        }
        let body = match self.body {
            Some(body) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                Body::from(body.to_string())
            }
            None => Body::empty(),
        };
        // The layers find the caller here and ask for no key.
        let request = request.extension(Arc::clone(&calls.caller)).body(body);
        request.map_err(|error| Problem::internal(error).into())
    }
}

/// The one thing that a tool takes and a header cannot hold.
fn unsendable() -> Problem {
    Problem::invalid(vec![Fault::new("#/idempotencyKey", "must be 1 to 255 visible ASCII characters")])
}
