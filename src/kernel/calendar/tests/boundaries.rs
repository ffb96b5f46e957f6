//! Single cases at the edges of hours, days, years and changes of the clock.

use chrono::TimeDelta;

use super::*;

#[test]
fn deadlines_at_the_edges() {
    let berlin = calendar(&office("Europe/Berlin"));
    // Berlin is at UTC+1 in winter and UTC+2 in summer; a day has eight hours, 3½ before lunch.
    let cases = [
        ("within a block", "2027-01-11T08:30:00Z", 60, "2027-01-11T09:30:00Z"),
        ("exactly at lunch", "2027-01-11T08:00:00Z", 210, "2027-01-11T11:30:00Z"),
        ("a minute past lunch", "2027-01-11T08:00:00Z", 211, "2027-01-11T12:31:00Z"),
        ("exactly at closing time", "2027-01-11T08:00:00Z", 480, "2027-01-11T17:00:00Z"),
        ("from Friday afternoon over the weekend", "2027-01-15T16:00:00Z", 120, "2027-01-18T09:00:00Z"),
        ("from a Sunday", "2027-01-17T10:00:00Z", 60, "2027-01-18T09:00:00Z"),
        ("from a holiday that is listed once", "2027-03-26T09:00:00Z", 60, "2027-03-29T08:00:00Z"),
        ("into a half-day and over both holidays", "2026-12-23T16:00:00Z", 300, "2026-12-28T09:00:00Z"),
        ("over the year's end", "2026-12-31T16:30:00Z", 60, "2027-01-04T08:30:00Z"),
        ("on a Saturday that is worked", "2027-05-07T15:00:00Z", 120, "2027-05-08T09:00:00Z"),
        ("over the change to summer time", "2027-03-26T09:00:00Z", 60 * 16, "2027-03-30T16:00:00Z"),
        ("nothing, while it is closed", "2027-01-17T10:00:00Z", 0, "2027-01-17T10:00:00Z"),
    ];
    for (case, start, minutes, due) in cases {
        let length = TimeDelta::minutes(minutes);
        assert_eq!(berlin.add(at(start), length).unwrap(), at(due), "{case}");
        assert_eq!(berlin.between(at(start), at(due)), length, "{case}");
        assert_eq!(berlin.between(at(due), at(start)), -length, "{case}");
    }
}

#[test]
fn closing_time_is_closed_and_opening_time_is_open() {
    let berlin = calendar(&office("Europe/Berlin"));
    let microsecond = TimeDelta::microseconds(1);
    let (opening, closing) = (at("2027-01-11T08:00:00Z"), at("2027-01-11T17:00:00Z"));
    assert!(berlin.is_open(opening) && !berlin.is_open(opening - microsecond));
    assert!(berlin.is_open(closing - microsecond) && !berlin.is_open(closing));
    assert_eq!(berlin.open_until(opening), Some(at("2027-01-11T11:30:00Z")));
    assert_eq!(berlin.open_until(closing), None);
    assert_eq!(berlin.next_opening(opening).unwrap(), opening);
    assert_eq!(berlin.next_opening(closing).unwrap(), at("2027-01-12T08:00:00Z"));
}

#[test]
fn taking_away_finds_the_latest_start() {
    let berlin = calendar(&office("Europe/Berlin"));
    let before = |end, minutes| berlin.subtract(at(end), TimeDelta::minutes(minutes)).unwrap();
    assert_eq!(before("2027-01-18T08:30:00Z", 60), at("2027-01-15T16:30:00Z"));
    assert_eq!(before("2027-01-17T10:00:00Z", 60), at("2027-01-15T16:00:00Z"));
    assert_eq!(before("2027-01-11T17:00:00Z", 480), at("2027-01-11T08:00:00Z"));
    assert_eq!(before("2027-01-18T08:00:00Z", 0), at("2027-01-18T08:00:00Z"));
    assert_eq!(before("2027-01-15T16:30:00Z", -60), at("2027-01-18T08:30:00Z"));
}

#[test]
fn blocks_that_meet_at_midnight_are_one_opening() {
    let nights = plain("Europe/Berlin", daily(&["22:00-24:00", "00:00-06:00"]));
    let evening = at("2027-01-11T21:30:00Z");
    assert_eq!(nights.open_until(evening), Some(at("2027-01-12T05:00:00Z")));
    assert_eq!(nights.add(evening, TimeDelta::hours(7)).unwrap(), at("2027-01-12T04:30:00Z"));
    assert_eq!(nights.add(evening, TimeDelta::hours(8)).unwrap(), at("2027-01-12T21:30:00Z"));
}

#[test]
fn a_whole_day_has_as_many_hours_as_its_zone_gives_it() {
    let berlin = plain("Europe/Berlin", daily(&["00:00-24:00"]));
    let hours = |from, to| berlin.between(at(from), at(to)).num_hours();
    assert_eq!(hours("2027-03-27T23:00:00Z", "2027-03-28T22:00:00Z"), 23);
    assert_eq!(hours("2027-10-30T22:00:00Z", "2027-10-31T23:00:00Z"), 25);
    // What never closes is looked through for five years and no longer.
    let start = at("2027-01-01T00:00:00Z");
    assert_eq!(berlin.open_until(start), Some(start + TimeDelta::days(5 * 366)));
}

#[test]
fn hours_that_the_clocks_skip_do_not_count_and_hours_they_repeat_count_twice() {
    let berlin = plain("Europe/Berlin", daily(&["02:00-03:00"]));
    let minutes = |from, to| berlin.between(at(from), at(to)).num_minutes();
    assert_eq!(minutes("2027-03-27T12:00:00Z", "2027-03-28T12:00:00Z"), 0);
    assert_eq!(minutes("2027-10-30T12:00:00Z", "2027-10-31T12:00:00Z"), 120);
    let half_past = plain("Europe/Berlin", daily(&["01:30-02:30"]));
    let opened = half_past.intervals(at("2027-10-30T20:00:00Z"), at("2027-10-31T12:00:00Z"));
    let interval = |from, to| Interval { from: at(from), to: at(to) };
    assert_eq!(
        opened,
        [
            interval("2027-10-30T23:30:00Z", "2027-10-31T00:30:00Z"),
            interval("2027-10-31T01:00:00Z", "2027-10-31T01:30:00Z"),
        ],
        "half past one to half past two, and again from two to half past two"
    );
}

#[test]
fn vancouver_keeps_summer_time_from_2026_on() {
    let office = plain("America/Vancouver", weekdays(&["09:00-17:00"]));
    assert_eq!(office.next_opening(at("2026-01-12T00:00:00Z")).unwrap(), at("2026-01-12T17:00:00Z"));
    assert_eq!(office.next_opening(at("2027-01-12T02:00:00Z")).unwrap(), at("2027-01-12T16:00:00Z"));
}

#[test]
fn a_date_that_a_zone_left_out_has_no_hours() {
    // Samoa went from Thursday 29 December 2011 to Saturday the 31st.
    let apia = plain("Pacific/Apia", daily(&["00:00-24:00"]));
    let from = at("2011-12-30T09:00:00Z");
    assert_eq!(apia.local_date(from).to_string(), "2011-12-29");
    assert_eq!(apia.local_date(from + TimeDelta::hours(1)).to_string(), "2011-12-31");
    assert_eq!(apia.between(from, from + TimeDelta::hours(3)), TimeDelta::hours(3));
}

#[test]
fn a_shift_is_open_where_all_are_and_nobody_is_absent() {
    let team = std::sync::Arc::new(plain("Europe/Berlin", weekdays(&["09:00-17:00"])));
    let own = std::sync::Arc::new(plain("Europe/London", weekdays(&["10:00-18:00"])));
    let gap = |from, to| Interval { from: at(from), to: at(to) };
    let shift = Shift::of(team).and(own).without([
        gap("2027-01-11T12:00:00Z", "2027-01-11T13:00:00Z"),
        gap("2027-01-11T12:30:00Z", "2027-01-11T14:00:00Z"),
        gap("2027-01-12T10:00:00Z", "2027-01-12T10:00:00Z"),
        gap("2027-01-13T00:00:00Z", "2027-01-14T00:00:00Z"),
    ]);
    // Both are open from 10:00 to 16:00 in London.
    let day = shift.between(at("2027-01-11T00:00:00Z"), at("2027-01-12T00:00:00Z"));
    assert_eq!(day, TimeDelta::hours(4));
    assert_eq!(shift.open_until(at("2027-01-11T11:00:00Z")), Some(at("2027-01-11T12:00:00Z")));
    let due = shift.add(at("2027-01-12T15:00:00Z"), TimeDelta::hours(2)).unwrap();
    assert_eq!(due, at("2027-01-14T11:00:00Z"));
    assert_eq!(shift.subtract(due, TimeDelta::hours(2)).unwrap(), at("2027-01-12T15:00:00Z"));
    assert_eq!(
        shift.calendar().map(|first| first.zone().name().to_owned()).as_deref(),
        Some("Europe/Berlin")
    );
}

#[test]
fn what_stays_closed_is_an_error_and_no_endless_search() {
    let mornings = std::sync::Arc::new(plain("UTC", weekdays(&["08:00-12:00"])));
    let evenings = std::sync::Arc::new(plain("UTC", weekdays(&["18:00-22:00"])));
    let start = at("2027-01-11T00:00:00Z");
    let never = Shift::of(mornings.clone()).and(evenings);
    let closed = CalendarError::Closed { from: start, until: start + TimeDelta::days(5 * 366) };
    assert_eq!(never.next_opening(start), Err(closed.clone()));
    assert_eq!(never.add(start, TimeDelta::hours(1)), Err(closed));
    assert!(matches!(never.subtract(start, TimeDelta::hours(1)), Err(CalendarError::Closed { .. })));
    let gone = Interval { from: at("2027-01-12T00:00:00Z"), to: DateTime::MAX_UTC };
    let left = Shift::of(mornings.clone()).without([gone]);
    assert_eq!(left.add(start, TimeDelta::hours(4)).unwrap(), at("2027-01-11T12:00:00Z"));
    assert!(matches!(left.add(start, TimeDelta::hours(5)), Err(CalendarError::Closed { .. })));
    let centuries = TimeDelta::days(36_500);
    assert!(matches!(mornings.add(start, centuries), Err(CalendarError::TooFar { .. })));
    assert!(matches!(mornings.subtract(start, centuries), Err(CalendarError::TooFar { .. })));
    let error = mornings.add(start, centuries).unwrap_err().to_string();
    assert!(error.contains("2027-01-11") && error.contains("2067"), "{error}");
}

#[test]
fn the_ends_of_time_do_not_overflow() {
    let office = calendar(&office("Europe/Berlin"));
    for edge in [DateTime::MIN_UTC, DateTime::MAX_UTC] {
        assert_eq!(office.is_open(edge), office.open_until(edge).is_some());
        let _ = (office.add(edge, TimeDelta::MAX), office.subtract(edge, TimeDelta::MAX));
        let _ = (office.next_opening(edge), office.local_date(edge));
    }
    let last = Shift::always().add(DateTime::MAX_UTC, TimeDelta::hours(1));
    assert!(matches!(last, Err(CalendarError::TooFar { .. })), "after the year 9000 nothing is found");
}
