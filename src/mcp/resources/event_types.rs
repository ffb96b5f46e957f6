//! The types of events.

use serde_json::Value;

use super::{Document, Found, Text};
use crate::mcp::calls::{Calls, Refusal};

pub struct EventTypes;

impl Document for EventTypes {
    const TEMPLATE: &'static str = "gtm://event-types";
    const NAME: &'static str = "event_types";
    const TITLE: &'static str = "The types of events";
    const DESCRIPTION: &'static str = "The types of events that can be sent about accounts: what each means and the JSON schema of its data.";
    const MIME_TYPE: &'static str = "application/json";
    const CALLS: &'static [&'static str] = &["list_event_types"];

    async fn read(calls: &Calls, _given: &[String]) -> Result<Text, Refusal> {
        let document: Value = calls.to("list_event_types").json().await?;
        Ok(Text { text: format!("{document:#}"), mime_type: Self::MIME_TYPE })
    }

    async fn list(_calls: &Calls) -> Result<Vec<Found>, Refusal> {
        Ok(vec![Found {
            uri: Self::TEMPLATE.to_owned(),
            name: Self::NAME.to_owned(),
            title: Self::TITLE.to_owned(),
            mime_type: Self::MIME_TYPE,
        }])
    }
}
