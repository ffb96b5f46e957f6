//! What a tool is: what it takes, which calls of the API it makes, what it gives.
//!
//! Promises: the schema of a tool's answer is that of the API's answer or of a type of its own, never a third text; the scopes
//! of a tool are those of the calls that it declares; what an agent got wrong is told as a result with every fault, so that
//! it can mend its call.

use std::future::Future;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde::de::DeserializeOwned;
use serde_json::Value;
use utoipa::{PartialSchema, ToSchema};

use super::calls::{Calls, Operations, Refusal};
use super::schema::{self, Schema};
use crate::platform::http::extract::parse;
use crate::platform::http::{Caller, Scope};

/// Whether a tool can change something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It only looks.
    Reads,
    /// It can add: start a motion, open a handoff.
    Adds,
    /// It can end or replace what is there.
    Changes,
}

impl Effect {
    pub fn writes(self) -> bool {
        self != Self::Reads
    }
}

/// What a tool gives.
#[derive(Debug)]
pub struct Told {
    /// Short, for whoever reads.
    pub text: String,
    /// By the tool's schema.
    pub structured: Value,
}

/// A tool. One lies in each file of [`super::tools`].
pub trait Tool: Send + Sync + 'static {
    /// What it takes. Fields are named as in the API, described for an agent that has never seen the service, and refused
    /// where they are unknown (`deny_unknown_fields`).
    type Input: DeserializeOwned + ToSchema + PartialSchema + Send;

    /// A verb and what it is done to.
    const NAME: &'static str;
    /// The name for people.
    const TITLE: &'static str;
    /// When to use it and what comes of it.
    const DESCRIPTION: &'static str;
    /// The calls of the API that it makes, by their `operationId`; the first is the one whose answer it gives.
    const CALLS: &'static [&'static str];
    const EFFECT: Effect;

    /// The schema of what it gives; that of its first call unless it says otherwise.
    fn output(operations: &Operations) -> Option<Schema> {
        let answer = operations.get(Self::CALLS.first()?)?.answer.as_ref()?;
        Some(schema::output(answer, &operations.components))
    }

    fn run(calls: &Calls, input: Self::Input) -> impl Future<Output = Result<Told, Refusal>> + Send;
}

type Run = fn(Calls, Vec<u8>) -> BoxFuture<'static, Result<Told, Refusal>>;

/// A tool as the server keeps it.
pub struct Entry {
    pub name: &'static str,
    pub title: &'static str,
    pub description: &'static str,
    pub calls: &'static [&'static str],
    pub effect: Effect,
    pub input: Schema,
    pub output: Schema,
    run: Run,
}

impl Entry {
    /// The entry of a tool; nothing when the API has no such calls.
    pub fn of<T: Tool>(operations: &Operations) -> Option<Self> {
        Some(Self {
            name: T::NAME,
            title: T::TITLE,
            description: T::DESCRIPTION,
            calls: T::CALLS,
            effect: T::EFFECT,
            input: schema::input::<T::Input>(),
            output: T::output(operations)?,
            run: run::<T>,
        })
    }

    pub async fn run(&self, calls: Calls, arguments: Vec<u8>) -> Result<Told, Refusal> {
        (self.run)(calls.declaring(self.calls), arguments).await
    }
}

fn run<T: Tool>(calls: Calls, arguments: Vec<u8>) -> BoxFuture<'static, Result<Told, Refusal>> {
    async move {
        let input = parse::<T::Input>(&arguments)?;
        T::run(&calls, input).await
    }
    .boxed()
}

/// The scopes that some calls need, the usual one of each.
pub fn scopes(calls: &[&str], operations: &Operations) -> Vec<Scope> {
    let mut needed: Vec<Scope> =
        calls.iter().filter_map(|call| operations.get(call)?.scopes.first().copied()).collect();
    needed.sort_unstable();
    needed.dedup();
    needed
}

/// Whether a caller may make all of some calls.
pub fn may(caller: &Caller, calls: &[&str], operations: &Operations) -> bool {
    calls.iter().all(|call| {
        operations.get(call).is_some_and(|operation| {
            operation.scopes.is_empty() || operation.scopes.iter().any(|scope| caller.may(*scope))
        })
    })
}

/// `true`: a tool that writes only looks unless it is told otherwise.
pub fn yes() -> bool {
    true
}
