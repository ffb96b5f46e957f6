//! Tasks that cannot keep a date, and what would make it possible.

use chrono::TimeDelta;

use super::timetable::{instant, micros};
use super::{Earliest, Failed, Latest, Pass};
use crate::kernel::clock::DateTime;
use crate::kernel::text::sentence_list;
use crate::plans::model::TaskId;
use crate::plans::wording::{chain, span, stamp};

/// How many tasks of a chain are named.
const NAMED_MAX: usize = 8;
/// How many tasks that are held back are named in a sentence.
const HELD_TOLD_MAX: usize = 3;

/// A task that cannot keep a date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Impossible {
    pub task: TaskId,
    /// Which of its dates; where it misses both, its own.
    pub misses: Misses,
    pub date: DateTime,
    /// When it can be done at the earliest.
    pub earliest_end: DateTime,
    /// In working time of its owner.
    pub late_by: TimeDelta,
    /// The end of the chain that leads to it, itself last.
    pub after: Vec<TaskId>,
    /// What cannot be, and what would make it possible, as sentences.
    pub text: String,
}

/// The date that is missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misses {
    /// Of the task.
    Due,
    /// Of the plan.
    Deadline,
}

/// A task whose `notBefore` is too late for the dates behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldBack {
    pub task: TaskId,
    /// When it would have to be allowed to begin.
    pub begin_by: DateTime,
}

impl Pass<'_> {
    pub(super) fn held_back(&self, latest: &Latest) -> Vec<HeldBack> {
        let held =
            self.plan.tasks.iter().enumerate().filter(|(node, task)| {
                task.not_before.is_some_and(|from| micros(from) > latest.ready[*node])
            });
        held.map(|(node, task)| HeldBack { task: task.id.clone(), begin_by: instant(latest.ready[node]) })
            .collect()
    }

    pub(super) fn impossible(
        &mut self,
        earliest: &Earliest,
        start_by: DateTime,
        held: &[HeldBack],
    ) -> Result<Vec<Impossible>, Failed> {
        let help = help(self.plan.start_at, start_by, held);
        let mut found = Vec::new();
        for (node, task) in self.plan.tasks.iter().enumerate() {
            let end = earliest.spans[node].end;
            let due = task.due.map(|at| (Misses::Due, at));
            let deadline = self.plan.deadline.map(|at| (Misses::Deadline, at));
            let missed = due.into_iter().chain(deadline).find(|(_, at)| end > micros(*at));
            let Some((misses, date)) = missed else { continue };
            let late = self.tables.of_task(node).between(micros(date), end).map_err(|far| (node, far))?;
            let late_by = TimeDelta::microseconds(late);
            let after = self.chain_end(earliest, node);
            let which = match misses {
                Misses::Due => "its due date",
                Misses::Deadline => "the plan's deadline",
            };
            let text = format!(
                "`{}` cannot end by {which}, {}: the earliest is {} ({} of working time later), by way of {}. {help}, shorten \
                 these tasks by that much, or move the date.",
                task.id,
                stamp(date),
                stamp(instant(end)),
                span(late_by),
                chain(&after),
            );
            let (task, earliest_end) = (task.id.clone(), instant(end));
            found.push(Impossible { task, misses, date, earliest_end, late_by, after, text });
        }
        Ok(found)
    }

    /// The end of the chain is enough to see what to shorten, and a plan may have thousands of late tasks.
    fn chain_end(&self, earliest: &Earliest, node: usize) -> Vec<TaskId> {
        let (mut chain, mut at) = (Vec::new(), Some(node));
        while let Some(node) = at.filter(|_| chain.len() < NAMED_MAX) {
            if let Some(task) = self.plan.tasks.get(node) {
                chain.push(task.id.clone());
            }
            at = earliest.driver[node];
        }
        chain.reverse();
        chain
    }
}

/// What of the beginnings would have to change for all dates to be kept.
fn help(start_at: DateTime, start_by: DateTime, held: &[HeldBack]) -> String {
    let earlier = (start_by < start_at).then(|| format!("start the plan by {}", stamp(start_by)));
    let let_begin = held
        .iter()
        .take(HELD_TOLD_MAX)
        .map(|held| format!("let `{}` begin by {}", held.task, stamp(held.begin_by)));
    let mut parts: Vec<String> = earlier.into_iter().chain(let_begin).collect();
    if held.len() > HELD_TOLD_MAX {
        parts.push(format!("{} more tasks earlier", held.len() - HELD_TOLD_MAX));
    }
    format!("To keep all dates, {}", sentence_list(&parts))
}
