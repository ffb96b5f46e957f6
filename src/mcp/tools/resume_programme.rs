//! `resume_programme`: a run that is held goes on.

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

/// Which programme.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Input {
    /// The programme, by its id as `run_programme` gives it.
    programme_id: Uuid,
    /// True (the default): say whether it could go on and write nothing. False: let it go on.
    #[serde(default = "yes")]
    #[schema(default = true)]
    dry_run: bool,
    /// Needed when dryRun is false: a fresh text, such as a UUID. A repeat with the same one changes nothing twice.
    #[schema(min_length = 1, max_length = 255)]
    idempotency_key: Option<String>,
}

pub struct ResumeProgramme;

impl Tool for ResumeProgramme {
    type Input = Input;
    const NAME: &'static str = "resume_programme";
    const TITLE: &'static str = "Resume a programme";
    const DESCRIPTION: &'static str = "Let a programme go on that was held with pause_programme: its tasks can \
        be claimed again, and what is planned moves by as long as it was held, as a new version of its plan. \
        show_programme says why it was held. A dry run (the default) says whether it could go on.";
    const CALLS: &'static [&'static str] = &["resume_programme"];
    const EFFECT: Effect = Effect::Changes;

    fn output(operations: &Operations) -> Option<Schema> {
        output(Self::CALLS, operations)
    }

    async fn run(calls: &Calls, input: Input) -> Result<Told, Refusal> {
        let mut structured = calls
            .to("resume_programme")
            .path("programmeId", &input.programme_id)
            .body(json!({}))
            .once(input.dry_run, input.idempotency_key.as_deref())?
            .json()
            .await?;
        bare_programme(&mut structured);
        let text = programme(&structured).join("\n");
        Ok(Told { text: unwritten(input.dry_run, "let it go on", text), structured })
    }
}
