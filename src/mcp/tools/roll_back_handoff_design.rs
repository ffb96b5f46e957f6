//! `roll_back_handoff_design`: what was made live is taken back.

use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::mcp::calls::{Calls, Refusal};
use crate::mcp::tool::{Effect, Told, Tool, yes};
use crate::mcp::tools::define_handoff::design;
use crate::mcp::words::unwritten;

/// Which design, and why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Input {
    /// The design, by its id as `define_handoff` gives it.
    design_id: Uuid,
    /// Why, in a sentence: it is kept.
    #[schema(min_length = 1, max_length = 2000)]
    why: String,
    /// True (the default): say how the design would then stand and write nothing. False: roll it back.
    #[serde(default = "yes")]
    #[schema(default = true)]
    dry_run: bool,
    /// Needed when dryRun is false: a fresh text, such as a UUID. A repeat with the same one takes nothing back twice.
    #[schema(min_length = 1, max_length = 255)]
    idempotency_key: Option<String>,
}

pub struct RollBackHandoffDesign;

impl Tool for RollBackHandoffDesign {
    type Input = Input;
    const NAME: &'static str = "roll_back_handoff_design";
    const TITLE: &'static str = "Roll a handoff design back";
    const DESCRIPTION: &'static str = "Take a handoff design back that is live: each entry of the roster is \
        restored as it was before, unless somebody has changed it since, which is refused and named. One that \
        is scheduled is called off. Routing changes at once, so ask the user. A dry run (the default) says how \
        the design would then stand.";
    const CALLS: &'static [&'static str] = &["roll_back_handoff_design"];
    const EFFECT: Effect = Effect::Changes;

    async fn run(calls: &Calls, input: Input) -> Result<Told, Refusal> {
        let structured = calls
            .to("roll_back_handoff_design")
            .path("designId", &input.design_id)
            .body(json!({ "why": input.why }))
            .once(input.dry_run, input.idempotency_key.as_deref())?
            .json()
            .await?;
        Ok(Told { text: unwritten(input.dry_run, "roll it back", design(&structured)), structured })
    }
}
