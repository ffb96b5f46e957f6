//! Handoffs as the API tells them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::handoffs::assign::{Outcome, Roster, explain};
use crate::handoffs::handoff::{Handoff, Status};
use crate::handoffs::lifecycle::{self, ActionKind};
use crate::handoffs::package::{Hold, MissingField, Package, Withheld};
use crate::handoffs::sla::{PauseReason, Step};
use crate::kernel::calendar::CalendarError;
use crate::kernel::clock::DateTime;
use crate::motions::Urgency;

/// A rep, as far as others need to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Owner {
    pub id: String,
    /// Absent (null) for somebody who is not on the roster any more.
    #[schema(required = true)]
    pub name: Option<String>,
    #[schema(required = true)]
    pub email: Option<String>,
}

/// Somebody who was looked at for a handoff.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Considered {
    pub rep_id: String,
    /// The way that led to the rep: `account_owner`, `named_account`, `territory`, `segment`, `team`, `fallback`.
    pub route: String,
    /// Stable codes, weightiest first, such as `chosen`, `absent`, `full`, `lower_in_rotation`.
    pub reasons: Vec<String>,
}

/// Why this rep and why not the others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AssignmentWire {
    /// `assigned`, `fallback`, or `queued`.
    pub outcome: String,
    /// The answer in a sentence.
    pub reason: String,
    /// All of it in sentences: each way that was tried, each candidate.
    pub explanation: Vec<String>,
    pub considered: Vec<Considered>,
}

/// How the clock of the present owner's turn stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SlaWire {
    pub started_at: DateTime,
    /// Absent (null) while the clock stands still without an end.
    #[schema(required = true)]
    pub due_at: Option<DateTime>,
    /// Time that counted.
    pub spent_seconds: i64,
    /// Of the budget; negative past the deadline.
    pub remaining_seconds: i64,
    pub breached: bool,
    /// Why the clock stands still; empty while it runs.
    pub paused: Vec<PauseReason>,
    /// The next step, such as a reminder.
    #[schema(required = true)]
    pub next: Option<Step>,
}

/// A handoff.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Handoff)]
pub struct HandoffWire {
    pub handoff_id: Uuid,
    pub handoff_type: String,
    pub account_id: String,
    #[schema(required = true)]
    pub deal_id: Option<String>,
    pub status: Status,
    pub from_team: String,
    pub to_team: String,
    pub segment: String,
    pub urgency: Urgency,
    /// What asked for it, such as `decision:<id>`.
    pub cause: String,
    #[schema(required = true)]
    pub decision_id: Option<Uuid>,
    pub requested_by: String,
    /// Who was responsible on the side that hands over.
    #[schema(required = true)]
    pub previous_owner: Option<String>,
    #[schema(required = true)]
    pub assigned_owner: Option<Owner>,
    /// Until when the customer is to be contacted.
    #[schema(required = true)]
    pub sla_deadline: Option<DateTime>,
    #[schema(required = true)]
    pub sla: Option<SlaWire>,
    /// Past the deadline, without contact.
    pub overdue: bool,
    /// The briefing e-mail has left.
    pub briefing_sent: bool,
    /// In percent.
    #[schema(minimum = 0, maximum = 100)]
    pub completeness: u8,
    pub missing: Vec<MissingField>,
    /// What must be there first; empty when it is not held.
    pub held_for: Vec<Hold>,
    /// What was handed over; left out of lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package: Option<Package>,
    /// The digest of the canonical package (SHA-256, hexadecimal): the package never changes.
    pub package_digest: String,
    #[schema(required = true)]
    pub assignment: Option<AssignmentWire>,
    /// How often it was given to somebody else.
    pub reassignments: u16,
    /// The team's fallback owner had to take it.
    pub fell_back: bool,
    pub waiting_since: DateTime,
    pub created_at: DateTime,
    #[schema(required = true)]
    pub assigned_at: Option<DateTime>,
    #[schema(required = true)]
    pub acknowledged_at: Option<DateTime>,
    #[schema(required = true)]
    pub contacted_at: Option<DateTime>,
    #[schema(required = true)]
    pub meeting_at: Option<DateTime>,
    #[schema(required = true)]
    pub closed_at: Option<DateTime>,
    #[schema(required = true)]
    pub close_reason: Option<String>,
    /// How likely the customer is to recommend us, 0–10.
    #[schema(required = true)]
    pub nps: Option<u8>,
    /// What the owner has asked those who handed over, while there is no answer.
    #[schema(required = true)]
    pub question: Option<String>,
    /// What can be done with it now.
    pub actions: Vec<ActionKind>,
    /// What a partner is not shown, and why; only in the answer that opens the handoff.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub withheld: Vec<Withheld>,
}

/// What a handoff is told with.
pub struct Telling<'a> {
    pub roster: &'a Roster,
    pub briefed: bool,
    /// With the package.
    pub whole: bool,
    pub now: DateTime,
}

impl HandoffWire {
    pub fn tell(handoff: &Handoff, telling: &Telling<'_>) -> Result<Self, crate::platform::http::Problem> {
        let now = telling.now;
        let sla = sla(handoff, now).map_err(crate::platform::http::Problem::internal)?;
        let package = if telling.whole {
            Some(
                serde_json::from_str(handoff.package.get())
                    .map_err(crate::platform::http::Problem::internal)?,
            )
        } else {
            None
        };
        let waits_for_contact = matches!(handoff.status, Status::Assigned | Status::Acknowledged);
        Ok(Self {
            handoff_id: handoff.id,
            handoff_type: handoff.handoff_type.clone(),
            account_id: handoff.account_id.clone(),
            deal_id: handoff.deal_id.clone(),
            status: handoff.status,
            from_team: handoff.from_team.clone(),
            to_team: handoff.to_team.clone(),
            segment: handoff.segment.clone(),
            urgency: handoff.urgency,
            cause: handoff.cause.clone(),
            decision_id: handoff.decision_id,
            requested_by: handoff.requested_by.clone(),
            previous_owner: handoff.previous_owner.clone(),
            assigned_owner: handoff.owner_id.as_ref().map(|id| owner(id.as_str(), telling.roster)),
            sla_deadline: handoff.due_at,
            overdue: waits_for_contact && handoff.due_at.is_some_and(|due| due <= now),
            sla,
            briefing_sent: telling.briefed,
            completeness: handoff.completeness,
            missing: handoff.missing.clone(),
            held_for: handoff.held_for.clone().unwrap_or_default(),
            package,
            package_digest: handoff.package_digest.trim_start_matches("\\x").to_owned(),
            assignment: handoff.assignment.as_ref().map(|outcome| assignment(outcome, telling.roster)),
            reassignments: handoff.reassignments,
            fell_back: handoff.fell_back,
            waiting_since: handoff.waiting_since,
            created_at: handoff.created_at,
            assigned_at: handoff.assigned_at,
            acknowledged_at: handoff.acknowledged_at,
            contacted_at: handoff.contacted_at,
            meeting_at: handoff.meeting_at,
            closed_at: handoff.closed_at,
            close_reason: handoff.close_reason.clone(),
            nps: handoff.nps,
            question: handoff.question.clone(),
            actions: lifecycle::legal(handoff, now),
            withheld: Vec::new(),
        })
    }
}

pub(super) fn owner(id: &str, roster: &Roster) -> Owner {
    let rep = roster.rep(id);
    Owner {
        id: id.to_owned(),
        name: rep.map(|rep| rep.name.clone()),
        email: rep.map(|rep| rep.email.clone()),
    }
}

fn assignment(outcome: &Outcome, roster: &Roster) -> AssignmentWire {
    let explanation = explain(outcome, roster);
    let considered = outcome.tried().iter().flat_map(|tried| {
        tried.candidates.iter().map(|candidate| Considered {
            rep_id: candidate.rep.clone(),
            route: tried.route.name().to_owned(),
            reasons: candidate.reasons.iter().map(|reason| reason.code().to_owned()).collect(),
        })
    });
    AssignmentWire {
        outcome: match outcome {
            Outcome::Assigned(_) => "assigned",
            Outcome::Queued(_) => "queued",
            Outcome::Fallback(_) => "fallback",
        }
        .to_owned(),
        reason: explanation.first().cloned().unwrap_or_default(),
        considered: considered.collect(),
        explanation,
    }
}

/// The clock, while somebody has the handoff.
fn sla(handoff: &Handoff, now: DateTime) -> Result<Option<SlaWire>, CalendarError> {
    let Some(clock) = handoff.clock.as_ref().filter(|_| handoff.owner_id.is_some()) else { return Ok(None) };
    let status = clock.status(&handoff.shift(), now)?;
    Ok(Some(SlaWire {
        started_at: clock.started_at(),
        due_at: status.due_at,
        spent_seconds: status.spent.num_seconds(),
        remaining_seconds: status.remaining.num_seconds(),
        breached: status.breached,
        paused: status.paused,
        next: status.next,
    }))
}
