//! The working time of the holders of roles, laid out once so that each task is a search and not a walk.
//!
//! Promises: the same answers as [`OpenTime`](crate::kernel::calendar::OpenTime) gives, in time that grows with the logarithm of the stretches laid out; a table
//! grows on both sides as it is asked, up to [`YEARS_MAX`] years around the start. `forward` and `backward` belong together:
//! what begins when it is ready at `r` ends by `e` exactly when `r` is not later than where `backward` from `e` begins.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use chrono::NaiveDate;

use super::Span;
use crate::kernel::calendar::{DayStretch, WorkCalendar, Zone};
use crate::kernel::clock::DateTime;
use crate::plans::check::{Fault, FaultCode};
use crate::plans::model::{Duration, Holder, Plan, Role};

/// Microseconds since the epoch.
pub(super) type Instant = i64;

/// So many years around its start a plan is looked at: twice as far as its dates may lie.
pub const YEARS_MAX: i64 = 40;

const DAY: Instant = 86_400_000_000;
const REACH: Instant = YEARS_MAX * 366 * DAY;
/// What a table lays out at first on each side of what it is asked for.
const FIRST: Instant = 120 * DAY;
/// The day in which a table begins or ends may be cut; it is asked for no day closer than this to its edges.
const MARGIN: Instant = 3 * DAY;

pub(super) fn micros(at: DateTime) -> Instant {
    at.timestamp_micros()
}

pub(super) fn instant(at: Instant) -> DateTime {
    DateTime::from_timestamp_micros(at).unwrap_or(DateTime::MAX_UTC)
}

/// There is too little working time within the years that are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooFar;

/// The tables of all owners; those with the same hours share one.
pub(super) struct Timetables {
    tables: Vec<Timetable>,
    /// For each task of the plan.
    of_task: Vec<usize>,
}

impl Timetables {
    /// The plan has no faults.
    pub(super) fn of(plan: &Plan) -> Result<Self, Vec<Fault>> {
        let start = micros(plan.start_at);
        // Backward passes come from the farthest date, so that what lies before it is laid out at once.
        let end = plan.deadline.map_or(start, micros);
        let mut calendars: HashMap<Option<&str>, Rc<RefCell<Layout>>> = HashMap::new();
        let mut same: HashMap<(Option<&str>, &[NaiveDate]), usize> = HashMap::new();
        let mut of_role: HashMap<&Role, usize> = HashMap::new();
        let (mut tables, mut of_task) = (Vec::new(), Vec::with_capacity(plan.tasks.len()));
        for task in &plan.tasks {
            if let Some(table) = of_role.get(&task.owner) {
                of_task.push(*table);
                continue;
            }
            let Some(holder) = plan.roles.get(&task.owner) else { return Err(Vec::new()) };
            let name = holder.calendar.as_deref();
            let hours = (name, holder.days_off.as_slice());
            let table = if let Some(table) = same.get(&hours) {
                *table
            } else {
                let layout = match calendars.get(&name) {
                    Some(layout) => layout.clone(),
                    None => Rc::new(RefCell::new(Layout::new(calendar_of(plan, holder)?, start))),
                };
                calendars.insert(name, layout.clone());
                tables.push(Timetable::new(layout, &holder.days_off, (start, end)));
                same.insert(hours, tables.len() - 1);
                tables.len() - 1
            };
            of_role.insert(&task.owner, table);
            of_task.push(table);
        }
        Ok(Self { tables, of_task })
    }

    pub(super) fn of_task(&mut self, task: usize) -> &mut Timetable {
        &mut self.tables[self.of_task[task]]
    }
}

/// The hours of a holder: their calendar, or around the clock with the days of UTC.
fn calendar_of(plan: &Plan, holder: &Holder) -> Result<WorkCalendar, Vec<Fault>> {
    let Some(name) = &holder.calendar else { return Ok(WorkCalendar::around_the_clock(Zone::utc())) };
    let draft = plan.calendars.get(name).cloned().unwrap_or_default();
    WorkCalendar::new(&draft).map_err(|faults| {
        let fault =
            |detail| Fault { pointer: format!("#/calendars/{name}"), code: FaultCode::Calendar, detail };
        faults.iter().map(|wrong| fault(wrong.to_string())).collect()
    })
}

/// A calendar laid out over some years, for everybody who keeps to it.
struct Layout {
    calendar: WorkCalendar,
    from: Instant,
    to: Instant,
    stretches: Vec<DayStretch>,
}

impl Layout {
    fn new(calendar: WorkCalendar, start: Instant) -> Self {
        Self { calendar, from: start, to: start, stretches: Vec::new() }
    }

    /// Lays out more where it is asked for more than was.
    fn cover(&mut self, from: Instant, to: Instant) {
        if from < self.from || to > self.to {
            (self.from, self.to) = (self.from.min(from), self.to.max(to));
            self.stretches = self.calendar.laid_out(instant(self.from), instant(self.to));
        }
    }
}

/// The open stretches and working days of one person over some years.
pub(super) struct Timetable {
    layout: Rc<RefCell<Layout>>,
    /// Days since 1970-01-01.
    days_off: BTreeSet<i64>,
    /// The farthest edges that it may have.
    first: Instant,
    last: Instant,
    /// The deadline of the plan, or its start.
    end: Instant,
    from: Instant,
    to: Instant,
    /// In order, without overlap.
    open: Vec<Open>,
    days: Vec<Span>,
}

/// A stretch of open time.
struct Open {
    from: Instant,
    to: Instant,
    /// The open time of the table before it.
    before: Instant,
}

impl Timetable {
    fn new(layout: Rc<RefCell<Layout>>, days_off: &[NaiveDate], (start, end): (Instant, Instant)) -> Self {
        let days_off = days_off.iter().map(|date| i64::from(date.to_epoch_days())).collect();
        let (first, last) = (start - REACH, start + REACH);
        let empty = (Vec::new(), Vec::new());
        Self { layout, days_off, first, last, end, from: start, to: start, open: empty.0, days: empty.1 }
    }

    /// When it is done if it can begin at `ready`.
    pub(super) fn forward(&mut self, duration: Duration, ready: Instant) -> Result<Span, TooFar> {
        self.cover(ready)?;
        loop {
            let found = match duration {
                Duration::WorkingDays(days) => self.days_from(days, ready),
                Duration::Time(length) => self.time_from(length.total_seconds() * 1_000_000, ready),
            };
            match found {
                Some(span) => return Ok(span),
                None => self.grow(self.from, self.to.saturating_add(self.to - self.from))?,
            }
        }
    }

    /// The latest time in which it can be done by `end`.
    pub(super) fn backward(&mut self, duration: Duration, end: Instant) -> Result<Span, TooFar> {
        self.cover(end)?;
        loop {
            let found = match duration {
                Duration::WorkingDays(days) => self.days_to(days, end),
                Duration::Time(length) => self.time_to(length.total_seconds() * 1_000_000, end),
            };
            match found {
                Some(span) => return Ok(span),
                None => self.grow(self.from.saturating_sub(self.to - self.from), self.to)?,
            }
        }
    }

    /// The open time from one instant to another; negative when they are the other way round.
    pub(super) fn between(&mut self, from: Instant, to: Instant) -> Result<Instant, TooFar> {
        self.cover(from)?;
        self.cover(to)?;
        Ok(self.passed(to) - self.passed(from))
    }

    /// Nothing of a milestone is worked on.
    fn time_from(&self, length: Instant, ready: Instant) -> Option<Span> {
        if length == 0 {
            return Some(Span { start: ready, end: ready });
        }
        let target = self.passed(ready) + length;
        let next = self.open.get(self.open.partition_point(|open| open.to <= ready))?;
        let last =
            self.open.get(self.open.partition_point(|open| open.before + open.to - open.from < target))?;
        Some(Span { start: next.from.max(ready), end: last.from + target - last.before })
    }

    fn time_to(&self, length: Instant, end: Instant) -> Option<Span> {
        if length == 0 {
            return Some(Span { start: end, end });
        }
        let target = self.passed(end) - length;
        let first = self.open.partition_point(|open| open.before <= target).checked_sub(1)?;
        let first = self.open.get(first).filter(|_| target >= 0)?;
        let last = self.open.get(self.open.partition_point(|open| open.from < end).checked_sub(1)?)?;
        Some(Span { start: first.from + target - first.before, end: last.to.min(end) })
    }

    fn days_from(&self, days: u16, ready: Instant) -> Option<Span> {
        let first = self.days.partition_point(|day| day.start < ready);
        let last = self.days.get(first + usize::from(days).saturating_sub(1))?;
        Some(Span { start: self.days[first].start, end: last.end })
    }

    fn days_to(&self, days: u16, end: Instant) -> Option<Span> {
        let last = self.days.partition_point(|day| day.end <= end).checked_sub(1)?;
        let first = last.checked_sub(usize::from(days).saturating_sub(1))?;
        Some(Span { start: self.days[first].start, end: self.days[last].end })
    }

    /// The open time from the edge of the table.
    fn passed(&self, at: Instant) -> Instant {
        let ahead = self.open.partition_point(|open| open.to <= at);
        match self.open.get(ahead) {
            Some(open) => open.before + (at - open.from).max(0),
            None => self.open.last().map_or(0, |open| open.before + open.to - open.from),
        }
    }

    /// Lays out what lies around an instant, which is one of the plan's.
    fn cover(&mut self, at: Instant) -> Result<(), TooFar> {
        if at - MARGIN >= self.from && at + MARGIN <= self.to {
            return Ok(());
        }
        // At least twice as much as before, so that what is laid out is laid out a few times only.
        let more = FIRST.max(self.to - self.from);
        let from = if at - MARGIN < self.from { (self.from - more).min(at - FIRST) } else { self.from };
        let to = if at + MARGIN > self.to { (self.to + more).max(at.max(self.end) + FIRST) } else { self.to };
        self.grow(from, to)
    }

    fn grow(&mut self, from: Instant, to: Instant) -> Result<(), TooFar> {
        let (from, to) = (from.max(self.first), to.min(self.last));
        if (from, to) == (self.from, self.to) {
            return Err(TooFar);
        }
        (self.from, self.to) = (from, to);
        self.open.clear();
        self.days.clear();
        let mut layout = self.layout.borrow_mut();
        layout.cover(from, to);
        let (mut before, mut first_date, mut date) = (0, None, None);
        let first = layout.stretches.partition_point(|stretch| stretch.to <= from);
        for stretch in layout.stretches[first..].iter().take_while(|stretch| stretch.from < to) {
            if self.days_off.contains(&stretch.epoch_day) {
                continue;
            }
            let (from, to) = (stretch.from.max(from), stretch.to.min(to));
            self.open.push(Open { from, to, before });
            before += to - from;
            match self.days.last_mut().filter(|_| date == Some(stretch.epoch_day)) {
                Some(day) => day.end = to,
                None => self.days.push(Span { start: from, end: to }),
            }
            date = Some(stretch.epoch_day);
            first_date = first_date.or(date);
        }
        // A day in which an edge lies may be cut by it, and is none of those that can be worked whole.
        let edge = |at| Some(i64::from(layout.calendar.local_date(instant(at)).to_epoch_days()));
        if date == edge(to) {
            self.days.pop();
        }
        if first_date == edge(from) && !self.days.is_empty() {
            self.days.remove(0);
        }
        Ok(())
    }
}
