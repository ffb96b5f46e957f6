//! `get_account_timeline`: everything that happened to an account.

use serde::Deserialize;
use utoipa::ToSchema;

use crate::mcp::calls::{Calls, Refusal};
use crate::mcp::tool::{Effect, Told, Tool};
use crate::mcp::words::{at, page, when};

/// Of which account, and how much of it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Input {
    /// The account, by its id as `find_accounts` gives it.
    account_id: String,
    /// Entries per page; 20 when left out.
    #[schema(minimum = 1, maximum = 200, default = 20)]
    limit: Option<u32>,
    /// The nextCursor of the page before.
    cursor: Option<String>,
}

pub struct GetAccountTimeline;

impl Tool for GetAccountTimeline {
    type Input = Input;
    const NAME: &'static str = "get_account_timeline";
    const TITLE: &'static str = "Show the timeline of an account";
    const DESCRIPTION: &'static str = "Show what happened to an account, newest first: events, consents, decisions, touches, \
        conflicts, handoffs, and what partners were shown. Use it to see how things came to be as they are.";
    const CALLS: &'static [&'static str] = &["get_timeline"];
    const EFFECT: Effect = Effect::Reads;

    async fn run(calls: &Calls, input: Input) -> Result<Told, Refusal> {
        let structured = calls
            .to("get_timeline")
            .path("accountId", &input.account_id)
            .query("limit", Some(input.limit.unwrap_or(20)))
            .query("cursor", input.cursor)
            .json()
            .await?;
        let text = page(&structured, "Nothing has happened yet.", |row| {
            format!("{} {}: {}", when(row, "/at", calls.now), at(row, "/kind"), at(row, "/title"))
        });
        Ok(Told { text, structured })
    }
}
