//! `list_conflicts`: motions that wanted the same account.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::mcp::calls::{Calls, Refusal};
use crate::mcp::tool::{Effect, Told, Tool};
use crate::mcp::words::{at, page, when};

/// Whether a conflict waits for somebody.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ConflictsThatAre)]
enum Status {
    Open,
    Resolved,
}

/// Which conflicts to list. Everything left out matches all.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Input {
    /// open: waits for somebody to decide. resolved: was decided, or lapsed.
    status: Option<Status>,
    /// Only conflicts about this account.
    account_id: Option<String>,
    /// Rows per page; 20 when left out.
    #[schema(minimum = 1, maximum = 200, default = 20)]
    limit: Option<u32>,
    /// The nextCursor of the page before.
    cursor: Option<String>,
}

pub struct ListConflicts;

impl Tool for ListConflicts {
    type Input = Input;
    const NAME: &'static str = "list_conflicts";
    const TITLE: &'static str = "List conflicts";
    const DESCRIPTION: &'static str = "List conflicts, newest first: two competing motions wanted the same account, one holds \
        it (72 hours), the other waits for a person of RevOps to decide. Each comes with the reasons of both sides. An open \
        one is decided with resolve_conflict.";
    const CALLS: &'static [&'static str] = &["list_conflicts"];
    const EFFECT: Effect = Effect::Reads;

    async fn run(calls: &Calls, input: Input) -> Result<Told, Refusal> {
        let structured = calls
            .to("list_conflicts")
            .query("status", input.status)
            .query("accountId", input.account_id)
            .query("limit", Some(input.limit.unwrap_or(20)))
            .query("cursor", input.cursor)
            .json()
            .await?;
        let text = page(&structured, "No such conflicts.", |row| {
            format!(
                "{} {} since {}, {}: {} holds it ({}) and {} wants it ({}).",
                at(row, "/conflictId"),
                at(row, "/accountId"),
                when(row, "/openedAt", calls.now),
                at(row, "/status"),
                at(row, "/holder/motion"),
                at(row, "/holder/reason"),
                at(row, "/wanted/motion"),
                at(row, "/wanted/reason"),
            )
        });
        Ok(Told { text, structured })
    }
}
