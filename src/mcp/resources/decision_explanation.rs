//! The explanation of a decision.

use super::{Document, Found, Text, only};
use crate::mcp::calls::{Calls, Refusal};
use crate::motions::explain;

pub struct DecisionExplanation;

impl Document for DecisionExplanation {
    const TEMPLATE: &'static str = "gtm://decisions/{decisionId}/explanation";
    const NAME: &'static str = "decision_explanation";
    const TITLE: &'static str = "Explanation of a decision";
    const DESCRIPTION: &'static str = "Everything that a decision rests on: evidence and its age, rules tried, scores, \
        guardrails, what was set in motion, what would change it.";
    const MIME_TYPE: &'static str = "text/plain";
    const CALLS: &'static [&'static str] = &["get_decision"];

    async fn read(calls: &Calls, given: &[String]) -> Result<Text, Refusal> {
        let decision = calls.to("get_decision").path("decisionId", &only(given)).json().await?;
        let text = explain::whole(explain::Page { width: explain::WIDTH, now: calls.now }, &decision);
        Ok(Text { text, mime_type: Self::MIME_TYPE })
    }

    /// There are too many to be offered by name; `list_decisions` finds them.
    async fn list(_calls: &Calls) -> Result<Vec<Found>, Refusal> {
        Ok(Vec::new())
    }
}
