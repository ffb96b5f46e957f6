//! `show_handoff`: one handoff, as a whole.

use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::mcp::calls::{Calls, Operations, Refusal};
use crate::mcp::schema::{self, Schema};
use crate::mcp::tool::{Effect, Told, Tool};
use crate::mcp::words::handoff;

/// What of a handoff is long.
const PACKAGE: &str = "package";

/// Which handoff, and how much of it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Input {
    /// The handoff, by its id as `list_handoffs` gives it.
    handoff_id: Uuid,
    /// True: the text is the whole report in Markdown, as the person who takes over reads it.
    #[serde(default)]
    #[schema(default = false)]
    report: bool,
}

pub struct ShowHandoff;

impl Tool for ShowHandoff {
    type Input = Input;
    const NAME: &'static str = "show_handoff";
    const TITLE: &'static str = "Show a handoff";
    const DESCRIPTION: &'static str = "Show one handoff: where it stands, its owner and why this one, the deadline, what is \
        missing, what can be done with it now, and its package (company, contacts with their roles, journey, qualification, \
        deal, recommendations). With report true the text is the report that the receiver reads.";
    const CALLS: &'static [&'static str] = &["get_handoff", "get_handoff_report"];
    const EFFECT: Effect = Effect::Reads;

    async fn run(calls: &Calls, input: Input) -> Result<Told, Refusal> {
        let structured = calls.to("get_handoff").path("handoffId", &input.handoff_id).json().await?;
        let text = if input.report {
            let report = calls.to("get_handoff_report").path("handoffId", &input.handoff_id);
            report.accept("text/markdown").text().await?
        } else {
            handoff(&structured, calls.now)
        };
        Ok(Told { text, structured })
    }
}

/// A handoff without its package, which is long and told by [`ShowHandoff`].
pub fn bare(mut handoff: Value) -> Value {
    if let Some(fields) = handoff.as_object_mut() {
        fields.remove(PACKAGE);
    }
    handoff
}

/// The schema of a call's answer as far as it holds handoffs without their packages.
pub fn without_package(calls: &[&str], operations: &Operations) -> Option<Schema> {
    let answer = operations.get(calls.first()?)?.answer.as_ref()?;
    let components: Map<String, Value> = operations
        .components
        .iter()
        .map(|(name, part)| (name.clone(), schema::lacking(part, PACKAGE)))
        .collect();
    Some(schema::output(&schema::lacking(answer, PACKAGE), &components))
}
