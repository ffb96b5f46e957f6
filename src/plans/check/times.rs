//! Whether the dates, durations and calendars of a plan can be meant.

use chrono::{Datelike as _, TimeDelta};

use super::{FaultCode, Faults, escaped};
use crate::kernel::calendar::WorkCalendar;
use crate::kernel::clock::DateTime;
use crate::plans::model::{Direction, Duration, Plan, Task};

/// The longest task, in working days: about four years.
const DAYS_MAX: u16 = 1_000;
/// The years in which a plan lies.
const YEARS: std::ops::RangeInclusive<i32> = 2000..=2200;
/// So many years after its start a plan is looked at.
pub const REACH_YEARS: i64 = 20;

pub(super) fn check(plan: &Plan, faults: &mut Faults) {
    year("#/startAt", plan.start_at, plan.start_at, faults);
    match plan.deadline {
        Some(deadline) => {
            year("#/deadline", deadline, plan.start_at, faults);
            if deadline <= plan.start_at {
                let detail = format!(
                    "the deadline {} does not come after the start {}: move one of them",
                    stamp(deadline),
                    stamp(plan.start_at)
                );
                faults.add(FaultCode::Dates, "#/deadline", detail);
            }
        }
        None if plan.direction == Direction::Workback => {
            let detail = "a plan that is counted back needs a deadline to count from";
            faults.add(FaultCode::Missing, "#/deadline", detail);
        }
        None => {}
    }
    for (name, draft) in &plan.calendars {
        if let Err(wrong) = WorkCalendar::new(draft) {
            for fault in wrong {
                let path = fault.path.replace('[', "/").replace(']', "").replace('.', "/");
                let hint = fault.suggestion.map_or_else(String::new, |hint| format!(" ({hint})"));
                let pointer = format!("#/calendars/{}/{path}", escaped(name));
                faults.add(FaultCode::Calendar, pointer, format!("{}{hint}", fault.message));
            }
        }
    }
}

pub(super) fn task(plan: &Plan, task: &Task, place: impl Fn(&str) -> String, faults: &mut Faults) {
    match task.duration {
        Duration::WorkingDays(0) => {
            let detail = "a task of whole days has at least one; a milestone has the time `0m`";
            faults.add(FaultCode::Missing, place("duration"), detail);
        }
        Duration::WorkingDays(days) if days > DAYS_MAX => {
            let detail = format!("{days} working days; at most {DAYS_MAX}: make several tasks of it");
            faults.add(FaultCode::TooLarge, place("duration"), detail);
        }
        Duration::WorkingDays(_) | Duration::Time(_) => {}
    }
    if let Some(at) = task.not_before {
        year(&place("notBefore"), at, plan.start_at, faults);
    }
    let Some(due) = task.due else { return };
    year(&place("due"), due, plan.start_at, faults);
    if due < plan.start_at {
        let detail = format!("due {}, before the plan starts ({})", stamp(due), stamp(plan.start_at));
        faults.add(FaultCode::Dates, place("due"), detail);
    }
    if let Some(from) = task.not_before.filter(|from| *from > due) {
        let detail = format!("due {}, before it may begin ({})", stamp(due), stamp(from));
        faults.add(FaultCode::Dates, place("due"), detail);
    }
}

fn year(pointer: &str, at: DateTime, start: DateTime, faults: &mut Faults) {
    if !YEARS.contains(&at.year()) {
        let detail = format!("{} lies outside of the years {} to {}", stamp(at), YEARS.start(), YEARS.end());
        faults.add(FaultCode::Dates, pointer, detail);
    } else if at > start + TimeDelta::days(REACH_YEARS * 366) {
        let detail = format!("{} lies more than {REACH_YEARS} years after the start", stamp(at));
        faults.add(FaultCode::TooFar, pointer, detail);
    }
}

fn stamp(at: DateTime) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}
