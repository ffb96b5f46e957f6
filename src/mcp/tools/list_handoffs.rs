//! `list_handoffs`: handoffs and where they stand.

use serde::Deserialize;
use utoipa::ToSchema;

use crate::handoffs::Status;
use crate::mcp::calls::{Calls, Operations, Refusal};
use crate::mcp::schema::Schema;
use crate::mcp::tool::{Effect, Told, Tool};
use crate::mcp::tools::show_handoff;
use crate::mcp::words::{handoff_line, page};

/// Which handoffs to list. Everything left out matches all.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Input {
    /// Only handoffs that stand so.
    status: Option<Status>,
    /// Only handoffs of this type, such as `mql_to_sales`.
    r#type: Option<String>,
    /// Only what this rep has, or had last.
    owner_id: Option<String>,
    /// Only handoffs of this account.
    account_id: Option<String>,
    /// True: only those past their deadline without contact. False: only the others.
    overdue: Option<bool>,
    /// Rows per page; 20 when left out.
    #[schema(minimum = 1, maximum = 200, default = 20)]
    limit: Option<u32>,
    /// The nextCursor of the page before.
    cursor: Option<String>,
}

pub struct ListHandoffs;

impl Tool for ListHandoffs {
    type Input = Input;
    const NAME: &'static str = "list_handoffs";
    const TITLE: &'static str = "List handoffs";
    const DESCRIPTION: &'static str = "List handoffs, newest first: type, account, where each stands, its owner, until when the \
        customer is to be contacted. Filter by status, type, owner, account, or by what is overdue.";
    const CALLS: &'static [&'static str] = &["list_handoffs"];
    const EFFECT: Effect = Effect::Reads;

    fn output(operations: &Operations) -> Option<Schema> {
        show_handoff::without_package(Self::CALLS, operations)
    }

    async fn run(calls: &Calls, input: Input) -> Result<Told, Refusal> {
        let structured = calls
            .to("list_handoffs")
            .query("status", input.status)
            .query("type", input.r#type)
            .query("ownerId", input.owner_id)
            .query("accountId", input.account_id)
            .query("overdue", input.overdue)
            .query("limit", Some(input.limit.unwrap_or(20)))
            .query("cursor", input.cursor)
            .json()
            .await?;
        let text = page(&structured, "No such handoffs.", |row| handoff_line(row, calls.now));
        Ok(Told { text, structured })
    }
}
