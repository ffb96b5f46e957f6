//! The formula against what others published, counting against the formula, and where the two part.

use std::sync::Arc;

use chrono::TimeDelta;
use proptest::prelude::*;

use super::arrivals::{Arrivals, Source, WEEK_HOURS};
use super::erlang::{Queue, delay_probability};
use super::simulate::{Simulated, simulate};
use super::stage::{Counted, Handling, Stage, Takes, Worker, World};
use crate::kernel::calendar::{CalendarDraft, Interval, Shift, WeekHoursDraft, WorkCalendar, Zone};
use crate::kernel::clock::DateTime;

fn queue(servers: u32, erlangs: f64, contact_share: f64) -> Queue {
    Queue { servers, arrivals_per_hour: erlangs, handling_secs: 3_600.0, contact_share }
}

/// A row of what others published.
#[derive(Debug, serde::Deserialize)]
struct Published {
    servers: u32,
    erlangs: f64,
    what: String,
    value: f64,
    /// So many digits were printed: of the value, or of the load where that was looked up.
    digits: i32,
    /// What the table rounds: the `result`, or the `load` that has it.
    rounded: String,
    source: String,
}

impl Published {
    fn ours(&self, erlangs: f64) -> f64 {
        let figures = queue(self.servers, erlangs, 0.0).figures(3_600.0 / 9.0).unwrap();
        match self.what.as_str() {
            "delay" => figures.delayed_share,
            "mean_wait" => figures.mean_wait_secs / 3_600.0,
            // By Little's law.
            "queue" => figures.mean_wait_secs / 3_600.0 * erlangs,
            "within_a_ninth" => figures.within_target,
            other => panic!("{other}"),
        }
    }

    /// Half a unit of the last digit that was printed.
    fn half_unit(&self, printed: f64) -> f64 {
        10_f64.powf(printed.abs().log10().floor() + f64::from(1 - self.digits)) / 2.0
    }
}

#[test]
fn the_formula_agrees_with_published_tables() {
    let table = include_str!("../../../tests/fixtures/erlang/published.csv");
    let rows: Result<Vec<Published>, _> = csv::Reader::from_reader(table.as_bytes()).deserialize().collect();
    let rows = rows.unwrap();
    for row in &rows {
        let agrees = match row.rounded.as_str() {
            "result" => (row.ours(row.erlangs) - row.value).abs() <= row.half_unit(row.value),
            // What was asked for lies between what the loads give that are rounded to the one printed.
            "load" => {
                let half = row.half_unit(row.erlangs);
                (row.ours(row.erlangs - half)..=row.ours(row.erlangs + half)).contains(&row.value)
            }
            other => panic!("{other}"),
        };
        assert!(agrees, "{}: {row:?} ({})", row.ours(row.erlangs), row.source);
    }
    assert_eq!(rows.len(), 18);
}

/// The definition, term by term: good for few servers.
fn by_definition(servers: u32, a: f64) -> f64 {
    let mut term = 1.0;
    let mut below = 0.0;
    for n in 0..servers {
        below += term;
        term *= a / f64::from(n + 1);
    }
    let busy = term * f64::from(servers) / (f64::from(servers) - a);
    busy / (below + busy)
}

#[test]
fn an_overrun_queue_has_no_figures_and_a_large_one_has() {
    for (servers, erlangs) in
        [(0, 0.0), (1, 1.0), (4, 4.0), (4, 9.5), (4, f64::NAN), (4, f64::INFINITY), (4, -1.0)]
    {
        assert_eq!(delay_probability(servers, erlangs), None, "{servers} {erlangs}");
    }
    let large = queue(5_000, 4_950.0, 0.3).figures(600.0).unwrap();
    let all = [large.delayed_share, large.within_target, large.mean_wait_secs, large.p95_response_secs];
    assert!(all.iter().all(|x| x.is_finite() && *x > 0.0), "{large:?}");
    let idle = queue(3, 0.0, 0.0).figures(60.0).unwrap();
    assert!(idle.delayed_share.abs() < 1e-12 && (idle.within_target - 1.0).abs() < 1e-12, "{idle:?}");
    assert_eq!(queue(1, 20_000.0, 0.0).needed(60.0, 0.9), None, "more than anybody has");
    assert_eq!(queue(1, 1.0, 1.0).needed(60.0, 0.9), None, "the handling alone takes an hour");
}

proptest! {
    #[test]
    fn the_recursion_is_the_definition(servers in 1_u32..60, part in 0.01_f64..0.999) {
        let erlangs = f64::from(servers) * part;
        let (ours, defined) = (delay_probability(servers, erlangs).unwrap(), by_definition(servers, erlangs));
        prop_assert!((ours - defined).abs() < 1e-9, "{} {}", ours, defined);
    }

    #[test]
    fn more_servers_and_more_time_never_harm(
        servers in 1_u32..200, part in 0.01_f64..0.999, share in 0.0_f64..=1.0, target in 1.0_f64..20_000.0,
    ) {
        let q = queue(servers, f64::from(servers) * part, share);
        let figures = q.figures(target).unwrap();
        prop_assert!((-1e-12..=1.0 + 1e-12).contains(&figures.within_target));
        prop_assert!(figures.p95_response_secs + 1e-6 >= figures.p95_wait_secs);
        prop_assert!(q.figures(target * 1.5).unwrap().within_target + 1e-12 >= figures.within_target);
        let more = Queue { servers: servers + 1, ..q };
        prop_assert!(more.figures(target).unwrap().within_target + 1e-9 >= figures.within_target);
        // The percentile is where the share is 95 %.
        let at_p95 = q.figures(figures.p95_response_secs).unwrap().within_target;
        prop_assert!(figures.p95_response_secs == 0.0 || (at_p95 - 0.95).abs() < 1e-6, "{}", at_p95);
        // What is needed keeps it, and one fewer does not.
        if let Some(needed) = q.needed(target, 0.9) {
            let with = |servers| Queue { servers, ..q }.figures(target);
            prop_assert!(with(needed).unwrap().within_target >= 0.9);
            let fewer = with(needed - 1);
            prop_assert!(fewer.is_none_or(|fewer| fewer.within_target < 0.9));
        }
    }
}

fn monday() -> DateTime {
    "2027-03-01T00:00:00Z".parse().unwrap()
}

fn office(zone: &str) -> Arc<WorkCalendar> {
    let day = || vec!["09:00-17:00".to_owned()];
    let hours = WeekHoursDraft {
        monday: day(),
        tuesday: day(),
        wednesday: day(),
        thursday: day(),
        friday: day(),
        ..WeekHoursDraft::default()
    };
    Arc::new(
        WorkCalendar::new(&CalendarDraft { zone: zone.into(), hours, special_days: Vec::new() }).unwrap(),
    )
}

fn worker(name: &str, shift: Shift) -> Worker {
    Worker { name: name.to_owned(), weight: 1, shift, at_once: Some(1), per_day: None }
}

/// Everybody always works, everything comes evenly: the world of the formula.
fn ideal(servers: u32, erlangs: f64, contact_share: f64, target_secs: f64) -> World {
    World {
        from: monday(),
        until: monday() + TimeDelta::weeks(4),
        arrivals: Arrivals {
            by_hour: vec![erlangs; WEEK_HOURS],
            zone: Zone::utc(),
            counted: None,
            bursts: 0.0,
            source: Source::Given,
        },
        handling: Handling { takes: Takes::Mean { secs: 3_600.0, counted: None }, contact_share },
        workers: (0..servers).map(|n| worker(&format!("w{n}"), Shift::always())).collect(),
        team: Shift::always(),
        counted: Counted::Wall,
        target_secs,
    }
}

fn run(world: &World, seed: u64) -> Simulated {
    simulate(&Stage::new(world), 120, seed).unwrap()
}

#[test]
fn counting_agrees_with_the_formula_where_its_assumptions_hold() {
    for (servers, erlangs, contact_share, target) in [
        (1, 0.6, 0.0, 1_800.0),
        (3, 2.4, 0.0, 1_800.0),
        (4, 2.8, 0.5, 3_600.0),
        (10, 8.0, 0.0, 600.0),
        (5, 2.0, 1.0, 5_400.0),
    ] {
        let world = ideal(servers, erlangs, contact_share, target);
        let exact = queue(servers, erlangs, contact_share).figures(target).unwrap();
        let counted = run(&world, 42);
        // 1.3 times the half-width of 95 %, two and a half standard errors: ten figures, and none fails by chance.
        let wide = |between: super::statistics::Between, mean: f64| 1.3 * (between.high - mean);
        let share = counted.within_target_confidence;
        assert!(
            (counted.within_target - exact.within_target).abs() <= wide(share, counted.within_target),
            "{servers} {erlangs}: {counted:?} {exact:?}"
        );
        let wait = counted.mean_wait_confidence;
        assert!(
            (counted.mean_wait_secs - exact.mean_wait_secs).abs() <= wide(wait, counted.mean_wait_secs),
            "{servers} {erlangs}: {counted:?} {exact:?}"
        );
        assert!((counted.utilisation - exact.utilisation).abs() < 0.02, "{counted:?} {exact:?}");
        assert!(share.high - share.low < 0.03, "sure enough to mean something: {share:?}");
    }
}

#[test]
fn the_confidence_is_as_wide_as_it_says() {
    let (servers, erlangs, target, seeds) = (4, 2.8, 3_600.0, 60);
    let mut world = ideal(servers, erlangs, 0.0, target);
    world.until = monday() + TimeDelta::weeks(1);
    let stage = Stage::new(&world);
    let exact = queue(servers, erlangs, 0.0).figures(target).unwrap();
    let counted: Vec<Simulated> = (1..=seeds).map(|seed| simulate(&stage, 40, seed).unwrap()).collect();
    let shares = counted.iter().filter(|one| one.within_target_confidence.holds(exact.within_target)).count();
    let waits = counted.iter().filter(|one| one.mean_wait_confidence.holds(exact.mean_wait_secs)).count();
    // 57 of 60 are to be expected; fewer than 52 come once in a hundred times where the confidence is 95 %.
    assert!(shares >= 52 && waits >= 52, "{shares} and {waits} of {seeds}");
    let width = |one: &Simulated| one.within_target_confidence.high - one.within_target_confidence.low;
    assert!(counted.iter().all(|one| width(one) < 0.12), "an interval that holds everything says nothing");
}

#[test]
fn it_departs_from_the_formula_for_reasons() {
    let (servers, erlangs, target) = (4, 2.8, 3_600.0);
    let even = run(&ideal(servers, erlangs, 0.0, target), 1);
    // Each has a queue of their own: who is busy is given more while others are free.
    let mut own_queues = ideal(servers, erlangs, 0.0, target);
    own_queues.workers.iter_mut().for_each(|worker| worker.at_once = None);
    let own_queues = run(&own_queues, 1);
    // The same number, in bursts.
    let mut bursts = ideal(servers, erlangs, 0.0, target);
    bursts.arrivals.bursts = 0.3;
    let bursts = run(&bursts, 1);
    // One of four is away for two of the four weeks.
    let mut away = ideal(servers, erlangs, 0.0, target);
    let gap = Interval { from: monday(), to: monday() + TimeDelta::weeks(2) };
    away.workers[0].shift = Shift::always().without([gap]);
    let away = run(&away, 1);
    // The same load in office hours, and everything waits over night.
    let mut nights = ideal(servers, erlangs * 40.0 / 168.0, 0.0, target);
    nights.workers.iter_mut().for_each(|worker| worker.shift = Shift::of(office("UTC")));
    let ceiling = Stage::new(&nights).ceiling().unwrap();
    let nights = run(&nights, 1);
    for (what, found, most) in [
        ("own queues", &own_queues, even.within_target - 0.1),
        ("bursts", &bursts, even.within_target - 0.03),
        ("absence", &away, even.within_target - 0.02),
        ("nights", &nights, ceiling),
    ] {
        assert!(found.within_target < most, "{what}: {} {most}", found.within_target);
    }
    // An hour before opening and the eight hours of each of five days: 45 of 168.
    assert!((ceiling - 45.0 / 168.0).abs() < 1e-9, "{ceiling}");
}

#[test]
fn the_hours_of_the_team_are_another_clock() {
    // So little that the weekend leaves no heap.
    let mut world = ideal(4, 0.05, 0.0, 3_600.0);
    world.workers.iter_mut().for_each(|worker| worker.shift = Shift::of(office("UTC")));
    world.team = Shift::of(office("UTC"));
    world.counted = Counted::Team;
    assert!((Stage::new(&world).ceiling().unwrap() - 1.0).abs() < 1e-9);
    assert!(run(&world, 3).within_target > 0.7);
    world.counted = Counted::Wall;
    assert!(run(&world, 3).within_target < 0.27);
}

#[test]
fn caps_zones_and_weights_are_kept() {
    // One a day each: two workers take ten a week, whatever comes.
    let mut world = ideal(2, 1.0, 0.0, 3_600.0);
    world.workers = vec![
        worker("a", Shift::of(office("Europe/Berlin"))),
        worker("b", Shift::of(office("America/New_York"))),
    ];
    world.workers.iter_mut().for_each(|worker| worker.per_day = Some(1));
    let capped = run(&world, 5);
    assert!(capped.never_share > 0.5, "{capped:?}");
    // With the hour before, Berlin and New York cover 15 hours of a day in the first two weeks, and 14 in the others:
    // New York's clocks change two weeks before those of Berlin.
    world.workers.iter_mut().for_each(|worker| worker.per_day = None);
    let ceiling = Stage::new(&world).ceiling().unwrap();
    assert!((ceiling - 5.0 * 14.5 / 168.0).abs() < 1e-9, "{ceiling}");
}

#[test]
fn what_was_measured_from_few_is_less_sure() {
    let world = |counted| {
        let mut world = ideal(4, 2.8, 0.0, 3_600.0);
        world.arrivals.counted = counted;
        world.handling.takes = Takes::Mean { secs: 3_600.0, counted };
        world
    };
    let width = |world: &World| {
        let range = run(world, 9).within_target_range;
        range.high - range.low
    };
    let (few, many, certain) = (width(&world(Some(20))), width(&world(Some(5_000))), width(&world(None)));
    assert!(few > 2.0 * many && many < 1.3 * certain, "{few} {many} {certain}");
}

#[test]
fn the_same_seed_counts_the_same() {
    let world = ideal(3, 2.0, 0.5, 3_600.0);
    assert_eq!(run(&world, 11), run(&world, 11));
    assert_ne!(run(&world, 11), run(&world, 12));
}

#[test]
fn a_pattern_is_found_again_in_what_it_made() {
    let mut open = vec![false; WEEK_HOURS];
    for day in 0..5 {
        open[day * 24 + 9..day * 24 + 17].fill(true);
    }
    let given = Arrivals::given(80.0, 0.25, Zone::utc(), &open, Source::Given);
    assert!((given.per_week() - 80.0).abs() < 1e-9);
    let nine = given.by_hour[9];
    assert!((nine - 1.5).abs() < 1e-9, "60 in 40 hours: {nine}");
    // Ten weeks of it, one every 45 minutes of working time.
    let mut at = Vec::new();
    for week in 0..10 {
        for day in 0..5 {
            at.extend(
                (0..10)
                    .map(|n| monday() + TimeDelta::days(week * 7 + day) + TimeDelta::minutes(540 + 45 * n)),
            );
        }
    }
    let period = (monday(), monday() + TimeDelta::weeks(10));
    let measured = Arrivals::measured(&at, period, Zone::utc());
    assert_eq!(measured.counted, Some(500));
    assert!((measured.per_week() - 50.0).abs() < 1e-9);
    assert!(measured.by_hour[9] > 10.0 * measured.by_hour[3] && measured.by_hour[5 * 24 + 9] < 0.1);
    assert!(measured.bursts.abs() < 1e-9, "as even as can be");
    // The same number on every fifth day.
    let lumps: Vec<DateTime> = (0..10)
        .flat_map(|week| {
            (0..50).map(move |n| {
                monday() + TimeDelta::days(week * 7 + week % 5) + TimeDelta::minutes(540 + 9 * n)
            })
        })
        .collect();
    assert!(Arrivals::measured(&lumps, period, Zone::utc()).bursts > 1.0);
}
