//! A value with the moment it was true and the source that said so.
//!
//! Promises: [`Fact::merge`] is commutative, associative and idempotent, so that the order and the
//! repetition of events do not matter.

use serde::{Deserialize, Serialize};

use crate::kernel::clock::DateTime;
use crate::kernel::json::sha256;

/// When something was true and who said so: the total order of facts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stamp {
    /// When it was true, by the event's own time.
    pub as_of: DateTime,
    /// Decides between facts of the same instant: the first bytes of the digest of the event's identity.
    #[serde(rename = "n", default, skip_serializing_if = "is_zero")]
    pub tie: u32,
    /// The event's `source`.
    pub source: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
fn is_zero(n: &u32) -> bool {
    *n == 0
}

impl Stamp {
    /// The stamp of an event, by its time, source and id.
    pub fn of_event(as_of: DateTime, source: &str, id: &str) -> Self {
        let digest = sha256(format!("{source}\n{id}").as_bytes());
        let tie = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
        Self { as_of, tie, source: source.to_owned() }
    }
}

/// A value under its stamp.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fact<T> {
    pub value: T,
    #[serde(flatten)]
    pub stamp: Stamp,
}

impl<T> Fact<T> {
    pub fn new(value: T, stamp: Stamp) -> Self {
        Self { value, stamp }
    }

    /// Keeps the newer of what is known and what is said; equal stamps keep what is known. True when what
    /// was said is now what is known.
    pub fn merge(slot: &mut Option<Self>, said: Self) -> bool {
        let newer = Self::yields_to(slot.as_ref(), &said.stamp);
        if newer {
            *slot = Some(said);
        }
        newer
    }

    /// Whether a statement with this stamp would replace what is known.
    pub fn yields_to(known: Option<&Self>, stamp: &Stamp) -> bool {
        known.is_none_or(|known| known.stamp < *stamp)
    }
}
