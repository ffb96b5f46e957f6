//! Calls to a system: one at its turn, answered in words that somebody in `RevOps` can act on.
//!
//! Promises: whatever the system does (refuses, is slow, breaks off, sends nonsense), a call ends as an [`Answer`] or a
//! [`Trouble`] that says of what kind it is, what the system said and what to do; no secret and no address is in it.
//! Leaves out: repeating, which is for whoever called.

use std::sync::Arc;

use axum::body::Bytes;
use chrono::TimeDelta;
use reqwest::header::HeaderMap;
use reqwest::{RequestBuilder, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::limits::Limits;
use crate::kernel::clock::Clock;
use crate::platform::outbox::sender::{NO_CONNECTION, printable, retry_after, transport_error};
use crate::platform::outbox::{Next, Unsent};

/// The largest answer that is read, in bytes (16 MiB).
const ANSWER_BYTES_MAX: usize = 16 << 20;
/// How long a system is left alone that does not say for how long it takes nothing.
const LIMITED_WAIT: TimeDelta = TimeDelta::seconds(10);
/// How long a destination rests whose credentials are refused: a person has to mend them.
const UNAUTHORISED_WAIT: TimeDelta = TimeDelta::minutes(5);

/// One outside system that we call.
#[derive(Clone)]
pub struct Vendor {
    /// As people call it.
    pub title: &'static str,
    clock: Clock,
    pub limits: Arc<Limits>,
    judge: Judge,
}

/// How a system says that something went wrong: its own words for an answer, none when all is well.
pub type Judge = fn(&Answer) -> Option<Complaint>;

/// What a system complains of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    pub kind: TroubleKind,
    /// In the system's words.
    pub said: String,
    /// How long it wants to be left alone.
    pub wait: Option<TimeDelta>,
}

/// A whole answer.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    /// The body as JSON.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Trouble> {
        serde_json::from_slice(&self.body).map_err(|error| Trouble {
            kind: TroubleKind::Malformed,
            title: "The system",
            status: Some(self.status.as_u16()),
            said: format!("its answer is not what it documents: {error}"),
            wait: None,
        })
    }

    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// A header as a number.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.header(name)?.trim().parse().ok()
    }
}

/// What kind of trouble; decides what happens next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TroubleKind {
    /// The credentials are refused: 401.
    Unauthorised,
    /// The credentials are good and do not allow this: 403.
    Forbidden,
    /// There is no such object: 404.
    Missing,
    /// It is there already, or is being changed: 409.
    Conflict,
    /// The request is wrong: 400, 422.
    Invalid,
    /// Too many calls: 429.
    Limited,
    /// The system is not well: 5xx.
    Down,
    /// Nothing was heard of it, or it broke off: whether it did what was asked is unknown.
    Unreached,
    /// It answered in words that it does not document.
    Malformed,
}

/// Why a call did not do what it was to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{title} {}{}: {said}{}", self.kind.verb(), self.status.map(|status| format!(" ({status})")).unwrap_or_default(), self.kind.advice())]
pub struct Trouble {
    pub kind: TroubleKind,
    pub title: &'static str,
    pub status: Option<u16>,
    /// What the system said, shortened.
    pub said: String,
    pub wait: Option<TimeDelta>,
}

impl TroubleKind {
    fn verb(self) -> &'static str {
        match self {
            Self::Unauthorised => "refuses the credentials",
            Self::Forbidden => "does not allow this",
            Self::Missing => "knows no such object",
            Self::Conflict => "sees a conflict",
            Self::Invalid => "calls the request wrong",
            Self::Limited => "takes no more calls for now",
            Self::Down => "is not well",
            Self::Unreached => "could not be reached",
            Self::Malformed => "answered what cannot be read",
        }
    }

    /// What a person can do; empty where nothing has to be done.
    fn advice(self) -> &'static str {
        match self {
            Self::Unauthorised => ". Put a new token into the settings; `gtm connect NAME --check` tries it",
            Self::Forbidden => ". Give the token the missing scope; `gtm connect NAME --check` lists them",
            Self::Missing => ". It was deleted there, or its id belongs to another system",
            Self::Conflict | Self::Invalid => ". Mend the mapping or the object there, then send it again",
            Self::Limited | Self::Down | Self::Unreached => ". It is tried again by itself",
            Self::Malformed => ". It is tried again; if it stays so, the system has changed",
        }
    }

    /// Whether it speaks of the system and not of what it was asked.
    pub fn is_down(self) -> bool {
        matches!(self, Self::Unauthorised | Self::Limited | Self::Down | Self::Unreached | Self::Malformed)
    }

    /// What a status means where a system says nothing of its own.
    pub fn of(status: StatusCode) -> Option<Self> {
        Some(match status.as_u16() {
            200..=299 => return None,
            401 => Self::Unauthorised,
            402 | 403 => Self::Forbidden,
            404 | 410 => Self::Missing,
            409 | 412 => Self::Conflict,
            423 | 429 | 477 => Self::Limited,
            408 | 500.. => Self::Down,
            _ => Self::Invalid,
        })
    }
}

impl Trouble {
    /// Whether the same call can succeed by itself later.
    pub fn passes(&self) -> bool {
        use TroubleKind::{Down, Forbidden, Limited, Malformed, Unauthorised, Unreached};
        matches!(self.kind, Down | Forbidden | Limited | Malformed | Unauthorised | Unreached)
    }

    /// Whether what was asked for may have been done all the same.
    pub fn is_unsure(&self) -> bool {
        match self.kind {
            TroubleKind::Unreached => self.said != NO_CONNECTION,
            TroubleKind::Down | TroubleKind::Malformed => true,
            _ => false,
        }
    }

    /// How long to wait before the next call of any kind, where that is known.
    pub fn rest(&self) -> Option<TimeDelta> {
        match self.kind {
            TroubleKind::Limited => Some(self.wait.unwrap_or(LIMITED_WAIT)),
            TroubleKind::Unauthorised => Some(UNAUTHORISED_WAIT),
            _ => self.wait,
        }
    }
}

impl From<Trouble> for Unsent {
    fn from(trouble: Trouble) -> Self {
        let next = match (trouble.passes(), trouble.kind, trouble.rest()) {
            (false, ..) => Next::Never,
            (true, TroubleKind::Limited | TroubleKind::Unauthorised, Some(wait)) => Next::Rest(wait),
            (true, _, Some(wait)) => Next::After(wait),
            (true, _, None) => Next::Planned,
        };
        Self {
            status: trouble.status,
            next,
            down: trouble.kind.is_down(),
            unsure: trouble.is_unsure(),
            error: trouble.to_string(),
        }
    }
}

impl Vendor {
    pub fn new(title: &'static str, clock: Clock, limits: Arc<Limits>, judge: Judge) -> Self {
        Self { title, clock, limits, judge }
    }

    /// A trouble of this system that it did not say itself.
    pub fn trouble(&self, kind: TroubleKind, said: impl Into<String>) -> Trouble {
        Trouble { kind, title: self.title, status: None, said: said.into(), wait: None }
    }

    /// Makes a call at its turn and reads the whole answer.
    pub async fn call(&self, request: RequestBuilder) -> Result<Answer, Trouble> {
        self.limits.turn().await;
        let unreached = |error: &reqwest::Error| self.trouble(TroubleKind::Unreached, transport_error(error));
        let mut response = request.send().await.map_err(|error| unreached(&error))?;
        let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| unreached(&error))? {
            if body.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(self.trouble(TroubleKind::Malformed, "the answer is larger than 16 MiB"));
            }
            body.extend_from_slice(&chunk);
        }
        let answer = Answer { status, headers, body: body.into() };
        match (self.judge)(&answer) {
            None => Ok(answer),
            Some(complaint) => Err(Trouble {
                kind: complaint.kind,
                title: self.title,
                status: Some(status.as_u16()),
                said: complaint.said,
                wait: complaint.wait.or_else(|| retry_after(&answer.headers, self.clock.now())),
            }),
        }
    }

    /// The same, with the answer as JSON.
    pub async fn json<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, Trouble> {
        let answer = self.call(request).await?;
        answer.json().map_err(|trouble| Trouble { title: self.title, ..trouble })
    }
}

/// A complaint by status alone, with the text that common APIs put at one of these places of their JSON.
pub fn by_status(answer: &Answer, places: &[&str]) -> Option<Complaint> {
    let kind = TroubleKind::of(answer.status)?;
    let body: Option<Value> = serde_json::from_slice(&answer.body).ok();
    let said = body.as_ref().and_then(|body| places.iter().find_map(|place| body.pointer(place)?.as_str()));
    let said = said.map_or_else(|| printable(&answer.body), |text| printable(text.as_bytes()));
    Some(Complaint { kind, said, wait: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trouble(kind: TroubleKind, wait: Option<i64>) -> Trouble {
        Trouble {
            kind,
            title: "Own",
            status: None,
            said: "no".to_owned(),
            wait: wait.map(TimeDelta::seconds),
        }
    }

    #[test]
    fn what_cannot_succeed_is_not_repeated_and_what_rests_is_left_alone() {
        use TroubleKind as K;
        let next = |kind, wait| Unsent::from(trouble(kind, wait)).next;
        for kind in [K::Missing, K::Conflict, K::Invalid] {
            assert_eq!(next(kind, Some(5)), Next::Never, "{kind:?}");
        }
        for kind in [K::Down, K::Unreached, K::Malformed, K::Forbidden] {
            assert_eq!(next(kind, None), Next::Planned, "{kind:?}");
        }
        assert_eq!(next(K::Down, Some(5)), Next::After(TimeDelta::seconds(5)));
        assert_eq!(next(K::Limited, Some(7)), Next::Rest(TimeDelta::seconds(7)));
        assert_eq!(next(K::Limited, None), Next::Rest(LIMITED_WAIT));
        assert_eq!(next(K::Unauthorised, None), Next::Rest(UNAUTHORISED_WAIT));
    }

    #[test]
    fn a_trouble_reads_as_a_sentence_with_what_to_do() {
        let text = Trouble { status: Some(401), ..trouble(TroubleKind::Unauthorised, None) }.to_string();
        assert_eq!(
            text,
            "Own refuses the credentials (401): no. Put a new token into the settings; `gtm connect NAME --check` \
             tries it"
        );
    }

    #[test]
    fn every_status_is_well_or_of_a_kind() {
        for status in 100..600_u16 {
            let Ok(status) = StatusCode::from_u16(status) else { continue };
            assert_eq!(TroubleKind::of(status).is_none(), status.is_success(), "{status}");
        }
    }
}
