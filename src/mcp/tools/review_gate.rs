//! `review_gate`: what the coordinator of a programme says of a gate.

use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::mcp::calls::{Calls, Refusal};
use crate::mcp::tool::{Effect, Told, Tool, yes};
use crate::mcp::tools::show_programme::gates;
use crate::mcp::words::unwritten;

/// What is said of one check.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(as = CheckAttested)]
struct Attested {
    /// The check, by its name as `show_programme` gives it.
    check: String,
    /// Whether it holds.
    holds: bool,
    /// Why, in a sentence: it is kept.
    reason: String,
}

/// Which gate, and what is said of its checks.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Input {
    /// The programme, by its id as `run_programme` gives it.
    programme_id: Uuid,
    /// The gate, as `show_programme` names it, or a phase for all of its gates.
    gate: String,
    /// What you attest, of checks that nobody computes; with none the computed checks are looked at anew.
    #[serde(default)]
    verdicts: Vec<Attested>,
    /// True (the default): say how the gates would then stand and write nothing. False: note it.
    #[serde(default = "yes")]
    #[schema(default = true)]
    dry_run: bool,
    /// Needed when dryRun is false: a fresh text, such as a UUID. A repeat with the same one notes nothing twice.
    #[schema(min_length = 1, max_length = 255)]
    idempotency_key: Option<String>,
}

pub struct ReviewGate;

impl Tool for ReviewGate {
    type Input = Input;
    const NAME: &'static str = "review_gate";
    const TITLE: &'static str = "Review a gate of a programme";
    const DESCRIPTION: &'static str = "Speak as the coordinator of a programme on a quality gate: compute its checks anew, and \
        attest those that nobody can compute, each with a reason. Read the files first; what is computed cannot be attested, \
        only mended in its file. The phase goes on when all checks hold. A dry run (the default) shows how the gates would then \
        stand.";
    const CALLS: &'static [&'static str] = &["review_programme_gate"];
    const EFFECT: Effect = Effect::Changes;

    async fn run(calls: &Calls, input: Input) -> Result<Told, Refusal> {
        let structured = calls
            .to("review_programme_gate")
            .path("programmeId", &input.programme_id)
            .path("phase", &input.gate)
            .body(json!({ "verdicts": input.verdicts }))
            .once(input.dry_run, input.idempotency_key.as_deref())?
            .json()
            .await?;
        let text = gates(&structured).join("\n");
        Ok(Told { text: unwritten(input.dry_run, "note it", text), structured })
    }
}
