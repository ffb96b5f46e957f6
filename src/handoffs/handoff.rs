//! One handoff as it stands, and what happens to it.
//!
//! Promises: field for field what the table `handoff` holds, under the same names, so that a row is this value as JSON
//! and nothing is mapped by hand. What was handed over (`package`) is never changed after it was given to somebody.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::assign::names::RepId;
use super::assign::{Outcome, Request};
use super::hours::Hours;
use super::package::{Hold, MissingField};
use super::sla::{SlaClock, StepKind};
use crate::kernel::calendar::Shift;
use crate::kernel::clock::DateTime;
use crate::motions::Urgency;

/// Where a handoff stands.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[schema(as = HandoffStatus)]
pub enum Status {
    /// Something that must be there is missing; goes on by itself when it arrives.
    Held,
    /// Complete, and nobody can take it yet: in the queue.
    Pending,
    /// Somebody has it.
    Assigned,
    /// The owner has said so.
    Acknowledged,
    Contacted,
    MeetingBooked,
    Converted,
    Lost,
    /// The receiver gave it back to those it came from.
    Rejected,
    Cancelled,
    /// Undone soon after it was made.
    RolledBack,
}

impl Status {
    pub const ALL: [Self; 11] = [
        Self::Held,
        Self::Pending,
        Self::Assigned,
        Self::Acknowledged,
        Self::Contacted,
        Self::MeetingBooked,
        Self::Converted,
        Self::Lost,
        Self::Rejected,
        Self::Cancelled,
        Self::RolledBack,
    ];

    /// The name in the API and in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Pending => "pending",
            Self::Assigned => "assigned",
            Self::Acknowledged => "acknowledged",
            Self::Contacted => "contacted",
            Self::MeetingBooked => "meeting_booked",
            Self::Converted => "converted",
            Self::Lost => "lost",
            Self::Rejected => "rejected",
            Self::Cancelled => "cancelled",
            Self::RolledBack => "rolled_back",
        }
    }

    /// Nothing more happens to it.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Converted | Self::Lost | Self::Rejected | Self::Cancelled | Self::RolledBack)
    }

    /// Somebody has it and works on it.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Assigned | Self::Acknowledged | Self::Contacted | Self::MeetingBooked)
    }
}

/// A handoff.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Handoff {
    pub account_id: String,
    pub id: Uuid,
    /// Such as `mql_to_sales`.
    #[serde(rename = "type")]
    pub handoff_type: String,
    pub status: Status,
    pub from_team: String,
    pub to_team: String,
    pub deal_id: Option<String>,
    /// What asked for it, such as `decision:<id>`; once for an account.
    pub cause: String,
    pub decision_id: Option<Uuid>,
    pub requested_by: String,
    pub segment: String,
    pub urgency: Urgency,
    /// Who was responsible on the side that hands over.
    pub previous_owner: Option<String>,
    /// As [`Package`](super::package::Package) writes itself.
    pub package: Box<RawValue>,
    /// The digest of the canonical package, in the notation of the database: `\x` and 64 hexadecimal digits.
    pub package_digest: String,
    /// In percent.
    pub completeness: u8,
    pub missing: Vec<MissingField>,
    pub held_for: Option<Vec<Hold>>,
    /// What assignment reads of it.
    pub request: Request,
    pub owner_id: Option<RepId>,
    /// The latest answer of assignment.
    pub assignment: Option<Outcome>,
    /// The clock of the present owner's turn; of the last one's while it waits for the next.
    pub clock: Option<SlaClock>,
    pub hours: Option<Hours>,
    pub due_at: Option<DateTime>,
    pub breached_at: Option<DateTime>,
    pub reassignments: u16,
    pub fell_back: bool,
    pub waiting_since: DateTime,
    /// When somebody was told that it waits too long.
    pub alarmed_at: Option<DateTime>,
    pub created_at: DateTime,
    pub assigned_at: Option<DateTime>,
    pub acknowledged_at: Option<DateTime>,
    pub contacted_at: Option<DateTime>,
    pub meeting_at: Option<DateTime>,
    pub closed_at: Option<DateTime>,
    pub close_reason: Option<String>,
    pub nps: Option<u8>,
    /// What its owner has asked those who handed over, while there is no answer.
    pub question: Option<String>,
    pub version: i64,
}

impl Handoff {
    /// The hours that its clock counts by.
    pub fn shift(&self) -> Shift {
        self.hours.as_ref().map_or_else(Shift::always, Hours::shift)
    }
}

/// Why a turn with a handoff ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TurnEnd {
    /// The handoff is over, its outcome is this owner's.
    Closed,
    Rejected,
    /// A person gave it to somebody else.
    Reassigned,
    /// The service did, because time ran out.
    Late,
    RolledBack,
    Cancelled,
    Offboarded,
}

impl TurnEnd {
    pub fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Rejected => "rejected",
            Self::Reassigned => "reassigned",
            Self::Late => "late",
            Self::RolledBack => "rolled_back",
            Self::Cancelled => "cancelled",
            Self::Offboarded => "offboarded",
        }
    }

    /// Whether the turn is given back to the rotation: it counts for nobody's share and no cap. Who let the time run
    /// out has had the turn.
    pub fn credits_back(self) -> bool {
        !matches!(self, Self::Closed | Self::Late)
    }
}

/// One thing that happened to a handoff.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", rename_all_fields = "camelCase", tag = "kind")]
pub enum Happening {
    Created {
        cause: String,
    },
    /// It was asked for while it was already there.
    AskedAgain {
        cause: String,
    },
    Held {
        codes: Vec<String>,
    },
    /// What was missing is there, or a person let it pass.
    Released {
        by_person: bool,
    },
    /// It waits for somebody who can take it.
    Queued {
        why: String,
        wakes_at: Option<DateTime>,
    },
    Assigned {
        owner: RepId,
        route: String,
        turn: u16,
        due_at: Option<DateTime>,
    },
    Acknowledged,
    /// Its owner wants to know something of those who handed over.
    Asked {
        question: String,
        /// Until when the clock stands still, if no answer comes before; none when it runs on.
        waits_until: Option<DateTime>,
    },
    Answered {
        answer: Option<String>,
        /// The deadline as it is now.
        due_at: Option<DateTime>,
    },
    Contacted {
        at: DateTime,
        in_time: bool,
    },
    MeetingBooked {
        at: DateTime,
    },
    Converted {
        nps: Option<u8>,
    },
    Lost {
        reason: Option<String>,
    },
    /// Its owner gave it back.
    Rejected {
        owner: RepId,
        reason: String,
        rerouted: bool,
    },
    /// Its owner lost it.
    TurnEnded {
        owner: RepId,
        turn: u16,
        reason: TurnEnd,
    },
    Cancelled {
        reason: Option<String>,
    },
    RolledBack {
        reason: Option<String>,
    },
    /// A step of the clock, at its time.
    Step {
        step: StepKind,
        turn: u16,
        at: DateTime,
        /// Whose turn it was.
        owner: Option<RepId>,
        /// The deadline of that turn.
        due_at: Option<DateTime>,
    },
    /// It has waited in the queue for longer than the team allows.
    QueueAlarm {
        since: DateTime,
    },
    /// Hours, owner's absence or calendar changed: the deadline moved.
    DeadlineMoved {
        from: Option<DateTime>,
        to: Option<DateTime>,
    },
    Rated {
        nps: u8,
    },
}

impl Happening {
    /// The stable name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Created { .. } => "created",
            Self::AskedAgain { .. } => "asked_again",
            Self::Held { .. } => "held",
            Self::Released { .. } => "released",
            Self::Queued { .. } => "queued",
            Self::Assigned { .. } => "assigned",
            Self::Acknowledged => "acknowledged",
            Self::Asked { .. } => "asked",
            Self::Answered { .. } => "answered",
            Self::Contacted { .. } => "contacted",
            Self::MeetingBooked { .. } => "meeting_booked",
            Self::Converted { .. } => "converted",
            Self::Lost { .. } => "lost",
            Self::Rejected { .. } => "rejected",
            Self::TurnEnded { .. } => "turn_ended",
            Self::Cancelled { .. } => "cancelled",
            Self::RolledBack { .. } => "rolled_back",
            Self::Step { .. } => "step",
            Self::QueueAlarm { .. } => "queue_alarm",
            Self::DeadlineMoved { .. } => "deadline_moved",
            Self::Rated { .. } => "rated",
        }
    }

    /// For what happens once: its name among all that happens to the handoff.
    pub fn once(&self) -> Option<String> {
        match self {
            Self::Created { .. } => Some("created".to_owned()),
            Self::Step { step, turn, .. } => Some(format!("turn {turn}: {}", step.name())),
            Self::Assigned { turn, .. } => Some(format!("turn {turn}: assigned")),
            Self::TurnEnded { turn, .. } => Some(format!("turn {turn}: ended")),
            Self::AskedAgain { cause } => Some(format!("asked again: {cause}")),
            Self::QueueAlarm { since } => Some(format!("queue alarm: {}", since.timestamp_micros())),
            _ => None,
        }
    }
}
