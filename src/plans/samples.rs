//! Plans for tests: one that reads well, and any number of generated ones.

use std::collections::BTreeMap;

use chrono::{NaiveDate, TimeDelta};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Map, json};

use super::model::*;
use crate::kernel::calendar::{CalendarDraft, Length, SpecialDayDraft, WeekHoursDraft};
use crate::kernel::clock::DateTime;

pub fn at(text: &str) -> DateTime {
    text.parse().unwrap()
}

pub fn id(name: &str) -> TaskId {
    TaskId(name.to_owned())
}

pub fn role(name: &str) -> Role {
    Role(name.to_owned())
}

/// Weekdays with a break, in a zone whose clocks change.
pub fn office(zone: &str) -> CalendarDraft {
    let day = || vec!["09:00-12:30".to_owned(), "13:30-17:00".to_owned()];
    CalendarDraft {
        zone: zone.to_owned(),
        hours: WeekHoursDraft {
            monday: day(),
            tuesday: day(),
            wednesday: day(),
            thursday: day(),
            friday: vec!["09:00-15:00".to_owned()],
            ..WeekHoursDraft::default()
        },
        special_days: vec![SpecialDayDraft { on: "12-25".to_owned(), name: None, hours: Vec::new() }],
    }
}

pub fn task(name: &str, owner: &str, duration: Duration, after: &[&str]) -> Task {
    Task {
        id: id(name),
        title: format!("Do {name}"),
        detail: String::new(),
        stage: name.to_owned(),
        owner: role(owner),
        work: "draft".to_owned(),
        inputs: Vec::new(),
        outputs: vec![format!("{name}.md")],
        depends_on: after.iter().map(|name| id(name)).collect(),
        duration,
        not_before: None,
        due: None,
        checkpoint: false,
        data: Map::new(),
    }
}

pub fn holder(title: &str, name: Option<&str>, calendar: Option<&str>) -> Holder {
    Holder {
        title: title.to_owned(),
        name: name.map(str::to_owned),
        email: None,
        rep_id: None,
        fallback: None,
        calendar: calendar.map(str::to_owned),
        days_off: Vec::new(),
    }
}

/// `intake → (routing, enablement) → approval`, with a gate in front of the approval; from a Monday on.
pub fn diamond() -> Plan {
    let hours = |hours| Duration::Time(Length::hours(hours));
    let mut roles = BTreeMap::from([
        (role("director"), holder("RevOps Director", Some("Dana"), Some("berlin"))),
        (role("manager"), holder("Sales Manager", Some("Sam"), Some("berlin"))),
        (role("cro"), holder("CRO", Some("Cleo"), None)),
    ]);
    if let Some(director) = roles.get_mut(&role("director")) {
        director.fallback = Some(role("manager"));
    }
    Plan {
        kind: PlanKind::HandoffDesign,
        objective: "Every enterprise lead is answered within two hours.".to_owned(),
        start_at: at("2027-01-11T08:00:00Z"),
        deadline: Some(at("2027-01-29T16:00:00Z")),
        direction: Direction::Forward,
        tasks: vec![
            task("intake", "director", Duration::WorkingDays(1), &[]),
            task("routing", "director", hours(10), &["intake"]),
            task("enablement", "manager", Duration::WorkingDays(3), &["intake"]),
            task("approval", "cro", hours(2), &[]),
        ],
        gates: vec![Gate {
            id: id("ready"),
            title: "Routing and enablement fit together".to_owned(),
            after: vec![id("routing"), id("enablement")],
            before: vec![id("approval")],
            keeper: role("manager"),
            checks: vec![GateCheck {
                id: "sla".to_owned(),
                asks: "The SLA can be kept with the people that there are.".to_owned(),
                by: CheckedBy::Computed,
            }],
        }],
        roles,
        calendars: BTreeMap::from([("berlin".to_owned(), office("Europe/Berlin"))]),
        error_handling: ErrorHandling {
            retries: 2,
            ladder: vec![role("director"), role("manager"), role("cro")],
            rung_after: Length::hours(24),
            guardrail: Guardrail { exceeded: 2, within: Length::hours(48), tell: vec![role("cro")] },
        },
        success_metrics: vec![SuccessMetric {
            name: "sla_compliance".to_owned(),
            target: "90 %".to_owned(),
            measured_by: String::new(),
        }],
        context: Map::from_iter([("segment".to_owned(), json!("enterprise"))]),
    }
}

const ZONES: [&str; 4] = ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"];
/// The latest start of a generated plan, in hours after 2026-10-01: over the change of the clocks and Christmas.
const START_HOURS: i64 = 24 * 120;

fn any_calendar() -> impl Strategy<Value = CalendarDraft> {
    let day = prop::collection::btree_set(0u16..=48, 0..6);
    let days = prop::collection::vec(day, 7);
    let off = prop::collection::btree_set((1u8..=12, 1u8..=28), 0..8);
    (prop::sample::select(ZONES.to_vec()), days, off).prop_map(|(zone, days, off)| {
        let clock = |half: u16| format!("{:02}:{:02}", half / 2, half % 2 * 30);
        let mut week = days.iter().map(|cuts| {
            let cuts: Vec<u16> = cuts.iter().copied().collect();
            cuts.chunks_exact(2).map(|two| format!("{}-{}", clock(two[0]), clock(two[1]))).collect::<Vec<_>>()
        });
        let mut next = || week.next().unwrap_or_default();
        let hours = WeekHoursDraft {
            // Some day is always open.
            monday: vec!["09:00-12:00".to_owned(), "13:00-17:00".to_owned()],
            tuesday: next(),
            wednesday: next(),
            thursday: next(),
            friday: next(),
            saturday: next(),
            sunday: next(),
        };
        let closed = |(month, day): (u8, u8)| SpecialDayDraft {
            on: format!("{month:02}-{day:02}"),
            name: Some("off".to_owned()),
            hours: Vec::new(),
        };
        CalendarDraft { zone: zone.to_owned(), hours, special_days: off.into_iter().map(closed).collect() }
    })
}

fn any_duration() -> impl Strategy<Value = Duration> {
    prop_oneof![
        3 => (1u16..6).prop_map(Duration::WorkingDays),
        5 => (1u16..40).prop_map(|half_hours| Duration::Time(Length::minutes(half_hours * 30))),
        1 => Just(Duration::Time(Length::minutes(0))),
    ]
}

fn any_holder() -> impl Strategy<Value = Holder> {
    let days_off = prop::collection::btree_set(0i64..200, 0..10);
    (prop::option::weighted(0.8, 0usize..3), days_off).prop_map(|(calendar, days_off)| {
        let first = NaiveDate::from_ymd_opt(2026, 10, 1).unwrap();
        let calendar = calendar.map(|at| format!("hours{at}"));
        Holder {
            days_off: days_off.into_iter().map(|day| first + TimeDelta::days(day)).collect(),
            ..holder("Somebody", Some("Some Body"), calendar.as_deref())
        }
    })
}

/// What a generated task is made of: owner, duration, what it depends on, hours to `notBefore` and to `due`.
type Parts = (Index, Duration, Vec<Index>, Option<i64>, Option<i64>);

fn any_parts() -> impl Strategy<Value = Parts> {
    let after = prop::collection::vec(any::<Index>(), 0..3);
    let not_before = prop::option::weighted(0.15, 0i64..600);
    let due = prop::option::weighted(0.15, 600i64..3_000);
    (any::<Index>(), any_duration(), after, not_before, due)
}

/// Any plan that [`check`](super::check) finds no fault in.
pub fn any_plan() -> impl Strategy<Value = Plan> {
    let calendars = prop::collection::vec(any_calendar(), 3);
    let holders = prop::collection::vec(any_holder(), 1..5);
    let tasks = prop::collection::vec(any_parts(), 1..24);
    let gates = prop::collection::vec((any::<Index>(), any::<Index>()), 0..3);
    let deadline = prop::option::of(1i64..4_000);
    (calendars, holders, tasks, gates, 0..START_HOURS, deadline, any::<bool>()).prop_map(
        |(calendars, holders, tasks, gates, start, deadline, back)| {
            let start_at = at("2026-10-01T00:00:00Z") + TimeDelta::hours(start);
            let names: Vec<String> = (0..holders.len()).map(|at| format!("role{at}")).collect();
            let built: Vec<Task> = tasks
                .iter()
                .enumerate()
                .map(|(place, (owner, duration, after, not_before, due))| {
                    // Only what stands before it, so that there is no cycle.
                    let mut before: Vec<usize> =
                        after.iter().filter(|_| place > 0).map(|index| index.index(place)).collect();
                    before.sort_unstable();
                    before.dedup();
                    let before: Vec<String> = before.iter().map(|at| format!("t{at}")).collect();
                    let before: Vec<&str> = before.iter().map(String::as_str).collect();
                    let owner = &names[owner.index(names.len())];
                    Task {
                        not_before: not_before.map(|hours| start_at + TimeDelta::hours(hours)),
                        due: due.map(|hours| start_at + TimeDelta::hours(hours)),
                        stage: format!("stage{}", place / 6),
                        ..task(&format!("t{place}"), owner, *duration, &before)
                    }
                })
                .collect();
            let count = built.len();
            let gates = gates.iter().enumerate().filter(|_| count > 1).map(|(place, (split, wide))| {
                // From the tasks before a place to some of those behind it.
                let split = 1 + split.index(count - 1);
                let from = wide.index(split);
                Gate {
                    id: id(&format!("gate{place}")),
                    title: "Look".to_owned(),
                    after: (from..split).map(|at| id(&format!("t{at}"))).collect(),
                    before: (split..count).step_by(2).map(|at| id(&format!("t{at}"))).collect(),
                    keeper: role("role0"),
                    checks: vec![GateCheck {
                        id: "holds".to_owned(),
                        asks: "It holds.".to_owned(),
                        by: CheckedBy::Attested,
                    }],
                }
            });
            let deadline = deadline.map(|hours| start_at + TimeDelta::hours(hours));
            Plan {
                start_at,
                deadline,
                direction: if back && deadline.is_some() { Direction::Workback } else { Direction::Forward },
                gates: gates.collect(),
                tasks: built,
                roles: names.iter().map(|name| role(name)).zip(holders).collect(),
                calendars: calendars
                    .into_iter()
                    .enumerate()
                    .map(|(at, of)| (format!("hours{at}"), of))
                    .collect(),
                error_handling: ErrorHandling {
                    ladder: vec![role("role0")],
                    guardrail: Guardrail {
                        exceeded: 2,
                        within: Length::hours(48),
                        tell: vec![role("role0")],
                    },
                    ..diamond().error_handling
                },
                ..diamond()
            }
        },
    )
}
