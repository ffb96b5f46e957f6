//! `measure_pools`: whether the rotations are fair.

use serde::Deserialize;
use utoipa::ToSchema;

use crate::kernel::clock::DateTime;
use crate::mcp::calls::{Calls, Refusal};
use crate::mcp::tool::{Effect, Told, Tool};
use crate::mcp::words::at;

/// Which turns to measure.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Input {
    /// Turns that began from this instant on (RFC 3339, UTC); 28 days before `to` when left out.
    from: Option<DateTime>,
    /// Turns that began before this instant; all up to now when left out. At most 400 days after `from`.
    to: Option<DateTime>,
}

pub struct MeasurePools;

impl Tool for MeasurePools {
    type Input = Input;
    const NAME: &'static str = "measure_pools";
    const TITLE: &'static str = "Measure the rotations";
    const DESCRIPTION: &'static str = "How fairly each team's rotation shares handoffs out: what each rep took and was due, how \
        far the rotation is from even now, and what reached people another way (as account owner, by cover, by name). Use it \
        when somebody asks why they get more or fewer than others.";
    const CALLS: &'static [&'static str] = &["measure_pools"];
    const EFFECT: Effect = Effect::Reads;

    async fn run(calls: &Calls, input: Input) -> Result<Told, Refusal> {
        let call = calls.to("measure_pools").query("from", input.from).query("to", input.to);
        let structured = call.json().await?;
        let mut lines = Vec::new();
        for pool in structured["pools"].as_array().into_iter().flatten() {
            lines.push(format!("{}:", at(pool, "/teamId")));
            for rep in pool["reps"].as_array().into_iter().flatten() {
                let (took, due, owed) = (at(rep, "/turns"), at(rep, "/expected"), at(rep, "/deviation"));
                lines
                    .push(format!("- {}: took {took}, was due {due}; owed by now {owed}", at(rep, "/repId")));
            }
        }
        if lines.is_empty() {
            lines.push("No team has a rotation: the roster is empty.".to_owned());
        }
        Ok(Told { text: lines.join("\n"), structured })
    }
}
