//! What happens when nobody answers: the steps of the clock, and the ladder above them.
//!
//! Promises: the steps are those of the terms that the design sets, as the live clock will take them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::designs::brief::Brief;
use crate::designs::playbook::Playbook;
use crate::designs::routing::Drawn;
use crate::designs::words::role_title;
use crate::handoffs::{HandoffTypes, SlaTerms};

/// How often it is tried again before the ladder is climbed.
pub const RETRIES: u8 = 2;

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EscalationStep)]
pub struct Step {
    /// Such as `1h 30m after the handoff`.
    pub when: String,
    pub what: String,
    pub who: String,
}

/// A rung of the ladder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EscalationRung)]
pub struct Rung {
    pub title: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The title of who stands in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<String>,
}

/// The tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Escalation {
    pub steps: Vec<Step>,
    pub ladder: Vec<Rung>,
    pub retries: u8,
    /// When leadership is told at once.
    pub guardrail: String,
}

pub fn escalation(brief: &Brief, drawn: &Drawn, types: &HandoffTypes, playbook: &Playbook) -> Escalation {
    let segment = brief.segment.of_accounts().unwrap_or_default();
    let of_type = types.get(&brief.handoff_type).map(|found| &found.sla);
    let terms = drawn.after.terms(&brief.handoff_type, segment).or(of_type);
    let rung = |role: &str| {
        let fallback = playbook.roles.get(role).and_then(|entry| entry.fallback.as_deref());
        Rung {
            title: playbook.title(role).to_owned(),
            name: brief.owners.get(role).map(|owner| owner.name.clone()),
            fallback: fallback.map(|name| playbook.title(name).to_owned()),
        }
    };
    Escalation {
        steps: terms.map(|terms| steps(terms, playbook)).unwrap_or_default(),
        ladder: playbook.ladder().into_iter().map(rung).collect(),
        retries: RETRIES,
        guardrail: "Compliance under the threshold in two windows in a row, or two guardrail breaches within 48 hours, go to \
                    sales and marketing leadership at once."
            .to_owned(),
    }
}

fn steps(terms: &SlaTerms, playbook: &Playbook) -> Vec<Step> {
    // Terms may name roles that no design has.
    let words =
        |role: &str| playbook.roles.get(role).map_or_else(|| role_title(role), |role| role.title.clone());
    let step = |when: String, what: &str, who: String| Step { when, what: what.to_owned(), who };
    let budget = terms.budget;
    let mut steps = Vec::new();
    if let Some(before) = terms.remind_before {
        steps.push((
            budget.total_seconds() - before.total_seconds(),
            step(format!("{before} before the deadline"), "reminder", "the owner".to_owned()),
        ));
    }
    if let Some(within) = terms.acknowledge_within {
        steps.push((
            within.total_seconds(),
            step(
                format!("{within} after the handoff"),
                "nobody has acknowledged it",
                format!("the owner and the {}", words(&terms.escalate_to)),
            ),
        ));
    }
    let due = budget.total_seconds();
    let after = |length: crate::kernel::calendar::Length| due + length.total_seconds();
    steps.push((
        due,
        step(
            format!("{budget} after the handoff"),
            "the deadline: a breach is recorded",
            "nobody yet".to_owned(),
        ),
    ));
    steps.push((
        after(terms.owner_alert_after),
        step(format!("{} late", terms.owner_alert_after), "alert", "the owner".to_owned()),
    ));
    steps.push((
        after(terms.manager_alert_after),
        step(
            format!("{} late", terms.manager_alert_after),
            "alert",
            format!("the owner's manager and the {}", words(&terms.escalate_to)),
        ),
    ));
    steps.push((
        after(terms.reassign_after),
        step(
            format!("{} late", terms.reassign_after),
            "given to somebody else, with a new clock",
            format!("whoever has the next turn, up to {} times", terms.max_reassignments),
        ),
    ));
    steps.push((
        after(terms.reassign_after) + 1,
        step(
            format!("{} late for the last time", terms.reassign_after),
            "stays where it is and waits for a decision",
            format!("the {}", words(&terms.fallback_to)),
        ),
    ));
    steps.sort_by_key(|(at, _)| *at);
    steps.into_iter().map(|(_, step)| step).collect()
}
