//! Readers of requests whose refusals are problem documents, and the JSON answer.
//!
//! Promises: a body or query that cannot be taken is answered with every fault that can be found, each with its place
//! and, for a slip of the pen, the likely name. Unknown query parameters are always refused (400); unknown body fields
//! are refused (422) where the type says `#[serde(deny_unknown_fields)]`, which every request type does. Leaves out:
//! size and encoding of bodies, which the layers bound.

mod faults;
mod loose;
#[cfg(test)]
mod tests;

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::problem::{Fault, Problem};

/// A JSON body: of a request when extracted, of an answer when returned.
#[derive(Debug, Clone, Copy, Default)]
pub struct Json<T>(pub T);

/// A body as it came, for a handler that reads it itself: a file, or one that may be absent.
#[derive(Debug, Clone)]
pub struct RawBody(pub Bytes);

/// A body as it came with the headers that came with it: what both say is read together.
#[derive(Debug)]
pub struct Delivered {
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// Query parameters. For lists see [`super::paging::Paged`], which adds `limit` and `cursor`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Query<T>(pub T);

/// Path parameters: one value, or a tuple or struct of several.
#[derive(Debug, Clone, Copy)]
pub struct Path<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "The body must be JSON: send Content-Type: application/json.",
            ));
        }
        let body = Bytes::from_request(request, state).await.map_err(|rejection| unread_body(&rejection))?;
        parse(&body).map(Self)
    }
}

impl<S: Send + Sync> FromRequest<S> for RawBody {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        Bytes::from_request(request, state).await.map(Self).map_err(|rejection| unread_body(&rejection))
    }
}

impl<S: Send + Sync> FromRequest<S> for Delivered {
    type Rejection = Problem;

    async fn from_request(mut request: Request, state: &S) -> Result<Self, Problem> {
        let headers = std::mem::take(request.headers_mut());
        let RawBody(body) = RawBody::from_request(request, state).await?;
        Ok(Self { headers, body })
    }
}

/// Reads a JSON body from bytes already in hand, with the same answers as [`Json`]: 400 `malformed_json` for what is
/// no JSON, 422 `invalid_body` with all faults for what is the wrong JSON.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let error = match serde_path_to_error::deserialize(&mut reader) {
        Ok(value) => match reader.end() {
            Ok(()) => return Ok(value),
            Err(error) => return Err(malformed(&error)),
        },
        Err(error) => error,
    };
    if !error.inner().is_data() {
        return Err(malformed(error.inner()));
    }
    let first = error.inner().to_string();
    let tree: Value = serde_json::from_slice(body).map_err(|error| malformed(&error))?;
    match faults::read::<T>(tree, body.len(), |value| serde_path_to_error::deserialize(value), body_pointer) {
        Err(faults) => Err(Problem::invalid(faults)),
        // The tree can be read and the text cannot: a field given twice, which the tree has lost.
        Ok(_) => Err(Problem::invalid(vec![Fault::new("#", first)])),
    }
}

fn malformed(error: &serde_json::Error) -> Problem {
    Problem::bad_request("malformed_json", format!("The body is not JSON: {error}."))
}

/// Why a body could not be taken in.
pub(super) fn unread_body(rejection: &BytesRejection) -> Problem {
    match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => too_large(),
        _ => Problem::bad_request("unreadable_body", "The body ended early or its encoding is broken.")
            .because(rejection.body_text()),
    }
}

/// 413, said of the size after decompression.
pub(super) fn too_large() -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "body_too_large",
        "The body is larger than this service takes (measured after decompression); send it in parts.",
    )
}

/// `application/json` or any `+json` type.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(kind) = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()) else {
        return false;
    };
    let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

fn body_pointer(way: &[String]) -> String {
    way.iter().fold("#".to_owned(), |pointer, step| {
        format!("{pointer}/{}", step.replace('~', "~0").replace('/', "~1"))
    })
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        filters(pairs(parts)?).map(Self)
    }
}

/// The parameters of a query in their order, decoded.
pub(super) fn pairs(parts: &Parts) -> Result<Vec<(String, String)>, Problem> {
    if parts.uri.query().is_none() {
        return Ok(Vec::new());
    }
    #[expect(
        clippy::disallowed_types,
        reason = "the one place that decodes a query; its fault becomes a problem"
    )]
    let decoded = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(&parts.uri);
    decoded.map(|pairs| pairs.0).map_err(|error| {
        Problem::bad_request("malformed_query", "The query string cannot be decoded.").because(error)
    })
}

/// Reads query parameters as `T`: 400 `invalid_query` with all faults.
pub(super) fn filters<T: DeserializeOwned>(pairs: Vec<(String, String)>) -> Result<T, Problem> {
    let size = pairs.iter().map(|(name, value)| name.len() + value.len()).sum();
    let mut tree = serde_json::Map::new();
    for (name, value) in pairs {
        match tree.get_mut(&name) {
            None => drop(tree.insert(name, Value::String(value))),
            Some(Value::Array(values)) => values.push(value.into()),
            Some(one) => *one = Value::Array(vec![one.take(), value.into()]),
        }
    }
    let attempt = |value: &Value| serde_path_to_error::deserialize(loose::Loose(value));
    faults::read(Value::Object(tree), size, attempt, |way| {
        format!("query:{}", way.first().map_or("", String::as_str))
    })
    .map_err(invalid_query)
}

/// 400 `invalid_query` with the faults, worded for parameters.
pub(super) fn invalid_query(faults: Vec<Fault>) -> Problem {
    let worded = faults.into_iter().map(|fault| Fault {
        detail: fault.detail.replacen("unknown field", "unknown parameter", 1),
        ..fault
    });
    Problem::bad_request("invalid_query", "The query parameters are not as they should be; see errors.")
        .faults(worded)
}

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        #[expect(
            clippy::disallowed_types,
            reason = "the one place that reads path parameters for our own Path"
        )]
        let read = axum::extract::Path::<T>::from_request_parts(parts, state).await;
        read.map(|path| Self(path.0)).map_err(|rejection| path_problem(&rejection))
    }
}

fn path_problem(rejection: &PathRejection) -> Problem {
    use axum::extract::path::ErrorKind;
    let PathRejection::FailedToDeserializePathParams(failed) = rejection else {
        return Problem::internal(rejection.body_text());
    };
    let (name, detail) = match failed.kind() {
        ErrorKind::ParseErrorAtKey { key, value, expected_type } => {
            (key.as_str(), format!("{value:?} is no {expected_type}"))
        }
        ErrorKind::DeserializeError { key, message, .. } => (key.as_str(), message.clone()),
        ErrorKind::InvalidUtf8InPathParam { key } => (key.as_str(), "is not UTF-8".to_owned()),
        ErrorKind::ParseError { value, expected_type } => ("", format!("{value:?} is no {expected_type}")),
        ErrorKind::ParseErrorAtIndex { value, expected_type, .. } => {
            ("", format!("{value:?} is no {expected_type}"))
        }
        ErrorKind::Message(message) => ("", message.clone()),
        // What is left is said by routes that do not fit their handlers.
        wrong => return Problem::internal(format!("path parameters: {wrong}")),
    };
    Problem::bad_request("invalid_path", "The path has a part that cannot be right; see errors.")
        .faults([Fault::new(format!("path:{name}"), detail)])
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(body) => {
                let kind = HeaderValue::from_static("application/json");
                ([(header::CONTENT_TYPE, kind)], body).into_response()
            }
            Err(error) => {
                Problem::internal(format!("cannot write the answer as JSON: {error}")).into_response()
            }
        }
    }
}

/// 201 with the place of what was made.
#[derive(Debug)]
pub struct Created<T> {
    /// Path of the new resource, such as `/v1/handoffs/…`.
    pub location: String,
    /// The body.
    pub body: T,
}

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        let mut response = (StatusCode::CREATED, Json(self.body)).into_response();
        if let Ok(location) = HeaderValue::try_from(self.location) {
            response.headers_mut().insert(header::LOCATION, location);
        }
        response
    }
}
