//! The dates of a plan: when each task can begin, when it must, and what the end hangs on.
//!
//! How it counts. A task of so much time takes that much of its owner's working time, from the first moment on at which
//! everything before it is done; a task of whole days runs from the opening of its first working day to the closing of its
//! last; a task of no length is a milestone and happens when everything before it is done, at whatever hour. A gate takes no
//! time. *Earliest* counts from the start, *latest* back from the deadline, or from the earliest end where there is none; a
//! due date bounds its own task. *Slack* is the owner's working time between the earliest and the latest start, and is
//! negative where a date cannot be kept. Forward, a task is planned at its earliest; counted back, at its latest, but never
//! before its earliest.
//!
//! The *critical path* is the chain of tasks that leads to the earliest end: the first begins at the first moment of its
//! owner's working time after the start of the plan (or its own `notBefore`), each next one at the first moment of its
//! owner's working time after the end of the one before, and the last ends when the plan ends. So it fills the whole of the
//! time from start to end, with nothing between its tasks but hours in which the owner of the next does not work. There is
//! one: of several predecessors that end together, the first in the document counts. With calendars, a task on it may have
//! some slack, where it ends while the owner of the next is away.
//!
//! Promises: the same plan has the same dates, to the microsecond; nobody is planned outside of their hours, on a holiday or
//! a day off; a task that cannot keep a date is named, with what would make it possible. Takes time in proportion to tasks
//! and dependencies, besides one walk over each calendar.
//! Leaves out: how many tasks a person does at a time.

mod impossible;
#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;
mod timetable;

use std::collections::HashMap;

use chrono::TimeDelta;

use super::check::{Fault, FaultCode, checked};
use super::graph::Graph;
use super::model::{Direction, Duration, Plan, Task, TaskId};
use crate::kernel::clock::DateTime;
use timetable::{Instant, Timetables, TooFar, instant, micros};

pub use impossible::{HeldBack, Impossible, Misses};

/// The dates of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// In the order of the plan's tasks.
    pub slots: Vec<Slot>,
    /// In the order of the plan's gates.
    pub gates: Vec<GateSlot>,
    /// When the first task is planned to begin.
    pub starts_at: DateTime,
    /// When the last task is planned to end.
    pub ends_at: DateTime,
    /// When all can be done at the earliest: the end of the critical path.
    pub earliest_end: DateTime,
    /// When the plan must start at the latest for all dates to be kept.
    pub start_by: DateTime,
    /// Tasks whose `notBefore` is too late for the dates behind them.
    pub held_back: Vec<HeldBack>,
    pub critical_path: Vec<TaskId>,
    /// Every task that cannot keep a date, in the order of the document.
    pub impossible: Vec<Impossible>,
    /// The working time of all tasks, one after the other.
    pub sequential: TimeDelta,
    /// The working time along the critical path: side by side it takes no less.
    pub parallel: TimeDelta,
}

/// The dates of one task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    pub task: TaskId,
    /// As planned.
    pub start_at: DateTime,
    pub end_at: DateTime,
    pub earliest_start: DateTime,
    pub earliest_end: DateTime,
    pub latest_start: DateTime,
    pub latest_end: DateTime,
    /// In working time of the owner.
    pub slack: TimeDelta,
    /// How much of the owner's working time it takes.
    pub work: TimeDelta,
    /// Whether it lies on the critical path.
    pub critical: bool,
}

/// When a gate can open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateSlot {
    pub gate: TaskId,
    /// When everything in front of it is planned to be done.
    pub opens_at: DateTime,
}

impl Schedule {
    /// The dates of a task.
    pub fn slot(&self, task: &TaskId) -> Option<&Slot> {
        self.slots.iter().find(|slot| slot.task == *task)
    }
}

/// The dates of a plan, or all faults for which it cannot have any.
pub fn schedule(plan: &Plan) -> Result<Schedule, Vec<Fault>> {
    let (graph, order) = checked(plan)?;
    let tables = Timetables::of(plan)?;
    let pass = Pass { plan, graph: &graph, order: &order, tables };
    pass.run().map_err(|(task, TooFar)| {
        let detail = format!(
            "`{}` would not fit within {} years of the start: shorten what comes before it, or give its owner more working time",
            plan.tasks[task].id,
            timetable::YEARS_MAX
        );
        vec![Fault { pointer: format!("#/tasks/{task}"), code: FaultCode::TooFar, detail }]
    })
}

/// From when to when a piece of work is done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Span {
    start: Instant,
    end: Instant,
}

/// One computation of a schedule. Vectors are by the numbers of the graph's nodes.
struct Pass<'p> {
    plan: &'p Plan,
    graph: &'p Graph<'p>,
    order: &'p [usize],
    tables: Timetables,
}

/// What was found going forward.
struct Earliest {
    spans: Vec<Span>,
    /// When everything before is done.
    ready: Vec<Instant>,
    /// The node whose end made it wait until then; none where its own date or the start did.
    driver: Vec<Option<usize>>,
}

/// What was found going back.
struct Latest {
    spans: Vec<Span>,
    /// The latest instant at which everything before must be done.
    ready: Vec<Instant>,
}

type Failed = (usize, TooFar);

impl Pass<'_> {
    fn run(mut self) -> Result<Schedule, Failed> {
        let earliest = self.forward()?;
        let last = self.last(&earliest);
        let end = last.map_or(micros(self.plan.start_at), |node| earliest.spans[node].end);
        let bound = self.plan.deadline.map_or(end, micros);
        let latest = self.backward(bound)?;
        let planned = match self.plan.direction {
            Direction::Forward => earliest.spans.clone(),
            Direction::Workback => self.back_to_back(&earliest, &latest)?,
        };
        let path = last.map_or_else(Vec::new, |last| self.chain(&earliest, last));
        self.gather(&earliest, &latest, &planned, &path, end)
    }

    fn span(&mut self, node: usize, ready: Instant) -> Result<Span, Failed> {
        match self.plan.tasks.get(node) {
            Some(task) => self.tables.of_task(node).forward(task.duration, ready).map_err(|far| (node, far)),
            None => Ok(Span { start: ready, end: ready }),
        }
    }

    fn forward(&mut self) -> Result<Earliest, Failed> {
        let count = self.graph.len();
        let mut found = Earliest {
            spans: vec![Span::default(); count],
            ready: vec![0; count],
            driver: vec![None; count],
        };
        for node in self.order.iter().copied() {
            let own = self.plan.tasks.get(node).and_then(|task| task.not_before).map(micros);
            let mut ready = micros(self.plan.start_at).max(own.unwrap_or(Instant::MIN));
            let mut driver: Option<usize> = None;
            for before in self.graph.before(node).iter().copied() {
                let end = found.spans[before].end;
                let first = driver.is_none_or(|other| before < other);
                if end > ready || (end == ready && first) {
                    (ready, driver) = (end, Some(before));
                }
            }
            found.spans[node] = self.span(node, ready)?;
            found.ready[node] = ready;
            found.driver[node] = driver;
        }
        Ok(found)
    }

    fn backward(&mut self, bound: Instant) -> Result<Latest, Failed> {
        let count = self.graph.len();
        let mut found = Latest { spans: vec![Span::default(); count], ready: vec![0; count] };
        for node in self.order.iter().rev().copied() {
            let due = self.plan.tasks.get(node).and_then(|task| task.due).map(micros);
            let after = self.graph.after(node).iter().map(|after| found.ready[*after]);
            let end = after.fold(bound.min(due.unwrap_or(Instant::MAX)), Instant::min);
            let span = match self.plan.tasks.get(node) {
                Some(task) => {
                    self.tables.of_task(node).backward(task.duration, end).map_err(|far| (node, far))?
                }
                None => Span { start: end, end },
            };
            found.spans[node] = span;
            found.ready[node] = span.start;
        }
        Ok(found)
    }

    /// Each as late as it may be, but not earlier than it can. Both bounds keep the order of the plan, and so does the
    /// later of the two.
    fn back_to_back(&mut self, earliest: &Earliest, latest: &Latest) -> Result<Vec<Span>, Failed> {
        (0..self.graph.len())
            .map(|node| self.span(node, earliest.ready[node].max(latest.ready[node])))
            .collect()
    }

    /// The task that ends last; of several the one that is the last in order.
    fn last(&self, earliest: &Earliest) -> Option<usize> {
        let tasks = self.order.iter().copied().filter(|node| *node < self.plan.tasks.len());
        tasks.max_by_key(|node| earliest.spans[*node].end)
    }

    /// The tasks that made `last` end when it does, in order.
    fn chain(&self, earliest: &Earliest, last: usize) -> Vec<usize> {
        let mut path = Vec::new();
        let mut at = Some(last);
        while let Some(node) = at {
            if node < self.plan.tasks.len() {
                path.push(node);
            }
            at = earliest.driver[node];
        }
        path.reverse();
        path
    }

    fn gather(
        &mut self,
        earliest: &Earliest,
        latest: &Latest,
        planned: &[Span],
        path: &[usize],
        end: Instant,
    ) -> Result<Schedule, Failed> {
        let count = self.plan.tasks.len();
        let mut slots = Vec::with_capacity(count);
        for (node, task) in self.plan.tasks.iter().enumerate() {
            let table = self.tables.of_task(node);
            let (soon, late, plan) = (earliest.spans[node], latest.spans[node], planned[node]);
            let failed = |far| (node, far);
            slots.push(Slot {
                task: task.id.clone(),
                start_at: instant(plan.start),
                end_at: instant(plan.end),
                earliest_start: instant(soon.start),
                earliest_end: instant(soon.end),
                latest_start: instant(late.start),
                latest_end: instant(late.end),
                slack: TimeDelta::microseconds(table.between(soon.start, late.start).map_err(failed)?),
                work: TimeDelta::microseconds(table.between(plan.start, plan.end).map_err(failed)?),
                critical: false,
            });
        }
        for node in path {
            slots[*node].critical = true;
        }
        let gates = self.plan.gates.iter().enumerate().map(|(at, gate)| GateSlot {
            gate: gate.id.clone(),
            opens_at: instant(planned[count + at].start),
        });
        let start_by = instant(latest.ready[..count].iter().copied().min().unwrap_or(end));
        let held_back = self.held_back(latest);
        let impossible = self.impossible(earliest, start_by, &held_back)?;
        Ok(Schedule {
            gates: gates.collect(),
            starts_at: slots.iter().map(|slot| slot.start_at).min().unwrap_or(self.plan.start_at),
            ends_at: slots.iter().map(|slot| slot.end_at).max().unwrap_or(self.plan.start_at),
            earliest_end: instant(end),
            start_by,
            held_back,
            critical_path: path.iter().map(|node| self.plan.tasks[*node].id.clone()).collect(),
            impossible,
            sequential: slots.iter().map(|slot| slot.work).sum(),
            parallel: slots.iter().filter(|slot| slot.critical).map(|slot| slot.work).sum(),
            slots,
        })
    }
}

impl Task {
    /// Whether it takes nobody any time.
    pub fn is_milestone(&self) -> bool {
        matches!(self.duration, Duration::Time(length) if length.is_zero())
    }
}

/// The dates of the tasks by their names.
pub fn by_task(schedule: &Schedule) -> HashMap<&TaskId, &Slot> {
    schedule.slots.iter().map(|slot| (&slot.task, slot)).collect()
}
