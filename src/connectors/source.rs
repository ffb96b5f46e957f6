//! A place to read from: one object, one account, or everything from the beginning.
//!
//! Promises: what is read is said as events whose identity is the object and its change, so reading it again adds
//! nothing. Leaves out: when to read ([`super::commands`]) and how fast ([`super::limits`]).

use futures_util::future::BoxFuture;

use super::inbound::{ObjectRef, Saying};
use super::vendor::Trouble;

/// The group of signals that a source keeps fresh; the `source` of `gtm.source.synced`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Group {
    Crm,
    Partner,
}

impl Group {
    pub const ALL: [Self; 2] = [Self::Crm, Self::Partner];

    pub fn name(self) -> &'static str {
        match self {
            Self::Crm => "crm",
            Self::Partner => "partner",
        }
    }
}

/// What is known of an account that a source is asked about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownAccount {
    pub account_id: String,
    pub domain: Option<String>,
}

/// A page of a reading from the beginning.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SourcePage {
    pub sayings: Vec<Saying>,
    /// How many objects the page held.
    pub objects: u64,
    /// Where the next page begins; none after the last.
    pub next: Option<String>,
    /// How many objects there are in all, where the system says so.
    pub total: Option<u64>,
}

/// A system that can be read from.
pub trait Source: Send + Sync {
    fn group(&self) -> Group;

    /// The kinds of objects, in the order in which a reading from the beginning takes them.
    fn objects(&self) -> &'static [&'static str];

    /// What one object says now, and what says whose it is.
    fn object<'a>(&'a self, object: &'a ObjectRef) -> BoxFuture<'a, Result<Vec<Saying>, Trouble>>;

    /// Everything about an account. The last saying is that the group is fresh (`gtm.source.synced`).
    fn account<'a>(&'a self, account: &'a KnownAccount) -> BoxFuture<'a, Result<Vec<Saying>, Trouble>>;

    /// A page of all objects of a kind; the first without a cursor.
    fn page<'a>(
        &'a self,
        object: &'a str,
        cursor: Option<&'a str>,
    ) -> BoxFuture<'a, Result<SourcePage, Trouble>>;
}
