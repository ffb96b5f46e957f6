//! The one shape of an error answer: RFC 9457 problem documents.
//!
//! Promises: every error that leaves the service over HTTP is `application/problem+json` with `type`, `title`,
//! `status`, `detail`, `code`, `requestId` and, for invalid input, `errors`. Public and internal text are apart: what
//! [`Problem::internal`] and [`Problem::because`] are given is logged with the request id and never sent. Leaves out:
//! the request id, which [`super::observe`] fills in because a handler does not know it.

use std::borrow::Cow;
use std::fmt::{self, Display};
use std::sync::Arc;

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// The media type of every error body.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// One fault in the input of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Fault {
    /// Where it is: `#/a/0/b` in a body (JSON pointer), `query:name`, `path:name` or `header:name` elsewhere.
    pub pointer: String,
    /// What is wrong there, in a sentence for the caller.
    pub detail: String,
}

impl Fault {
    /// A fault at `pointer` (see [`Fault::pointer`]).
    pub fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), detail: detail.into() }
    }
}

/// An error answer on the wire, for the `OpenAPI` document.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Problem)]
pub struct ProblemDocument {
    /// Identifies the kind of problem: `urn:gtm:problem:` and the code.
    #[schema(example = "urn:gtm:problem:not_found")]
    pub r#type: String,
    /// The kind of problem in words, the same for every occurrence.
    #[schema(example = "Not found")]
    pub title: String,
    /// The HTTP status.
    #[schema(example = 404, minimum = 400, maximum = 599)]
    pub status: u16,
    /// What happened here, and what to do about it.
    pub detail: String,
    /// Stable name of the kind of problem, for programs.
    #[schema(example = "not_found")]
    pub code: String,
    /// The request, as in the `X-Request-Id` header; name it when you ask for help.
    pub request_id: String,
    /// The faults of the input, all that could be found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub errors: Vec<Fault>,
}

/// An error answer under construction. Small to move: its content is boxed.
#[derive(Debug, Clone)]
pub struct Problem(Box<Content>);

#[derive(Debug, Clone)]
struct Content {
    status: StatusCode,
    code: &'static str,
    detail: Cow<'static, str>,
    errors: Vec<Fault>,
    members: Map<String, Value>,
    headers: Vec<(HeaderName, HeaderValue)>,
    internal: Option<String>,
}

/// The problem behind a response, left in its extensions for the layer that knows the request id.
#[derive(Clone)]
pub(super) struct Carried(pub(super) Arc<Problem>);

impl Problem {
    /// A problem with a stable `code` (`snake_case`) and a sentence for the caller.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Content {
            status,
            code,
            detail: detail.into(),
            errors: Vec::new(),
            members: Map::new(),
            headers: Vec::new(),
            internal: None,
        }))
    }

    /// 400: the request cannot be read at all.
    pub fn bad_request(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// 401 with the challenge that names the scheme.
    pub fn unauthorized(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
            .header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"gtm\""))
    }

    /// 403: the caller is known and may not do this.
    pub fn forbidden(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, detail)
    }

    /// 404: `what` (such as "account") with this id does not exist.
    pub fn not_found(what: &str, id: impl Display) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("There is no {what} {id}."))
    }

    /// 409: the state of things does not allow it.
    pub fn conflict(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    /// 422: readable, and wrong.
    pub fn unprocessable(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail)
    }

    /// 422 `invalid_body` with every fault that was found; the detail counts them.
    pub fn invalid(faults: Vec<Fault>) -> Self {
        let detail = match faults.len() {
            1 => "The request has a fault; see errors.".to_owned(),
            many => format!("The request has {many} faults; see errors."),
        };
        Self::unprocessable("invalid_body", detail).faults(faults)
    }

    /// 429 with the seconds to wait.
    pub fn too_many_requests(detail: impl Into<Cow<'static, str>>, retry_after_seconds: u32) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", detail).retry_after(retry_after_seconds)
    }

    /// 500: our fault. `cause` is logged, never sent.
    pub fn internal(cause: impl Display) -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal_error",
            "The service failed to answer this request; the request id finds the reason in its log.",
        )
        .because(cause)
    }

    /// 503 with the seconds to wait: the same request may succeed later.
    pub fn unavailable(detail: impl Into<Cow<'static, str>>, retry_after_seconds: u32) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail).retry_after(retry_after_seconds)
    }

    /// Adds what only the log may see.
    #[must_use]
    pub fn because(mut self, cause: impl Display) -> Self {
        self.0.internal = Some(cause.to_string());
        self
    }

    /// Adds faults of the input.
    #[must_use]
    pub fn faults(mut self, faults: impl IntoIterator<Item = Fault>) -> Self {
        self.0.errors.extend(faults);
        self
    }

    /// Adds an extension member (camelCase), such as the legal transitions of a refused one. The members that every
    /// problem has cannot be replaced.
    #[must_use]
    pub fn member(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.members.insert(name.to_owned(), value.into());
        self
    }

    /// Adds a response header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    /// Says after how many seconds the caller may try again.
    #[must_use]
    pub fn retry_after(self, seconds: u32) -> Self {
        self.header(header::RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The stable name of the kind of problem.
    pub fn code(&self) -> &'static str {
        self.0.code
    }

    /// The sentence for the caller.
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// The faults of the input.
    pub fn errors(&self) -> &[Fault] {
        &self.0.errors
    }

    /// What only the log may see.
    pub fn cause(&self) -> Option<&str> {
        self.0.internal.as_deref()
    }

    /// The document as it is sent.
    pub fn document(&self, request_id: Option<&str>) -> Value {
        let mut body = self.0.members.clone();
        body.insert("type".into(), format!("urn:gtm:problem:{}", self.0.code).into());
        body.insert("title".into(), title(self.0.code).into());
        body.insert("status".into(), self.0.status.as_u16().into());
        body.insert("detail".into(), self.0.detail.as_ref().into());
        body.insert("code".into(), self.0.code.into());
        if let Some(id) = request_id {
            body.insert("requestId".into(), id.into());
        }
        if !self.0.errors.is_empty() {
            let errors = self.0.errors.iter().map(|fault| {
                let (pointer, detail) = (fault.pointer.as_str(), fault.detail.as_str());
                serde_json::json!({ "pointer": pointer, "detail": detail })
            });
            body.insert("errors".into(), errors.collect());
        }
        Value::Object(body)
    }
}

/// `idempotency_key_reused` → `Idempotency key reused`.
fn title(code: &str) -> String {
    let words = code.replace('_', " ");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

impl Display for Problem {
    /// Both texts: this is for logs, not for callers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.0.status.as_u16(), self.0.code, self.0.detail)?;
        self.0.internal.as_ref().map_or(Ok(()), |cause| write!(f, " ({cause})"))
    }
}

impl std::error::Error for Problem {}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = self.document(None).to_string();
        let mut response = (self.0.status, [(header::CONTENT_TYPE, MEDIA_TYPE)], body).into_response();
        for (name, value) in &self.0.headers {
            response.headers_mut().append(name.clone(), value.clone());
        }
        response.extensions_mut().insert(Carried(Arc::new(self)));
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_has_the_agreed_members_and_no_internal_text() {
        let problem = Problem::invalid(vec![Fault::new("#/a", "is missing")])
            .because("password=hunter2")
            .member("legal", vec!["contact"]);
        let sent = problem.document(Some("req-1"));
        assert_eq!(sent["type"], "urn:gtm:problem:invalid_body");
        assert_eq!(sent["title"], "Invalid body");
        assert_eq!(sent["status"], 422);
        assert_eq!(sent["code"], "invalid_body");
        assert_eq!(sent["requestId"], "req-1");
        assert_eq!(sent["errors"][0]["pointer"], "#/a");
        assert_eq!(sent["legal"][0], "contact");
        assert!(!sent.to_string().contains("hunter2"));
        assert!(problem.to_string().contains("hunter2"), "the log sees it");
    }

    #[test]
    fn a_member_cannot_replace_what_every_problem_has() {
        let sent = Problem::not_found("account", "a1").member("status", 200).document(None);
        assert_eq!(sent["status"], 404);
    }
}
