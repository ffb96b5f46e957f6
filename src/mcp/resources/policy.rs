//! A policy: the rules by which accounts are decided, as the file that was stored.

use serde_json::Value;

use super::{Document, Found, Text, address, only};
use crate::mcp::calls::{Calls, Refusal};
use crate::mcp::words::at;

/// How many of the newest versions are offered by name.
const OFFERED: u32 = 20;

pub struct Policy;

impl Document for Policy {
    const TEMPLATE: &'static str = "gtm://policies/{version}";
    const NAME: &'static str = "policy";
    const TITLE: &'static str = "Policy";
    const DESCRIPTION: &'static str = "A policy version: weights, thresholds, rules and guardrails, as a file in TOML or JSON. \
        Decisions name the version that made them.";
    const MIME_TYPE: &'static str = "application/toml";
    const CALLS: &'static [&'static str] = &["get_policy", "list_policies"];

    async fn read(calls: &Calls, given: &[String]) -> Result<Text, Refusal> {
        let policy = calls.to("get_policy").path("version", &only(given)).json().await?;
        let mime_type = if policy["format"] == "json" { "application/json" } else { Self::MIME_TYPE };
        Ok(Text { text: at(&policy, "/body"), mime_type })
    }

    async fn list(calls: &Calls) -> Result<Vec<Found>, Refusal> {
        let list = calls.to("list_policies").query("limit", Some(OFFERED)).json().await?;
        let found = |row: &Value| {
            let version = at(row, "/version");
            let in_force = if row["active"] == true { ", in force" } else { "" };
            let mime_type = if row["format"] == "json" { "application/json" } else { Self::MIME_TYPE };
            let title = format!("Policy {version}{in_force}");
            Found { uri: address(Self::TEMPLATE, &version), name: version, title, mime_type }
        };
        Ok(list["data"].as_array().into_iter().flatten().map(found).collect())
    }
}
