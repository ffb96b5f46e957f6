//! The report of a plan: owners, dates, how far it has come, what happened.

use serde_json::Value;

use super::{Document, Found, Text, address, only};
use crate::mcp::calls::{Calls, Refusal};
use crate::mcp::words::at;

/// How many of those that run are offered by name.
const OFFERED: u32 = 20;

pub struct PlanReport;

impl Document for PlanReport {
    const TEMPLATE: &'static str = "gtm://plans/{planId}/report";
    const NAME: &'static str = "plan_report";
    const TITLE: &'static str = "Report of a plan";
    const DESCRIPTION: &'static str = "The report of a plan for people: objective, tasks with owners and dates, gates, what \
        hangs on what, how far it has come. Designs, renewals and programmes each have one under their id.";
    const MIME_TYPE: &'static str = "text/markdown";
    const CALLS: &'static [&'static str] = &["get_plan_report", "list_plans"];

    async fn read(calls: &Calls, given: &[String]) -> Result<Text, Refusal> {
        let report = calls.to("get_plan_report").path("planId", &only(given)).accept(Self::MIME_TYPE);
        Ok(Text { text: report.text().await?, mime_type: Self::MIME_TYPE })
    }

    async fn list(calls: &Calls) -> Result<Vec<Found>, Refusal> {
        let running = calls.to("list_plans").query("status", Some("running")).query("limit", Some(OFFERED));
        let list = running.json().await?;
        let found = |row: &Value| Found {
            uri: address(Self::TEMPLATE, &at(row, "/planId")),
            name: format!("{} {}", at(row, "/kind"), at(row, "/planId")),
            title: at(row, "/objective"),
            mime_type: Self::MIME_TYPE,
        };
        Ok(list["data"].as_array().into_iter().flatten().map(found).collect())
    }
}
