//! What a deliverable of a programme looks like.

use serde_json::Value;

use super::{Document, Found, Text, only};
use crate::mcp::calls::{Calls, Refusal};

pub struct DeliverableSchema;

impl Document for DeliverableSchema {
    const TEMPLATE: &'static str = "gtm://programmes/schemas/{kind}";
    const NAME: &'static str = "deliverable_schema";
    const TITLE: &'static str = "Schema of a deliverable";
    const DESCRIPTION: &'static str = "The JSON schema of the data of one kind of deliverable of a programme, such as \
        gtm-strategy: what a file that is handed in with complete_task must say to be accepted.";
    const MIME_TYPE: &'static str = "application/json";
    const CALLS: &'static [&'static str] = &["get_deliverable_schema"];

    async fn read(calls: &Calls, given: &[String]) -> Result<Text, Refusal> {
        let document: Value = calls.to("get_deliverable_schema").path("kind", &only(given)).json().await?;
        Ok(Text { text: format!("{document:#}"), mime_type: Self::MIME_TYPE })
    }

    /// Tasks name the kinds of their outputs.
    async fn list(_calls: &Calls) -> Result<Vec<Found>, Refusal> {
        Ok(Vec::new())
    }
}
