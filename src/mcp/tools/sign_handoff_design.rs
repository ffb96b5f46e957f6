//! `sign_handoff_design`: a person agrees with a version of a design.

use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::mcp::calls::{Calls, Refusal};
use crate::mcp::tool::{Effect, Told, Tool, yes};
use crate::mcp::tools::define_handoff::design;
use crate::mcp::words::unwritten;

/// For whom somebody signs.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = DesignSignedFor)]
enum SignedFor {
    Revops,
    SalesLeadership,
}

/// Who signs what.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Input {
    /// The design, by its id as `define_handoff` gives it.
    design_id: Uuid,
    /// The side that this person speaks for; a design needs both.
    role: SignedFor,
    /// The person who signs, by name. The two signatures of a version come from two people: never sign in a name that the
    /// user did not give you for it.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// The version that the person has read, as `show_handoff_design` gives it.
    version: i32,
    /// What the person wants to have noted with it.
    #[schema(max_length = 2000)]
    comment: Option<String>,
    /// True (the default): say how the design would then stand and write nothing. False: sign it.
    #[serde(default = "yes")]
    #[schema(default = true)]
    dry_run: bool,
    /// Needed when dryRun is false: a fresh text, such as a UUID. A repeat with the same one signs nothing twice.
    #[schema(min_length = 1, max_length = 255)]
    idempotency_key: Option<String>,
}

pub struct SignHandoffDesign;

impl Tool for SignHandoffDesign {
    type Input = Input;
    const NAME: &'static str = "sign_handoff_design";
    const TITLE: &'static str = "Sign a handoff design";
    const DESCRIPTION: &'static str = "Note that a person agrees with a version of a handoff design, for RevOps or for sales \
        leadership; with both signatures, by two people, it is approved and can be applied. It is that person's decision: \
        show them the packet (show_handoff_design with document true), ask, and pass their name. A changed design is signed \
        anew.";
    const CALLS: &'static [&'static str] = &["approve_handoff_design"];
    const EFFECT: Effect = Effect::Changes;

    async fn run(calls: &Calls, input: Input) -> Result<Told, Refusal> {
        let structured = calls
            .to("approve_handoff_design")
            .path("designId", &input.design_id)
            .body(json!({
                "role": input.role,
                "name": input.name,
                "version": input.version,
                "comment": input.comment,
            }))
            .once(input.dry_run, input.idempotency_key.as_deref())?
            .json()
            .await?;
        Ok(Told { text: unwritten(input.dry_run, "sign it", design(&structured)), structured })
    }
}
