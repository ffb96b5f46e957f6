//! What a roster would do: the arithmetic of assignment and hours, for slices that design a roster before it is in force.
//!
//! Promises: pure, and the same functions that live handoffs run.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::handoffs::assign::names::RepId;
use crate::handoffs::assign::roster::{Rep, Roster};
use crate::handoffs::assign::snapshot::{Availability, Standing};
use crate::handoffs::assign::{self, Outcome, Request, Snapshot};
use crate::handoffs::availability::{self, Absences};
use crate::kernel::calendar::{Interval, Shift};
use crate::kernel::clock::DateTime;

/// Who would take a handoff over.
pub fn assigned(request: &Request, snapshot: &Snapshot, now: DateTime) -> Outcome {
    assign::assign(request, snapshot, now)
}

/// When a rep works, absences taken out.
pub fn shift(roster: &Roster, rep: &Rep, absences: &Absences) -> Shift {
    let away = absences.of(&rep.id).iter();
    let away =
        away.map(|absence| Interval { from: absence.from, to: absence.to.unwrap_or(DateTime::MAX_UTC) });
    Shift::of(roster.calendar_of_rep(rep)).without(away)
}

/// A roster of whose reps nobody has anything yet, with the availability that the caller gives each.
pub fn snapshot(roster: &Arc<Roster>, available: impl Fn(&Rep) -> Availability, now: DateTime) -> Snapshot {
    let standings = roster.reps().iter().map(|rep| {
        let spans = availability::spans(roster, rep, now);
        let standing = Standing { availability: available(rep), open: 0, taken: Vec::new(), spans };
        (rep.id.clone(), standing)
    });
    let standings: Vec<(RepId, Standing)> = standings.collect();
    Snapshot::new(roster.clone(), standings, BTreeMap::new())
}
