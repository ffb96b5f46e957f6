//! Identifiers: the caller's own ids, checked once, and the service's own time-ordered ones.
//!
//! Promises: an [`AccountId`] (and its like) in hand is well formed, whatever it came from; ids that the
//! service makes are `UUIDv7` and sort by the clock that made them, to the microsecond, and within one instant by
//! the order in which a process made them: a list by id is a list by time, even while a sandbox's clock stands still.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU32, Ordering};

use serde::{Deserialize, Serialize};
use uuid::{Timestamp, Uuid};

use super::clock::DateTime;

/// Why a caller's id was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    #[error("an id must not be empty")]
    Empty,
    #[error("an id has at most 128 characters, this one has {0}")]
    TooLong(usize),
    #[error("an id may hold letters, digits and _ . : - only; found {0:?}")]
    Character(char),
}

/// Checks the shape that the HTTP contract gives to callers' ids: 1–128 of `A-Za-z0-9_.:-`.
pub fn check_caller_id(text: &str) -> Result<(), IdError> {
    if text.is_empty() {
        return Err(IdError::Empty);
    }
    if let Some(found) = text.chars().find(|c| !(c.is_ascii_alphanumeric() || "_.:-".contains(*c))) {
        return Err(IdError::Character(found));
    }
    if text.len() > 128 {
        return Err(IdError::TooLong(text.len()));
    }
    Ok(())
}

macro_rules! caller_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks and wraps a caller's id.
            pub fn parse(text: impl Into<String>) -> Result<Self, IdError> {
                let text = text.into();
                check_caller_id(&text)?;
                Ok(Self(text))
            }

            /// The id as the caller wrote it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::parse(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                Self::parse(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

caller_id!(
    /// A company, by the caller's id.
    AccountId
);
caller_id!(
    /// A person at an account, by the caller's id.
    ContactId
);
caller_id!(
    /// A deal (opportunity), by the caller's id.
    DealId
);

/// Ids made by this process. It wraps after four thousand million; the one pair that it then puts in the wrong
/// order is still told apart by the rest of the id.
static MADE: AtomicU32 = AtomicU32::new(0);

/// A new time-ordered id (`UUIDv7`) that carries `now`: milliseconds where the standard wants them, behind them the
/// microseconds, a count, and 32 random bits that keep processes apart.
#[expect(clippy::cast_sign_loss, reason = "the clock never stands before 1970")]
pub fn new_id(now: DateTime) -> Uuid {
    let micros = u128::from(now.timestamp_subsec_micros() % 1_000);
    let count = u128::from(MADE.fetch_add(1, Ordering::Relaxed));
    let (seconds, nanos) = (now.timestamp() as u64, now.timestamp_subsec_nanos());
    Uuid::new_v7(Timestamp::from_unix_time(seconds, nanos, micros << 32 | count, 10 + 32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn caller_ids_keep_to_the_contract() {
        assert!(AccountId::parse("acc_12345").is_ok());
        assert!(AccountId::parse("a:b.c-D_9").is_ok());
        assert_eq!(AccountId::parse(""), Err(IdError::Empty));
        assert_eq!(AccountId::parse("a b"), Err(IdError::Character(' ')));
        assert_eq!(AccountId::parse("é"), Err(IdError::Character('é')));
        assert!(AccountId::parse("x".repeat(128)).is_ok());
        assert_eq!(AccountId::parse("x".repeat(129)), Err(IdError::TooLong(129)));
    }

    #[test]
    fn new_ids_sort_by_their_instant() {
        let at = |s| chrono::DateTime::from_timestamp(s, 0).unwrap();
        assert!(new_id(at(1_000)) < new_id(at(2_000)));
        let micros = |n: i64| chrono::DateTime::from_timestamp_micros(1_800_000_000_000_000 + n).unwrap();
        // Made in the reverse order, so that the count does not help.
        let (later, sooner) = (new_id(micros(1_000)), new_id(micros(999)));
        assert!(sooner < later, "across a millisecond");
        let (later, sooner) = (new_id(micros(2)), new_id(micros(1)));
        assert!(sooner < later, "within a millisecond");
    }

    #[test]
    fn ids_of_one_instant_sort_in_the_order_in_which_they_were_made() {
        let at = chrono::DateTime::from_timestamp(1_800_000_000, 123_456_000).unwrap();
        let made: Vec<_> = (0..1_000).map(|_| new_id(at)).collect();
        assert!(made.is_sorted());
        assert!(
            made.iter().all(|id| id.get_version_num() == 7 && id.get_variant() == uuid::Variant::RFC4122)
        );
        let (seconds, nanos) = made[0].get_timestamp().unwrap().to_unix();
        assert_eq!((seconds, nanos), (1_800_000_000, 123_000_000), "the standard's place holds milliseconds");
    }
}
