//! `list_plans`: plans of all kinds and where they stand.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::mcp::calls::{Calls, Refusal};
use crate::mcp::tool::{Effect, Told, Tool};
use crate::mcp::words::{at, page};

/// What a plan is for.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PlansFor)]
enum Kind {
    HandoffDesign,
    Renewal,
    Programme,
}

/// Where a plan stands.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PlansThatAre)]
enum Standing {
    Draft,
    Running,
    Done,
    Cancelled,
}

/// Which plans to list. Everything left out matches all.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Input {
    /// Only plans for this: designs of handoffs, renewals of accounts, GTM programmes.
    kind: Option<Kind>,
    /// Only plans that stand so.
    status: Option<Standing>,
    /// Only plans of this account.
    account_id: Option<String>,
    /// Rows per page; 20 when left out.
    #[schema(minimum = 1, maximum = 200, default = 20)]
    limit: Option<u32>,
    /// The nextCursor of the page before.
    cursor: Option<String>,
}

pub struct ListPlans;

impl Tool for ListPlans {
    type Input = Input;
    const NAME: &'static str = "list_plans";
    const TITLE: &'static str = "List plans";
    const DESCRIPTION: &'static str = "List plans, newest first: what each is for (the design of handoffs, the renewal of an \
        account, a GTM programme), its objective, where it stands, when it ends. Its planId is at the same time the designId, \
        renewalId or programmeId that the other tools take.";
    const CALLS: &'static [&'static str] = &["list_plans"];
    const EFFECT: Effect = Effect::Reads;

    async fn run(calls: &Calls, input: Input) -> Result<Told, Refusal> {
        let structured = calls
            .to("list_plans")
            .query("kind", input.kind)
            .query("status", input.status)
            .query("accountId", input.account_id)
            .query("limit", Some(input.limit.unwrap_or(20)))
            .query("cursor", input.cursor)
            .json()
            .await?;
        let text = page(&structured, "No such plans.", |row| {
            format!(
                "{} {} {}: {} (to {})",
                at(row, "/planId"),
                at(row, "/kind"),
                at(row, "/status"),
                at(row, "/objective"),
                at(row, "/endsAt")
            )
        });
        Ok(Told { text, structured })
    }
}
