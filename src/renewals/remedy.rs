//! What cannot be kept of the dates of a renewal, and what can be done about it.
//!
//! Promises: every task that is planned later than it should be done is named. Each remedy is computed with the same play
//! and says what it would bring, in days and dates; one that would not help is not offered. Nothing is changed by it.

use chrono::{Days, NaiveDate, TimeDelta};

use super::build::{due_date, latest_start};
use super::measures::told_date;
use super::model::Terms;
use super::plays::Plays;
use crate::plans::model::{Duration, Plan, Task};
use crate::plans::schedule::{Schedule, schedule};

/// A task that is planned later than it should be done.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Late<'a> {
    pub task: &'a Task,
    pub should: NaiveDate,
    pub planned: NaiveDate,
}

/// All of them, in the order of the plan.
pub fn late<'a>(plays: &Plays, plan: &'a Plan, dates: &Schedule) -> Vec<Late<'a>> {
    let found = plan.tasks.iter().zip(&dates.slots).filter_map(|(task, slot)| {
        let should = due_date(task)?;
        // What ends at midnight ends on the day before.
        let planned = plays.calendar().local_date(slot.end_at - TimeDelta::microseconds(1));
        (planned > should).then_some(Late { task, should, planned })
    });
    found.collect()
}

/// What helps, the mildest first; none where all dates can be kept.
pub fn remedies(plays: &Plays, terms: &Terms, plan: &Plan, dates: &Schedule) -> Vec<String> {
    let missed = late(plays, plan, dates).len();
    if missed == 0 {
        return Vec::new();
    }
    let calendar = plays.calendar();
    let start = calendar.local_date(plan.start_at);
    let needed = latest_start(plays, terms).filter(|needed| *needed < start);
    let mut found = Vec::new();
    if let Some(needed) = needed {
        found.push(format!(
            "Start now. The whole play should have begun by {}, {} working days ago; what is late is done first.",
            told_date(needed),
            calendar.working_days_between(needed, start)
        ));
    }
    if !terms.compressed {
        found.extend(compressed(plays, plan, missed));
    }
    let end = calendar.local_date(dates.earliest_end - TimeDelta::microseconds(1));
    found.push(if end > terms.deadline {
        format!(
            "Move the renewal date to {}, {} days later, by an extension of the present term.",
            told_date(end),
            (end - terms.deadline).num_days()
        )
    } else {
        format!(
            "Accept late milestones. Everything can still be done by {}; only days on the way are missed.",
            told_date(end)
        )
    });
    if let Some(date) = needed.and_then(|needed| roomy(plays, terms, needed, start)) {
        found.push(format!("With a renewal date of {} every date could be kept.", told_date(date)));
    }
    found
}

/// What it would bring if every task took no longer than it must.
fn compressed(plays: &Plays, plan: &Plan, before: usize) -> Option<String> {
    let mut shorter = plan.clone();
    for task in &mut shorter.tasks {
        let least = task.data.get("leastDays").and_then(serde_json::Value::as_u64);
        if let (Some(least), Duration::WorkingDays(days)) = (least, task.duration) {
            let least = u16::try_from(least).unwrap_or(days).min(days);
            task.duration = Duration::WorkingDays(least.max(1));
        }
    }
    let after = late(plays, &shorter, &schedule(&shorter).ok()?).len();
    match after {
        0 => Some("Compress the tasks to the least that they take: then every date can be kept.".to_owned()),
        _ if after < before => Some(format!(
            "Compress the tasks to the least that they take: {after} dates instead of {before} are then missed."
        )),
        _ => None,
    }
}

/// The nearest working day on which a renewal that begins now would keep all its dates.
fn roomy(plays: &Plays, terms: &Terms, needed: NaiveDate, start: NaiveDate) -> Option<NaiveDate> {
    let days = u64::try_from((start - needed).num_days()).ok()?;
    let mut later = terms.clone();
    later.deadline = terms.deadline.checked_add_days(Days::new(days))?;
    // Weekends and holidays shift what a calendar day more brings.
    for _ in 0..TRIES {
        later.deadline = plays.calendar().add_days(later.deadline, 1).ok()?;
        // The first day is begun already.
        if latest_start(plays, &later)? > start {
            return Some(later.deadline);
        }
    }
    None
}

/// Days that are tried one after the other: more than any run of holidays.
const TRIES: usize = 30;
