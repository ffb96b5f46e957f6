//! Identifiers: the caller's own ids, checked once, and the service's own time-ordered ones.
//!
//! Promises: an [`AccountId`] (and its like) in hand is well formed, whatever it came from; ids that the
//! service makes are `UUIDv7` and sort by the clock that made them.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::{NoContext, Timestamp, Uuid};

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

/// A new time-ordered id (`UUIDv7`) that carries `now`.
#[expect(clippy::cast_sign_loss, reason = "the clock never stands before 1970")]
pub fn new_id(now: DateTime) -> Uuid {
    Uuid::new_v7(Timestamp::from_unix(NoContext, now.timestamp() as u64, now.timestamp_subsec_nanos()))
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
    }
}
