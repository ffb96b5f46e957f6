//! What holds for every plan, whatever its calendars, dates and order.

use std::sync::Arc;

use chrono::TimeDelta;
use proptest::prelude::*;

use super::{Schedule, Slot, schedule};
use crate::kernel::calendar::{Interval, OpenTime as _, Shift, WorkCalendar, Zone};
use crate::kernel::clock::DateTime;
use crate::plans::check::check;
use crate::plans::graph::Graph;
use crate::plans::model::{Direction, Duration, Plan, Task};
use crate::plans::samples::any_plan;

const TICK: TimeDelta = TimeDelta::microseconds(1);

/// The working time of a task's owner, by the calendars and not by the tables of the scheduler.
struct Hours {
    calendar: Arc<WorkCalendar>,
    shift: Shift,
}

impl Hours {
    fn of(plan: &Plan, task: &Task) -> Self {
        let holder = &plan.roles[&task.owner];
        let calendar = Arc::new(match &holder.calendar {
            Some(name) => WorkCalendar::new(&plan.calendars[name]).unwrap(),
            None => WorkCalendar::around_the_clock(Zone::utc()),
        });
        let shift = Shift::of(calendar.clone()).without(holder.days_off.iter().map(|date| {
            // Every instant at which the wall clock shows the date.
            let noon = date.and_hms_opt(12, 0, 0).unwrap().and_utc();
            let offset = calendar.zone().offset_at(noon).local_minus_utc();
            let day: Interval = calendar.zone().day_at(noon - TimeDelta::seconds(i64::from(offset)));
            day
        }));
        Self { calendar, shift }
    }

    fn opens(&self, at: DateTime) -> DateTime {
        self.shift.next_opening(at).unwrap()
    }
}

fn done(plan: &Plan) -> Schedule {
    schedule(plan).unwrap()
}

/// When everything before a task is done, by the schedule.
fn ready(plan: &Plan, schedule: &Schedule, place: usize, end: impl Fn(&Slot) -> DateTime) -> DateTime {
    let graph = Graph::of(plan);
    let own = plan.tasks[place].not_before.map_or(plan.start_at, |at| at.max(plan.start_at));
    let ends = |node: usize| -> Vec<usize> {
        let gates = graph.before(node).iter().flat_map(|before| {
            if *before < plan.tasks.len() { vec![*before] } else { graph.before(*before).to_vec() }
        });
        gates.collect()
    };
    ends(place).into_iter().map(|before| end(&schedule.slots[before])).fold(own, DateTime::max)
}

proptest! {
    #[test]
    fn a_plan_without_faults_has_an_order_and_dates(plan in any_plan()) {
        prop_assert_eq!(check(&plan), Vec::new());
        let graph = Graph::of(&plan);
        let order = graph.order().unwrap();
        let mut place = vec![0; graph.len()];
        for (at, node) in order.iter().enumerate() {
            place[*node] = at;
        }
        for node in 0..graph.len() {
            prop_assert!(graph.before(node).iter().all(|before| place[*before] < place[node]));
        }
        prop_assert!(schedule(&plan).is_ok());
    }

    #[test]
    fn everything_begins_when_what_is_before_it_is_done(plan in any_plan()) {
        let schedule = done(&plan);
        for (place, slot) in schedule.slots.iter().enumerate() {
            prop_assert!(slot.start_at >= ready(&plan, &schedule, place, |slot| slot.end_at), "{slot:?}");
            prop_assert!(slot.earliest_start >= ready(&plan, &schedule, place, |slot| slot.earliest_end));
            if plan.direction == Direction::Forward {
                prop_assert_eq!((slot.start_at, slot.end_at), (slot.earliest_start, slot.earliest_end));
            }
        }
    }

    #[test]
    fn nobody_works_outside_of_their_hours(plan in any_plan()) {
        let schedule = done(&plan);
        for (task, slot) in plan.tasks.iter().zip(&schedule.slots) {
            let hours = Hours::of(&plan, task);
            let dates = [
                (slot.start_at, slot.end_at),
                (slot.earliest_start, slot.earliest_end),
                (slot.latest_start, slot.latest_end),
            ];
            for (start, end) in dates {
                match task.duration {
                    Duration::Time(length) if length.is_zero() => prop_assert_eq!(start, end),
                    Duration::Time(length) => {
                        prop_assert!(hours.shift.is_open(start) && hours.shift.is_open(end - TICK));
                        prop_assert_eq!(hours.shift.between(start, end), length.as_delta());
                    }
                    Duration::WorkingDays(days) => {
                        prop_assert!(hours.shift.is_open(start) && hours.shift.is_open(end - TICK));
                        // Whole days: it opens there and closes there, and counts as many days with hours.
                        prop_assert!(!hours.shift.is_open(start - TICK) || midnight(&hours, start));
                        prop_assert!(!hours.shift.is_open(end) || midnight(&hours, end));
                        let mut dates: Vec<_> = hours.shift.intervals(start, end).iter()
                            .map(|open| hours.calendar.local_date(open.from)).collect();
                        dates.dedup();
                        prop_assert_eq!(dates.len(), usize::from(days));
                        let day_off = &plan.roles[&task.owner].days_off;
                        prop_assert!(dates.iter().all(|date| !day_off.contains(date)));
                    }
                }
            }
        }
    }

    #[test]
    fn it_ends_by_its_dates_or_names_the_tasks_that_cannot(plan in any_plan()) {
        let schedule = done(&plan);
        let late = |task: &Task, slot: &Slot| {
            let dates = task.due.into_iter().chain(plan.deadline);
            dates.into_iter().any(|date| slot.earliest_end > date)
        };
        let expected: Vec<_> = plan.tasks.iter().zip(&schedule.slots)
            .filter(|(task, slot)| late(task, slot)).map(|(task, _)| task.id.clone()).collect();
        let named: Vec<_> = schedule.impossible.iter().map(|one| one.task.clone()).collect();
        prop_assert_eq!(&named, &expected);
        for one in &schedule.impossible {
            let names_it = one.text.contains(&format!("`{}`", one.task));
            prop_assert!(names_it && one.earliest_end > one.date);
            prop_assert!(one.text.contains("To keep all dates, start the plan") || one.text.contains("let `"));
        }
        if let Some(deadline) = plan.deadline.filter(|_| named.is_empty()) {
            prop_assert!(schedule.ends_at <= deadline);
        }
    }

    #[test]
    fn what_is_said_to_make_it_possible_does(mut plan in any_plan()) {
        let before = done(&plan);
        plan.start_at = plan.start_at.min(before.start_by);
        for held in &before.held_back {
            let task = plan.tasks.iter_mut().find(|task| task.id == held.task).unwrap();
            task.not_before = Some(held.begin_by);
        }
        let after = done(&plan);
        prop_assert_eq!(after.impossible, Vec::new(), "{:?}", before.impossible);
    }

    #[test]
    fn the_critical_path_fills_the_time_from_start_to_end(plan in any_plan()) {
        let schedule = done(&plan);
        let makespan_end = schedule.slots.iter().map(|slot| slot.earliest_end).max().unwrap();
        prop_assert_eq!(schedule.earliest_end, makespan_end);
        let path: Vec<usize> = schedule.critical_path.iter()
            .map(|id| plan.tasks.iter().position(|task| task.id == *id).unwrap()).collect();
        let mut at = plan.start_at;
        let mut length = TimeDelta::zero();
        for (step, place) in path.iter().enumerate() {
            let (task, slot) = (&plan.tasks[*place], &schedule.slots[*place]);
            // It waits for nothing but the one before, or the first for its own date.
            let ready = ready(&plan, &schedule, *place, |slot| slot.earliest_end);
            prop_assert_eq!(ready, if step == 0 { ready } else { at });
            if step == 0 {
                prop_assert_eq!(ready, task.not_before.map_or(plan.start_at, |from| from.max(plan.start_at)));
            }
            let hours = Hours::of(&plan, task);
            match task.duration {
                Duration::Time(length) if length.is_zero() => prop_assert_eq!(slot.earliest_start, ready),
                Duration::Time(_) => prop_assert_eq!(slot.earliest_start, hours.opens(ready)),
                Duration::WorkingDays(_) => {
                    // Between lies no whole day of the owner's.
                    let between = hours.shift.intervals(ready, slot.earliest_start);
                    let dates = between.iter().map(|open| hours.calendar.local_date(open.from));
                    prop_assert!(dates.into_iter().all(|date| date == hours.calendar.local_date(ready)));
                }
            }
            length += slot.earliest_end - at;
            at = slot.earliest_end;
        }
        prop_assert_eq!(at, schedule.earliest_end);
        prop_assert_eq!(length, schedule.earliest_end - plan.start_at, "its length is the makespan");
        prop_assert_eq!(path.len(), schedule.slots.iter().filter(|slot| slot.critical).count());
        prop_assert!(schedule.parallel <= schedule.sequential);
    }

    #[test]
    fn forward_and_counted_back_agree_on_slack(plan in any_plan()) {
        prop_assume!(plan.deadline.is_some());
        let forward = done(&Plan { direction: Direction::Forward, ..plan.clone() });
        let back = done(&Plan { direction: Direction::Workback, ..plan.clone() });
        for ((ahead, behind), task) in forward.slots.iter().zip(&back.slots).zip(&plan.tasks) {
            prop_assert_eq!(ahead.slack, behind.slack);
            prop_assert_eq!((ahead.latest_start, ahead.latest_end), (behind.latest_start, behind.latest_end));
            let hours = Hours::of(&plan, task);
            prop_assert_eq!(ahead.slack, hours.shift.between(ahead.earliest_start, ahead.latest_start));
            if matches!(task.duration, Duration::Time(_)) {
                // Measured by the ends it is the same.
                prop_assert_eq!(ahead.slack, hours.shift.between(ahead.earliest_end, ahead.latest_end));
            }
            if ahead.latest_start >= ahead.earliest_start {
                prop_assert_eq!((behind.start_at, behind.end_at), (ahead.latest_start, ahead.latest_end));
            } else {
                prop_assert!(behind.start_at >= ahead.earliest_start);
            }
        }
        prop_assert_eq!(forward.critical_path, back.critical_path);
        prop_assert_eq!(forward.impossible, back.impossible);
    }

    /// The latest start means what it says: begun then, all dates that could be kept are kept; begun any later, they are not.
    #[test]
    fn slack_is_as_long_as_a_task_may_wait_and_no_longer(plan in any_plan(), which in any::<prop::sample::Index>()) {
        let before = done(&plan);
        prop_assume!(before.impossible.is_empty());
        let place = which.index(plan.tasks.len());
        let bound = plan.deadline.unwrap_or(before.earliest_end);
        let kept = |not_before: DateTime| {
            let mut later = plan.clone();
            later.tasks[place].not_before = Some(not_before);
            later.tasks[place].due = plan.tasks[place].due.map(|due| due.max(not_before));
            let after = done(&later);
            let due = plan.tasks[place].due.is_none_or(|due| after.slots[place].earliest_end <= due);
            due && after.impossible.is_empty() && after.earliest_end <= bound
        };
        let latest = before.slots[place].latest_start;
        prop_assert!(kept(latest));
        prop_assert!(!kept(latest + TICK));
    }
}

/// Whether the calendar is open over midnight there: a day ends, and its hours go on.
fn midnight(hours: &Hours, at: DateTime) -> bool {
    hours.calendar.local_date(at - TICK) != hours.calendar.local_date(at)
}
