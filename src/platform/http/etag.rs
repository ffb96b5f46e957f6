//! Conditional requests: nobody overwrites what they have not seen, and nobody fetches what they have.
//!
//! Promises: an [`ETag`] is strong and made of the content, so equal content has the equal tag on every replica. A
//! change to something that exists needs `If-Match` (428 without, 412 when it names another state); making something
//! new by `PUT` needs none, as there is nothing to overwrite. Leaves out: the lock; check inside the transaction that
//! writes.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use std::convert::Infallible;

use super::extract::Json;
use super::problem::Problem;
use crate::kernel::json;

/// The tag of one state of a resource, with its quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ETag(String);

impl ETag {
    /// The tag of a value: 132 bits of the SHA-256 of its canonical JSON.
    ///
    /// # Errors
    /// 500 when the value cannot be written as JSON.
    pub fn of(value: &impl Serialize) -> Result<Self, Problem> {
        let text = json::canonical(value).map_err(|error| Problem::internal(format!("no ETag: {error}")))?;
        Ok(Self(format!("\"{}\"", &URL_SAFE_NO_PAD.encode(json::sha256(&text))[..22])))
    }

    /// The tag as it stands in the header.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What the caller knows of the resource: `If-Match` and `If-None-Match`.
#[derive(Debug, Clone, Default)]
pub struct Precondition {
    matching: Option<Tags>,
    none_matching: Option<Tags>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Tags {
    Any,
    These(Vec<String>),
}

impl Tags {
    /// The tags of a header; weak ones keep their `W/`.
    fn read(headers: &HeaderMap, name: &HeaderName) -> Option<Self> {
        let mut tags = Vec::new();
        for value in headers.get_all(name) {
            for tag in value.to_str().unwrap_or_default().split(',').map(str::trim) {
                if tag == "*" {
                    return Some(Self::Any);
                }
                tags.push(tag.to_owned());
            }
        }
        headers.contains_key(name).then_some(Self::These(tags))
    }

    /// Strong comparison: a weak tag names no exact state.
    fn strongly(&self, tag: &ETag) -> bool {
        matches!(self, Self::Any) || matches!(self, Self::These(tags) if tags.contains(&tag.0))
    }

    /// Weak comparison, for reading.
    fn weakly(&self, tag: &ETag) -> bool {
        let same = |one: &String| one.strip_prefix("W/").unwrap_or(one) == tag.0;
        matches!(self, Self::Any) || matches!(self, Self::These(tags) if tags.iter().any(same))
    }
}

impl Precondition {
    /// Checks a change against the present state (`None`: the resource does not exist).
    ///
    /// # Errors
    /// 428 `if_match_required` when the resource exists and the caller names no state of it; 412
    /// `precondition_failed`, with the present `ETag`, when it names another.
    pub fn check_change(&self, present: Option<&ETag>) -> Result<(), Problem> {
        match (&self.matching, &self.none_matching, present) {
            (Some(tags), _, Some(present)) if tags.strongly(present) => Ok(()),
            (Some(_), _, present) => Err(failed(present)),
            (None, Some(tags), Some(present)) if tags.weakly(present) => Err(failed(Some(present))),
            (None, _, Some(_)) => Err(Problem::new(
                StatusCode::PRECONDITION_REQUIRED,
                "if_match_required",
                "Send If-Match with the ETag of the state you have read, so that no change of others is lost.",
            )),
            (None, _, None) => Ok(()),
        }
    }

    /// The answer to a read: 304 without a body when the caller has this state already.
    pub fn answer<T: Serialize>(&self, body: T) -> Result<Response, Problem> {
        let tag = ETag::of(&body)?;
        match &self.none_matching {
            Some(tags) if tags.weakly(&tag) => {
                Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, value(&tag))]).into_response())
            }
            _ => Ok(Tagged { tag, body }.into_response()),
        }
    }
}

fn failed(present: Option<&ETag>) -> Problem {
    let problem = Problem::new(
        StatusCode::PRECONDITION_FAILED,
        "precondition_failed",
        "The resource has changed since you read it; read it again and repeat the change on what it is now.",
    );
    match present {
        Some(tag) => problem.header(header::ETAG, value(tag)),
        None => problem,
    }
}

fn value(tag: &ETag) -> HeaderValue {
    HeaderValue::try_from(&tag.0).unwrap_or_else(|_| HeaderValue::from_static("\"\""))
}

impl<S: Send + Sync> FromRequestParts<S> for Precondition {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self {
            matching: Tags::read(&parts.headers, &header::IF_MATCH),
            none_matching: Tags::read(&parts.headers, &header::IF_NONE_MATCH),
        })
    }
}

/// A JSON answer with its tag.
#[derive(Debug)]
pub struct Tagged<T> {
    /// The tag of the state.
    pub tag: ETag,
    /// The state.
    pub body: T,
}

impl<T: Serialize> IntoResponse for Tagged<T> {
    fn into_response(self) -> Response {
        ([(header::ETAG, value(&self.tag))], Json(self.body)).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn given(name: HeaderName, text: &str) -> Precondition {
        let mut request = axum::http::Request::builder().header(name, text).body(()).unwrap().into_parts().0;
        futures_util::FutureExt::now_or_never(Precondition::from_request_parts(&mut request, &()))
            .unwrap()
            .unwrap()
    }

    #[test]
    fn a_change_needs_the_present_tag() {
        let tag = ETag::of(&json!({"a": 1, "b": 2})).unwrap();
        assert_eq!(tag, ETag::of(&json!({"b": 2, "a": 1})).unwrap());
        let check =
            |given: &Precondition, present| given.check_change(present).map_err(|problem| problem.status());
        let none = Precondition::default();
        assert_eq!(check(&none, Some(&tag)), Err(StatusCode::PRECONDITION_REQUIRED));
        assert_eq!(check(&none, None), Ok(()));
        assert_eq!(check(&given(header::IF_MATCH, tag.as_str()), Some(&tag)), Ok(()));
        assert_eq!(check(&given(header::IF_MATCH, "\"x\", *"), Some(&tag)), Ok(()));
        let failed = Err(StatusCode::PRECONDITION_FAILED);
        assert_eq!(check(&given(header::IF_MATCH, "\"x\""), Some(&tag)), failed);
        assert_eq!(check(&given(header::IF_MATCH, &format!("W/{}", tag.as_str())), Some(&tag)), failed);
        assert_eq!(check(&given(header::IF_MATCH, tag.as_str()), None), failed);
        assert_eq!(check(&given(header::IF_NONE_MATCH, "*"), Some(&tag)), failed);
        assert_eq!(check(&given(header::IF_NONE_MATCH, "*"), None), Ok(()));
    }

    #[test]
    fn a_reader_who_has_the_state_gets_no_body() {
        let body = json!({"a": 1});
        let tag = ETag::of(&body).unwrap();
        let fresh = given(header::IF_NONE_MATCH, &format!("W/{}", tag.as_str())).answer(&body).unwrap();
        assert_eq!(fresh.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(fresh.headers()[header::ETAG], tag.as_str());
        let stale = given(header::IF_NONE_MATCH, "\"x\"").answer(&body).unwrap();
        assert_eq!(stale.status(), StatusCode::OK);
        assert_eq!(stale.headers()[header::ETAG], tag.as_str());
    }
}
