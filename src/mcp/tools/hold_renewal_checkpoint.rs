//! `hold_renewal_checkpoint`: how a renewal stood when people looked at it.

use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::mcp::calls::{Calls, Refusal};
use crate::mcp::tool::{Effect, Told, Tool, yes};
use crate::mcp::tools::plan_renewal::renewal;
use crate::mcp::words::unwritten;
use crate::renewals::model::Risk;

/// Which checkpoint, and how it went.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Input {
    /// The renewal, by its id as `plan_renewal` or `list_upcoming_renewals` gives it.
    renewal_id: Uuid,
    /// The number of the checkpoint, from 1, as `show_renewal` lists them.
    #[schema(minimum = 1)]
    number: u32,
    /// How the people at the checkpoint say that the renewal stands.
    rating: Risk,
    /// Why, in a sentence or two of theirs.
    #[schema(max_length = 2000)]
    note: Option<String>,
    /// True (the default): say how the renewal would then stand, and who would be told, and write nothing. False: note it.
    #[serde(default = "yes")]
    #[schema(default = true)]
    dry_run: bool,
    /// Needed when dryRun is false: a fresh text, such as a UUID. A repeat with the same one notes nothing twice.
    #[schema(min_length = 1, max_length = 255)]
    idempotency_key: Option<String>,
}

pub struct HoldRenewalCheckpoint;

impl Tool for HoldRenewalCheckpoint {
    type Input = Input;
    const NAME: &'static str = "hold_renewal_checkpoint";
    const TITLE: &'static str = "Report on a checkpoint of a renewal";
    const DESCRIPTION: &'static str = "Note how a checkpoint of a running renewal went: green, yellow or red, and why. Once for \
        each checkpoint, and not after a later one. Two red ones in a row call those who can change something, at once. Report \
        only what people said: the rating is theirs. A dry run (the default) shows how the renewal would then stand.";
    const CALLS: &'static [&'static str] = &["hold_renewal_checkpoint"];
    const EFFECT: Effect = Effect::Changes;

    async fn run(calls: &Calls, input: Input) -> Result<Told, Refusal> {
        let structured = calls
            .to("hold_renewal_checkpoint")
            .path("renewalId", &input.renewal_id)
            .path("number", &input.number)
            .body(json!({ "rating": input.rating, "note": input.note }))
            .once(input.dry_run, input.idempotency_key.as_deref())?
            .json()
            .await?;
        Ok(Told { text: unwritten(input.dry_run, "note it", renewal(&structured)), structured })
    }
}
