//! A sales organisation to try designs on, for tests: four reps of an enterprise pod in Berlin and New York, a larger team
//! around them, and a history of handoffs.

use std::sync::Arc;

use chrono::{Datelike as _, NaiveDate, TimeDelta, Weekday};
use serde_json::{Value, json};

use super::brief::{Ask, Brief, BriefFault, check};
use super::estimate::Sampling;
use super::estimate::history::{History, Past};
use super::packet::{Design, Sources, make};
use super::playbook::Playbook;
use super::readiness::PolicyFacts;
use super::routing::Ground;
use crate::handoffs::{Absences, Entries, HandoffTypes, Roster, RosterFile};
use crate::kernel::clock::DateTime;

/// Everything that a design is made of.
pub struct Scene {
    pub types: HandoffTypes,
    pub entries: Entries,
    pub roster: Arc<Roster>,
    pub absences: Absences,
    pub policy: PolicyFacts,
    pub history: History,
    pub now: DateTime,
    /// Of the simulation.
    pub runs: u32,
}

pub fn now() -> DateTime {
    "2027-02-01T09:00:00Z".parse().unwrap()
}

pub fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// The roster as a file.
pub fn roster_file() -> Value {
    let hours = |zone: &str| {
        let day = ["09:00-17:00"];
        json!({"zone": zone, "hours": {"monday": day, "tuesday": day, "wednesday": day, "thursday": day, "friday": day},
            "specialDays": [{"on": "12-25", "name": "Christmas Day"}]})
    };
    let calendar = |id: &str, zone: &str| {
        let mut calendar = hours(zone);
        calendar["id"] = json!(id);
        calendar
    };
    let rep = |id: &str, name: &str, team: &str, calendar: &str, pods: &[&str]| {
        json!({"id": id, "name": name, "email": format!("{id}@seller.example"), "team": team, "calendar": calendar, "pods": pods,
            "manager": "mila"})
    };
    json!({
        "calendars": [calendar("berlin", "Europe/Berlin"), calendar("new-york", "America/New_York")],
        "teams": [
            {"id": "sales", "name": "Sales", "channel": "#sales", "fallbackOwner": "mila", "calendar": "berlin"},
            {"id": "partner", "name": "Partnerships", "calendar": "berlin"},
        ],
        "reps": [
            rep("ada", "Ada Lind", "sales", "berlin", &["enterprise"]),
            rep("ben", "Ben Okafor", "sales", "berlin", &["enterprise"]),
            rep("cleo", "Cleo Marsh", "sales", "new-york", &["enterprise"]),
            rep("dan", "Dan Ruiz", "sales", "new-york", &["enterprise"]),
            rep("eva", "Eva Holm", "sales", "berlin", &["emea"]),
            rep("finn", "Finn Adler", "sales", "berlin", &["emea"]),
            json!({"id": "mila", "name": "Mila Novak", "email": "mila@seller.example", "team": "sales", "calendar": "berlin",
                "weight": 0}),
            rep("pia", "Pia Costa", "partner", "berlin", &[]),
        ],
        "territories": [
            {"id": "emea", "teams": ["sales"], "match": {"countries": ["DE", "FR", "UK"]}, "to": {"team": "sales", "pod": "emea"}},
        ],
        "namedAccounts": [{"account": "acme.com", "reps": ["ada"]}],
    })
}

impl Default for Scene {
    fn default() -> Self {
        let file: RosterFile = serde_json::from_value(roster_file()).unwrap();
        Self {
            types: HandoffTypes::parse(include_str!("../../config/handoffs.toml")).unwrap(),
            roster: Arc::new(file.check().unwrap()),
            entries: file.into(),
            absences: Absences::default(),
            policy: policy(),
            history: History::none(now()),
            now: now(),
            runs: 200,
        }
    }
}

impl Scene {
    /// With a history of so many weeks: so many handoffs on each working day, from 07:00 to 19:00 UTC.
    pub fn measured(weeks: i64, a_day: i64) -> Self {
        let from = now() - TimeDelta::weeks(weeks);
        let days = (0..weeks * 7).map(|day| from.date_naive() + TimeDelta::days(day));
        let working = days.filter(|day| !matches!(day.weekday(), Weekday::Sat | Weekday::Sun));
        let handoffs = working.flat_map(|day| {
            (0..a_day).map(move |n| {
                let minutes = 7 * 60 + n * 12 * 60 / a_day;
                let created_at = day.and_hms_opt(0, 0, 0).unwrap().and_utc() + TimeDelta::minutes(minutes);
                let preparing = 600.0 + 120.0 * f64::from(i32::try_from((minutes * 7) % 11).unwrap());
                Past { created_at, preparing_secs: Some(preparing), in_time: Some(n % 4 != 3) }
            })
        });
        let handoffs: Vec<Past> = handoffs.collect();
        Self { history: History { from, to: now(), handoffs }, ..Self::default() }
    }

    pub fn check(&self, ask: &Value) -> Result<Brief, Vec<BriefFault>> {
        let ask: Ask = serde_json::from_value(ask.clone()).unwrap();
        let roles = Playbook::shipped().role_names();
        check(&ask, &self.types, &self.roster, &roles, self.now.date_naive())
    }

    pub fn brief(&self, ask: &Value) -> Brief {
        self.check(ask).unwrap()
    }

    pub fn ground(&self) -> Ground<'_> {
        Ground { types: &self.types, entries: &self.entries, roster: &self.roster, absences: &self.absences }
    }

    pub fn design(&self, ask: &Value) -> Design {
        let brief = self.brief(ask);
        let sources = Sources {
            ground: self.ground(),
            policy: &self.policy,
            history: &self.history,
            playbook: Playbook::shipped(),
            now: self.now,
            sampling: Sampling { seed: 7, runs: self.runs },
        };
        make(&brief, sources).unwrap()
    }
}

pub fn policy() -> PolicyFacts {
    let stages =
        ["discovery", "qualification", "proposal", "negotiation", "closing", "closed_won", "closed_lost"];
    PolicyFacts {
        version: "default@1a2b".to_owned(),
        deal_stages: stages.map(str::to_owned).to_vec(),
        enterprise_from_employees: 2_000,
        smb_below_employees: 200,
        plateau_depth: 40.0,
        seats_full_pct: 90.0,
        ideal_customer: ["industry", "country", "employees"].map(str::to_owned).to_vec(),
        indicators: 13,
        opens: vec![("enterprise_low_self_serve".to_owned(), "mql_to_sales".to_owned())],
    }
}

/// What is asked in most tests.
pub fn ask() -> Value {
    json!({
        "segment": "enterprise", "goal": "pipeline", "responseSla": "2h", "launch": "2027-03-01",
        "capacity": {"notes": ["Cleo starts in January"], "handling": "1h", "preparing": "10m", "arrivalsPerWeek": 60.0},
        "dependencies": [{"name": "lead scoring model v2", "readyBy": "2027-02-19"}],
        "owners": {
            "revops_director": {"name": "Rosa Diaz", "email": "rosa@seller.example"},
            "sales_manager": {"name": "Mila Novak", "repId": "mila"},
            "cro": {"name": "Tom Baker"},
        },
    })
}
