//! The report of a handoff, as the person who takes over reads it.

use serde_json::Value;

use super::{Document, Found, Text, address, only};
use crate::mcp::calls::{Calls, Refusal};
use crate::mcp::words::at;

/// How many of the newest are offered by name.
const OFFERED: u32 = 20;

pub struct HandoffReport;

impl Document for HandoffReport {
    const TEMPLATE: &'static str = "gtm://handoffs/{handoffId}/report";
    const NAME: &'static str = "handoff_report";
    const TITLE: &'static str = "Report of a handoff";
    const DESCRIPTION: &'static str = "The complete report of a handoff for the person who takes over: routing, account, \
        contacts, journey, qualification, deal, approach, what was done, next steps.";
    const MIME_TYPE: &'static str = "text/markdown";
    const CALLS: &'static [&'static str] = &["get_handoff_report", "list_handoffs"];

    async fn read(calls: &Calls, given: &[String]) -> Result<Text, Refusal> {
        let report = calls.to("get_handoff_report").path("handoffId", &only(given)).accept(Self::MIME_TYPE);
        Ok(Text { text: report.text().await?, mime_type: Self::MIME_TYPE })
    }

    async fn list(calls: &Calls) -> Result<Vec<Found>, Refusal> {
        let list = calls.to("list_handoffs").query("limit", Some(OFFERED)).json().await?;
        let found = |row: &Value| Found {
            uri: address(Self::TEMPLATE, &at(row, "/handoffId")),
            name: format!("{} {}", at(row, "/handoffType"), at(row, "/accountId")),
            title: format!("Report: {} of {}", at(row, "/handoffType"), at(row, "/accountId")),
            mime_type: Self::MIME_TYPE,
        };
        Ok(list["data"].as_array().into_iter().flatten().map(found).collect())
    }
}
