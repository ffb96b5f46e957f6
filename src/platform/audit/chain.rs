//! The hash chain: pure links from entry to entry.
//!
//! The hash of an entry is SHA-256 over the canonical JSON (RFC 8785) of
//! `{accountId, action, actor, at, details, prev, seq, subject}`, where `at` is RFC 3339 in UTC with six decimals,
//! `details` is the JSON text as stored (as a string, so that the hash covers its very bytes) and `prev` is the hash of
//! the entry before, in hex (64 zeros for the first). Anyone can check a chain with these two sentences.

use serde::Serialize;
use serde_json::Value;

use crate::kernel::clock::DateTime;
use crate::kernel::json::{Hash, canonical, sha256};

/// The chain of configuration and administration. No account id can be this: `@` is not in their alphabet.
pub const SYSTEM: &str = "@system";

/// What happened, as the caller of [`Chain::link`] says it.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Who did it: `key:<id>`, `worker:<name>`, `operator`.
    pub actor: String,
    /// What was done: a stable dotted name such as `handoff.assigned`.
    pub action: String,
    /// What it was done to, such as `handoff:<id>`.
    pub subject: String,
    /// Particulars without personal data. Large or personal content is named by digest, as
    /// `{"decision": "sha256:<hex>"}`.
    pub details: Value,
}

impl Entry {
    /// An entry from its four parts.
    pub fn new(
        actor: impl Into<String>,
        action: impl Into<String>,
        subject: impl Into<String>,
        details: Value,
    ) -> Self {
        Self { actor: actor.into(), action: action.into(), subject: subject.into(), details }
    }
}

/// The end of a chain: what the next entry is linked to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// The account, or [`SYSTEM`].
    pub account_id: String,
    /// Number of the last entry; 0 when there is none.
    pub seq: i64,
    /// Hash of the last entry; zeros when there is none.
    pub hash: Hash,
}

/// An entry in its place, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The chain.
    pub account_id: String,
    /// Its number in the chain, from 1.
    pub seq: i64,
    /// When it happened, in business time.
    pub at: DateTime,
    /// See [`Entry::actor`].
    pub actor: String,
    /// See [`Entry::action`].
    pub action: String,
    /// See [`Entry::subject`].
    pub subject: String,
    /// See [`Entry::details`], as canonical JSON text.
    pub details: String,
    /// Hash of the entry before.
    pub prev_hash: Hash,
    /// Hash of this entry.
    pub hash: Hash,
}

impl Chain {
    /// A chain without entries.
    pub fn start(account_id: impl Into<String>) -> Self {
        Self { account_id: account_id.into(), seq: 0, hash: [0; 32] }
    }

    /// A chain that ends with entry `seq`, whose hash is given as it is stored.
    ///
    /// # Errors
    /// When the hash is not 32 bytes.
    pub fn at(account_id: impl Into<String>, seq: i64, hash: &[u8]) -> Result<Self, serde_json::Error> {
        let hash = hash.try_into().map_err(|_| {
            serde::ser::Error::custom(format!("a hash has 32 bytes, this one {}", hash.len()))
        })?;
        Ok(Self { account_id: account_id.into(), seq, hash })
    }

    /// Puts an entry at the end of the chain.
    ///
    /// # Errors
    /// When the details hold a number that JSON cannot carry.
    pub fn link(&mut self, at: DateTime, entry: &Entry) -> Result<Row, serde_json::Error> {
        let details = canonical(&entry.details)?;
        let mut row = Row {
            account_id: self.account_id.clone(),
            seq: self.seq + 1,
            at: crate::kernel::clock::truncate(at),
            actor: entry.actor.clone(),
            action: entry.action.clone(),
            subject: entry.subject.clone(),
            details: String::from_utf8_lossy(&details).into_owned(),
            prev_hash: self.hash,
            hash: [0; 32],
        };
        row.hash = row.computed_hash()?;
        (self.seq, self.hash) = (row.seq, row.hash);
        Ok(row)
    }
}

/// What the hash covers.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Covered<'a> {
    account_id: &'a str,
    action: &'a str,
    actor: &'a str,
    at: String,
    details: &'a str,
    prev: String,
    seq: i64,
    subject: &'a str,
}

impl Row {
    /// The hash that the content of the row gives, whatever hash is stored with it.
    ///
    /// # Errors
    /// Never for rows that were linked; the signature is that of the JSON writer.
    pub fn computed_hash(&self) -> Result<Hash, serde_json::Error> {
        let covered = Covered {
            account_id: &self.account_id,
            action: &self.action,
            actor: &self.actor,
            at: instant(self.at),
            details: &self.details,
            prev: hex::encode(self.prev_hash),
            seq: self.seq,
            subject: &self.subject,
        };
        canonical(&covered).map(|text| sha256(&text))
    }
}

/// An instant as hashed and signed texts spell it.
pub(super) fn instant(at: DateTime) -> String {
    at.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn at() -> DateTime {
        chrono::DateTime::from_timestamp(1_800_000_000, 123_456_000).unwrap()
    }

    #[test]
    fn the_hash_is_the_documented_one() {
        let mut chain = Chain::start("a1");
        let row = chain.link(at(), &Entry::new("key:1", "x.done", "x:1", json!({"b": 1, "a": "é"}))).unwrap();
        let text = format!(
            r#"{{"accountId":"a1","action":"x.done","actor":"key:1","at":"2027-01-15T08:00:00.123456Z","details":"{{\"a\":\"é\",\"b\":1}}","prev":"{}","seq":1,"subject":"x:1"}}"#,
            "0".repeat(64)
        );
        assert_eq!(row.hash, sha256(text.as_bytes()));
        assert_eq!((chain.seq, chain.hash), (1, row.hash));
    }

    #[test]
    fn every_part_of_an_entry_changes_its_hash() {
        let base = Chain::start("a1").link(at(), &Entry::new("k", "a", "s", json!({}))).unwrap();
        let others: [fn(&mut Row); 8] = [
            |row| row.account_id.push('x'),
            |row| row.seq += 1,
            |row| row.at += chrono::TimeDelta::microseconds(1),
            |row| row.actor.push('x'),
            |row| row.action.push('x'),
            |row| row.subject.push('x'),
            |row| row.details.push(' '),
            |row| row.prev_hash[0] ^= 1,
        ];
        for change in others {
            let mut row = base.clone();
            change(&mut row);
            assert_ne!(row.computed_hash().unwrap(), base.hash, "{row:?}");
        }
    }

    #[test]
    fn parts_cannot_run_into_each_other() {
        let one = Chain::start("a").link(at(), &Entry::new("k\",\"at", "a", "s", json!({}))).unwrap();
        let two = Chain::start("a").link(at(), &Entry::new("k", "\",\"ata", "s", json!({}))).unwrap();
        assert_ne!(one.hash, two.hash);
    }
}
