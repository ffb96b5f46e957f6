//! What somebody can do to a handoff, in which states, and why it is refused in the others.

use serde::{Deserialize, Serialize};

use crate::handoffs::handoff::{Handoff, Status, TurnEnd};
use crate::kernel::clock::DateTime;

/// What somebody does to a handoff.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    Acknowledge,
    /// The owner wants to know something of those who handed over; meanwhile the clock stands still.
    Ask {
        question: String,
    },
    /// They have answered, here or in another way.
    Answer {
        answer: Option<String>,
    },
    /// The customer was contacted, now or earlier.
    Contact {
        at: DateTime,
    },
    Meeting {
        at: DateTime,
    },
    Convert {
        nps: Option<u8>,
    },
    Lose {
        reason: Option<String>,
    },
    /// The owner gives it back: to the queue, or to the team it came from.
    Reject {
        reason: String,
        reroute: bool,
    },
    /// It is to be somebody else's.
    Reassign {
        reason: TurnEnd,
    },
    Cancel {
        reason: Option<String>,
    },
    RollBack {
        reason: Option<String>,
    },
    /// Let it go on though something is missing.
    Release,
}

/// The name of an action, as calls have it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[schema(as = HandoffAction)]
pub enum ActionKind {
    Acknowledge,
    Ask,
    Answer,
    Contact,
    Meeting,
    Convert,
    Lose,
    Reject,
    Reassign,
    Cancel,
    Rollback,
    Release,
}

impl ActionKind {
    pub const ALL: [Self; 12] = [
        Self::Acknowledge,
        Self::Ask,
        Self::Answer,
        Self::Contact,
        Self::Meeting,
        Self::Convert,
        Self::Lose,
        Self::Reject,
        Self::Reassign,
        Self::Cancel,
        Self::Rollback,
        Self::Release,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Acknowledge => "acknowledge",
            Self::Ask => "ask",
            Self::Answer => "answer",
            Self::Contact => "contact",
            Self::Meeting => "meeting",
            Self::Convert => "convert",
            Self::Lose => "lose",
            Self::Reject => "reject",
            Self::Reassign => "reassign",
            Self::Cancel => "cancel",
            Self::Rollback => "rollback",
            Self::Release => "release",
        }
    }

    /// Whether it fits how a handoff stands. Rolling back also has its time: [`ROLLBACK_WITHIN`](super::ROLLBACK_WITHIN).
    pub(super) fn fits(self, handoff: &Handoff) -> bool {
        use Status::{Acknowledged, Assigned, Contacted, Held, MeetingBooked, Pending};
        let status = handoff.status;
        match self {
            Self::Acknowledge => status == Assigned,
            Self::Ask => matches!(status, Assigned | Acknowledged) && handoff.question.is_none(),
            Self::Answer => handoff.question.is_some(),
            Self::Contact => matches!(status, Assigned | Acknowledged),
            Self::Meeting => matches!(status, Assigned | Acknowledged | Contacted),
            Self::Convert | Self::Lose => status.is_open(),
            Self::Reject => matches!(status, Assigned | Acknowledged),
            Self::Reassign => status == Pending || status.is_open(),
            Self::Cancel => {
                matches!(status, Held | Pending | Assigned | Acknowledged | Contacted | MeetingBooked)
            }
            Self::Rollback => !status.is_final(),
            Self::Release => status == Held,
        }
    }

    /// The state that it leads to, for those that can be said again without doing anything.
    pub(super) fn already(self, status: Status) -> bool {
        match self {
            Self::Acknowledge => status == Status::Acknowledged,
            Self::Contact => status == Status::Contacted,
            Self::Meeting => status == Status::MeetingBooked,
            Self::Convert => status == Status::Converted,
            Self::Lose => status == Status::Lost,
            Self::Cancel => status == Status::Cancelled,
            Self::Rollback => status == Status::RolledBack,
            Self::Ask | Self::Answer | Self::Reject | Self::Reassign | Self::Release => false,
        }
    }
}

impl Action {
    /// When it was done: time that passed before has passed.
    pub fn done_at(&self, now: DateTime) -> DateTime {
        match self {
            Self::Contact { at } => *at,
            _ => now,
        }
    }

    pub fn kind(&self) -> ActionKind {
        match self {
            Self::Acknowledge => ActionKind::Acknowledge,
            Self::Ask { .. } => ActionKind::Ask,
            Self::Answer { .. } => ActionKind::Answer,
            Self::Contact { .. } => ActionKind::Contact,
            Self::Meeting { .. } => ActionKind::Meeting,
            Self::Convert { .. } => ActionKind::Convert,
            Self::Lose { .. } => ActionKind::Lose,
            Self::Reject { .. } => ActionKind::Reject,
            Self::Reassign { .. } => ActionKind::Reassign,
            Self::Cancel { .. } => ActionKind::Cancel,
            Self::RollBack { .. } => ActionKind::Rollback,
            Self::Release => ActionKind::Release,
        }
    }
}

/// Why an action was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("a handoff that is {} cannot {}; possible now: {}", .status.name(), .action.name(), listed(.legal))]
    Illegal { status: Status, action: ActionKind, legal: Vec<ActionKind> },
    #[error("it was made at {created_at} and could be rolled back until {until}; cancel it instead")]
    TooLate { created_at: DateTime, until: DateTime },
    #[error(
        "{at} is no instant of this turn: it began at {since}, and what is noted as done cannot lie ahead"
    )]
    Instant { at: DateTime, since: DateTime },
}

fn listed(actions: &[ActionKind]) -> String {
    if actions.is_empty() {
        return "nothing, it is over".to_owned();
    }
    actions.iter().map(|action| action.name()).collect::<Vec<_>>().join(", ")
}
