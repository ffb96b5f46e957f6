//! What is laid out at once against a walk.

use super::*;

#[test]
fn what_is_laid_out_is_what_a_walk_finds() {
    let (from, to) = (at("2025-12-20T07:31:00Z"), at("2028-04-02T03:00:00Z"));
    for zone in ZONES {
        for hours in [weekdays(&["09:00-12:30", "13:30-18:00"]), daily(&["00:00-04:00", "22:30-24:00"])] {
            let open = calendar(&CalendarDraft { hours, ..office(zone) });
            let walked = open.intervals(from, to);
            let laid_out = open.laid_out(from, to);
            let stretches: Vec<Interval> = laid_out
                .iter()
                .map(|one| Interval { from: instant(one.from), to: instant(one.to) })
                .collect();
            assert_eq!(stretches, walked, "{zone}");
            for one in laid_out {
                let date = open.local_date(instant(one.from));
                assert_eq!(i64::from(date.to_epoch_days()), one.epoch_day, "{zone}");
            }
        }
    }
}
