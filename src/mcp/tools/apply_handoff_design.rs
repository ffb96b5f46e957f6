//! `apply_handoff_design`: a signed design becomes the live routing.

use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::kernel::clock::DateTime;
use crate::mcp::calls::{Calls, Refusal};
use crate::mcp::tool::{Effect, Told, Tool, yes};
use crate::mcp::tools::define_handoff::design;
use crate::mcp::words::{at, each, unwritten};

/// Which design, and when.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Input {
    /// The design, by its id as `define_handoff` gives it. Both sides must have signed it.
    design_id: Uuid,
    /// When it is to go live (RFC 3339, UTC); at once when left out or past.
    at: Option<DateTime>,
    /// True (the default): say whether it could go live, and what it would change, and write nothing. False: do it.
    #[serde(default = "yes")]
    #[schema(default = true)]
    dry_run: bool,
    /// Needed when dryRun is false: a fresh text, such as a UUID. A repeat with the same one applies nothing twice.
    #[schema(min_length = 1, max_length = 255)]
    idempotency_key: Option<String>,
}

pub struct ApplyHandoffDesign;

impl Tool for ApplyHandoffDesign {
    type Input = Input;
    const NAME: &'static str = "apply_handoff_design";
    const TITLE: &'static str = "Make a handoff design live";
    const DESCRIPTION: &'static str = "Make an approved handoff design the live routing, at once or at an instant: its rules for \
        the segment, its response times and limits go onto the roster. Handoffs that somebody has keep the terms that they \
        began with. Refused while signatures are missing, or when the roster has changed since the design was made (the \
        answer names what). A dry run (the default) tries all of that and lists what would change.";
    const CALLS: &'static [&'static str] = &["apply_handoff_design"];
    const EFFECT: Effect = Effect::Changes;

    async fn run(calls: &Calls, input: Input) -> Result<Told, Refusal> {
        let structured = calls
            .to("apply_handoff_design")
            .path("designId", &input.design_id)
            .body(json!({ "at": input.at }))
            .once(input.dry_run, input.idempotency_key.as_deref())?
            .json()
            .await?;
        let mut lines = vec![design(&structured)];
        lines.extend(
            each(&structured, "/packet/routing/edits")
                .map(|edit| format!("On the roster: {}", at(edit, "/says"))),
        );
        Ok(Told { text: unwritten(input.dry_run, "make it live", lines.join("\n")), structured })
    }
}
