//! From a brief, a roster and what was measured to the world that the model runs on.
//!
//! Promises: what was given goes before what was measured, and that before what is usual; each says which it is.

use chrono::{Datelike as _, NaiveTime, TimeDelta};

use super::Input;
use super::history::History;
use crate::designs::brief::{Brief, OUTSIDE_SHARE, Segment};
use crate::designs::service::arrivals::{Arrivals, Source};
use crate::designs::service::stage::{Counted, Handling, Takes, Worker, World, open_hours};
use crate::designs::service::statistics::count;
use crate::designs::words::{number, percent, span, weeks};
use crate::handoffs::commands::ahead;
use crate::handoffs::{Absences, Basis, Rep, Roster, Window};
use crate::kernel::calendar::{Shift, Zone};

/// How long is lived through in each run.
const WEEKS: i64 = 4;
/// From so many measured times on, they are drawn from as they are; fewer give their mean only.
const MEASURED_MIN: usize = 30;
/// Handoffs in a week for each rep, where nobody knows: about one a day.
const USUAL_PER_REP: f64 = 5.0;

/// Who is to have the handoffs, and when they work.
pub struct Ground<'a> {
    pub roster: &'a Roster,
    pub absences: &'a Absences,
    /// The reps of the pool.
    pub reps: Vec<&'a Rep>,
}

/// The world, and what it was made of.
pub struct Made {
    pub world: World,
    pub inputs: Vec<Input>,
    /// Somebody like those of the team, for staffing beyond the roster.
    pub typical: Worker,
    pub weeks_measured: f64,
    pub preparing_secs: f64,
}

/// Makes the world of a brief, from the Monday of its launch on.
pub fn make(brief: &Brief, ground: &Ground<'_>, history: &History) -> Made {
    let team_calendar = ground.roster.calendar_of_team(&brief.team);
    let zone = team_calendar.zone().clone();
    let monday = brief.launch - TimeDelta::days(i64::from(brief.launch.weekday().num_days_from_monday()));
    let from = zone.day_at(monday.and_time(NaiveTime::MIN).and_utc() + TimeDelta::hours(12)).from;
    let typical = Worker {
        name: "one more".to_owned(),
        weight: 1,
        shift: Shift::of(team_calendar.clone()),
        at_once: brief.capacity.at_once,
        per_day: brief.capacity.per_day,
    };
    let workers = workers(brief, ground, &typical);
    let (handling, preparing_secs, handling_inputs) = handling(brief, history);
    let mut world = World {
        from,
        until: from + TimeDelta::weeks(WEEKS),
        arrivals: Arrivals::given(0.0, 0.0, zone.clone(), &[], Source::Assumed),
        handling,
        workers,
        team: Shift::of(team_calendar),
        counted: match brief.basis {
            Basis::Wall => Counted::Wall,
            Basis::Business => Counted::Team,
        },
        target_secs: seconds(brief.response),
    };
    let (arrivals, arrival_inputs) = arrivals(brief, &world, history, zone);
    world.arrivals = arrivals;
    let mut inputs = arrival_inputs;
    inputs.extend(handling_inputs);
    inputs.push(people(brief, &world));
    Made { world, inputs, typical, weeks_measured: history.weeks(), preparing_secs }
}

#[expect(clippy::cast_precision_loss, reason = "a year in seconds is exact in a double")]
fn seconds(length: crate::kernel::calendar::Length) -> f64 {
    length.total_seconds() as f64
}

fn input(name: &str, value: String, source: Source, note: impl Into<String>) -> Input {
    Input { name: name.to_owned(), value, source, note: note.into() }
}

/// The reps of the pool; fewer or more of them where a number was given.
fn workers(brief: &Brief, ground: &Ground<'_>, typical: &Worker) -> Vec<Worker> {
    let day_cap =
        |rep: &Rep| rep.caps.iter().filter(|cap| cap.window == Window::Day).map(|cap| cap.limit).min();
    let of_rep = |rep: &&Rep| Worker {
        name: rep.name.clone(),
        weight: rep.weight.max(1),
        shift: ahead::shift(ground.roster, rep, ground.absences),
        at_once: brief.capacity.at_once,
        per_day: brief.capacity.per_day.or_else(|| day_cap(rep)),
    };
    let mut workers: Vec<Worker> = ground.reps.iter().map(of_rep).collect();
    if let Some(reps) = brief.capacity.reps {
        workers.resize(reps as usize, typical.clone());
    }
    workers
}

fn people(brief: &Brief, world: &World) -> Input {
    let open = open_hours(world).iter().filter(|open| **open).count();
    let value = format!("{}, {open} of the 168 hours of a week", crate::designs::words::reps(reps(world)));
    match brief.capacity.reps {
        Some(_) => input("Reps", value, Source::Given, "by the capacity; the calendars are the roster's"),
        None => input("Reps", value, Source::Measured, "the roster's calendars, absences and weights"),
    }
}

/// How many work in a world.
pub fn reps(world: &World) -> u32 {
    u32::try_from(world.workers.len()).unwrap_or(u32::MAX)
}

fn arrivals(brief: &Brief, world: &World, history: &History, zone: Zone) -> (Arrivals, Vec<Input>) {
    let open = open_hours(world);
    let outside = brief.capacity.outside_share.unwrap_or(OUTSIDE_SHARE);
    let outside_source = if brief.capacity.outside_share.is_some() { Source::Given } else { Source::Assumed };
    let outside_note = match outside_source {
        Source::Given => "by the capacity",
        Source::Measured | Source::Assumed => "a usual share; give `outsideShare` to replace it",
    };
    let at_night = |arrivals: &Arrivals, source, note: &str| {
        if open.iter().all(|open| *open) {
            let value = percent(0.0);
            return input(
                "Handoffs that come while nobody works",
                value,
                Source::Measured,
                "somebody always works",
            );
        }
        let closed = arrivals.by_hour.iter().zip(&open).filter(|(_, open)| !**open);
        let share =
            closed.map(|(expected, _)| expected).sum::<f64>() / arrivals.per_week().max(f64::MIN_POSITIVE);
        input("Handoffs that come while nobody works", percent(share), source, note)
    };
    if let Some(per_week) = brief.capacity.arrivals_per_week {
        let arrivals = Arrivals::given(per_week, outside, zone, &open, Source::Given);
        let value = format!("{} a week", number(per_week));
        let night = at_night(&arrivals, outside_source, outside_note);
        return (arrivals, vec![input("Handoffs", value, Source::Given, "by the capacity"), night]);
    }
    if let Some(period) = history.measured_period() {
        let at = history.arrivals_in(period);
        let arrivals = Arrivals::measured(&at, period, zone);
        let note = format!("{} handoffs in {}, by weekday and hour", at.len(), weeks(history.weeks()));
        let value = format!("{} a week", number(arrivals.per_week()));
        let night = at_night(&arrivals, Source::Measured, "as they came");
        return (arrivals, vec![input("Handoffs", value, Source::Measured, note), night]);
    }
    let per_week = USUAL_PER_REP * count(world.workers.len());
    let arrivals = Arrivals::given(per_week, outside, zone, &open, Source::Assumed);
    let value = format!("{} a week", number(per_week));
    let why = if history.handoffs.is_empty() { "nothing" } else { "less than a week" };
    let note =
        format!("one a day for each rep, because {why} was measured: give `arrivalsPerWeek` to replace it");
    let night = at_night(&arrivals, outside_source, outside_note);
    (arrivals, vec![input("Handoffs", value, Source::Assumed, note), night])
}

/// How long one keeps a rep busy where nobody knows, in seconds of working time.
fn usual_handling(segment: Segment) -> f64 {
    60.0 * match segment {
        Segment::Enterprise | Segment::Partner => 60.0,
        Segment::MidMarket => 45.0,
        Segment::Smb => 25.0,
    }
}

/// What lies before the contact where nobody knows: reading the package, in seconds.
const USUAL_PREPARING: f64 = 600.0;

/// Handling times, the part before the contact in seconds, and where they come from.
fn handling(brief: &Brief, history: &History) -> (Handling, f64, Vec<Input>) {
    let measured = history.preparing();
    let seen = measured.len();
    let measured_mean = measured.iter().sum::<f64>() / count(seen).max(1.0);
    let (preparing, preparing_source, note) = match (brief.preparing, seen) {
        (Some(given), _) => (seconds(given), Source::Given, "by the capacity".to_owned()),
        (None, 0) => {
            let note = "reading the package; give `preparing` to replace it".to_owned();
            (USUAL_PREPARING, Source::Assumed, note)
        }
        (None, _) => {
            let note = format!(
                "mean of {seen} handoffs, from acknowledgement to contact in the owner's working time"
            );
            (measured_mean, Source::Measured, note)
        }
    };
    let (total, source, total_note) = match brief.handling {
        Some(given) => (seconds(given), Source::Given, "by the capacity"),
        None if preparing_source == Source::Measured => {
            (measured_mean, Source::Measured, "up to the contact; give `handling` where more work follows it")
        }
        None => {
            let usual = usual_handling(brief.segment).max(preparing);
            (usual, Source::Assumed, "usual for the segment; give `handling` to replace it")
        }
    };
    let total = total.max(1.0);
    let as_measured = source == Source::Measured && seen >= MEASURED_MIN;
    let counted = (preparing_source == Source::Measured).then(|| u32::try_from(seen).unwrap_or(u32::MAX));
    let takes = if as_measured { Takes::OneOf(measured) } else { Takes::Mean { secs: total, counted } };
    let inputs = vec![
        input("Work up to the contact", span(preparing), preparing_source, note),
        input("Work on one handoff", span(total), source, total_note),
    ];
    let contact_share = (preparing / total).clamp(0.0, 1.0);
    (Handling { takes, contact_share }, preparing, inputs)
}
