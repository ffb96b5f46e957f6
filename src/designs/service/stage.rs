//! What a simulation runs on: who works when, by which rules, and what comes in; and the same with everything looked up.
//!
//! Promises: hours, zones, holidays and absences are those of the calendars that live handoffs use. Time is counted in
//! seconds from the beginning of the warm-up.

use chrono::{TimeDelta, Timelike as _};
use serde::{Deserialize, Serialize};

use super::arrivals::{Arrivals, WEEK_HOURS};
use super::dice::Dice;
use super::statistics::count;
use crate::kernel::calendar::{Interval, OpenTime as _, Shift};
use crate::kernel::clock::DateTime;

/// Before what is counted, so that it does not begin with an empty queue.
pub const WARM_UP: TimeDelta = TimeDelta::weeks(1);
/// After what is counted, so that what came last is still answered.
const RUN_OUT: TimeDelta = TimeDelta::weeks(3);

/// How long handling takes.
#[derive(Debug, Clone, PartialEq)]
pub struct Handling {
    pub takes: Takes,
    /// Which part of it lies before the customer has been contacted: 0 to 1.
    pub contact_share: f64,
}

/// The distribution of handling times, in seconds of working time.
#[derive(Debug, Clone, PartialEq)]
pub enum Takes {
    /// Exponential with this mean, which was estimated from so many; none when it was given as certain.
    Mean { secs: f64, counted: Option<u32> },
    /// One of those that were measured, each as likely.
    OneOf(Vec<f64>),
}

impl Takes {
    pub fn mean_secs(&self) -> f64 {
        match self {
            Self::Mean { secs, .. } => *secs,
            Self::OneOf(all) => all.iter().sum::<f64>() / count(all.len()).max(1.0),
        }
    }

    /// As it may truly be, given how few were seen: another mean, or a resample of those that were measured.
    pub(super) fn uncertain(&self, dice: &mut Dice) -> Self {
        match self {
            Self::Mean { secs, counted: Some(n) } if *n > 0 => {
                Self::Mean { secs: secs / dice.gamma_of_mean_one(f64::from(*n)), counted: None }
            }
            Self::Mean { secs, .. } => Self::Mean { secs: *secs, counted: None },
            Self::OneOf(all) => Self::OneOf(all.iter().map(|_| all[dice.below(all.len())]).collect()),
        }
    }

    pub(super) fn draw(&self, dice: &mut Dice) -> f64 {
        match self {
            Self::Mean { secs, .. } => dice.exponential(*secs),
            Self::OneOf(all) if all.is_empty() => 0.0,
            Self::OneOf(all) => all[dice.below(all.len())],
        }
    }
}

/// Somebody who works.
#[derive(Debug, Clone, PartialEq)]
pub struct Worker {
    pub name: String,
    /// The part in the rotation relative to the others; more than 0.
    pub weight: u32,
    /// When they work, absences taken out.
    pub shift: Shift,
    /// The most that they have in hand at once; what is more waits for whoever has room.
    pub at_once: Option<u32>,
    /// The most that they are given on one day of theirs.
    pub per_day: Option<u32>,
}

/// The clock that the target is measured by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Counted {
    /// Every hour, from the arrival to the contact.
    Wall,
    /// The hours of the team in between.
    Team,
}

/// All of it.
#[derive(Debug, Clone, PartialEq)]
pub struct World {
    /// What comes in from here on is counted.
    pub from: DateTime,
    pub until: DateTime,
    pub arrivals: Arrivals,
    pub handling: Handling,
    pub workers: Vec<Worker>,
    /// When the team works; for targets that count its hours.
    pub team: Shift,
    pub counted: Counted,
    pub target_secs: f64,
}

/// A stretch of time in seconds; its end excluded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Span {
    pub from: f64,
    pub to: f64,
}

/// An hour in which so much is expected.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cell {
    pub span: Span,
    pub expected: f64,
    /// Which day it belongs to, counted on.
    pub day: u32,
}

/// A [`World`] with its hours looked up, for many runs.
pub struct Stage<'w> {
    pub(super) world: &'w World,
    /// What comes in from here on is counted.
    pub(super) counted_from: f64,
    pub(super) cells: Vec<Cell>,
    /// By worker.
    pub(super) open: Vec<Vec<Span>>,
    team: Measured,
}

impl<'w> Stage<'w> {
    pub fn new(world: &'w World) -> Self {
        let origin = world.from - WARM_UP;
        let end = world.until + RUN_OUT;
        let spans = |shift: &Shift| -> Vec<Span> {
            shift.intervals(origin, end).into_iter().map(|open| span(open, origin)).collect()
        };
        Self {
            world,
            counted_from: WARM_UP.as_seconds_f64(),
            cells: cells(&world.arrivals, origin, world.until),
            open: world.workers.iter().map(|worker| spans(&worker.shift)).collect(),
            team: Measured::new(spans(&world.team)),
        }
    }

    /// From an arrival to a contact, as the target counts it.
    pub(super) fn elapsed(&self, arrived: f64, contacted: f64) -> f64 {
        match self.world.counted {
            Counted::Wall => contacted - arrived,
            Counted::Team => self.team.before(contacted) - self.team.before(arrived),
        }
    }

    /// The working time of all workers in what is counted, in seconds.
    pub fn staffed_secs(&self) -> f64 {
        let until = self.cells.last().map_or(self.counted_from, |cell| cell.span.to);
        let inside = |span: &Span| (span.to.min(until) - span.from.max(self.counted_from)).max(0.0);
        self.open.iter().flatten().map(inside).sum()
    }

    /// The share of arrivals that could be taken up within the target if as many people as one likes worked the hours of
    /// these: what no staffing can exceed without other hours. None where nothing comes in.
    pub fn ceiling(&self) -> Option<f64> {
        /// How finely an hour is looked at.
        const PARTS: u32 = 12;
        let mut open: Vec<Span> = self.open.iter().flatten().copied().collect();
        open.sort_by(|a, b| a.from.total_cmp(&b.from));
        let mut reach = Vec::with_capacity(open.len());
        // Until when somebody of those who have begun by then works.
        let mut latest = f64::NEG_INFINITY;
        for span in &open {
            latest = latest.max(span.to);
            reach.push(latest);
        }
        let taken_up = |at: f64| {
            let begun = open.partition_point(|span| span.from <= at);
            if begun > 0 && reach[begun - 1] > at { Some(at) } else { open.get(begun).map(|span| span.from) }
        };
        let (mut within, mut all) = (0.0, 0.0);
        for cell in self.cells.iter().filter(|cell| cell.span.from >= self.counted_from) {
            let part = (cell.span.to - cell.span.from) / f64::from(PARTS);
            for number in 0..PARTS {
                let at = cell.span.from + part * (f64::from(number) + 0.5);
                all += cell.expected;
                let in_time = taken_up(at).is_some_and(|up| self.elapsed(at, up) <= self.world.target_secs);
                within += if in_time { cell.expected } else { 0.0 };
            }
        }
        (all > 0.0).then(|| within / all)
    }
}

/// Which hours of the week, from Monday midnight in the zone of the arrivals, somebody works in most of; as an even week.
pub fn open_hours(world: &World) -> Vec<bool> {
    let mut open = vec![false; WEEK_HOURS];
    let mut at = world.from;
    for _ in 0..WEEK_HOURS {
        let middle = at + TimeDelta::minutes(30);
        let local = at.with_timezone(&world.arrivals.zone.offset_at(at));
        let day = chrono::Datelike::weekday(&local).num_days_from_monday();
        let worked = world.workers.iter().any(|worker| worker.shift.is_open(middle));
        if let Some(hour) = open.get_mut((day * 24 + local.hour()) as usize) {
            *hour |= worked;
        }
        at += TimeDelta::hours(1);
    }
    open
}

fn span(open: Interval, origin: DateTime) -> Span {
    let secs = |at: DateTime| (at - origin).as_seconds_f64();
    Span { from: secs(open.from), to: secs(open.to) }
}

/// The hours from one instant to another, by the wall clock of the arrivals.
fn cells(arrivals: &Arrivals, origin: DateTime, until: DateTime) -> Vec<Cell> {
    let (mut cells, mut at) = (Vec::new(), origin);
    let (mut day, mut date) = (0, None);
    while at < until {
        let hour = arrivals.zone.hour_at(at);
        let next = hour.to.min(until);
        let shown = at.with_timezone(&arrivals.zone.offset_at(at)).date_naive();
        if date.is_some_and(|date| date != shown) {
            day += 1;
        }
        date = Some(shown);
        let span = span(Interval { from: at, to: next }, origin);
        let expected = arrivals.at(at) * (span.to - span.from) / 3_600.0;
        cells.push(Cell { span, expected, day });
        at = next;
    }
    cells
}

/// Open time, and how much of it there was before each stretch.
struct Measured {
    spans: Vec<Span>,
    before: Vec<f64>,
}

impl Measured {
    fn new(spans: Vec<Span>) -> Self {
        let mut total = 0.0;
        let before = spans
            .iter()
            .map(|span| {
                let sum = total;
                total += span.to - span.from;
                sum
            })
            .collect();
        Self { spans, before }
    }

    /// How much of it lies before an instant.
    fn before(&self, at: f64) -> f64 {
        let begun = self.spans.partition_point(|span| span.from <= at);
        let Some(last) = begun.checked_sub(1) else { return 0.0 };
        self.before[last] + at.min(self.spans[last].to) - self.spans[last].from
    }
}
