//! What holds for every calendar and every start: over ten years of days in five zones, and at random.

use chrono::TimeDelta;
use proptest::prelude::*;

use super::*;

/// Hours of all kinds: a break, nights in which clocks change, round the clock.
fn schedules() -> [WeekHoursDraft; 3] {
    [
        weekdays(&["09:00-12:30", "13:30-18:00"]),
        daily(&["00:00-04:00", "22:30-24:00"]),
        daily(&["00:00-24:00"]),
    ]
}

#[test]
fn adding_measuring_and_taking_away_agree_on_every_day_of_ten_years() {
    let first = at("2024-01-01T00:00:00Z");
    for zone in ZONES {
        for hours in schedules() {
            let open = calendar(&CalendarDraft { hours, ..office(zone) });
            for day in 0..3_653 {
                // Another time of day and another length on each day.
                let start = first + TimeDelta::days(day) + TimeDelta::minutes(day * 37 % 1_440);
                let length = TimeDelta::seconds(1 + day * 7_919 % 172_800);
                agrees(&open, start, length);
            }
        }
    }
}

/// `between(start, add(start, d)) == d`, and taking away leads back.
fn agrees(open: &impl OpenTime, start: DateTime, length: TimeDelta) {
    let end = open.add(start, length).unwrap();
    assert_eq!(open.between(start, end), length, "{start} + {length}");
    let back = open.subtract(end, length).unwrap();
    assert_eq!(open.between(back, end), length, "{end} - {length}");
    let opening = open.next_opening(start).unwrap();
    assert_eq!(back, opening, "the latest start from which {length} counts until {end}");
}

/// A calendar at random: blocks between sorted cuts of the day, some days without.
fn any_calendar() -> impl Strategy<Value = WorkCalendar> {
    let day = prop::collection::btree_set(0u16..=96, 0..7);
    let week = prop::collection::vec(day, 7);
    let holidays = prop::collection::btree_set((1u8..=12, 1u8..=28), 0..20);
    (prop::sample::select(ZONES.to_vec()), week, holidays).prop_filter_map(
        "never open",
        |(zone, week, off)| {
            let clock = |quarter: u16| format!("{:02}:{:02}", quarter / 4, quarter % 4 * 15);
            let days = week.iter().map(|cuts| {
                let cuts: Vec<u16> = cuts.iter().copied().collect();
                cuts.chunks_exact(2).map(|pair| format!("{}-{}", clock(pair[0]), clock(pair[1]))).collect()
            });
            let [monday, tuesday, wednesday, thursday, friday, saturday, sunday] =
                days.collect::<Vec<Vec<String>>>().try_into().ok()?;
            let hours = WeekHoursDraft { monday, tuesday, wednesday, thursday, friday, saturday, sunday };
            let off =
                off.into_iter().map(|(month, day)| special(&format!("{month:02}-{day:02}"), "off", &[]));
            WorkCalendar::new(&CalendarDraft { zone: zone.to_owned(), hours, special_days: off.collect() })
                .ok()
        },
    )
}

prop_compose! {
    fn any_instant()(seconds in 1_704_067_200i64..2_019_686_400, micros in 0u32..1_000_000) -> DateTime {
        DateTime::from_timestamp(seconds, micros * 1_000).unwrap()
    }
}

prop_compose! {
    /// A team, a person and absences.
    fn any_shift()(
        team in any_calendar(),
        own in prop::option::of(any_calendar()),
        gaps in prop::collection::vec((any_instant(), 0i64..40 * 86_400), 0..5),
    ) -> Shift {
        let shift = Shift::from(team);
        let shift = own.into_iter().fold(shift, |shift, own| shift.and(own.into()));
        let gaps = gaps.into_iter().map(|(from, length)| Interval { from, to: from + TimeDelta::seconds(length) });
        shift.without(gaps)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_shift_agrees_with_itself(shift in any_shift(), start in any_instant(), seconds in 1i64..400_000) {
        // Two calendars at random may have little in common: then the error is the right answer.
        let length = TimeDelta::seconds(seconds);
        if shift.add(start, length).is_ok() && shift.next_opening(start).is_ok() {
            agrees(&shift, start, length);
        }
    }

    #[test]
    fn parts_sum_to_the_whole(shift in any_shift(), a in any_instant(), b in 0i64..9_000_000, c in 0i64..9_000_000) {
        let (b, c) = (a + TimeDelta::seconds(b), a + TimeDelta::seconds(b + c));
        prop_assert_eq!(shift.between(a, b) + shift.between(b, c), shift.between(a, c));
        let opened = shift.intervals(a, c);
        let total: TimeDelta = opened.iter().map(|open| open.to - open.from).sum();
        prop_assert_eq!(total, shift.between(a, c));
        for pair in opened.windows(2) {
            prop_assert!(pair[0].to <= pair[1].from);
        }
    }

    #[test]
    fn openings_and_closings_are_where_they_are_said_to_be(shift in any_shift(), a in any_instant()) {
        let microsecond = TimeDelta::microseconds(1);
        if let Some(until) = shift.open_until(a) {
            prop_assert!(shift.is_open(a) && shift.is_open(until - microsecond) && !shift.is_open(until));
            prop_assert_eq!(shift.between(a, until), until - a);
        } else if let Ok(opening) = shift.next_opening(a) {
            prop_assert!(!shift.is_open(a) && shift.is_open(opening) && !shift.is_open(opening - microsecond));
            prop_assert_eq!(shift.between(a, opening), TimeDelta::zero());
        }
    }

    #[test]
    fn what_is_written_reads_back(open in any_calendar()) {
        let text = serde_json::to_string(&open).unwrap();
        prop_assert_eq!(serde_json::from_str::<WorkCalendar>(&text).unwrap(), open);
    }
}
