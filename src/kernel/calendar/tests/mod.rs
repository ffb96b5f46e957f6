//! Calendars at their boundaries, what every calendar holds to, and a second opinion minute by minute.

mod boundaries;
mod days;
mod drafts;
mod laid_out;
mod laws;
mod periods;
mod second_opinion;

use super::*;

/// Zones that differ in what they do to their clocks: twice a year; no longer from 2026 on; never; by half an
/// hour; around Ramadan.
const ZONES: [&str; 5] =
    ["Europe/Berlin", "America/Vancouver", "Asia/Kolkata", "Australia/Lord_Howe", "Africa/Casablanca"];

fn at(text: &str) -> DateTime {
    text.parse().unwrap()
}

fn texts(blocks: &[&str]) -> Vec<String> {
    blocks.iter().map(ToString::to_string).collect()
}

/// The same blocks from Monday to Friday.
fn weekdays(blocks: &[&str]) -> WeekHoursDraft {
    let day = || texts(blocks);
    WeekHoursDraft {
        monday: day(),
        tuesday: day(),
        wednesday: day(),
        thursday: day(),
        friday: day(),
        ..WeekHoursDraft::default()
    }
}

/// The same blocks on all seven days.
fn daily(blocks: &[&str]) -> WeekHoursDraft {
    WeekHoursDraft { saturday: texts(blocks), sunday: texts(blocks), ..weekdays(blocks) }
}

fn special(on: &str, name: &str, hours: &[&str]) -> SpecialDayDraft {
    SpecialDayDraft { on: on.to_owned(), name: Some(name.to_owned()), hours: texts(hours) }
}

/// An office with a lunch break, holidays, a half-day and a Saturday that is worked.
fn office(zone: &str) -> CalendarDraft {
    CalendarDraft {
        zone: zone.to_owned(),
        hours: weekdays(&["09:00-12:30", "13:30-18:00"]),
        special_days: vec![
            special("12-25", "Christmas Day", &[]),
            special("01-01", "New Year", &[]),
            special("12-24", "Christmas Eve", &["09:00-12:00"]),
            special("2027-03-26", "Good Friday", &[]),
            special("2027-05-08", "Stocktaking", &["10:00-14:00"]),
        ],
    }
}

fn calendar(draft: &CalendarDraft) -> WorkCalendar {
    WorkCalendar::new(draft).unwrap()
}

fn plain(zone: &str, hours: WeekHoursDraft) -> WorkCalendar {
    calendar(&CalendarDraft { zone: zone.to_owned(), hours, special_days: Vec::new() })
}
