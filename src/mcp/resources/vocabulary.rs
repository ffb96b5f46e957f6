//! The words that conditions of policies may use.

use serde_json::Value;

use super::{Document, Found, Text};
use crate::mcp::calls::{Calls, Refusal};

pub struct Vocabulary;

impl Document for Vocabulary {
    const TEMPLATE: &'static str = "gtm://vocabulary";
    const NAME: &'static str = "vocabulary";
    const TITLE: &'static str = "The words that conditions of policies may use";
    const DESCRIPTION: &'static str = "The words that the conditions of a policy may use: name, type, unit, meaning and possible values of each.";
    const MIME_TYPE: &'static str = "application/json";
    const CALLS: &'static [&'static str] = &["get_vocabulary"];

    async fn read(calls: &Calls, _given: &[String]) -> Result<Text, Refusal> {
        let document: Value = calls.to("get_vocabulary").json().await?;
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
