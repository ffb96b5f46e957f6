//! `find_accounts`: from a name to the id that every other tool wants.

use serde::Deserialize;
use utoipa::ToSchema;

use crate::mcp::calls::{Calls, Refusal};
use crate::mcp::tool::{Effect, Told, Tool};
use crate::mcp::words::{at, page};

/// Which accounts to look for. Everything left out matches all.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Input {
    /// A part of the company's name, such as "summit".
    name: Option<String>,
    /// The company's domain, such as "acme.example".
    domain: Option<String>,
    /// Only accounts that this person owns, by the id that the CRM has for them.
    owner_id: Option<String>,
    /// Rows per page; 20 when left out.
    #[schema(minimum = 1, maximum = 200, default = 20)]
    limit: Option<u32>,
    /// The nextCursor of the page before.
    cursor: Option<String>,
}

pub struct FindAccounts;

impl Tool for FindAccounts {
    type Input = Input;
    const NAME: &'static str = "find_accounts";
    const TITLE: &'static str = "Find accounts";
    const DESCRIPTION: &'static str = "Find accounts (companies) by name, domain or owner. Use it first when you have a \
        company's name: every other tool wants the accountId that this one gives.";
    const CALLS: &'static [&'static str] = &["list_accounts"];
    const EFFECT: Effect = Effect::Reads;

    async fn run(calls: &Calls, input: Input) -> Result<Told, Refusal> {
        let structured = calls
            .to("list_accounts")
            .query("name", input.name)
            .query("domain", input.domain)
            .query("ownerId", input.owner_id)
            .query("limit", Some(input.limit.unwrap_or(20)))
            .query("cursor", input.cursor)
            .json()
            .await?;
        let text = page(&structured, "No such account. Try a shorter part of the name.", |row| {
            format!("{}: {}", at(row, "/accountId"), at(row, "/name"))
        });
        Ok(Told { text, structured })
    }
}
