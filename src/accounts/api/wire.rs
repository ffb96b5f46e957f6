//! Accounts on the wire.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::accounts::model::{AccountState, value};
use crate::accounts::store::{AccountRow, ContactRow};
use crate::kernel::clock::DateTime;
use crate::platform::http::Problem;

/// An account in a list.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccountSummary {
    pub account_id: String,
    #[schema(required = true)]
    pub name: Option<String>,
    #[schema(required = true)]
    pub domain: Option<String>,
    #[schema(required = true)]
    pub owner_id: Option<String>,
    pub created_at: DateTime,
    pub changed_at: DateTime,
}

impl From<AccountRow> for AccountSummary {
    fn from(row: AccountRow) -> Self {
        Self {
            account_id: row.account_id,
            name: row.name,
            domain: row.domain,
            owner_id: row.owner_id,
            created_at: row.created_at,
            changed_at: row.changed_at,
        }
    }
}

/// Everything known about an account. Each value stands with the `source` that said it and the instant `asOf`
/// which it was true.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccountWire {
    pub account_id: String,
    #[schema(required = true)]
    pub name: Option<String>,
    /// Grows with every change.
    pub version: i64,
    /// Profile, lifecycle, usage, deals, partners, intents, consents, preferences, subscriptions, tickets and
    /// engagement, as facts.
    #[schema(value_type = Object)]
    pub state: Value,
    /// People at the account, by id, as facts.
    #[schema(value_type = Vec<Object>)]
    pub contacts: Vec<Value>,
}

impl AccountWire {
    pub fn new(
        account_id: String,
        version: i64,
        state: &AccountState,
        contacts: &[ContactRow],
    ) -> Result<Self, Problem> {
        let contacts = contacts
            .iter()
            .map(|contact| {
                let mut doc = serde_json::to_value(&contact.doc).map_err(Problem::internal)?;
                if let Value::Object(fields) = &mut doc {
                    fields.insert("contactId".to_owned(), contact.contact_id.clone().into());
                }
                Ok(doc)
            })
            .collect::<Result<_, Problem>>()?;
        Ok(Self {
            account_id,
            name: value(&state.profile.name).cloned(),
            version,
            state: serde_json::to_value(state).map_err(Problem::internal)?,
            contacts,
        })
    }
}
