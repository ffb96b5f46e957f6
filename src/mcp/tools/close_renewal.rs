//! `close_renewal`: how a renewal ended.

use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::mcp::calls::{Calls, Refusal};
use crate::mcp::tool::{Effect, Told, Tool, yes};
use crate::mcp::tools::plan_renewal::renewal;
use crate::mcp::words::unwritten;

/// How a renewal ended.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = RenewalEnded)]
enum Outcome {
    Renewed,
    Expanded,
    Reduced,
    Lost,
    Cancelled,
}

/// Which renewal, and how it ended.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Input {
    /// The renewal, by its id as `list_upcoming_renewals` or `plan_renewal` gives it.
    renewal_id: Uuid,
    /// renewed (at about the same amount), expanded, reduced, lost, or cancelled (it was no renewal after all).
    outcome: Outcome,
    /// Why, for those who look back.
    #[schema(max_length = 2000)]
    note: Option<String>,
    /// True (the default): say how it would then stand and write nothing. False: close it.
    #[serde(default = "yes")]
    #[schema(default = true)]
    dry_run: bool,
    /// Needed when dryRun is false: a fresh text, such as a UUID. A repeat with the same one closes nothing twice.
    #[schema(min_length = 1, max_length = 255)]
    idempotency_key: Option<String>,
}

pub struct CloseRenewal;

impl Tool for CloseRenewal {
    type Input = Input;
    const NAME: &'static str = "close_renewal";
    const TITLE: &'static str = "Close a renewal";
    const DESCRIPTION: &'static str = "Note how a renewal ended and close it: nothing of it fires any more, and \
        what is open of its plan is over. Ask the user how it ended; it cannot be opened again. A dry run (the \
        default) says how it would then stand.";
    const CALLS: &'static [&'static str] = &["close_renewal"];
    const EFFECT: Effect = Effect::Changes;

    async fn run(calls: &Calls, input: Input) -> Result<Told, Refusal> {
        let structured = calls
            .to("close_renewal")
            .path("renewalId", &input.renewal_id)
            .body(json!({ "outcome": input.outcome, "note": input.note }))
            .once(input.dry_run, input.idempotency_key.as_deref())?
            .json()
            .await?;
        Ok(Told { text: unwritten(input.dry_run, "close it", renewal(&structured)), structured })
    }
}
