//! What calls us: a system's own deliveries, checked, stored as they came, and read afterwards.
//!
//! Promises: [`Inbound::verify`] sees the request exactly as it came and is the only gate; [`Inbound::read`] is pure:
//! the same row says the same thing whenever it is read, so reading it again after a mapping was mended is safe.
//! Leaves out: storing, repeating and taking what was read, which is the same for all systems ([`super::commands`]).

use std::collections::BTreeMap;

use axum::http::{HeaderMap, StatusCode};
use futures_util::future::BoxFuture;
use serde_json::Value;
use uuid::Uuid;

use super::vendor::Trouble;
use crate::accounts::{Arrived, EventParts, Rejected};
use crate::handoffs::Action;
use crate::kernel::clock::DateTime;
use crate::platform::http::Fault;

/// A call as it came.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    pub headers: &'a HeaderMap,
    /// After `Content-Encoding`.
    pub body: &'a [u8],
    /// The last step of the path, after the connector's name: a secret for systems that cannot sign.
    pub path_secret: Option<&'a str>,
    /// The path with its leading slash, as the sender was given it.
    pub path: &'a str,
    pub now: DateTime,
}

impl<'a> Call<'a> {
    /// A header as text; none when it is missing or no text.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// Why a call is not believed. The sender is told no more than the kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the call carries no proof of where it comes from")]
    Unsigned,
    #[error("the signature does not fit the body, the address or the secret")]
    Forged,
    #[error("the call was signed too long ago or ahead of time")]
    Stale,
}

impl Refusal {
    /// A stable name, for measurements.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unsigned => "unsigned",
            Self::Forged => "forged",
            Self::Stale => "stale",
        }
    }
}

/// The answer that a system wants to hear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub status: StatusCode,
    pub content_type: &'static str,
    pub body: String,
}

impl Reply {
    /// 200 and nothing to say.
    pub fn empty() -> Self {
        Self::text("")
    }

    pub fn text(body: impl Into<String>) -> Self {
        Self { status: StatusCode::OK, content_type: "text/plain; charset=utf-8", body: body.into() }
    }

    pub fn json(body: &Value) -> Self {
        Self { status: StatusCode::OK, content_type: "application/json", body: body.to_string() }
    }

    pub fn xml(body: impl Into<String>) -> Self {
        Self { status: StatusCode::OK, content_type: "text/xml; charset=utf-8", body: body.into() }
    }
}

/// What is kept of a call beside its body, because reading it depends on it: never a secret.
pub type About = BTreeMap<String, String>;

/// A stored call.
#[derive(Debug, Clone, Copy)]
pub struct Received<'a> {
    pub id: Uuid,
    pub received_at: DateTime,
    pub about: &'a About,
    pub body: &'a [u8],
}

/// What a stored call says.
#[derive(Debug, Default)]
pub struct Reading {
    /// Each with its place in the body, as a JSON pointer.
    pub said: Vec<(String, Statement)>,
    /// What could not be understood: keeps the call among the dead until it is put back.
    pub faults: Vec<Fault>,
    /// Well understood and of no use here (an event that nobody mapped).
    pub ignored: usize,
}

impl Reading {
    /// Nothing could be understood.
    pub fn fault(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { faults: vec![Fault::new(pointer, detail)], ..Self::default() }
    }

    pub fn say(&mut self, pointer: impl Into<String>, statement: Statement) {
        self.said.push((pointer.into(), statement));
    }

    pub fn misread(&mut self, pointer: impl Into<String>, detail: impl Into<String>) {
        self.faults.push(Fault::new(pointer, detail));
    }
}

/// One thing that a call says.
#[derive(Debug, Clone, PartialEq)]
pub enum Statement {
    /// Something is true of an account.
    Event(Saying),
    /// An object has changed; what it is now has to be asked for.
    Changed(ObjectRef),
    /// A person does something to a handoff.
    Act(HandoffAct),
    /// What the system had taken for delivery has not arrived after all.
    Undelivered { delivery_id: Uuid, why: String },
    /// A person has asked the system to be forgotten, and we are to do so too.
    Erase(Forgotten),
}

/// Who is to be forgotten, by whatever the system knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Forgotten {
    /// By the contact's id, at every account.
    Contact(String),
    /// By the e-mail address.
    Email(String),
}

/// An object of the system, by the system's own names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectRef {
    pub object: String,
    pub id: String,
}

/// An event in the making, by the rules of `POST /v1/events`.
#[derive(Debug, Clone, PartialEq)]
pub struct Saying {
    /// Who says it: `hubspot/12345`.
    pub source: String,
    /// With `source` the identity: the same statement has the same id, however often and by whatever way it comes.
    pub id: String,
    pub event_type: &'static str,
    /// The account; without one it is sought by what the data say.
    pub subject: Option<String>,
    /// When it was true; the time of arrival when the system does not say.
    pub time: Option<DateTime>,
    pub data: Value,
}

impl Saying {
    /// The event, checked like any other.
    pub fn arrived(&self, received_at: DateTime) -> Result<Arrived, Rejected> {
        let (time, data) = (self.time.map(|at| at.to_rfc3339()), self.data.to_string());
        let parts = EventParts {
            source: Some(&self.source),
            id: Some(&self.id),
            event_type: Some(self.event_type),
            subject: self.subject.as_deref(),
            time: time.as_deref(),
            content_type: None,
            data: Some(&data),
        };
        Arrived::parse(parts, received_at)
    }
}

/// What a person does to a handoff from a message.
#[derive(Debug, Clone, PartialEq)]
pub struct HandoffAct {
    pub handoff_id: Uuid,
    pub what: Wish,
    /// The person, by the system's own id, for the audit log.
    pub by: String,
    /// The person's e-mail address, where the system says it.
    pub email: Option<String>,
    /// Where the outcome is told, in the system's own words.
    pub reply_to: Option<String>,
}

/// What the person wants.
#[derive(Debug, Clone, PartialEq)]
pub enum Wish {
    /// One of the actions of the lifecycle.
    Do(Action),
    /// To have the handoff: the person becomes its owner.
    TakeOver,
}

/// A system that calls us.
pub trait Inbound: Send + Sync {
    /// Where the system is to call, for whoever sets it up; no secret is in it.
    fn address(&self, name: &str) -> String {
        format!("It is to call /v1/webhooks/{name} of this service.")
    }

    /// Whether the call comes from the system. In constant time where secrets are compared.
    fn verify(&self, call: &Call<'_>) -> Result<(), Refusal>;

    /// An answer to a call that says nothing worth keeping (a handshake); such a call is not stored.
    fn greeting(&self, _call: &Call<'_>) -> Option<Reply> {
        None
    }

    /// What of the headers reading depends on.
    fn about(&self, _call: &Call<'_>) -> About {
        About::new()
    }

    /// The answer once the call is stored.
    fn reply(&self, _call: &Call<'_>) -> Reply {
        Reply::empty()
    }

    /// What a stored call says. Pure.
    fn read(&self, received: &Received<'_>) -> Reading;

    /// The e-mail address of one of the system's people, where it is known by id only.
    fn email_of<'a>(&'a self, _person: &'a str) -> BoxFuture<'a, Result<Option<String>, Trouble>> {
        Box::pin(async { Ok(None) })
    }

    /// Tells a person what became of a wish; best effort, nothing depends on it.
    fn tell<'a>(&'a self, _reply_to: &'a str, _outcome: &'a str) -> BoxFuture<'a, Result<(), Trouble>> {
        Box::pin(async { Ok(()) })
    }
}
