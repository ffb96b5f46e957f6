//! A look ahead: when a handoff that starts now would be due, and what each day gives to it.
//!
//! Promises: the same arithmetic as the clock of a real handoff, with nobody acknowledging and nothing pausing.
//! The days sum to what the last step needs. Leaves out what reassignment starts: its clock is another one.

use std::sync::Arc;

use chrono::{NaiveDate, TimeDelta};
use serde::Serialize;

use super::clock::SlaClock;
use super::steps::Step;
use super::terms::{Basis, SlaTerms};
use crate::kernel::calendar::{CalendarError, DayKind, Interval, OpenTime, Shift, WorkCalendar, Zone};
use crate::kernel::clock::DateTime;

/// The most days that are explained one by one.
const DAYS_MAX: usize = 366;

/// What would happen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SlaPreview {
    pub starts_at: DateTime,
    pub due_at: DateTime,
    /// The zone of the days.
    pub zone: String,
    /// In the order in which they come, the deadline among them.
    pub steps: Vec<Step>,
    /// From the start to the last step.
    pub days: Vec<PreviewDay>,
    /// Days after those listed.
    pub days_left_off: usize,
}

/// One day of a preview.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PreviewDay {
    pub date: NaiveDate,
    /// When the calendar is open, from the start to the last step.
    pub opened: Vec<Interval>,
    /// What of it counts.
    pub counted_seconds: i64,
    /// What has counted up to the end of the day.
    pub total_seconds: i64,
    pub note: DayNote,
}

/// Why a day gives what it gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(tag = "because", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum DayNote {
    /// Every hour counts.
    AroundTheClock,
    /// The hours of the weekday.
    Weekday,
    /// The weekday has no hours.
    NoHours,
    /// A day without hours by itself.
    Holiday { name: Option<String> },
    /// A day with hours of its own.
    SpecialHours { name: Option<String> },
    /// It is open, but not while the owner works or is there.
    OwnerAway,
    /// It has hours, but not between the start and the last step, or the clocks skip them.
    OutsideHours,
}

/// What a handoff of these terms would go through. Days are those of the shift's first calendar.
pub fn preview(terms: &SlaTerms, shift: &Shift, start: DateTime) -> Result<SlaPreview, CalendarError> {
    let clock = SlaClock::start(terms.clone(), start);
    let mut steps = Vec::new();
    for (mark, kind) in terms.steps(0) {
        if let Some(at) = clock.reached_at(TimeDelta::seconds(mark), shift)? {
            steps.push(Step { kind, at });
        }
    }
    let due_at = clock.due_at(shift)?.unwrap_or(start);
    let end = steps.last().map_or(due_at, |step| step.at);
    let zone = shift.calendar().map_or_else(Zone::utc, |calendar| calendar.zone().clone());
    let calendar = match (terms.basis, shift.calendar()) {
        (Basis::Business, Some(calendar)) => calendar.clone(),
        _ => Arc::new(WorkCalendar::around_the_clock(zone)),
    };
    let counting = match terms.basis {
        Basis::Wall => Shift::of(calendar.clone()),
        Basis::Business => shift.clone().and(calendar.clone()),
    };
    let around_the_clock = terms.basis == Basis::Wall || shift.calendar().is_none();
    let dates: Vec<NaiveDate> = dates(&calendar, start, end).collect();
    let days_left_off = dates.len().saturating_sub(DAYS_MAX);
    let mut days = days(&calendar, &counting, (start, end), &dates);
    if around_the_clock {
        days.iter_mut()
            .filter(|day| day.counted_seconds > 0)
            .for_each(|day| day.note = DayNote::AroundTheClock);
    }
    Ok(SlaPreview {
        starts_at: start,
        due_at,
        zone: calendar.zone().name().to_owned(),
        steps,
        days,
        days_left_off,
    })
}

/// The dates from one instant to another; an end at midnight belongs to the day before.
fn dates(calendar: &WorkCalendar, start: DateTime, end: DateTime) -> impl Iterator<Item = NaiveDate> {
    let first = calendar.local_date(start);
    let last = calendar.local_date((end - TimeDelta::microseconds(1)).max(start));
    first.iter_days().take_while(move |date| *date <= last)
}

fn days(
    calendar: &WorkCalendar,
    counting: &Shift,
    (start, end): (DateTime, DateTime),
    dates: &[NaiveDate],
) -> Vec<PreviewDay> {
    let opened = calendar.intervals(start, end);
    let counted = counting.intervals(start, end);
    let of_date = |intervals: &[Interval], date| -> Vec<Interval> {
        intervals.iter().filter(|open| calendar.local_date(open.from) == date).copied().collect()
    };
    let mut total = TimeDelta::zero();
    let mut days = Vec::with_capacity(dates.len().min(DAYS_MAX));
    for date in dates.iter().take(DAYS_MAX) {
        let opened = of_date(&opened, *date);
        let counted: TimeDelta = of_date(&counted, *date).iter().map(|open| open.to - open.from).sum();
        total += counted;
        let note = note(calendar, *date, !opened.is_empty(), counted > TimeDelta::zero());
        let counted_seconds = counted.num_seconds();
        days.push(PreviewDay {
            date: *date,
            opened,
            counted_seconds,
            total_seconds: total.num_seconds(),
            note,
        });
    }
    days
}

fn note(calendar: &WorkCalendar, date: NaiveDate, opened: bool, counted: bool) -> DayNote {
    let day = calendar.day(date);
    let owned = |name: Option<&str>| name.map(str::to_owned);
    match (day.kind, day.is_working()) {
        (DayKind::Weekday, false) => DayNote::NoHours,
        (DayKind::Dated { name } | DayKind::Yearly { name }, false) => DayNote::Holiday { name: owned(name) },
        _ if !opened => DayNote::OutsideHours,
        _ if !counted => DayNote::OwnerAway,
        (DayKind::Weekday, true) => DayNote::Weekday,
        (DayKind::Dated { name } | DayKind::Yearly { name }, true) => {
            DayNote::SpecialHours { name: owned(name) }
        }
    }
}
