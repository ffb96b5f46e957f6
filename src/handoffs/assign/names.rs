//! The names that assignment speaks in: reps, teams and territories, by the ids that the company gave them.
//!
//! Promises: a name in hand is well formed (see [`check_caller_id`]); names compare as text, which is the last
//! tie-break of every choice in this module; cloning one copies no text.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::kernel::ids::{IdError, check_caller_id};

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks and wraps an id: 1–128 of `A-Za-z0-9_.:-`.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                check_caller_id(text)?;
                Ok(Self(text.into()))
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.as_str().to_owned()
            }
        }
    };
}

name!(
    /// A person who takes handoffs.
    RepId
);
name!(
    /// A team; also the identity of its rotation.
    TeamId
);
name!(
    /// A territory.
    TerritoryId
);
name!(
    /// Any entry of the roster.
    EntryId
);
