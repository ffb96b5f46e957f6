//! Counting over working days.

use chrono::NaiveDate;

use super::*;

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

#[test]
fn working_days_are_counted_forwards_and_backwards() {
    let berlin = calendar(&office("Europe/Berlin"));
    let cases = [
        ("a Thursday and one", "2027-01-14", 1, "2027-01-15"),
        ("over a weekend", "2027-01-15", 1, "2027-01-18"),
        ("back over a weekend", "2027-01-18", -1, "2027-01-15"),
        ("from a Saturday", "2027-01-16", 1, "2027-01-18"),
        ("back from a Saturday", "2027-01-16", -1, "2027-01-15"),
        ("none, on a working day", "2027-01-15", 0, "2027-01-15"),
        ("none, on a Saturday", "2027-01-16", 0, "2027-01-18"),
        ("over Good Friday", "2027-03-25", 1, "2027-03-29"),
        ("a half-day counts", "2026-12-23", 1, "2026-12-24"),
        ("over Christmas", "2026-12-24", 1, "2026-12-28"),
        ("a Saturday that is worked", "2027-05-07", 1, "2027-05-08"),
        ("a launch worked back", "2027-06-01", -20, "2027-05-05"),
    ];
    for (case, from, days, to) in cases {
        assert_eq!(berlin.add_days(date(from), days).unwrap(), date(to), "{case}");
        if days != 0 {
            assert_eq!(berlin.working_days_between(date(from), date(to)).abs(), days.abs(), "{case}");
        }
    }
}

#[test]
fn a_day_says_where_its_hours_come_from() {
    let berlin = calendar(&office("Europe/Berlin"));
    let kind = |text| (berlin.day(date(text)).kind, berlin.day(date(text)).blocks.len());
    assert_eq!(kind("2027-01-15"), (DayKind::Weekday, 2));
    assert_eq!(kind("2027-01-16"), (DayKind::Weekday, 0));
    assert_eq!(kind("2027-12-24"), (DayKind::Yearly { name: Some("Christmas Eve") }, 1));
    assert_eq!(kind("2027-03-26"), (DayKind::Dated { name: Some("Good Friday") }, 0));
}

#[test]
fn one_date_goes_before_a_day_of_every_year() {
    let mut draft = office("Europe/Berlin");
    draft.special_days.push(special("2027-12-24", "Works this year", &["09:00-17:00"]));
    let berlin = calendar(&draft);
    assert_eq!(berlin.day(date("2027-12-24")).blocks[0].to_string(), "09:00-17:00");
    assert_eq!(berlin.day(date("2028-12-24")).blocks[0].to_string(), "09:00-12:00");
}

#[test]
fn counting_gives_up_where_no_working_day_comes() {
    let mut draft = office("UTC");
    draft.hours = WeekHoursDraft::default();
    draft.special_days = vec![special("02-29", "Leap day", &["09:00-17:00"])];
    let leap = calendar(&draft);
    assert_eq!(leap.add_days(date("2027-01-01"), 1).unwrap(), date("2028-02-29"));
    assert_eq!(leap.add_days(date("2027-01-01"), -1).unwrap(), date("2024-02-29"));
    let over_2100 = leap.add_days(date("2096-02-29"), 1);
    assert!(matches!(over_2100, Err(CalendarError::Closed { .. })), "2100 has no leap day");
    let far = calendar(&office("UTC")).add_days(date("2027-01-01"), i32::MIN);
    assert!(matches!(far, Err(CalendarError::TooFar { .. })));
}
