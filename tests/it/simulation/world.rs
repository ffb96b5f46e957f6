//! The world of a simulation, from its seed alone: who works when, what arrives, how people react.
//!
//! Promises: the same seed gives the same world; everything happens at whole minutes counted from a Monday at midnight, so
//! that the hours can be counted by walking over them minute by minute.

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

/// A rep: where in the day their work begins and ends, and the most that they have open.
pub struct Rep {
    pub id: &'static str,
    pub from: Minute,
    pub to: Minute,
    pub capacity: Option<u32>,
}

pub const MANAGER: &str = "meg";
const fn early(id: &'static str, capacity: Option<u32>) -> Rep {
    Rep { id, from: 9 * 60, to: 17 * 60, capacity }
}
const fn late(id: &'static str, capacity: Option<u32>) -> Rep {
    Rep { id, from: 11 * 60, to: 19 * 60, capacity }
}
/// The manager takes no part in the rotation and takes what nobody else takes in time.
pub const REPS: [Rep; 6] = [
    early("ada", Some(2)),
    early("ben", Some(1)),
    late("cleo", Some(1)),
    late("dora", Some(1)),
    early("ella", Some(1)),
    early(MANAGER, None),
];
/// The team's hours.
const TEAM: (Minute, Minute) = (8 * 60, 18 * 60);

/// Whether a day of the world is one of work.
fn works(minute: Minute) -> bool {
    let day = minute.div_euclid(DAY);
    day.rem_euclid(7) < 5 && day != HOLIDAY
}

/// Whether a rep is at work as the calendars have it; absences come on top.
pub fn at_work(rep: &Rep, minute: Minute) -> bool {
    works(minute) && (rep.from..rep.to).contains(&minute.rem_euclid(DAY))
}

/// Whether the team is.
pub fn open(minute: Minute) -> bool {
    works(minute) && (TEAM.0..TEAM.1).contains(&minute.rem_euclid(DAY))
}

pub fn rep(id: &str) -> &'static Rep {
    REPS.iter().find(|rep| rep.id == id).unwrap()
}

/// The roster of the world; `holiday` is the date of the day off.
pub fn roster(holiday: impl Fn(i64) -> String) -> Value {
    let calendar = |id: &str, from: Minute, to: Minute| {
        let block = vec![format!("{:02}:{:02}-{:02}:{:02}", from / 60, from % 60, to / 60, to % 60)];
        json!({
            "id": id, "zone": "UTC",
            "hours": {"monday": block, "tuesday": block, "wednesday": block, "thursday": block, "friday": block},
            "specialDays": [{"on": holiday(HOLIDAY), "name": "Day off"}],
        })
    };
    let reps = REPS.iter().map(|rep| {
        let mut entry = json!({
            "id": rep.id, "name": rep.id, "email": format!("{}@acme.com", rep.id), "team": "sales",
            "calendar": if rep.from == 9 * 60 { "early" } else { "late" },
        });
        if let Some(capacity) = rep.capacity {
            entry["capacity"] = json!(capacity);
        }
        if rep.id == MANAGER {
            entry["weight"] = json!(0);
        } else {
            entry["manager"] = json!(MANAGER);
        }
        entry
    });
    json!({
        "calendars": [
            calendar("team", TEAM.0, TEAM.1), calendar("early", 9 * 60, 17 * 60), calendar("late", 11 * 60, 19 * 60),
        ],
        "teams": [
            {"id": "marketing"},
            {"id": "sales", "calendar": "team", "fallbackOwner": MANAGER,
             "overflow": {"alarmMinutes": 60, "fallbackMinutes": 240}},
        ],
        "reps": reps.collect::<Value>(),
    })
}

/// What people do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    Acknowledge,
    Contact,
    Meeting,
    Convert,
    Lose,
    /// The owner gives it back, and somebody else gets it.
    Reject,
    Cancel,
}

/// Something that happens to the service from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The handoff of this number is asked for.
    Open(usize),
    /// A rep is away for so many minutes from now.
    Leave(&'static str, Minute),
    /// A rep is back early.
    Return(&'static str),
    /// Somebody does something to a handoff, if it is still that turn.
    Act(usize, i16, Deed),
}

/// The type of a handoff: some count every hour.
pub fn handoff_type(seed: u64, number: usize) -> &'static str {
    if Chance::of(seed, 1, number as u64).one_in(3) { "clock" } else { "office" }
}

/// What arrives in a month, and who is away: a new minute for each handoff, so that which was first is never open.
pub fn plan(seed: u64, handoffs: usize) -> Vec<(Minute, Event)> {
    let mut chance = Chance::of(seed, 2, 0);
    let mut plan = Vec::new();
    // In ten days, so that there are more at a time than people have room for; the rest of the month is for the steps.
    let apart = 10 * DAY / i64::try_from(handoffs).unwrap();
    for number in 0..handoffs {
        let from = i64::try_from(number).unwrap() * apart;
        let minute = chance.within(from, from + apart);
        plan.push((minute, Event::Open(number)));
    }
    for rep in &REPS {
        let mut from = chance.within(0, 8 * DAY);
        while from < HORIZON {
            let length =
                if chance.one_in(2) { chance.within(60, 10 * 60) } else { chance.within(DAY, 5 * DAY) };
            plan.push((from, Event::Leave(rep.id, length)));
            if chance.one_in(3) {
                plan.push((from + chance.within(1, length), Event::Return(rep.id)));
            }
            from += length + chance.within(DAY, 12 * DAY);
        }
    }
    plan
}

/// How the owner of a turn reacts, in minutes after it began.
pub fn reactions(seed: u64, number: usize, turn: i16) -> Vec<(Minute, Deed)> {
    let mut chance = Chance::of(seed, 3 + u64::from(turn.unsigned_abs()), number as u64);
    let (soon, later, last) = (chance.within(0, 300), chance.within(1, 26 * 60), chance.within(60, 5 * DAY));
    let contact = soon + later;
    let outcome = contact + last;
    match chance.within(0, 12) {
        // Nothing at all.
        0..=3 => Vec::new(),
        4 => vec![(soon, Deed::Acknowledge)],
        5..=7 => vec![(soon, Deed::Acknowledge), (contact, Deed::Contact), (outcome, Deed::Convert)],
        8 => vec![(contact, Deed::Contact), (contact + 30, Deed::Meeting), (outcome + 30, Deed::Lose)],
        9 => vec![(soon, Deed::Reject)],
        10 => vec![(soon, Deed::Acknowledge), (contact, Deed::Lose)],
        _ => vec![(soon, Deed::Acknowledge), (contact, Deed::Cancel)],
    }
}
