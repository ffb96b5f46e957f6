//! The document of a handoff design, as those who sign it read it.

use serde_json::Value;

use super::{Document, Found, Text, address, only};
use crate::mcp::calls::{Calls, Refusal};
use crate::mcp::words::at;

/// How many of the newest are offered by name.
const OFFERED: u32 = 20;

pub struct HandoffDesign;

impl Document for HandoffDesign {
    const TEMPLATE: &'static str = "gtm://handoff-designs/{designId}/document";
    const NAME: &'static str = "handoff_design";
    const TITLE: &'static str = "Document of a handoff design";
    const DESCRIPTION: &'static str = "The approval packet of a handoff design: routing matrix, tables of response times, \
        escalation tree, checklist and enablement with owners and dates, signatures.";
    const MIME_TYPE: &'static str = "text/markdown";
    const CALLS: &'static [&'static str] = &["get_handoff_design_document", "list_handoff_designs"];

    async fn read(calls: &Calls, given: &[String]) -> Result<Text, Refusal> {
        let document = calls.to("get_handoff_design_document").path("designId", &only(given));
        Ok(Text { text: document.accept(Self::MIME_TYPE).text().await?, mime_type: Self::MIME_TYPE })
    }

    async fn list(calls: &Calls) -> Result<Vec<Found>, Refusal> {
        let list = calls.to("list_handoff_designs").query("limit", Some(OFFERED)).json().await?;
        let found = |row: &Value| Found {
            uri: address(Self::TEMPLATE, &at(row, "/designId")),
            name: format!("{} {}", at(row, "/segment"), at(row, "/goal")),
            title: format!(
                "Handoff design: {}, {} ({})",
                at(row, "/segment"),
                at(row, "/goal"),
                at(row, "/status")
            ),
            mime_type: Self::MIME_TYPE,
        };
        Ok(list["data"].as_array().into_iter().flatten().map(found).collect())
    }
}
