//! `show_handoff_design`: a design with all that was decided, signed and applied.

use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::mcp::calls::{Calls, Refusal};
use crate::mcp::tool::{Effect, Told, Tool};
use crate::mcp::tools::define_handoff::design;

/// Which design, and how it is told.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Input {
    /// The design, by its id as `define_handoff` gives it, or `list_plans` with the kind `handoff_design` (as planId).
    design_id: Uuid,
    /// True: the text is the whole packet in Markdown, as those who sign it read it.
    #[serde(default)]
    #[schema(default = false)]
    document: bool,
}

pub struct ShowHandoffDesign;

impl Tool for ShowHandoffDesign {
    type Input = Input;
    const NAME: &'static str = "show_handoff_design";
    const TITLE: &'static str = "Show a handoff design";
    const DESCRIPTION: &'static str = "Show a handoff design in its newest version: routing matrix, model of the response time \
        with the people needed, escalation tree, checklist and enablement with owners and dates, who signed, whether it is \
        live, and what has changed since it was made. With document true the text is the packet that RevOps and sales \
        leadership read before they sign.";
    const CALLS: &'static [&'static str] = &["get_handoff_design", "get_handoff_design_document"];
    const EFFECT: Effect = Effect::Reads;

    async fn run(calls: &Calls, input: Input) -> Result<Told, Refusal> {
        let structured = calls.to("get_handoff_design").path("designId", &input.design_id).json().await?;
        let text = if input.document {
            let document = calls.to("get_handoff_design_document").path("designId", &input.design_id);
            document.accept("text/markdown").text().await?
        } else {
            design(&structured)
        };
        Ok(Told { text, structured })
    }
}
