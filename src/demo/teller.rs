//! Writes down events: ids, sources, times.
//!
//! Promises: an id says what the event is about and is never used twice within a run; facts of the history
//! carry the day in their ids, so that a demo that starts again on the same day repeats them and adds
//! nothing.

use chrono::{Days, NaiveDate, TimeDelta};
use serde_json::{Map, Value, json};

use super::company::Company;
use super::dice::Dice;
use crate::kernel::clock::DateTime;

/// The systems that the events come from.
#[derive(Debug, Clone, Copy)]
pub enum System {
    Crm,
    Warehouse,
    Partners,
    Support,
    App,
}

impl System {
    fn source(self) -> &'static str {
        match self {
            Self::Crm => "/demo/crm",
            Self::Warehouse => "/demo/warehouse",
            Self::Partners => "/demo/partners",
            Self::Support => "/demo/support",
            Self::App => "/demo/app",
        }
    }
}

/// The features of the demo's product.
pub const FEATURES: [&str; 12] = [
    "dashboards",
    "team_seats",
    "integrations",
    "api",
    "automations",
    "alerts",
    "exports",
    "forecasting",
    "mobile",
    "data_sync",
    "audit_log",
    "sso",
];

/// Tells the events of one account.
pub struct Teller<'c> {
    pub company: &'c Company,
    pub now: DateTime,
    pub dice: Dice,
    /// What the ids of these events have in common.
    chapter: String,
    events: Vec<Value>,
}

impl<'c> Teller<'c> {
    pub fn of_history(company: &'c Company, now: DateTime) -> Self {
        Self::new(company, now, format!("day:{}", now.date_naive()), 0)
    }

    pub fn of_tick(company: &'c Company, now: DateTime, tick: u64) -> Self {
        // With the time, so that a demo that starts again at the same tick tells something new.
        Self::new(company, now, format!("tick:{tick}:{}", now.timestamp_millis()), tick + 1)
    }

    pub fn of_everyday(company: &'c Company, now: DateTime, tick: u64) -> Self {
        Self::new(company, now, format!("everyday:{tick}:{}", now.timestamp_millis()), tick + 1)
    }

    fn new(company: &'c Company, now: DateTime, chapter: String, path: u64) -> Self {
        Self { company, now, dice: Dice::of(company.dice_seed, &[path]), chapter, events: Vec::new() }
    }

    pub fn into_events(self) -> Vec<Value> {
        self.events
    }

    pub fn today(&self) -> NaiveDate {
        self.now.date_naive()
    }

    pub fn day_before(&self, days: u64) -> NaiveDate {
        self.today().checked_sub_days(Days::new(days)).unwrap_or(NaiveDate::MIN)
    }

    pub fn ago(&self, hours: i64) -> DateTime {
        self.now - TimeDelta::hours(hours)
    }

    /// Writes down an event as of an instant.
    pub fn tell_at(&mut self, system: System, at: DateTime, event_type: &str, data: Value) {
        let number = self.events.len();
        let mut event = json!({
            "specversion": "1.0",
            "id": format!("{}:{}:{number}", self.company.id, self.chapter),
            "source": system.source(),
            "type": event_type,
            "subject": self.company.id,
            "time": stamp(at),
        });
        event["data"] = data;
        self.events.push(event);
    }

    /// Writes down an event that happens now.
    pub fn tell(&mut self, system: System, event_type: &str, data: Value) {
        self.tell_at(system, self.now, event_type, data);
    }

    /// A source confirms its data as of some hours ago.
    pub fn synced(&mut self, system: System, source: &str, hours_ago: i64) {
        let at = self.ago(hours_ago);
        self.tell_at(system, at, "gtm.source.synced", json!({ "source": source, "syncedAt": stamp(at) }));
    }

    /// One whole day of use.
    pub fn usage_day(
        &mut self,
        date: NaiveDate,
        active_users: u64,
        features: &[&str],
        per_feature: u64,
        department: &str,
    ) {
        let features: Map<String, Value> =
            features.iter().map(|feature| ((*feature).to_owned(), per_feature.into())).collect();
        // A day that is over was true at its end, today is true now: what is told of it later must count as
        // newer, at any hour.
        let end = date.and_hms_opt(23, 0, 0).filter(|_| date < self.today());
        let at = end.map_or(self.now, |end| end.and_utc());
        self.tell_at(
            System::Warehouse,
            at,
            "gtm.usage.recorded",
            json!({
                "date": date.to_string(), "activeUsers": active_users, "features": features,
                "department": department, "mode": "replace",
            }),
        );
    }
}

/// An instant as the contract writes it.
pub fn stamp(at: DateTime) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}
