//! Everybody who holds something about people says what it is, and gives it up.
//!
//! Accounts know who somebody is; what other slices and the platform keep about them they export and erase themselves, in
//! the transaction of the erasure and under the account's lock. This is how it flows to the right without accounts knowing
//! who is there.

use std::collections::BTreeMap;

use futures_util::future::BoxFuture;
use serde::Serialize;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::privacy::Subject;
use crate::kernel::clock::DateTime;
use crate::platform::audit::Entry;

/// People of one account who are to be erased.
#[derive(Debug, Clone, Copy)]
pub struct Erasing<'a> {
    /// Names this erasure.
    pub id: Uuid,
    pub account_id: &'a str,
    pub subject: &'a Subject,
    /// As in the audit log.
    pub actor: &'a str,
    pub at: DateTime,
}

/// What a custodian has changed.
#[derive(Debug, Default)]
pub struct Changed {
    /// Rows that held somebody, by kind.
    pub counts: BTreeMap<&'static str, u64>,
    /// The digests of what is left of sealed documents, for the account's chain.
    pub entries: Vec<Entry>,
    /// Who had received something: the destination, and how many deliveries.
    pub recipients: BTreeMap<String, u64>,
}

impl Changed {
    /// Counts rows of a kind; none are not mentioned.
    pub fn count(&mut self, kind: &'static str, rows: usize) {
        if rows > 0 {
            *self.counts.entry(kind).or_default() += rows as u64;
        }
    }

    /// Takes over what another has changed.
    pub fn join(&mut self, other: Self) {
        for (kind, rows) in other.counts {
            *self.counts.entry(kind).or_default() += rows;
        }
        self.entries.extend(other.entries);
        for (destination, deliveries) in other.recipients {
            *self.recipients.entry(destination).or_default() += deliveries;
        }
    }
}

/// Something that is held about people.
#[derive(Debug, Clone, Serialize)]
pub struct Holding {
    /// Such as `events` or `deliveries`.
    pub kind: &'static str,
    pub held: Value,
}

/// Whoever keeps something about people.
pub trait Custodian: Send + Sync {
    /// Everything held about the people of an account.
    fn export<'a>(
        &'a self,
        conn: &'a mut PgConnection,
        account_id: &'a str,
        subject: &'a Subject,
    ) -> BoxFuture<'a, Result<Vec<Holding>, sqlx::Error>>;

    /// Takes the people out of everything that is kept; what is changed before the transaction ends is all of it or
    /// nothing. Run twice it finds nothing the second time.
    fn erase<'a>(
        &'a self,
        conn: &'a mut PgConnection,
        erasing: &'a Erasing<'a>,
    ) -> BoxFuture<'a, Result<Changed, sqlx::Error>>;

    /// Asks recipients to erase too. Called once, with everybody
    /// whom any custodian named.
    fn tell<'a>(
        &'a self,
        _conn: &'a mut PgConnection,
        _erasing: &'a Erasing<'a>,
        _recipients: &'a BTreeMap<String, u64>,
    ) -> BoxFuture<'a, Result<(), sqlx::Error>> {
        Box::pin(async { Ok(()) })
    }
}
