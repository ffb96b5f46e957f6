//! The arithmetic against a plain walk that reads the wall clock minute by minute, around every change of the
//! clocks of ten years.

use chrono::TimeDelta;
use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};

use super::*;

/// Open by what a clock on the wall shows: minutes of the day within one of `blocks`.
fn shows_open(zone: &TimeZone, at: DateTime, blocks: &[(i32, i32)]) -> bool {
    let wall = zone.to_datetime(Timestamp::from_second(at.timestamp()).unwrap());
    let minute = i32::from(wall.hour()) * 60 + i32::from(wall.minute());
    blocks.iter().any(|(from, to)| (*from..*to).contains(&minute))
}

#[test]
fn a_walk_by_minutes_agrees_around_every_change_of_the_clocks() {
    // Blocks that begin, end or lie within the hours that are skipped and repeated somewhere.
    let blocks = [(45, 105), (135, 150), (165, 240), (540, 1_020), (1_410, 1_440)];
    let written = ["00:45-01:45", "02:15-02:30", "02:45-04:00", "09:00-17:00", "23:30-24:00"];
    let mut changes = 0;
    for name in ZONES {
        let zone = TimeZoneDatabase::bundled().get(name).unwrap();
        let open = plain(name, daily(&written));
        let (first, last): (Timestamp, Timestamp) =
            ("2024-01-01T00:00:00Z".parse().unwrap(), "2034-01-01T00:00:00Z".parse().unwrap());
        for change in zone.following(first).take_while(|change| change.timestamp() < last) {
            let change = DateTime::from_timestamp(change.timestamp().as_second(), 0).unwrap();
            walk(&zone, &open, change - TimeDelta::hours(20), 40 * 60, &blocks);
            changes += 1;
        }
    }
    assert!(changes >= 50, "only {changes} changes of the clocks were looked at");
}

/// Counts by minutes from `start` and compares at each of them.
fn walk(zone: &TimeZone, open: &WorkCalendar, start: DateTime, minutes: i64, blocks: &[(i32, i32)]) {
    let mut counted = 0;
    for minute in 0..minutes {
        let at = start + TimeDelta::minutes(minute);
        let shown = shows_open(zone, at, blocks);
        assert_eq!(open.is_open(at), shown, "{at} in {zone:?}");
        counted += i64::from(shown);
        let end = at + TimeDelta::minutes(1);
        if shown {
            assert_eq!(open.add(start, TimeDelta::minutes(counted)).unwrap(), end, "{start} + {counted} min");
        }
        if minute % 60 == 0 {
            assert_eq!(open.between(start, end), TimeDelta::minutes(counted), "{start} to {end}");
        }
    }
}
