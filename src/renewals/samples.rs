//! Accounts and renewals as the tests of this slice need them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use chrono::NaiveDate;
use serde_json::{Value, json};
use uuid::Uuid;

use super::build::{Recipe, build};
use super::context::{Context, gather};
use super::measures::{Known, Measures, facts, measure};
use super::model::{Person, Risk, Terms, Tier};
use super::plays::{DEFAULT_PLAYS, Plays};
use super::rating::{Rating, rate};
use super::telling::{Counterpart, Progress, Removed, Standing, Telling};
use super::tracker::Firing;
use crate::accounts::model::AccountState;
use crate::kernel::clock::DateTime;
use crate::motions::model::Signals;
use crate::plans::model::{Plan, Role, Task, TaskId};
use crate::plans::schedule::{Schedule, schedule};

pub fn plays() -> Plays {
    static PLAYS: LazyLock<Plays> = LazyLock::new(|| Plays::parse(DEFAULT_PLAYS).unwrap());
    PLAYS.clone()
}

pub fn at(text: &str) -> DateTime {
    text.parse().unwrap()
}

pub fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// What decisions see of an account; `over` replaces groups or fields.
pub fn signals(over: &Value) -> Signals {
    let none = json!({"source": "none", "asOf": null});
    let mut doc = json!({
        "lifecycle": {"segment": "mid_market", "segmentBasis": "employee_count", "stage": "customer", "icpFit": 0.5,
                      "provenance": none},
        "usage": {"depth": 64.0, "breadth": 50.0, "frequency": 90.0, "penetration": 60.0, "days": 56, "historyDays": 60,
                  "trendPct": 2.0, "plateau": false, "weeklyActiveUsers": 72, "seats": 120,
                  "topFeatures": ["reports", "api_export"], "expansionSignals": [],
                  "provenance": {"source": "/analytics", "asOf": "2026-11-19T00:00:00Z"}},
        "crm": {"name": "Northwind Traders", "industry": "Logistics", "country": "DE", "employeeCount": 800,
                "planTier": "Pro", "ownerId": "rep-anna", "territory": "dach", "techStack": [], "activeDeals": 1,
                "dealStage": "proposal", "deal": null, "openStages": ["proposal"], "unknownStages": [],
                "priorEngagement": true, "openTickets": 1, "ticketEscalated": false,
                "provenance": {"source": "/crm", "asOf": "2026-11-18T09:00:00Z"}},
        "partner": {"overlaps": [], "referrals": [], "syncedAt": null, "provenance": none},
        "intent": {"kinds": {}, "provenance": none},
    });
    merge(&mut doc, over);
    serde_json::from_value(doc).unwrap()
}

/// An account's facts; `over` replaces or adds.
pub fn state(over: &Value) -> AccountState {
    let fact =
        |value: Value, as_of: &str, source: &str| json!({"value": value, "asOf": as_of, "source": source});
    let mut doc = json!({
        "profile": {
            "name": fact(json!("Northwind Traders"), "2026-11-18T09:00:00Z", "/crm"),
            "domain": fact(json!("northwind.example"), "2026-11-18T09:00:00Z", "/crm"),
            "industry": fact(json!("Logistics"), "2026-11-18T09:00:00Z", "/crm"),
            "ownerId": fact(json!("rep-anna"), "2026-11-18T09:00:00Z", "/crm"),
        },
        "usage": {"days": {"2026-11-18": {"activeUsers": 72}}},
        "subscriptions": {"sub-1": {
            "planTier": fact(json!("Pro"), "2026-03-01T00:00:00Z", "/billing"),
            "seats": fact(json!(120), "2026-03-01T00:00:00Z", "/billing"),
            "mrr": fact(json!("5400.00"), "2026-03-01T00:00:00Z", "/billing"),
            "currency": fact(json!("USD"), "2026-03-01T00:00:00Z", "/billing"),
            "startDate": fact(json!("2026-03-01"), "2026-03-01T00:00:00Z", "/billing"),
            "endDate": fact(json!("2027-02-26"), "2026-03-01T00:00:00Z", "/billing"),
            "autoRenew": fact(json!(true), "2026-03-01T00:00:00Z", "/billing"),
        }},
        "deals": {"deal-7": {
            "name": fact(json!("Renewal 2027"), "2026-11-10T00:00:00Z", "/crm"),
            "stage": fact(json!("Proposal"), "2026-11-10T00:00:00Z", "/crm"),
            "amount": fact(json!("64800.00"), "2026-11-10T00:00:00Z", "/crm"),
            "currency": fact(json!("USD"), "2026-11-10T00:00:00Z", "/crm"),
            "expectedCloseDate": fact(json!("2027-02-26"), "2026-11-10T00:00:00Z", "/crm"),
        }},
        "tickets": {
            "T-1": {"value": {"status": "closed", "satisfaction": 4.0}, "asOf": "2026-10-01T00:00:00Z", "source": "/desk"},
            "T-2": {"value": {"status": "open", "priority": "high"}, "asOf": "2026-11-12T00:00:00Z", "source": "/desk"},
        },
        "engagement": {"inbound": 4, "outbound": 6, "lastInboundAt": "2026-11-10T08:00:00Z"},
    });
    merge(&mut doc, over);
    serde_json::from_value(doc).unwrap()
}

/// Puts one document into another; what is null there is taken out.
fn merge(into: &mut Value, over: &Value) {
    match (into, over) {
        (Value::Object(into), Value::Object(over)) => {
            for (key, value) in over {
                if value.is_null() {
                    into.remove(key);
                } else {
                    merge(into.entry(key.clone()).or_insert(Value::Null), value);
                }
            }
        }
        (into, over) => *into = over.clone(),
    }
}

/// An account at an instant, with all that is made of it.
pub struct Scene {
    pub plays: Plays,
    pub state: AccountState,
    pub signals: Signals,
    pub reachable: usize,
    pub left: usize,
    pub now: DateTime,
}

impl Scene {
    pub fn new(state_over: &Value, signals_over: &Value) -> Self {
        Self {
            plays: plays(),
            state: state(state_over),
            signals: signals(signals_over),
            reachable: 3,
            left: 0,
            now: at("2026-11-20T10:00:00Z"),
        }
    }

    pub fn known(&self) -> Known<'_> {
        Known {
            account_id: "northwind",
            state: &self.state,
            signals: &self.signals,
            reachable: self.reachable,
            left: self.left,
            left_at: None,
            nps: None,
            now: self.now,
        }
    }

    pub fn measures(&self) -> Measures {
        measure(&self.plays, &self.known())
    }

    pub fn rating(&self) -> Rating {
        rate(&self.plays, &self.measures(), date("2027-02-26"))
    }

    pub fn context(&self) -> Context {
        gather(&self.plays, &self.known(), &self.measures())
    }
}

pub fn terms(play: &str, tier: Tier, risk: Risk, deadline: &str) -> Terms {
    let person = |name: &str| Person {
        name: Some(name.to_owned()),
        email: Some(format!("{}@gtm.example", name.split(' ').next().unwrap().to_lowercase())),
        rep_id: None,
    };
    let people =
        [("csm", "Anna Beck"), ("ae", "Tom Reed"), ("renewal_director", "Ines Kraft"), ("cro", "Paul Moss")];
    let people = people.into_iter().map(|(role, name)| (Role(role.to_owned()), person(name))).collect();
    Terms { play: play.to_owned(), tier, risk, deadline: date(deadline), compressed: false, people }
}

/// A plan of the account.
pub fn plan(scene: &Scene, terms: &Terms, kept: &[Task]) -> Plan {
    let (facts, context) = (facts(&scene.measures(), terms.deadline), scene.context());
    build(&Recipe {
        plays: &scene.plays,
        terms,
        facts: &facts,
        start_at: scene.now,
        now: scene.now,
        context: Some(&context),
        kept,
    })
    .unwrap()
}

/// Everything that documents tell of one renewal.
pub struct Told {
    pub scene: Scene,
    pub terms: Terms,
    pub plan: Plan,
    pub schedule: Schedule,
    pub rating: Rating,
    pub context: Context,
    pub facts: BTreeMap<String, String>,
    pub progress: BTreeMap<TaskId, Progress>,
    pub checkpoints: Vec<Standing>,
    pub fired: Vec<Firing>,
    pub removed: Vec<Removed>,
    pub counterparts: BTreeMap<String, Vec<Counterpart>>,
    pub version: u32,
}

impl Told {
    pub fn new(scene: Scene, terms: Terms) -> Self {
        let plan = plan(&scene, &terms, &[]);
        let (rating, context) = (scene.rating(), scene.context());
        Self {
            schedule: schedule(&plan).unwrap(),
            facts: facts(&scene.measures(), terms.deadline),
            scene,
            terms,
            plan,
            rating,
            context,
            progress: BTreeMap::new(),
            checkpoints: Vec::new(),
            fired: Vec::new(),
            removed: Vec::new(),
            counterparts: BTreeMap::from([(
                "champion".to_owned(),
                vec![Counterpart {
                    name: "Mira Sand".to_owned(),
                    title: Some("Head of Operations".to_owned()),
                }],
            )]),
            version: 1,
        }
    }

    pub fn telling(&self) -> Telling<'_> {
        Telling {
            id: Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0001),
            account_id: "northwind",
            account: "Northwind Traders",
            domain: Some("northwind.example"),
            version: self.version,
            made_at: self.scene.now,
            status: "running",
            terms: &self.terms,
            plays: &self.scene.plays,
            plan: &self.plan,
            schedule: &self.schedule,
            rating: &self.rating,
            context: Some(&self.context),
            facts: &self.facts,
            progress: &self.progress,
            checkpoints: &self.checkpoints,
            fired: &self.fired,
            removed: &self.removed,
            counterparts: &self.counterparts,
        }
    }
}
