//! `list_programme_conflicts`: outputs of a programme that contradict each other.

use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::mcp::calls::{Calls, Refusal};
use crate::mcp::tool::{Effect, Told, Tool};
use crate::mcp::words::{at, page};

/// Which programme.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Input {
    /// The programme, by its id as `run_programme` gives it.
    programme_id: Uuid,
}

pub struct ListProgrammeConflicts;

impl Tool for ListProgrammeConflicts {
    type Input = Input;
    const NAME: &'static str = "list_programme_conflicts";
    const TITLE: &'static str = "List the conflicts of a programme";
    const DESCRIPTION: &'static str = "List where outputs of a programme contradict each other: what was found by the rules of its \
        gates or raised by an agent, the files, what the coordinator decided and why, which files are changed by it, and \
        which of them are. One that is open waits for decide_programme_conflict; one that is settled needs nobody any more.";
    const CALLS: &'static [&'static str] = &["list_programme_conflicts"];
    const EFFECT: Effect = Effect::Reads;

    async fn run(calls: &Calls, input: Input) -> Result<Told, Refusal> {
        let list = calls.to("list_programme_conflicts").path("programmeId", &input.programme_id);
        let structured = list.json().await?;
        Ok(Told { text: page(&structured, "No conflicts.", conflict), structured })
    }
}

/// A conflict in a few lines.
pub fn conflict(conflict: &Value) -> String {
    let mut text = format!(
        "Conflict {}, {}, about {}: {}",
        at(conflict, "/number"),
        at(conflict, "/status"),
        at(conflict, "/files"),
        at(conflict, "/description")
    );
    if conflict["decision"].is_string() {
        let decided = format!(
            "\nDecided: {} Because: {} To be changed: {}. Changed: {}.",
            at(conflict, "/decision"),
            at(conflict, "/rationale"),
            at(conflict, "/change"),
            at(conflict, "/applied")
        );
        text.push_str(&decided);
    }
    text
}
