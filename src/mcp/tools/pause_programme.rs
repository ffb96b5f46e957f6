//! `pause_programme`: a run is held.

use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::mcp::calls::{Calls, Operations, Refusal};
use crate::mcp::schema::Schema;
use crate::mcp::tool::{Effect, Told, Tool, yes};
use crate::mcp::tools::show_plan::output;
use crate::mcp::tools::show_programme::{bare_programme, programme};
use crate::mcp::words::unwritten;

/// Which programme, and why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Input {
    /// The programme, by its id as `run_programme` gives it.
    programme_id: Uuid,
    /// Why, in a sentence: whoever finds it held reads it.
    #[schema(min_length = 1, max_length = 1000)]
    note: String,
    /// True (the default): say whether it could be held and write nothing. False: hold it.
    #[serde(default = "yes")]
    #[schema(default = true)]
    dry_run: bool,
    /// Needed when dryRun is false: a fresh text, such as a UUID. A repeat with the same one holds nothing twice.
    #[schema(min_length = 1, max_length = 255)]
    idempotency_key: Option<String>,
}

pub struct PauseProgramme;

impl Tool for PauseProgramme {
    type Input = Input;
    const NAME: &'static str = "pause_programme";
    const TITLE: &'static str = "Hold a programme";
    const DESCRIPTION: &'static str = "Hold a programme that runs: nobody is given a task of it any more, \
        neither the built-in drafter nor agents nor people, until resume_programme. What somebody has claimed \
        may be completed, and other programmes go on. It lasts over restarts. A dry run (the default) says \
        whether it could be held.";
    const CALLS: &'static [&'static str] = &["pause_programme"];
    const EFFECT: Effect = Effect::Changes;

    fn output(operations: &Operations) -> Option<Schema> {
        output(Self::CALLS, operations)
    }

    async fn run(calls: &Calls, input: Input) -> Result<Told, Refusal> {
        let mut structured = calls
            .to("pause_programme")
            .path("programmeId", &input.programme_id)
            .body(json!({ "note": input.note }))
            .once(input.dry_run, input.idempotency_key.as_deref())?
            .json()
            .await?;
        bare_programme(&mut structured);
        let text = programme(&structured).join("\n");
        Ok(Told { text: unwritten(input.dry_run, "hold it", text), structured })
    }
}
