//! `resolve_conflict`: a person's word on two motions that want one account.

use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::mcp::calls::{Calls, Refusal};
use crate::mcp::tool::{Effect, Told, Tool, yes};
use crate::mcp::words::at;
use crate::motions::explain;

/// What is decided.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ConflictDecision)]
enum Resolution {
    Keep,
    Switch,
    Pause,
}

/// Which conflict, and what is decided.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Input {
    /// The conflict, by its id as `list_conflicts` gives it.
    conflict_id: Uuid,
    /// keep: the motion that holds the account stays. switch: the other one takes over, if no guardrail forbids it. pause:
    /// neither runs for the policy's time of rest.
    resolution: Resolution,
    /// Why, in a sentence of the person who decided: it is kept with the conflict and in the audit log.
    #[schema(min_length = 1, max_length = 2000)]
    note: String,
    /// True (the default): say what would follow and write nothing. False: resolve it.
    #[serde(default = "yes")]
    #[schema(default = true)]
    dry_run: bool,
    /// Needed when dryRun is false: a fresh text, such as a UUID. A repeat with the same one resolves nothing twice.
    #[schema(min_length = 1, max_length = 255)]
    idempotency_key: Option<String>,
}

pub struct ResolveConflict;

impl Tool for ResolveConflict {
    type Input = Input;
    const NAME: &'static str = "resolve_conflict";
    const TITLE: &'static str = "Resolve a conflict";
    const DESCRIPTION: &'static str = "Resolve an open conflict between two motions: keep the one that holds the account, \
        switch to the other, or pause both. It is a person's decision: ask the user which and why, and pass the reason as the \
        note. A dry run (the default) shows the decision that would follow.";
    const CALLS: &'static [&'static str] = &["resolve_conflict"];
    const EFFECT: Effect = Effect::Changes;

    async fn run(calls: &Calls, input: Input) -> Result<Told, Refusal> {
        let structured = calls
            .to("resolve_conflict")
            .path("conflictId", &input.conflict_id)
            .body(json!({ "resolution": input.resolution, "note": input.note }))
            .once(input.dry_run, input.idempotency_key.as_deref())?
            .json()
            .await?;
        let would = if input.dry_run { "would be" } else { "was" };
        let mut text = format!(
            "The conflict about {} {would} resolved: {}.",
            at(&structured, "/accountId"),
            at(&structured, "/resolution")
        );
        if structured["decision"].is_object() {
            let page = explain::Page { width: explain::WIDTH, now: calls.now };
            text = format!("{text}\n\n{}", explain::summary(page, &structured["decision"]));
        }
        Ok(Told { text, structured })
    }
}
