//! `measure_handoffs`: figures of handoffs against their targets.

use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::kernel::clock::DateTime;
use crate::mcp::calls::{Calls, Refusal};
use crate::mcp::tool::{Effect, Told, Tool};
use crate::mcp::words::{at, percent};

/// By what handoffs are grouped.
#[derive(Debug, serde::Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = HandoffsGroupedBy)]
enum GroupBy {
    Type,
    Team,
    Rep,
    Segment,
    Week,
}

/// Which handoffs to measure.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Input {
    /// Handoffs that were made from this instant on (RFC 3339, UTC); 28 days before `to` when left out.
    from: Option<DateTime>,
    /// Handoffs that were made before this instant; all up to now when left out. At most 400 days after `from`.
    to: Option<DateTime>,
    /// Tell the figures of each group, too.
    group_by: Option<GroupBy>,
}

pub struct MeasureHandoffs;

impl Tool for MeasureHandoffs {
    type Input = Input;
    const NAME: &'static str = "measure_handoffs";
    const TITLE: &'static str = "Measure handoffs";
    const DESCRIPTION: &'static str = "Figures of the handoffs that were made in a stretch of time, against their targets: \
        time to contact and share in time, acknowledgement, time to the meeting, conversion (target above 70 %), customers' \
        ratings (above 8), completeness of packages (above 90 %), how many were reassigned, rejected, rolled back, or fell to \
        the fallback owner. Group by type, team, rep, segment or week. A figure with nothing to compute it from is null.";
    const CALLS: &'static [&'static str] = &["measure_handoffs"];
    const EFFECT: Effect = Effect::Reads;

    async fn run(calls: &Calls, input: Input) -> Result<Told, Refusal> {
        let structured = calls
            .to("measure_handoffs")
            .query("from", input.from)
            .query("to", input.to)
            .query("groupBy", input.group_by)
            .json()
            .await?;
        let mut lines = vec![format!("all: {}", figures(&structured["total"]))];
        for group in structured["groups"].as_array().into_iter().flatten() {
            lines.push(format!("{}: {}", at(group, "/key"), figures(&group["figures"])));
        }
        Ok(Told { text: lines.join("\n"), structured })
    }
}

fn figures(figures: &Value) -> String {
    format!(
        "{} handoffs, contact in time {}, converted {}, rating {}, completeness {}",
        at(figures, "/count"),
        percent(figures, "/contactSla/share"),
        percent(figures, "/conversion/rate/value"),
        at(figures, "/nps/mean/value"),
        at(figures, "/completeness/mean/value"),
    )
}
