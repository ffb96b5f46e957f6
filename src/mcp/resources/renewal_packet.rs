//! The packet of a renewal, as the people who take part read it.

use serde_json::Value;

use super::{Document, Found, Text, address, only};
use crate::mcp::calls::{Calls, Refusal};
use crate::mcp::words::at;

/// How many of the newest are offered by name.
const OFFERED: u32 = 20;

pub struct RenewalPacket;

impl Document for RenewalPacket {
    const TEMPLATE: &'static str = "gtm://renewals/{renewalId}/packet";
    const NAME: &'static str = "renewal_packet";
    const TITLE: &'static str = "Packet of a renewal";
    const DESCRIPTION: &'static str = "The playbook packet of a renewal: what is known, timeline, responsibilities, talking \
        points for each persona, material to prepare, checkpoints and escalation.";
    const MIME_TYPE: &'static str = "text/markdown";
    const CALLS: &'static [&'static str] = &["get_renewal_packet", "list_renewals"];

    async fn read(calls: &Calls, given: &[String]) -> Result<Text, Refusal> {
        let packet = calls.to("get_renewal_packet").path("renewalId", &only(given)).accept(Self::MIME_TYPE);
        Ok(Text { text: packet.text().await?, mime_type: Self::MIME_TYPE })
    }

    async fn list(calls: &Calls) -> Result<Vec<Found>, Refusal> {
        let list = calls.to("list_renewals").query("limit", Some(OFFERED)).json().await?;
        let found = |row: &Value| Found {
            uri: address(Self::TEMPLATE, &at(row, "/renewalId")),
            name: format!("{} {}", at(row, "/accountId"), at(row, "/deadline")),
            title: format!("Renewal of {} by {}", at(row, "/accountId"), at(row, "/deadline")),
            mime_type: Self::MIME_TYPE,
        };
        Ok(list["data"].as_array().into_iter().flatten().map(found).collect())
    }
}
