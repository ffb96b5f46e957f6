//! The document of a plan: the plan as JSON.

use super::{Document, Found, Text, only};
use crate::mcp::calls::{Calls, Refusal};

pub struct PlanDocument;

impl Document for PlanDocument {
    const TEMPLATE: &'static str = "gtm://plans/{planId}/plan.json";
    const NAME: &'static str = "plan_document";
    const TITLE: &'static str = "Document of a plan";
    const DESCRIPTION: &'static str = "A plan as JSON: objective, tasks with details, inputs, outputs and dependencies, gates, \
        roles with who stands in, calendars, error handling, success metrics, context.";
    const MIME_TYPE: &'static str = "application/json";
    const CALLS: &'static [&'static str] = &["get_plan_document"];

    async fn read(calls: &Calls, given: &[String]) -> Result<Text, Refusal> {
        let document = calls.to("get_plan_document").path("planId", &only(given)).text().await?;
        Ok(Text { text: document, mime_type: Self::MIME_TYPE })
    }

    /// `list_plans` finds them.
    async fn list(_calls: &Calls) -> Result<Vec<Found>, Refusal> {
        Ok(Vec::new())
    }
}
