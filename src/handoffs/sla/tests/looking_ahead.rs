//! The preview, day by day.

use super::*;

#[test]
fn each_day_says_what_it_gives_and_why() {
    // From Tuesday afternoon over Epiphany; the owner is away on Friday.
    let away = Interval { from: at("2027-01-08T00:00:00Z"), to: at("2027-01-09T00:00:00Z") };
    let shift = office().without([away]);
    let terms = SlaTerms { reassign_after: Length::hours(8), ..terms(Basis::Business) };
    let seen = preview(&terms, &shift, at("2027-01-05T14:00:00Z")).unwrap();
    assert_eq!(seen.due_at, at("2027-01-07T10:00:00Z"));
    let days: Vec<_> = seen
        .days
        .iter()
        .map(|day| (day.date.to_string(), day.opened.len(), day.counted_seconds / 3_600, day.note.clone()))
        .collect();
    let epiphany = DayNote::Holiday { name: Some("Epiphany".to_owned()) };
    let expected = [
        ("2027-01-05", 1, 3, DayNote::Weekday),
        ("2027-01-06", 0, 0, epiphany),
        ("2027-01-07", 1, 8, DayNote::Weekday),
        ("2027-01-08", 1, 0, DayNote::OwnerAway),
        ("2027-01-09", 0, 0, DayNote::NoHours),
        ("2027-01-10", 0, 0, DayNote::NoHours),
        ("2027-01-11", 1, 1, DayNote::Weekday),
    ];
    assert_eq!(days, expected.map(|(date, opened, counted, note)| (date.to_owned(), opened, counted, note)));
    assert_eq!(seen.days.last().unwrap().total_seconds, 12 * 3_600);
    assert_eq!((seen.zone.as_str(), seen.days_left_off), ("UTC", 0));
}

#[test]
fn wall_time_counts_every_hour_of_the_days_of_the_team() {
    let seen = preview(&terms(Basis::Wall), &office(), monday("20:00")).unwrap();
    assert_eq!(seen.due_at, at("2027-01-12T00:00:00Z"));
    let counted: Vec<_> = seen.days.iter().map(|day| day.counted_seconds / 3_600).collect();
    assert_eq!(counted, [4, 24], "the last step is 24 hours after the deadline, at midnight");
    assert!(seen.days.iter().all(|day| day.note == DayNote::AroundTheClock));
    let text = serde_json::to_value(&seen).unwrap();
    assert_eq!(text["steps"][2], serde_json::json!({ "kind": "breach", "at": "2027-01-12T00:00:00Z" }));
    assert_eq!(text["days"][0]["note"]["because"], "aroundTheClock");
}

#[test]
fn a_preview_agrees_with_the_clock() {
    for basis in [Basis::Wall, Basis::Business] {
        for start in ["2027-01-05T03:00:00Z", "2027-01-08T16:59:00Z", "2027-01-09T12:00:00Z"] {
            let start = at(start);
            let seen = preview(&terms(basis), &office(), start).unwrap();
            let mut clock = SlaClock::start(terms(basis), start);
            let mut taken = Vec::new();
            while let Some(next) = clock.next_step(&office(), start).unwrap() {
                taken.extend(clock.take_due(&office(), next.at).unwrap());
            }
            assert_eq!(taken, seen.steps);
            assert_eq!(clock.due_at(&office()).unwrap(), Some(seen.due_at));
        }
    }
}

#[test]
fn long_previews_are_cut() {
    let terms = SlaTerms { budget: Length::hours(400), ..terms(Basis::Business) };
    let seen = preview(&terms, &weekdays("09:00-10:00"), monday("09:00")).unwrap();
    assert_eq!(seen.days.len(), 366);
    assert!(seen.days_left_off > 200, "{}", seen.days_left_off);
}

#[test]
fn a_day_before_opening_and_special_hours_are_told_apart() {
    let draft = CalendarDraft {
        zone: "UTC".to_owned(),
        hours: WeekHoursDraft { monday: vec!["09:00-17:00".to_owned()], ..WeekHoursDraft::default() },
        special_days: vec![SpecialDayDraft {
            on: "2027-01-12".to_owned(),
            name: None,
            hours: vec!["10:00-20:00".to_owned()],
        }],
    };
    let shift = Shift::from(WorkCalendar::new(&draft).unwrap());
    let terms = SlaTerms { reassign_after: Length::hours(4), ..terms(Basis::Business) };
    let seen = preview(&terms, &shift, monday("18:00")).unwrap();
    let notes: Vec<_> = seen.days.iter().map(|day| day.note.clone()).collect();
    assert_eq!(notes, [DayNote::OutsideHours, DayNote::SpecialHours { name: None }]);
}
