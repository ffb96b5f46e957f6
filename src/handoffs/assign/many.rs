//! Many handoffs at once: what waits, a batch, what a leaver held, and what comes back.
//!
//! Promises: each handoff is assigned on what the ones before it left behind, so that a batch is as fair as the same
//! handoffs one by one and nobody is filled beyond a cap; the order is by priority, then age, then id, whatever order they
//! are given in; one that nobody can take holds up none behind it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::names::RepId;
use super::outcome::Outcome;
use super::routing::assign;
use super::snapshot::{Request, Snapshot};
use crate::kernel::clock::DateTime;

/// What became of many handoffs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Batch {
    /// In the order in which they were looked at.
    pub outcomes: Vec<(Uuid, Outcome)>,
    /// When the first of those that still wait is to be tried again.
    pub wakes_at: Option<DateTime>,
}

impl Batch {
    /// Those that have somebody now.
    pub fn placed(&self) -> impl Iterator<Item = &(Uuid, Outcome)> {
        self.outcomes.iter().filter(|(_, outcome)| outcome.rep().is_some())
    }
}

/// Assigns many handoffs, oldest first within a priority; `snapshot` becomes what they leave behind. A queue is drained
/// with it, and a batch shared out.
pub fn assign_many(requests: &[Request], snapshot: &mut Snapshot, now: DateTime) -> Batch {
    let mut order: Vec<&Request> = requests.iter().collect();
    order.sort_by_key(|request| (request.priority, request.waiting_since, request.handoff_id));
    let mut batch = Batch { outcomes: Vec::with_capacity(order.len()), wakes_at: None };
    for request in order {
        let outcome = assign(request, snapshot, now);
        snapshot.apply(&outcome, now);
        if let Outcome::Queued(queued) = &outcome {
            let wakes = [queued.wakes_at, queued.fallback_at.filter(|at| *at > now)];
            batch.wakes_at = batch.wakes_at.into_iter().chain(wakes.into_iter().flatten()).min();
        }
        batch.outcomes.push((request.handoff_id, outcome));
    }
    batch
}

/// Gives a handoff to somebody else: the turn it took is credited back, whoever had it does not get it again, and it is
/// assigned anew. `request` is as it was before, and names those who lost it earlier.
pub fn reassign(
    request: &Request,
    previous: &Outcome,
    assigned_at: DateTime,
    snapshot: &mut Snapshot,
    now: DateTime,
) -> Outcome {
    snapshot.credit_back(previous, assigned_at);
    let mut request = request.clone();
    request.lost_by.extend(previous.rep().cloned());
    let outcome = assign(&request, snapshot, now);
    snapshot.apply(&outcome, now);
    outcome
}

/// What becomes of a leaver's work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Offboarding {
    pub moves: Batch,
    /// Where the roster still names the leaver; handoffs pass these places by, and somebody should edit them.
    pub mentions: Vec<String>,
}

/// Plans where everything goes that a leaver holds. `snapshot` becomes what is left: a roster in which the rep is leaving,
/// and everyone's new work.
pub fn offboard(leaver: &RepId, held: &[Request], snapshot: &mut Snapshot, now: DateTime) -> Offboarding {
    let mentions = snapshot.roster().mentions(leaver);
    *snapshot = snapshot.under(Arc::new(snapshot.roster().with_leaver(leaver)));
    let held: Vec<Request> = held
        .iter()
        .cloned()
        .map(|mut request| {
            request.lost_by.insert(leaver.clone());
            request
        })
        .collect();
    Offboarding { moves: assign_many(&held, snapshot, now), mentions }
}
