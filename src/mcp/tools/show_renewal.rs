//! `show_renewal`: a renewal with its plan, its checkpoints and what was escalated.

use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::mcp::calls::{Calls, Refusal};
use crate::mcp::tool::{Effect, Told, Tool};
use crate::mcp::tools::plan_renewal::renewal;

/// Which renewal, and how it is told.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Input {
    /// The renewal, by its id as `plan_renewal` or `list_upcoming_renewals` gives it.
    renewal_id: Uuid,
    /// True: the text is the packet in Markdown, as the people who take part read it.
    #[serde(default)]
    #[schema(default = false)]
    packet: bool,
}

pub struct ShowRenewal;

impl Tool for ShowRenewal {
    type Input = Input;
    const NAME: &'static str = "show_renewal";
    const TITLE: &'static str = "Show a renewal";
    const DESCRIPTION: &'static str = "Show the renewal of an account: play, tier and risk with what they rest on, tasks with \
        owners and dates and how far they are, checkpoints and how they went, who was told when it stood badly, and what helps \
        where dates cannot be kept. With packet true the text is the playbook packet: timeline, responsibilities, talking \
        points for each persona, material to prepare.";
    const CALLS: &'static [&'static str] = &["get_renewal", "get_renewal_packet"];
    const EFFECT: Effect = Effect::Reads;

    async fn run(calls: &Calls, input: Input) -> Result<Told, Refusal> {
        let structured = calls.to("get_renewal").path("renewalId", &input.renewal_id).json().await?;
        let text = if input.packet {
            let packet = calls.to("get_renewal_packet").path("renewalId", &input.renewal_id);
            packet.accept("text/markdown").text().await?
        } else {
            renewal(&structured)
        };
        Ok(Told { text, structured })
    }
}
