//! `replay_decision`: whether a decision comes out the same again.

use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::mcp::calls::{Calls, Refusal};
use crate::mcp::tool::{Effect, Told, Tool};
use crate::mcp::words::at;

/// Which decision.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Input {
    /// The decision, by its id.
    decision_id: Uuid,
}

pub struct ReplayDecision;

impl Tool for ReplayDecision {
    type Input = Input;
    const NAME: &'static str = "replay_decision";
    const TITLE: &'static str = "Compute a decision again";
    const DESCRIPTION: &'static str = "Compute a past decision again from its stored inputs and policy version, and compare. \
        Identical proves that the record says what was decided. Nothing is written and nothing is decided anew.";
    const CALLS: &'static [&'static str] = &["replay_decision"];
    const EFFECT: Effect = Effect::Reads;

    async fn run(calls: &Calls, input: Input) -> Result<Told, Refusal> {
        let structured = calls.to("replay_decision").path("decisionId", &input.decision_id).json().await?;
        let mut lines = vec![if structured["identical"] == true {
            "Identical: the decision comes out the same again.".to_owned()
        } else {
            "Not identical. It differs at:".to_owned()
        }];
        for difference in structured["differences"].as_array().into_iter().flatten() {
            let (recorded, replayed) = (&difference["recorded"], &difference["replayed"]);
            lines.push(format!("- {}: recorded {recorded}, now {replayed}", at(difference, "/pointer")));
        }
        Ok(Told { text: lines.join("\n"), structured })
    }
}
