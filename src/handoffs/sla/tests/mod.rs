//! The clock of a handoff: single cases, its steps, looking ahead, and what holds for every course of events.

mod laws;
mod ledger;
mod looking_ahead;
mod steps;

use chrono::TimeDelta;

use super::*;
use crate::kernel::calendar::{
    CalendarDraft, CalendarError, Interval, Length, Shift, SpecialDayDraft, WeekHoursDraft, WorkCalendar,
};
use crate::kernel::clock::DateTime;

fn at(text: &str) -> DateTime {
    text.parse().unwrap()
}

fn hours(hours: i64) -> TimeDelta {
    TimeDelta::hours(hours)
}

/// Four hours, a reminder one hour before, two to acknowledge; then 1, 4 and 24 hours.
fn terms(basis: Basis) -> SlaTerms {
    SlaTerms {
        budget: Length::hours(4),
        basis,
        remind_before: Some(Length::hours(1)),
        acknowledge_within: Some(Length::hours(2)),
        owner_alert_after: Length::hours(1),
        manager_alert_after: Length::hours(4),
        reassign_after: Length::hours(24),
        wait_for_answer: Length::hours(24),
        max_reassignments: 2,
        escalate_to: "marketing_manager".to_owned(),
        fallback_to: "revops_manager".to_owned(),
    }
}

/// The same hours from Monday to Friday, in UTC.
fn weekdays(block: &str) -> Shift {
    let day = || vec![block.to_owned()];
    let hours = WeekHoursDraft {
        monday: day(),
        tuesday: day(),
        wednesday: day(),
        thursday: day(),
        friday: day(),
        ..WeekHoursDraft::default()
    };
    let holiday =
        SpecialDayDraft { on: "2027-01-06".to_owned(), name: Some("Epiphany".to_owned()), hours: vec![] };
    let draft = CalendarDraft { zone: "UTC".to_owned(), hours, special_days: vec![holiday] };
    Shift::from(WorkCalendar::new(&draft).unwrap())
}

/// Eight hours a day; 11 January 2027 is a Monday.
fn office() -> Shift {
    weekdays("09:00-17:00")
}

/// A Monday morning.
fn monday(clock: &str) -> DateTime {
    at(&format!("2027-01-11T{clock}:00Z"))
}

/// Everything whose time has come; more than there are steps would mean that one repeats.
fn take_all(clock: &mut SlaClock, shift: &Shift, now: DateTime) -> Vec<Step> {
    let steps: Vec<Step> = std::iter::from_fn(|| clock.take_due(shift, now).unwrap()).take(10).collect();
    assert!(steps.len() < StepKind::ALL.len(), "a step repeats: {steps:?}");
    steps
}
