//! `decide_programme_conflict`: the coordinator's word on outputs that contradict each other.

use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::mcp::calls::{Calls, Refusal};
use crate::mcp::tool::{Effect, Told, Tool, yes};
use crate::mcp::tools::list_programme_conflicts::conflict;
use crate::mcp::words::unwritten;

/// Which conflict, and what is decided.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Input {
    /// The programme, by its id as `run_programme` gives it.
    programme_id: Uuid,
    /// The conflict, by its number as `list_programme_conflicts` gives it.
    number: i32,
    /// What holds from now on, in a sentence or two.
    #[schema(min_length = 1, max_length = 2000)]
    decision: String,
    /// Why: it is written down beside the decision.
    #[schema(min_length = 1, max_length = 2000)]
    rationale: String,
    /// The files that are to be changed, out of those of the conflict; all of them when left out. Name only those that are wrong:
    /// each becomes a task of its agent.
    #[serde(default)]
    change: Vec<String>,
    /// True (the default): say how the conflict would then stand and write nothing. False: decide it.
    #[serde(default = "yes")]
    #[schema(default = true)]
    dry_run: bool,
    /// Needed when dryRun is false: a fresh text, such as a UUID. A repeat with the same one decides nothing twice.
    #[schema(min_length = 1, max_length = 255)]
    idempotency_key: Option<String>,
}

pub struct DecideProgrammeConflict;

impl Tool for DecideProgrammeConflict {
    type Input = Input;
    const NAME: &'static str = "decide_programme_conflict";
    const TITLE: &'static str = "Decide a conflict of a programme";
    const DESCRIPTION: &'static str = "Decide, as the coordinator of a programme, what holds where two outputs \
        contradict each other; read both files first and give the reason. The agent of each file that is to be \
        changed gets a task to bring out a version that applies the decision, and the next gate waits for it. A \
        dry run (the default) shows how the conflict would then stand.";
    const CALLS: &'static [&'static str] = &["decide_programme_conflict"];
    const EFFECT: Effect = Effect::Changes;

    async fn run(calls: &Calls, input: Input) -> Result<Told, Refusal> {
        let structured = calls
            .to("decide_programme_conflict")
            .path("programmeId", &input.programme_id)
            .path("number", &input.number)
            .body(json!({
                "decision": input.decision,
                "rationale": input.rationale,
                "change": input.change,
            }))
            .once(input.dry_run, input.idempotency_key.as_deref())?
            .json()
            .await?;
        Ok(Told { text: unwritten(input.dry_run, "decide it", conflict(&structured)), structured })
    }
}
