//! `get_account_signals`: what a decision would be made of now.

use serde::Deserialize;
use utoipa::ToSchema;

use crate::mcp::calls::{Calls, Refusal};
use crate::mcp::tool::{Effect, Told, Tool};
use crate::mcp::words::{at, when};

/// Of which account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Input {
    /// The account, by its id as `find_accounts` gives it.
    account_id: String,
}

pub struct GetAccountSignals;

impl Tool for GetAccountSignals {
    type Input = Input;
    const NAME: &'static str = "get_account_signals";
    const TITLE: &'static str = "Show the signals of an account";
    const DESCRIPTION: &'static str = "Show what is known of an account now: segment, product usage (depth, trend, plateau), \
        CRM and deals, partners, intent, each with its source and its time, and what guards the account (touches of the \
        last days, which motion holds it, preferences, consents). It is exactly what a decision would be made of. Nothing \
        is decided.";
    const CALLS: &'static [&'static str] = &["get_signals"];
    const EFFECT: Effect = Effect::Reads;

    async fn run(calls: &Calls, input: Input) -> Result<Told, Refusal> {
        let structured = calls.to("get_signals").path("accountId", &input.account_id).json().await?;
        let mut lines = vec![format!(
            "{} under policy {}",
            at(&structured, "/accountId"),
            at(&structured, "/policyVersion")
        )];
        for (name, values) in structured["signals"].as_object().into_iter().flatten() {
            let source = at(values, "/provenance/source");
            let as_of = when(values, "/provenance/asOf", calls.now);
            let facts = values.as_object().into_iter().flatten().filter(|(_, value)| {
                !value.is_null()
                    && !value.is_object()
                    && value.as_array().is_none_or(|items| !items.is_empty())
            });
            let facts: Vec<String> = facts.map(|(name, value)| format!("{name} {}", at(value, ""))).collect();
            lines.push(format!("{name} [{source}, {as_of}]: {}", facts.join(", ")));
        }
        Ok(Told { text: lines.join("\n"), structured })
    }
}
