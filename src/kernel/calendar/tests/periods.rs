//! Hours, days and weeks of a zone: by example on the days when clocks change, and as laws.

use chrono::TimeDelta;
use proptest::prelude::*;

use super::*;

fn ends(of: Interval) -> (DateTime, DateTime) {
    (of.from, of.to)
}

#[test]
fn a_day_has_the_hours_that_the_clocks_give_it() {
    let cases = [
        ("Europe/Berlin", "2027-03-28T12:00:00Z", "2027-03-27T23:00:00Z", 23),
        ("Europe/Berlin", "2027-10-31T01:30:00Z", "2027-10-30T22:00:00Z", 25),
        ("America/New_York", "2027-03-14T12:00:00Z", "2027-03-14T05:00:00Z", 23),
        ("Asia/Kolkata", "2027-06-01T18:29:59Z", "2027-05-31T18:30:00Z", 24),
        // Clocks go from 00:00 to 01:00: the day begins at one.
        ("Africa/Cairo", "2026-04-24T08:00:00Z", "2026-04-23T22:00:00Z", 23),
        ("UTC", "2027-03-28T00:00:00Z", "2027-03-28T00:00:00Z", 24),
    ];
    for (zone, now, from, hours) in cases {
        let day = Zone::find(zone).unwrap().day_at(at(now));
        assert_eq!((day.from, (day.to - day.from).num_hours()), (at(from), hours), "{zone} {now}");
    }
}

#[test]
fn a_week_begins_on_monday_and_an_hour_that_is_shown_twice_is_two() {
    let berlin = Zone::find("Europe/Berlin").unwrap();
    let week = berlin.week_at(at("2027-03-28T21:59:59Z"));
    assert_eq!(ends(week), (at("2027-03-21T23:00:00Z"), at("2027-03-28T22:00:00Z")), "167 hours");
    // 02:00 to 03:00 comes twice.
    let first = berlin.hour_at(at("2027-10-31T00:30:00Z"));
    assert_eq!(ends(first), (at("2027-10-31T00:00:00Z"), at("2027-10-31T01:00:00Z")));
    let second = berlin.hour_at(at("2027-10-31T01:30:00Z"));
    assert_eq!(ends(second), (at("2027-10-31T01:00:00Z"), at("2027-10-31T02:00:00Z")));
    let half = Zone::find("Asia/Kolkata").unwrap().hour_at(at("2027-06-01T12:45:00Z"));
    assert_eq!(ends(half), (at("2027-06-01T12:30:00Z"), at("2027-06-01T13:30:00Z")));
}

fn zones() -> impl Strategy<Value = Zone> {
    let names = [
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "America/Goose_Bay",
        "Australia/Lord_Howe",
        "Africa/Cairo",
        "Pacific/Apia",
        "Asia/Kathmandu",
    ];
    prop::sample::select(names.to_vec()).prop_map(|name| Zone::find(name).unwrap())
}

proptest! {
    #[test]
    fn periods_hold_their_instant_join_and_lie_within_each_other(zone in zones(), second in 0_i64..2_500_000_000) {
        let now = DateTime::from_timestamp(second, 0).unwrap();
        let (hour, day, week) = (zone.hour_at(now), zone.day_at(now), zone.week_at(now));
        for (kind, of) in [("hour", hour), ("day", day), ("week", week)] {
            prop_assert!(of.from <= now && now < of.to, "{kind} {of:?}");
        }
        prop_assert_eq!(zone.hour_at(hour.to).from, hour.to);
        prop_assert_eq!(zone.hour_at(hour.from), hour);
        prop_assert_eq!(zone.day_at(day.to).from, day.to);
        prop_assert_eq!(zone.day_at(day.from), day);
        prop_assert_eq!(zone.week_at(week.to).from, week.to);
        prop_assert!(week.from <= day.from && day.to <= week.to);
        prop_assert!(hour.to - hour.from <= TimeDelta::hours(1));
    }
}
