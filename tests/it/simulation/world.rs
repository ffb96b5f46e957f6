//! The world of a simulation, from its seed alone: who works when and where, what arrives, how people react, what is
//! edited, and when the service is down.
//!
//! Promises: the same seed gives the same world; everything happens at whole minutes counted from a Monday at midnight in
//! UTC, so that hours can be counted by walking over them minute by minute. Clocks of two zones are put forward, or back,
//! on different days of each world.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use gtm::app::{self, ProgrammeParts};
use gtm::kernel::clock::Clock;
use gtm::renewals::plays::{DEFAULT_PLAYS, Plays};
use gtm::settings::Settings;
use serde_json::{Value, json};

/// Minutes from the beginning.
pub type Minute = i64;

pub const DAY: Minute = 24 * 60;
/// How long a world lasts.
pub const HORIZON: Minute = 30 * DAY;
/// The team has this day off: the Wednesday of the second week.
const HOLIDAY: i64 = 9;

/// The kinds of handoff in a world, with short terms, so that a month holds many.
pub const TYPES: &str = r#"
[defaults]
hold_below = 0
basis = "business"
owner_alert_after = "1h"
manager_alert_after = "2h"
reassign_after = "6h"
wait_for_answer = "20h"
max_reassignments = 2
fallback_to = "revops_manager"

[alerts]
budget = 1
window = "8h"
digest_after = "3h"

[triggers]
max_age = "3d"
[triggers.lifecycle]
[triggers.deal]
[triggers.intent]
office = "office"
clock = "clock"

[types.office]
from_team = "marketing"
to_team = "sales"
focus = ["lead context"]
required = ["contacts"]
urgency = "high"
[types.office.sla]
budget = "4h"
remind_before = "1h"
acknowledge_within = "2h"
escalate_to = "sales_manager"

[types.clock]
from_team = "marketing"
to_team = "sales"
focus = ["lead context"]
required = ["contacts"]
urgency = "medium"
[types.clock.sla]
basis = "wall"
budget = "4h"
remind_before = "1h"
acknowledge_within = "2h"
escalate_to = "sales_manager"
"#;

/// Numbers that only look like chance: `SplitMix64` of Steele, Lea and Flood.
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// A stream of its own for each thing that chance decides about.
    pub fn of(seed: u64, what: u64, which: u64) -> Self {
        let mut chance = Self(seed ^ what.rotate_left(24) ^ which.rotate_left(48));
        chance.next();
        chance
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From `from` up to and without `to`.
    pub fn within(&mut self, from: i64, to: i64) -> i64 {
        from + i64::try_from(self.next() % u64::try_from(to - from).unwrap()).unwrap()
    }

    pub fn one_in(&mut self, n: i64) -> bool {
        self.within(0, n) == 0
    }
}

/// When a world begins, and when the clocks of its zones change: written down, so that no library of zones is asked.
#[derive(Debug, Clone, Copy)]
pub struct Season {
    begins: &'static str,
    berlin: Zone,
    new_york: Zone,
}

/// Minutes that local time is ahead of UTC, before and from a minute on.
#[derive(Debug, Clone, Copy)]
struct Zone {
    before: Minute,
    change: Minute,
    after: Minute,
}

/// New York on the second Sunday, at 07:00 UTC; Berlin on the fourth, at 01:00 UTC.
const SPRING: Season = Season {
    begins: "2027-03-01T00:00:00Z",
    new_york: Zone { before: -300, change: 13 * DAY + 420, after: -240 },
    berlin: Zone { before: 60, change: 27 * DAY + 60, after: 120 },
};
/// Berlin on the second Sunday, at 01:00 UTC; New York on the third, at 06:00 UTC.
const AUTUMN: Season = Season {
    begins: "2027-10-18T00:00:00Z",
    berlin: Zone { before: 120, change: 13 * DAY + 60, after: 60 },
    new_york: Zone { before: -240, change: 20 * DAY + 360, after: -300 },
};

pub fn season(seed: u64) -> Season {
    if seed.is_multiple_of(2) { SPRING } else { AUTUMN }
}

impl Season {
    pub fn start(self) -> DateTime<Utc> {
        self.begins.parse().unwrap()
    }

    fn local(self, zone: &str, minute: Minute) -> Minute {
        let zone = if zone == BERLIN { self.berlin } else { self.new_york };
        minute + if minute < zone.change { zone.before } else { zone.after }
    }

    /// Whether a calendar is open: on weekdays but for the day off, in the hours of its own zone.
    pub fn open(self, calendar: Calendar, minute: Minute) -> bool {
        let local = self.local(calendar.zone, minute);
        let day = local.div_euclid(DAY);
        day.rem_euclid(7) < 5
            && day != HOLIDAY
            && (calendar.from..calendar.to).contains(&local.rem_euclid(DAY))
    }
}

const BERLIN: &str = "Europe/Berlin";

/// Hours of a working day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Calendar {
    id: &'static str,
    zone: &'static str,
    from: Minute,
    to: Minute,
}

pub const TEAM: Calendar = Calendar { id: "team", zone: BERLIN, from: 8 * 60, to: 18 * 60 };
const EARLY: Calendar = Calendar { id: "early", zone: BERLIN, from: 9 * 60, to: 17 * 60 };
/// From eleven in Berlin, as a rule; not in the weeks between the changes of both clocks.
const OVERSEAS: Calendar = Calendar { id: "overseas", zone: "America/New_York", from: 5 * 60, to: 13 * 60 };
const SHORT: Calendar = Calendar { id: "short", zone: BERLIN, from: 10 * 60, to: 14 * 60 };

/// A rep as the roster has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rep {
    pub calendar: Calendar,
    /// The most that they have open.
    pub capacity: Option<u32>,
    pub weight: u32,
}

pub const MANAGER: &str = "meg";
/// Joins later.
const NEWCOMER: &str = "finn";

/// Who works here, as of now.
pub type Reps = BTreeMap<&'static str, Rep>;

/// The manager takes no part in the rotation and takes what nobody else takes in time.
pub fn founders() -> Reps {
    let rep = |calendar, capacity| Rep { calendar, capacity, weight: 1 };
    [
        ("ada", rep(EARLY, Some(2))),
        ("ben", rep(EARLY, Some(1))),
        ("cleo", rep(OVERSEAS, Some(1))),
        ("dora", rep(OVERSEAS, Some(1))),
        ("ella", rep(EARLY, Some(1))),
        (MANAGER, Rep { weight: 0, ..rep(EARLY, None) }),
    ]
    .into()
}

/// The roster of the world as it is now.
pub fn roster(season: Season, reps: &Reps) -> Value {
    let day_off = season.start().date_naive() + TimeDelta::days(HOLIDAY);
    let calendar = |calendar: Calendar| {
        let clock = |minute: Minute| format!("{:02}:{:02}", minute / 60, minute % 60);
        let block = vec![format!("{}-{}", clock(calendar.from), clock(calendar.to))];
        json!({
            "id": calendar.id, "zone": calendar.zone,
            "hours": {"monday": block, "tuesday": block, "wednesday": block, "thursday": block, "friday": block},
            "specialDays": [{"on": day_off.to_string(), "name": "Day off"}],
        })
    };
    let reps = reps.iter().map(|(id, rep)| {
        let mut entry = json!({
            "id": id, "name": id, "email": format!("{id}@acme.com"), "team": "sales",
            "calendar": rep.calendar.id, "weight": rep.weight,
        });
        if let Some(capacity) = rep.capacity {
            entry["capacity"] = json!(capacity);
        }
        if *id != MANAGER {
            entry["manager"] = json!(MANAGER);
        }
        entry
    });
    json!({
        "calendars": [calendar(TEAM), calendar(EARLY), calendar(OVERSEAS), calendar(SHORT)],
        "teams": [
            {"id": "marketing"},
            {"id": "sales", "calendar": "team", "fallbackOwner": MANAGER,
             "overflow": {"alarmMinutes": 60, "fallbackMinutes": 240}},
        ],
        "reps": reps.collect::<Value>(),
        "roles": [{"id": "sales_manager", "reps": [MANAGER]}],
    })
}

/// What people do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    Acknowledge,
    /// The owner asks those who handed over.
    Ask,
    Answer,
    Contact,
    /// Another system reports that the customer was contacted so many minutes before.
    ContactReported(Minute),
    Meeting,
    Convert,
    /// Another system reports it.
    ConvertReported,
    Lose,
    /// The owner gives it back, and somebody else gets it.
    Reject,
    Cancel,
    RollBack,
}

/// What RevOps changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edit {
    Capacity(&'static str, Option<u32>),
    Weight(&'static str, u32),
    Hours(&'static str, Calendar),
    Join,
}

impl Edit {
    /// Changes who works here and how.
    pub fn apply(self, reps: &mut Reps) {
        let mut of = |rep: &'static str, change: &dyn Fn(&mut Rep)| reps.get_mut(rep).map(change);
        match self {
            Self::Capacity(rep, capacity) => drop(of(rep, &|rep| rep.capacity = capacity)),
            Self::Weight(rep, weight) => drop(of(rep, &|rep| rep.weight = weight)),
            Self::Hours(rep, calendar) => drop(of(rep, &|rep| rep.calendar = calendar)),
            Self::Join => {
                reps.entry(NEWCOMER).or_insert(Rep { calendar: EARLY, capacity: Some(1), weight: 1 });
            }
        }
    }
}

/// Something that happens to the service from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The handoff of this number is asked for: by a call, or by an event that says so.
    Open(usize),
    /// The event that asked for it is told once more, or another one asks for the same.
    OpenAgain(usize, bool),
    /// What this handoff is held for becomes known.
    Inform(usize),
    /// A rep is away for so many minutes from now, and somebody may stand in.
    Leave(&'static str, Minute, Option<&'static str>),
    /// A rep is back early.
    Return(&'static str),
    Edit(Edit),
    /// Somebody does something to a handoff, if it is still that turn.
    Act(usize, i16, Deed),
}

/// What is true of a handoff from the beginning.
#[derive(Debug, Clone, Copy)]
pub struct Lead {
    /// Counts working time, or every hour.
    pub office: bool,
    /// An event asks for it and no call.
    pub by_event: bool,
    /// Nobody at the customer is known at first.
    pub unknown: bool,
    /// The CRM has an owner of the account.
    pub owner: Option<&'static str>,
}

pub fn lead(seed: u64, number: usize) -> Lead {
    let mut chance = Chance::of(seed, 1, number as u64);
    let owners = ["ada", "ben", "cleo", "dora", "ella"];
    let owner = owners[usize::try_from(chance.within(0, 5)).unwrap()];
    Lead {
        office: !chance.one_in(3),
        by_event: chance.one_in(3),
        unknown: chance.one_in(4),
        owner: chance.one_in(3).then_some(owner),
    }
}

/// When the service is not there: stretches of minutes, in order. What people and systems wanted meanwhile they do when it
/// is back.
pub fn outages(seed: u64) -> Vec<(Minute, Minute)> {
    let mut chance = Chance::of(seed, 4, 0);
    // In the days in which most is under way.
    [1, 6, 11]
        .map(|day| {
            let from = day * DAY + chance.within(6 * 60, 14 * 60);
            (from, from + chance.within(60, 9 * 60))
        })
        .into()
}

/// What arrives in a month, who is away, what is edited: a new minute for each handoff, so that which was first is never
/// open.
pub fn plan(seed: u64, handoffs: usize) -> Vec<(Minute, Event)> {
    let mut chance = Chance::of(seed, 2, 0);
    let mut plan = Vec::new();
    // In ten days, so that there are more at a time than people have room for; the rest of the month is for the steps.
    let apart = 10 * DAY / i64::try_from(handoffs).unwrap();
    for number in 0..handoffs {
        let from = i64::try_from(number).unwrap() * apart;
        let minute = chance.within(from, from + apart);
        let lead = lead(seed, number);
        plan.push((minute, Event::Open(number)));
        if lead.by_event {
            plan.push((minute + chance.within(0, 3), Event::OpenAgain(number, true)));
            plan.push((minute + chance.within(1, DAY), Event::OpenAgain(number, false)));
        }
        if lead.unknown {
            plan.push((minute + chance.within(1, 2 * DAY), Event::Inform(number)));
        }
    }
    let names: Vec<&'static str> = founders().into_keys().collect();
    for (at, rep) in names.iter().copied().enumerate() {
        let mut from = chance.within(0, 8 * DAY);
        while from < HORIZON {
            let length =
                if chance.one_in(2) { chance.within(60, 10 * 60) } else { chance.within(DAY, 5 * DAY) };
            let cover = chance.one_in(2).then(|| names[(at + 1) % names.len()]);
            plan.push((from, Event::Leave(rep, length, cover)));
            if chance.one_in(3) {
                plan.push((from + chance.within(1, length), Event::Return(rep)));
            }
            from += length + chance.within(DAY, 12 * DAY);
        }
    }
    for _ in 0..10 {
        let rep = names[usize::try_from(chance.within(0, 5)).unwrap()];
        let edit = match chance.within(0, 4) {
            0 => Edit::Capacity(rep, [Some(1), Some(3), None][usize::try_from(chance.within(0, 3)).unwrap()]),
            1 => Edit::Weight(rep, u32::try_from(chance.within(1, 4)).unwrap()),
            2 => Edit::Hours(rep, [EARLY, OVERSEAS, SHORT][usize::try_from(chance.within(0, 3)).unwrap()]),
            _ => Edit::Join,
        };
        plan.push((chance.within(DAY, 20 * DAY), Event::Edit(edit)));
    }
    plan
}

/// How the owner of a turn reacts, in minutes after it began.
pub fn reactions(seed: u64, number: usize, turn: i16) -> Vec<(Minute, Deed)> {
    let mut chance = Chance::of(seed, 3 + u64::from(turn.unsigned_abs()), number as u64);
    let (soon, later, last) = (chance.within(0, 300), chance.within(1, 26 * 60), chance.within(60, 5 * DAY));
    let contact = soon + later;
    let outcome = contact + last;
    match chance.within(0, 17) {
        // Nothing at all.
        0..=3 => Vec::new(),
        4 => vec![(soon, Deed::Acknowledge)],
        5..=6 => vec![(soon, Deed::Acknowledge), (contact, Deed::Contact), (outcome, Deed::Convert)],
        7 => vec![(soon, Deed::Acknowledge), (contact, Deed::ContactReported(later / 2))],
        8 => vec![(contact, Deed::Contact), (contact + 30, Deed::Meeting), (outcome + 30, Deed::Lose)],
        9 => vec![(soon, Deed::Reject)],
        10 => vec![(soon, Deed::Acknowledge), (contact, Deed::Lose)],
        11 => vec![(soon, Deed::Acknowledge), (contact, Deed::ConvertReported)],
        12 => vec![(soon / 12, Deed::RollBack)],
        13 => vec![(soon, Deed::Ask), (contact, Deed::Answer), (outcome, Deed::Contact)],
        14 => vec![(soon, Deed::Ask)],
        15 => vec![
            (soon, Deed::Acknowledge),
            (soon + 30, Deed::Ask),
            (soon + 90, Deed::Answer),
            (soon + 95, Deed::Ask),
        ],
        _ => vec![(soon, Deed::Acknowledge), (contact, Deed::Cancel)],
    }
}

/// The plays of renewals that ship; nothing renews in these worlds.
pub fn plays() -> Plays {
    Plays::parse(DEFAULT_PLAYS).unwrap()
}

/// Nobody in these worlds runs a programme.
pub fn programmes(clock: &Clock) -> ProgrammeParts {
    app::programme_parts(&Settings::load(None, []).unwrap(), clock).unwrap()
}
