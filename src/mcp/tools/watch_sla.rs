//! `watch_sla`: whether response times are kept, where not, and why.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::kernel::clock::DateTime;
use crate::mcp::calls::{Calls, Refusal};
use crate::mcp::tool::{Effect, Told, Tool};
use crate::mcp::words::{at, each, percent, when};

/// What handoffs are looked at by.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SlaWatchedBy)]
enum By {
    Segment,
    Team,
    Owner,
}

/// Which stretch of time, and what of it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Input {
    /// Handoffs whose deadline came from this instant on (RFC 3339, UTC); one window before `to` when left out.
    from: Option<DateTime>,
    /// Handoffs whose deadline came before this instant; now when left out. At most 100 days after `from`.
    to: Option<DateTime>,
    /// Only by segment, by team or by owner; by all three when left out.
    group_by: Option<By>,
    /// True: only what is under the threshold.
    #[serde(default)]
    #[schema(default = false)]
    under: bool,
}

pub struct WatchSla;

impl Tool for WatchSla {
    type Input = Input;
    const NAME: &'static str = "watch_sla";
    const TITLE: &'static str = "Watch response times";
    const DESCRIPTION: &'static str = "Say whether the response times of handoffs are kept, by segment, team and owner: the \
        share in time with how sure it is, and, where it is under the threshold, why handoffs were late (too few people, \
        absences, hours, load, one person), what shows that, and who should do what. Besides, what was escalated to \
        leadership. Use it when somebody asks why follow-up is slow; measure_handoffs has the other figures.";
    const CALLS: &'static [&'static str] = &["watch_sla"];
    const EFFECT: Effect = Effect::Reads;

    async fn run(calls: &Calls, input: Input) -> Result<Told, Refusal> {
        let structured = calls
            .to("watch_sla")
            .query("from", input.from)
            .query("to", input.to)
            .query("groupBy", input.group_by)
            .query("under", input.under.then_some(true))
            .json()
            .await?;
        let mut lines = Vec::new();
        for finding in each(&structured, "/findings") {
            let under = if finding["under"] == true { ", UNDER THE THRESHOLD" } else { "" };
            lines.push(format!(
                "- {} {}: {} in time ({} of {}){under}",
                at(finding, "/scope/kind"),
                at(finding, "/scope/name"),
                percent(finding, "/share"),
                at(finding, "/inTime"),
                count(finding, "inTime") + count(finding, "late"),
            ));
            lines.extend(each(finding, "/causes").map(|cause| {
                format!(
                    "  {} times {}: {} {} ({})",
                    at(cause, "/count"),
                    at(cause, "/kind"),
                    at(cause, "/evidence"),
                    at(cause, "/action"),
                    at(cause, "/owner")
                )
            }));
        }
        if lines.is_empty() {
            lines.push(
                "No handoff came to its deadline in this time, or none is under the threshold.".to_owned(),
            );
        }
        lines.extend(
            each(&structured, "/escalations")
                .map(|one| format!("Escalated {}: {}", when(one, "/at", calls.now), at(one, "/told/title"))),
        );
        Ok(Told { text: lines.join("\n"), structured })
    }
}

fn count(finding: &serde_json::Value, field: &str) -> u64 {
    finding[field].as_u64().unwrap_or_default()
}
