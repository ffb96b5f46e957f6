//! Who is there and when: hours and absences of the reps, as an assignment and the clock of a handoff read them.
//!
//! Promises: a pure function of roster, absences and instant. An absence begins with its first instant and ends before
//! its last; where several touch or overlap, somebody is back when the last of them is over and hours have begun. The
//! clock of a handoff in business time counts while its team and its owner work and the owner is not absent. Hours, days
//! and weeks for caps are those that the rep's wall clock shows, also on days when the clocks change.
//! Leaves out: whether a cover is there, which assignment finds out when it asks the cover.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use uuid::Uuid;

use super::assign::caps::{Span, Spans};
use super::assign::names::{RepId, TeamId};
use super::assign::roster::{Rep, Roster};
use super::assign::snapshot::{Availability, Standing};
use super::hours::Hours;
use crate::kernel::calendar::{Interval, OpenTime as _, Shift};
use crate::kernel::clock::DateTime;

/// When a rep is away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absence {
    pub id: Uuid,
    pub rep: RepId,
    pub from: DateTime,
    /// Exclusive; without one until somebody ends it.
    pub to: Option<DateTime>,
    /// Who stands in.
    pub cover: Option<RepId>,
}

impl Absence {
    /// Whether the rep is away at an instant.
    pub fn holds(&self, at: DateTime) -> bool {
        self.from <= at && at < self.end()
    }

    fn end(&self) -> DateTime {
        self.to.unwrap_or(DateTime::MAX_UTC)
    }
}

/// Absences, those of each rep in the order in which they begin.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Absences(BTreeMap<RepId, Vec<Absence>>);

impl FromIterator<Absence> for Absences {
    fn from_iter<I: IntoIterator<Item = Absence>>(absences: I) -> Self {
        let mut by_rep: BTreeMap<RepId, Vec<Absence>> = BTreeMap::new();
        for absence in absences {
            by_rep.entry(absence.rep.clone()).or_default().push(absence);
        }
        for of_rep in by_rep.values_mut() {
            of_rep.sort_by_key(|absence| (absence.from, absence.id));
        }
        Self(by_rep)
    }
}

impl Absences {
    /// Those of one rep, in the order in which they begin.
    pub fn of(&self, rep: &RepId) -> &[Absence] {
        self.0.get(rep).map_or(&[], Vec::as_slice)
    }

    fn intervals(&self, rep: &RepId) -> impl Iterator<Item = Interval> {
        self.of(rep).iter().map(|absence| Interval { from: absence.from, to: absence.end() })
    }

    /// The covers that lead from a rep who would be absent back to it at some instant: who would stand in for whom. None
    /// when there is no such circle. Circles of others are not looked for.
    pub fn circle(&self, new: &Absence) -> Option<Vec<RepId>> {
        let cover = new.cover.as_ref()?;
        // Absences that overlap all hold when the last of them begins.
        let begins = self.0.values().flatten().map(|absence| absence.from);
        let mut instants: Vec<DateTime> = begins.chain([new.from]).filter(|at| new.holds(*at)).collect();
        instants.sort_unstable();
        instants.dedup();
        instants.into_iter().find_map(|at| self.way_back(&new.rep, cover, at))
    }

    /// How covers lead from `cover` to `rep` at an instant, `rep` at both ends.
    fn way_back(&self, rep: &RepId, cover: &RepId, at: DateTime) -> Option<Vec<RepId>> {
        let mut came_from: BTreeMap<&RepId, &RepId> = BTreeMap::from([(cover, rep)]);
        let mut open = vec![cover];
        while let Some(here) = open.pop() {
            if here == rep {
                let mut way = vec![rep.clone()];
                let mut step = came_from.get(rep).copied();
                while let Some(before) = step.filter(|before| *before != rep) {
                    way.push(before.clone());
                    step = came_from.get(before).copied();
                }
                way.push(rep.clone());
                way.reverse();
                return Some(way);
            }
            let covers = self.of(here).iter().filter(|absence| absence.holds(at));
            for next in covers.filter_map(|absence| absence.cover.as_ref()) {
                if !came_from.contains_key(next) {
                    came_from.insert(next, here);
                    open.push(next);
                }
            }
        }
        None
    }
}

/// Whether a rep is there.
pub fn availability(roster: &Roster, rep: &Rep, absences: &Absences, now: DateTime) -> Availability {
    let calendar = roster.calendar_of_rep(rep);
    let open = calendar.is_open(now);
    let shift = Shift::of(calendar).without(absences.intervals(&rep.id));
    // None when no working time is left for years.
    let back_at = || shift.next_opening(now).ok();
    let mut present = absences.of(&rep.id).iter().filter(|absence| absence.holds(now)).peekable();
    if present.peek().is_some() {
        // Of several, the one that began last and names somebody.
        let cover = present.filter_map(|absence| absence.cover.clone()).next_back();
        Availability::Absent { until: back_at(), cover }
    } else if open {
        Availability::Available
    } else {
        Availability::OutsideHours { opens_at: back_at() }
    }
}

/// The hours by which the clock of a handoff counts in business time: while its team works, and its owner works and is not
/// absent. A name that is not on the roster takes nothing away.
pub fn hours(roster: &Roster, team: &TeamId, owner: Option<&RepId>, absences: &Absences) -> Hours {
    let team = roster.calendar_of_team(team);
    match owner.and_then(|owner| roster.rep(owner.as_str())) {
        Some(rep) => {
            let owner = roster.calendar_of_rep(rep);
            Hours { team, owner, absences: absences.intervals(&rep.id).collect() }
        }
        None => Hours { owner: team.clone(), team, absences: Vec::new() },
    }
}

/// [`hours`] as a shift; days are those of the team.
pub fn shift(roster: &Roster, team: &TeamId, owner: Option<&RepId>, absences: &Absences) -> Shift {
    hours(roster, team, owner, absences).shift()
}

/// The present hour, day and week on the wall clock of a rep.
pub fn spans(roster: &Roster, rep: &Rep, now: DateTime) -> Spans {
    let calendar = roster.calendar_of_rep(rep);
    let zone = calendar.zone();
    let span = |interval: Interval| Span { from: interval.from, until: interval.to };
    Spans { hour: span(zone.hour_at(now)), day: span(zone.day_at(now)), week: span(zone.week_at(now)) }
}

/// How things stand with a rep who has so many open handoffs and was given others at the instants `taken`.
pub fn standing(
    roster: &Roster,
    rep: &Rep,
    absences: &Absences,
    (open, taken): (u32, Vec<DateTime>),
    now: DateTime,
) -> Standing {
    let availability = availability(roster, rep, absences, now);
    Standing { availability, open, taken, spans: spans(roster, rep, now) }
}
