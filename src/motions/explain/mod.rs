//! A decision on one page, for the rep who got the lead and for the manager who asks.
//!
//! Promises: everything that the decision rests on is there, in the order in which it mattered: what, how
//! sure, why, on what evidence and how old, which rules were tried, what each motion scored and for what,
//! what each guardrail found, what was set in motion, what would change it. Nothing is computed here: all of
//! it stands in the decision. A document that this release cannot read is shown as it is.

mod sections;
#[cfg(test)]
mod tests;

use serde_json::Value;

use crate::kernel::clock::DateTime;
use crate::kernel::text::{age, wrapped};
use crate::motions::document::DecisionDocument;
use crate::motions::model::Outcome;

/// Columns where nobody says how many there are.
pub const WIDTH: usize = 100;

/// How the text is laid out.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    pub width: usize,
    pub now: DateTime,
}

/// What was decided and why, in a few lines.
pub fn summary(page: Page, decision: &Value) -> String {
    with(page, decision, |page, document| {
        let mut parts = vec![head(page, document), reasoning(page, document)];
        parts.extend(sections::consequences(page, document));
        parts.extend(sections::change(page, document));
        parts
    })
}

/// Everything that the decision rests on.
pub fn whole(page: Page, decision: &Value) -> String {
    with(page, decision, |page, document| {
        let mut parts = vec![head(page, document), reasoning(page, document)];
        parts.push(sections::confidence(page, document));
        parts.push(sections::evidence(page, document));
        parts.push(sections::rules(page, document));
        parts.push(sections::scores(page, document));
        parts.push(sections::guardrails(page, document));
        parts.extend(sections::consequences(page, document));
        parts.extend(sections::change(page, document));
        parts.push(format!("Decision {}, policy {}.", document.decision_id, document.policy_version));
        parts
    })
}

fn with(page: Page, decision: &Value, parts: impl Fn(Page, &DecisionDocument) -> Vec<String>) -> String {
    match serde_json::from_value::<DecisionDocument>(decision.clone()) {
        Ok(document) => parts(page, &document).join("\n\n"),
        Err(_) => format!("{decision:#}"),
    }
}

fn head(page: Page, document: &DecisionDocument) -> String {
    let crm = &document.signals.crm;
    let who = match &crm.name {
        Some(name) => format!("{name} ({})", document.account_id),
        None => document.account_id.clone(),
    };
    let motion = document.recommendation.motion.map_or("Keep watching", |motion| motion.label());
    let outcome = match document.outcome {
        Outcome::Executed => "started",
        Outcome::Continued => "continues",
        Outcome::Monitoring => "no motion now",
        Outcome::Deferred => "wanted, waits for data",
        Outcome::Blocked => "wanted, not allowed now",
        Outcome::Conflict => "wanted, another motion holds the account",
    };
    let preview = if document.dry_run { " (preview)" } else { "" };
    let about: Vec<String> = [
        Some(document.analysis.segment_fit.name().replace('_', " ")),
        crm.industry.clone(),
        crm.country.clone(),
        crm.employee_count.map(|count| format!("{count} employees")),
    ]
    .into_iter()
    .flatten()
    .collect();
    format!(
        "{who}: {motion}, {outcome}{preview}\n{}. Decided {} UTC, {}.",
        about.join(", "),
        document.decided_at.format("%Y-%m-%d %H:%M:%S"),
        age(page.now, document.decided_at),
    )
}

fn reasoning(page: Page, document: &DecisionDocument) -> String {
    wrapped(&document.recommendation.reasoning, page.width, 0)
}
