//! `create_handoff`: an account passes to another team.

use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::mcp::calls::{Calls, Operations, Refusal};
use crate::mcp::schema::Schema;
use crate::mcp::tool::{Effect, Told, Tool, yes};
use crate::mcp::tools::show_handoff;
use crate::mcp::words::handoff;

/// What is handed over, and to whom.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Input {
    /// The kind of handoff. Those that ship: `mql_to_sales`, `sql_to_ae`, `closed_to_cs`, `expansion_to_sales`, `plg_to_sales`,
    /// `sales_to_partner`, `partner_to_sales`.
    handoff_type: String,
    /// The account, by its id as `find_accounts` gives it.
    account_id: String,
    /// The deal that goes with it, by the id that the CRM has for it.
    deal_id: Option<String>,
    /// The team that hands over, instead of the one that the type names.
    from_team: Option<String>,
    /// The team that takes over, instead of the one that the type names.
    to_team: Option<String>,
    /// The rep who is to have it, whatever the routing says. Leave it out unless the user named somebody.
    owner_id: Option<String>,
    /// True (the default): say who would get it, by when, and what is missing, and write nothing. False: open it; its owner
    /// is told at once.
    #[serde(default = "yes")]
    #[schema(default = true)]
    dry_run: bool,
    /// Needed when dryRun is false: a fresh text, such as a UUID. A repeat with the same one opens no second handoff.
    #[schema(min_length = 1, max_length = 255)]
    idempotency_key: Option<String>,
}

pub struct CreateHandoff;

impl Tool for CreateHandoff {
    type Input = Input;
    const NAME: &'static str = "create_handoff";
    const TITLE: &'static str = "Hand an account over";
    const DESCRIPTION: &'static str = "Hand an account over from one team to another: the package for the receiver is gathered, \
        an owner found by territory, segment and a fair rotation, a deadline set, and the owner told. A dry run (the default) \
        says who it would be, why, by when, and what is missing. A handoff without a contact or without qualification is held \
        until it has them.";
    const CALLS: &'static [&'static str] = &["open_handoff"];
    const EFFECT: Effect = Effect::Adds;

    fn output(operations: &Operations) -> Option<Schema> {
        show_handoff::without_package(Self::CALLS, operations)
    }

    async fn run(calls: &Calls, input: Input) -> Result<Told, Refusal> {
        let opened = calls
            .to("open_handoff")
            .body(json!({
                "handoffType": input.handoff_type,
                "accountId": input.account_id,
                "dealId": input.deal_id,
                "fromTeam": input.from_team,
                "toTeam": input.to_team,
                "ownerId": input.owner_id,
            }))
            .once(input.dry_run, input.idempotency_key.as_deref())?
            .json()
            .await?;
        let mut text = handoff(&opened, calls.now);
        if input.dry_run {
            text.push_str(
                "\nNothing was written. To open it call again with dryRun false and an idempotencyKey.",
            );
        }
        Ok(Told { text, structured: show_handoff::bare(opened) })
    }
}
