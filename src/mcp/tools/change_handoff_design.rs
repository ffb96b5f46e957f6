//! `change_handoff_design`: another version of a design.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::mcp::calls::{Calls, Refusal};
use crate::mcp::tool::{Effect, Told, Tool, yes};
use crate::mcp::tools::define_handoff::design;
use crate::mcp::words::unwritten;

/// Which design, and what differs.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Input {
    /// The design, by its id as `define_handoff` gives it.
    design_id: Uuid,
    /// The version that you have read, as `show_handoff_design` gives it, so that no change of others is lost.
    version: i32,
    /// What differs of the inputs, by the names that `define_handoff` takes, such as `{"responseSla": "4h"}`; null takes something
    /// out. Empty: the same design made anew on what is live now.
    #[schema(value_type = Object)]
    changes: Map<String, Value>,
    /// Why, in a sentence: kept with the version.
    #[schema(min_length = 1, max_length = 2000)]
    why: String,
    /// Who changes it, by name; the key's name when left out.
    author: Option<String>,
    /// True (the default): say how the design would then be and write nothing. False: make the version.
    #[serde(default = "yes")]
    #[schema(default = true)]
    dry_run: bool,
    /// Needed when dryRun is false: a fresh text, such as a UUID. A repeat with the same one makes no second version.
    #[schema(min_length = 1, max_length = 255)]
    idempotency_key: Option<String>,
}

pub struct ChangeHandoffDesign;

impl Tool for ChangeHandoffDesign {
    type Input = Input;
    const NAME: &'static str = "change_handoff_design";
    const TITLE: &'static str = "Change a handoff design";
    const DESCRIPTION: &'static str = "Make another version of a handoff design: other inputs, or the same ones \
        on what is live now (needed where apply_handoff_design says that the base has changed). A new version \
        is signed anew, and what was scheduled of the one before is called off; a design that is live is rolled \
        back first. A dry run (the default) tells the whole version.";
    const CALLS: &'static [&'static str] = &["change_handoff_design", "get_handoff_design"];
    const EFFECT: Effect = Effect::Changes;

    async fn run(calls: &Calls, input: Input) -> Result<Told, Refusal> {
        let read = calls.to("get_handoff_design").path("designId", &input.design_id);
        let tag = read.seen("/version", input.version).await?;
        let structured = calls
            .to("change_handoff_design")
            .path("designId", &input.design_id)
            .body(json!({ "changes": input.changes, "why": input.why, "author": input.author }))
            .on(tag)
            .once(input.dry_run, input.idempotency_key.as_deref())?
            .json()
            .await?;
        Ok(Told { text: unwritten(input.dry_run, "make the version", design(&structured)), structured })
    }
}
