//! Whether a rep can take a handoff now, and what is in the way.
//!
//! Boundaries: as many open as the capacity allows is full; as many taken as a cap allows has reached it.

use std::collections::BTreeSet;

use super::names::RepId;
use super::outcome::Reason;
use super::roster::{Rep, fold};
use super::snapshot::{Availability, Request, Snapshot};
use crate::kernel::clock::DateTime;

/// In what part somebody is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Asked for by name, for the account's sake: takes it whatever it needs.
    Named,
    /// One of a pool: must have the skills, and takes part in the rotation.
    Pool,
}

/// Everything that keeps a rep, by position, from taking a handoff now: first what stays, then what passes.
pub fn obstacles(
    snapshot: &Snapshot,
    at: usize,
    request: &Request,
    part: Part,
    now: DateTime,
) -> Vec<Reason> {
    let rep = &snapshot.roster.reps()[at];
    let mut found = Vec::new();
    if rep.leaving {
        found.push(Reason::Leaving);
    }
    if request.lost_by.contains(&rep.id) {
        found.push(Reason::JustLostIt);
    }
    if part == Part::Pool {
        let skills = missing(rep, &request.skills);
        if !skills.is_empty() {
            found.push(Reason::MissingSkills { skills });
        }
        if rep.weight == 0 {
            found.push(Reason::NoWeight);
        }
    }
    let Some(standing) = &snapshot.standings[at] else {
        found.push(Reason::NotInSnapshot);
        return found;
    };
    match &standing.availability {
        Availability::Available => {}
        Availability::OutsideHours { opens_at } => found.push(Reason::OutsideHours { opens_at: *opens_at }),
        Availability::Absent { until, cover } => {
            found.push(Reason::Absent { until: *until, cover: cover.clone() });
        }
    }
    if let Some(capacity) = rep.capacity.filter(|capacity| standing.open >= *capacity) {
        found.push(Reason::Full { open: standing.open, capacity });
    }
    let reached = rep.caps.iter().filter_map(|cap| cap.reached(&standing.taken, &standing.spans, now));
    found.extend(reached.map(Reason::CapReached));
    found
}

fn missing(rep: &Rep, skills: &BTreeSet<String>) -> BTreeSet<String> {
    skills.iter().filter(|skill| !rep.knows(skill)).map(|skill| fold(skill)).collect()
}

/// Who stands in for a rep, when absence is among what is in the way.
pub fn cover(obstacles: &[Reason]) -> Option<&RepId> {
    obstacles.iter().find_map(|reason| match reason {
        Reason::Absent { cover, .. } => cover.as_ref(),
        _ => None,
    })
}
