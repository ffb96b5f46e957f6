//! What is known at the instant of an assignment: who is there, how much each has, whose turn it is, and what is asked.
//!
//! Promises: a snapshot is all that [`assign`](super::assign) reads besides its request, and [`Snapshot::apply`] makes it
//! what it will be after the assignment is committed, so that one snapshot can be threaded through many.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::caps::Spans;
use super::names::{RepId, TeamId};
use super::outcome::{Outcome, Rotated};
use super::roster::Roster;
use super::rotation::Rotation;
use crate::kernel::clock::DateTime;
use crate::kernel::ids::AccountId;

/// A company that is handed over, as far as routing looks at it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Firm {
    pub account_id: AccountId,
    pub domain: Option<String>,
    pub country: Option<String>,
    pub region: Option<String>,
    pub industry: Option<String>,
    pub segment: Option<String>,
    pub employees: Option<u64>,
    /// Annual, in whole units of the company's reporting currency.
    pub revenue: Option<u64>,
}

/// A handoff that needs an owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    pub handoff_id: Uuid,
    pub firm: Firm,
    /// The team that takes over.
    pub team: TeamId,
    /// What whoever takes a turn must be able to do; owners of the account need not.
    pub skills: BTreeSet<String>,
    /// The account's owner in the CRM, by the rep's id.
    pub crm_owner: Option<String>,
    /// Who just lost it, by rejecting it, not acknowledging it or leaving; they are not given it again. How far back this
    /// goes is the caller's choice.
    pub lost_by: BTreeSet<RepId>,
    /// Lower first.
    pub priority: u8,
    /// Since when it has had no owner.
    pub waiting_since: DateTime,
}

/// Whether a rep is there, as a calendar says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", rename_all_fields = "camelCase", tag = "kind")]
pub enum Availability {
    Available,
    OutsideHours {
        opens_at: Option<DateTime>,
    },
    Absent {
        /// When the rep is back at work, working hours considered.
        until: Option<DateTime>,
        cover: Option<RepId>,
    },
}

/// How things stand with one rep.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Standing {
    pub availability: Availability,
    /// Handoffs that the rep has open.
    pub open: u32,
    /// When the rep was given handoffs, in any order, over the last week at least; without those that were credited back.
    pub taken: Vec<DateTime>,
    /// The present hour, day and week in the rep's time zone.
    pub spans: Spans,
}

/// How everything stands at one instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    pub(super) roster: Arc<Roster>,
    /// In the order of [`Roster::reps`]; a rep who was not looked up has none and is given nothing.
    pub(super) standings: Vec<Option<Standing>>,
    pub(super) rotations: BTreeMap<TeamId, Rotation>,
}

impl Snapshot {
    /// Standings of reps whom the roster does not know are left out.
    pub fn new(
        roster: Arc<Roster>,
        standings: impl IntoIterator<Item = (RepId, Standing)>,
        rotations: BTreeMap<TeamId, Rotation>,
    ) -> Self {
        let mut seats = vec![None; roster.reps().len()];
        for (rep, standing) in standings {
            if let Some(at) = roster.position(rep.as_str()) {
                seats[at] = Some(standing);
            }
        }
        Self { roster, standings: seats, rotations }
    }

    pub fn roster(&self) -> &Roster {
        &self.roster
    }

    pub fn standing(&self, rep: &RepId) -> Option<&Standing> {
        self.standings.get(self.roster.position(rep.as_str())?)?.as_ref()
    }

    /// Changes how things stand with a rep; nothing for one whom the roster does not know.
    pub fn set_standing(&mut self, rep: &RepId, standing: Standing) {
        if let Some(at) = self.roster.position(rep.as_str()) {
            self.standings[at] = Some(standing);
        }
    }

    pub fn rotation(&self, team: &TeamId) -> Option<&Rotation> {
        self.rotations.get(team)
    }

    /// The same instant under another roster: standings and accounts stay with those whom it still knows.
    #[must_use]
    pub fn under(&self, roster: Arc<Roster>) -> Self {
        let known = self.roster.reps().iter().zip(&self.standings);
        let standings: Vec<(RepId, Standing)> =
            known.filter_map(|(rep, standing)| Some((rep.id.clone(), standing.clone()?))).collect();
        Self::new(roster, standings, self.rotations.clone())
    }

    /// What committing an outcome leaves behind: one more open handoff, one more taken, the turn in the accounts.
    pub fn apply(&mut self, outcome: &Outcome, now: DateTime) {
        let Some(rep) = outcome.rep() else { return };
        let at = self.roster.position(rep.as_str());
        if let Some(standing) = at.and_then(|at| self.standings[at].as_mut()) {
            standing.open = standing.open.saturating_add(1);
            standing.taken.push(now);
        }
        if let Outcome::Assigned(assigned) = outcome
            && let Some(rotated) = &assigned.rotation
        {
            self.rotate(rotated);
        }
    }

    fn rotate(&mut self, rotated: &Rotated) {
        let members = self.roster.members(&rotated.team);
        let members: Vec<&RepId> = members.iter().map(|at| &self.roster.reps()[*at].id).collect();
        let rotation = self.rotations.entry(rotated.team.clone()).or_default();
        if !rotation.is_of(members.iter().copied()) {
            rotation.enrol(&members);
        }
        rotation.apply(&rotated.turn);
    }

    /// Takes back the turn of an assignment whose other traces are gone already.
    pub fn credit_turn(&mut self, outcome: &Outcome) {
        if let Outcome::Assigned(assigned) = outcome
            && let Some(rotated) = &assigned.rotation
            && let Some(rotation) = self.rotations.get_mut(&rotated.team)
        {
            rotation.credit_back(&rotated.turn);
        }
    }

    /// The rotations, by team.
    pub fn rotations(&self) -> &BTreeMap<TeamId, Rotation> {
        &self.rotations
    }

    /// Takes an assignment back that was made at `assigned_at`: its turn, its place in the rep's caps, and its place among
    /// the open ones. Nothing for what is not assigned.
    pub fn credit_back(&mut self, outcome: &Outcome, assigned_at: DateTime) {
        let Some(rep) = outcome.rep() else { return };
        let at = self.roster.position(rep.as_str());
        if let Some(standing) = at.and_then(|at| self.standings[at].as_mut()) {
            standing.open = standing.open.saturating_sub(1);
            if let Some(found) = standing.taken.iter().position(|taken| *taken == assigned_at) {
                standing.taken.swap_remove(found);
            }
        }
        self.credit_turn(outcome);
    }
}
