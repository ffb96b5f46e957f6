//! A person at an account: what is known of them, kept apart from the account's state so that they can be
//! erased.
//!
//! Promises: [`Contact::merge`] is commutative, associative and idempotent, like the facts it is made of.

use serde::{Deserialize, Serialize};

use super::fact::Fact;
use super::state::Known;
use crate::kernel::ids::ContactId;

/// Everything known about a person.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Contact {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_name: Known<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_name: Known<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Known<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Known<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Known<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_primary: Known<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opted_out: Known<bool>,
}

/// What one event says of a person.
#[derive(Debug, Clone, PartialEq)]
pub struct ContactChange {
    pub contact_id: ContactId,
    /// The event's facts alone; to be merged into what is stored.
    pub said: Contact,
}

impl Contact {
    /// Takes over every fact that is newer. True when something changed.
    pub fn merge(&mut self, said: Self) -> bool {
        let changes = [
            merge(&mut self.first_name, said.first_name),
            merge(&mut self.last_name, said.last_name),
            merge(&mut self.title, said.title),
            merge(&mut self.email, said.email),
            merge(&mut self.phone, said.phone),
            merge(&mut self.is_primary, said.is_primary),
            merge(&mut self.opted_out, said.opted_out),
        ];
        changes.contains(&true)
    }
}

fn merge<T>(slot: &mut Known<T>, said: Known<T>) -> bool {
    said.is_some_and(|said| Fact::merge(slot, said))
}
