//! `preview_sla`: the clock of a handoff, looked at beforehand.

use serde::Deserialize;
use utoipa::ToSchema;

use crate::kernel::clock::DateTime;
use crate::mcp::calls::{Calls, Refusal};
use crate::mcp::tool::{Effect, Told, Tool};
use crate::mcp::words::{at, when};

/// Of which handoff, and from when.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Input {
    /// The type of handoff, such as `mql_to_sales`.
    r#type: String,
    /// The team that takes over; the type's own when left out.
    team: Option<String>,
    /// The rep who would have it, with their hours and absences; only the team's hours count when left out.
    rep: Option<String>,
    /// When it would begin (RFC 3339, UTC); now when left out.
    at: Option<DateTime>,
}

pub struct PreviewSla;

impl Tool for PreviewSla {
    type Input = Input;
    const NAME: &'static str = "preview_sla";
    const TITLE: &'static str = "Preview a deadline";
    const DESCRIPTION: &'static str = "Say by when a handoff would be due if it began at some instant, which reminders and \
        escalations would come when, and what each day gives to the clock and why (working hours, weekends, holidays, \
        absences). The same arithmetic as for a real handoff; nothing is written.";
    const CALLS: &'static [&'static str] = &["preview_sla"];
    const EFFECT: Effect = Effect::Reads;

    async fn run(calls: &Calls, input: Input) -> Result<Told, Refusal> {
        let structured = calls
            .to("preview_sla")
            .query("type", Some(&input.r#type))
            .query("team", input.team)
            .query("rep", input.rep)
            .query("at", input.at)
            .json()
            .await?;
        let mut lines = vec![format!(
            "Begun {}, due {}. Days are those of {}.",
            when(&structured, "/startsAt", calls.now),
            when(&structured, "/dueAt", calls.now),
            at(&structured, "/zone"),
        )];
        for step in structured["steps"].as_array().into_iter().flatten() {
            lines.push(format!("- {}: {}", when(step, "/at", calls.now), at(step, "/kind")));
        }
        Ok(Told { text: lines.join("\n"), structured })
    }
}
