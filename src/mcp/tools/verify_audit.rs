//! `verify_audit`: whether anything on record was changed.

use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::mcp::calls::{Calls, Refusal};
use crate::mcp::tool::{Effect, Told, Tool};
use crate::mcp::words::at;

/// What to verify.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Input {
    /// Only the record of this account, or `@system` for that of the configuration; everything when left out.
    account_id: Option<String>,
}

pub struct VerifyAudit;

impl Tool for VerifyAudit {
    type Input = Input;
    const NAME: &'static str = "verify_audit";
    const TITLE: &'static str = "Verify the audit log";
    const DESCRIPTION: &'static str = "Verify that nothing in the audit log, and nothing that it covers, was changed, removed or \
        put in another order: every entry is chained to the one before, and the ends of the chains are signed. Says what is \
        wrong and where. Over everything it may take minutes; for one account it takes a moment.";
    const CALLS: &'static [&'static str] = &["verifyAudit"];
    const EFFECT: Effect = Effect::Reads;

    async fn run(calls: &Calls, input: Input) -> Result<Told, Refusal> {
        let call = calls.to("verifyAudit").body(json!({ "accountId": input.account_id }));
        let structured = call.json().await?;
        let looked = format!(
            "{} entries in {} chains, {} checkpoints.",
            at(&structured, "/entries"),
            at(&structured, "/chains"),
            at(&structured, "/checkpoints")
        );
        let mut lines = vec![if structured["intact"] == true {
            format!("Intact: nothing was changed. {looked}")
        } else {
            format!("NOT INTACT. {looked}")
        }];
        for finding in structured["findings"].as_array().into_iter().flatten() {
            lines.push(format!("- {finding}"));
        }
        Ok(Told { text: lines.join("\n"), structured })
    }
}
