//! What assignment answers: who takes the handoff, or that it waits, and the whole of why.
//!
//! Promises: every rep who was looked at stands in it with a reason whose code is stable; what a turn did to the accounts
//! stands in it as data, so that the record can be replayed and taken back.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::caps::Reached;
use super::names::{RepId, TeamId, TerritoryId};
use super::rotation::{Enrolment, Turn};
use crate::kernel::clock::DateTime;

/// What comes of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum Outcome {
    Assigned(Assigned),
    Queued(Queued),
    /// Nobody took it in time: the team's fallback owner does.
    Fallback(Fallback),
}

impl Outcome {
    /// Who has it now.
    pub fn rep(&self) -> Option<&RepId> {
        match self {
            Self::Assigned(assigned) => Some(&assigned.rep),
            Self::Fallback(fallback) => Some(&fallback.rep),
            Self::Queued(_) => None,
        }
    }

    /// The ways that were tried, in order.
    pub fn tried(&self) -> &[Tried] {
        match self {
            Self::Assigned(Assigned { tried, .. })
            | Self::Queued(Queued { tried, .. })
            | Self::Fallback(Fallback { tried, .. }) => tried,
        }
    }
}

/// A handoff that has found its rep.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Assigned {
    pub rep: RepId,
    pub route: Route,
    /// Whose place the rep takes; the account itself stays with that one.
    pub cover_for: Option<RepId>,
    /// The turn it took, when it came by rotation.
    pub rotation: Option<Rotated>,
    pub tried: Vec<Tried>,
}

/// A handoff that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Queued {
    pub why: Waiting,
    /// The earliest instant at which time alone may let somebody take it; none when only an event can (work done, an
    /// edit). It is to be tried again then, and whenever somebody becomes free.
    pub wakes_at: Option<DateTime>,
    pub alarm_at: DateTime,
    /// When the fallback owner takes it; none without one.
    pub fallback_at: Option<DateTime>,
    pub tried: Vec<Tried>,
}

/// A handoff that the fallback owner takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fallback {
    pub rep: RepId,
    pub cover_for: Option<RepId>,
    pub tried: Vec<Tried>,
}

/// Why a handoff waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", rename_all_fields = "camelCase", tag = "kind")]
pub enum Waiting {
    /// The team is not on the roster.
    UnknownTeam,
    /// No way led to anybody.
    NoCandidates,
    NobodyNow,
    /// It waits for those on a way that may be waited for, until then at the latest.
    ForRoute {
        route: Route,
        until: DateTime,
    },
    /// Not even the fallback owner can take it.
    FallbackCannot {
        rep: RepId,
    },
}

impl Waiting {
    /// The stable code.
    pub fn name(&self) -> &'static str {
        match self {
            Self::UnknownTeam => "unknown_team",
            Self::NoCandidates => "no_candidates",
            Self::NobodyNow => "nobody_now",
            Self::ForRoute { .. } => "for_route",
            Self::FallbackCannot { .. } => "fallback_cannot",
        }
    }
}

/// A way to an owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", rename_all_fields = "camelCase", tag = "kind")]
pub enum Route {
    AccountOwner,
    NamedAccount {
        account: String,
    },
    Territory {
        id: TerritoryId,
    },
    Segment {
        segment: String,
    },
    Team {
        id: TeamId,
    },
    Fallback,
    /// A person chose.
    Chosen,
}

impl Route {
    /// The stable code.
    pub fn name(&self) -> &'static str {
        match self {
            Self::AccountOwner => "account_owner",
            Self::NamedAccount { .. } => "named_account",
            Self::Territory { .. } => "territory",
            Self::Segment { .. } => "segment",
            Self::Team { .. } => "team",
            Self::Fallback => "fallback",
            Self::Chosen => "chosen",
        }
    }
}

/// A way that was tried, with everyone on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tried {
    pub route: Route,
    /// For a rotation in the order of turns and then by name; for an owner, the owner and then the covers.
    pub candidates: Vec<Candidate>,
}

/// Somebody who was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Candidate {
    /// As it was given, also when it is nobody's.
    pub rep: String,
    /// Everything that speaks, weightiest first; never empty.
    pub reasons: Vec<Reason>,
}

impl Candidate {
    /// When time alone ends all that is in the way; none when something else must happen.
    pub fn able_at(&self) -> Option<DateTime> {
        self.reasons
            .iter()
            .map(Reason::ends_at)
            .try_fold(DateTime::MIN_UTC, |latest, ends| Some(latest.max(ends?)))
    }
}

/// Why somebody was chosen or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", rename_all_fields = "camelCase", tag = "code")]
pub enum Reason {
    Chosen,
    /// Could have taken it, and comes later.
    LowerInRotation {
        /// From 1, of so many who could have taken it.
        place: u32,
        of: u32,
        /// Expected − assigned after this turn, in 1/UNIT.
        balance: i64,
    },
    /// A name that is not on the roster.
    NotOnRoster,
    OtherTeam {
        team: TeamId,
    },
    Leaving,
    JustLostIt,
    MissingSkills {
        skills: BTreeSet<String>,
    },
    /// The rep takes no part in rotations.
    NoWeight,
    /// How things stand with the rep was not looked up.
    NotInSnapshot,
    /// The covers lead back to somebody who was asked already.
    CoverLoop,
    Absent {
        until: Option<DateTime>,
        cover: Option<RepId>,
    },
    OutsideHours {
        opens_at: Option<DateTime>,
    },
    Full {
        open: u32,
        capacity: u32,
    },
    CapReached(Reached),
}

impl Reason {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Chosen => "chosen",
            Self::LowerInRotation { .. } => "lower_in_rotation",
            Self::NotOnRoster => "not_on_roster",
            Self::OtherTeam { .. } => "other_team",
            Self::Leaving => "leaving",
            Self::JustLostIt => "just_lost_it",
            Self::MissingSkills { .. } => "missing_skills",
            Self::NoWeight => "no_weight",
            Self::NotInSnapshot => "not_in_snapshot",
            Self::CoverLoop => "cover_loop",
            Self::Absent { .. } => "absent",
            Self::OutsideHours { .. } => "outside_hours",
            Self::Full { .. } => "full",
            Self::CapReached(_) => "cap_reached",
        }
    }

    /// When it ends by time alone.
    pub fn ends_at(&self) -> Option<DateTime> {
        match self {
            Self::Absent { until, .. } => *until,
            Self::OutsideHours { opens_at } => *opens_at,
            Self::CapReached(reached) => reached.frees_at,
            _ => None,
        }
    }
}

/// A turn of a team's rotation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rotated {
    pub team: TeamId,
    /// Changes of the team since the last turn, which come before it and stay when it is taken back.
    pub enrolments: Vec<Enrolment>,
    /// Every account before and after.
    pub turn: Turn,
}
