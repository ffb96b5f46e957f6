//! What somebody has to know of connected systems, and when they are read again: quotas that run out, sources that stall,
//! systems that fall silent, deliveries that do not arrive. Pure.
//!
//! Promises: one thing that is amiss is one alarm for as long as it is so; people are told when it begins, when it gets
//! worse, and once a day while it lasts; what comes and goes within [`QUIET`] is told once.
//! Leaves out: looking, writing and sending ([`super::commands`]).

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde::Deserialize;

use super::limits::Quota;
use crate::kernel::clock::DateTime;

/// An alarm that nobody has seen for so long is over: several looks of all replicas.
pub(super) const CONFIRMED: TimeDelta = TimeDelta::minutes(5);
/// What is over for less than this and comes again is the same thing.
const QUIET: TimeDelta = TimeDelta::hours(6);
/// After how many hours everything of a system is read again that the settings do not name.
const READ_EVERY_HOURS: u32 = 24;
/// How often people are reminded.
const REMIND: TimeDelta = TimeDelta::hours(24);
/// What the service's own alarms are about, in place of a connector.
pub const SERVICE: &str = "service";

/// `[connectors.watch]`: when something is an alarm, and who is told.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WatchSettings {
    /// The channel that alarms go to; without one the way out decides (`connectors.slack.channel`).
    pub channel: Option<String>,
    /// Who is meant.
    pub role: String,
    /// Addresses that alarms are mailed to as well.
    pub emails: Vec<String>,
    /// A source that cannot be read for so long has stalled, in minutes.
    pub stalled_after_minutes: u32,
    /// A system that used to call and has not for so long is silent, in hours; 0: never.
    pub silent_after_hours: u32,
    /// The same for single systems, by name.
    pub silent: BTreeMap<String, u32>,
    /// Deliveries that failed and do not arrive for so long, in minutes.
    pub undelivered_after_minutes: u32,
    /// After an absence of the service of so long, everything is read again from the beginning, in hours: systems do not
    /// repeat their calls for ever. 0: never.
    pub catch_up_after_hours: u32,
    /// After how many hours everything of a system is read again, by name: what no call told of is heard that way. 0: never.
    /// One that is not named here is read once a day. The first reading is somebody's to begin.
    pub read_every_hours: BTreeMap<String, u32>,
}

impl Default for WatchSettings {
    fn default() -> Self {
        Self {
            channel: None,
            role: "revops".to_owned(),
            emails: Vec::new(),
            stalled_after_minutes: 30,
            silent_after_hours: 72,
            silent: BTreeMap::new(),
            undelivered_after_minutes: 60,
            catch_up_after_hours: 6,
            read_every_hours: BTreeMap::new(),
        }
    }
}

impl WatchSettings {
    /// Whether everything of a system is to be read again that was last begun to be read then.
    pub fn is_due(&self, connector: &str, begun_at: DateTime, now: DateTime) -> bool {
        let hours = self.read_every_hours.get(connector).copied().unwrap_or(READ_EVERY_HOURS);
        hours > 0 && now - begun_at >= TimeDelta::hours(hours.into())
    }
}

/// How reading from a system goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceState {
    pub connector: String,
    /// When the service last looked after it.
    pub watched_at: DateTime,
    pub read_at: Option<DateTime>,
    pub failing_since: Option<DateTime>,
    pub last_error: Option<String>,
}

/// An alarm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    pub connector: String,
    pub kind: String,
    pub subject: String,
    pub level: i32,
    pub said: String,
    pub raised_at: DateTime,
    pub seen_at: DateTime,
    pub ended_at: Option<DateTime>,
    pub told_at: DateTime,
    pub told_level: i32,
}

/// What kind of thing is amiss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Much of a quota is used.
    Quota,
    /// Nothing can be read from it.
    Stalled,
    /// It has not called.
    Silent,
    /// Deliveries do not arrive.
    Undelivered,
    /// Somebody has to see to people whom it was told of.
    People,
}

impl Kind {
    pub const ALL: [Self; 5] = [Self::Quota, Self::Stalled, Self::Silent, Self::Undelivered, Self::People];

    pub fn name(self) -> &'static str {
        match self {
            Self::Quota => "quota",
            Self::Stalled => "stalled",
            Self::Silent => "silent",
            Self::Undelivered => "undelivered",
            Self::People => "people",
        }
    }
}

/// Something that is amiss now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Concern {
    pub connector: String,
    pub kind: Kind,
    /// What of it; empty where there is only one thing.
    pub subject: String,
    /// 1, or 2 when it is worse.
    pub level: i32,
    /// What is amiss and what to do.
    pub said: String,
}

/// Deliveries to a destination that failed and wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The connector that serves it; [`SERVICE`] for an endpoint.
    pub connector: String,
    pub destination: String,
    pub count: i64,
    pub since: DateTime,
}

/// What was looked at.
#[derive(Debug, Default)]
pub struct Seen {
    /// By connector and window.
    pub quotas: Vec<(String, String, Quota)>,
    pub sources: Vec<SourceState>,
    /// Systems that call us, and when they last did.
    pub calls: Vec<(String, DateTime)>,
    pub waiting: Vec<Waiting>,
    /// Commands about people that no system takes: the connector, the destination, how many, since when.
    pub people: Vec<(String, String, i64, DateTime)>,
}

fn stamp(at: DateTime) -> String {
    at.format("%a %d %b %Y, %H:%M UTC").to_string()
}

/// What is amiss with what was seen.
pub fn concerns(seen: &Seen, settings: &WatchSettings, now: DateTime) -> Vec<Concern> {
    let mut all = Vec::new();
    for (connector, window, quota) in &seen.quotas {
        let level = quota.alarms();
        if level > 0 {
            let what = if connector == SERVICE {
                "The service gets slower, and turns callers away when it is full: give it more room, or send less."
            } else {
                "When it is used up nothing more can be read or written there: have bulk work wait, or raise the limit there."
            };
            let (used, limit) = (quota.used, quota.limit);
            let share = used * 100 / limit.max(1);
            all.push(Concern {
                connector: connector.clone(),
                kind: Kind::Quota,
                subject: window.clone(),
                level: i32::try_from(level).unwrap_or(2),
                said: format!("{share} % of its quota `{window}` is used ({used} of {limit}). {what}"),
            });
        }
    }
    let stalled_after = TimeDelta::minutes(settings.stalled_after_minutes.into());
    for source in &seen.sources {
        let Some(since) = source.failing_since.filter(|since| now - *since >= stalled_after) else {
            continue;
        };
        let error = source.last_error.as_deref().unwrap_or("no reason is known");
        all.push(Concern {
            connector: source.connector.clone(),
            kind: Kind::Stalled,
            subject: String::new(),
            level: 2,
            said: format!(
                "Nothing can be read from it since {}: {error}. What is known gets old, and decisions that need fresh \
                 facts wait. `gtm connect {} --check` says what is missing.",
                stamp(since),
                source.connector
            ),
        });
    }
    for (connector, last) in &seen.calls {
        let hours = settings.silent.get(connector).copied().unwrap_or(settings.silent_after_hours);
        if hours == 0 || now - *last < TimeDelta::hours(hours.into()) {
            continue;
        }
        all.push(Concern {
            connector: connector.clone(),
            kind: Kind::Silent,
            subject: String::new(),
            level: 1,
            said: format!(
                "It has not called since {}. Look whether it still calls: `gtm connect {connector} --check` says where. \
                 Where silence is usual, say so: connectors.watch.silent.{connector}, in hours.",
                stamp(*last)
            ),
        });
    }
    let undelivered_after = TimeDelta::minutes(settings.undelivered_after_minutes.into());
    for waiting in seen.waiting.iter().filter(|waiting| now - waiting.since >= undelivered_after) {
        let (count, destination) = (waiting.count, &waiting.destination);
        all.push(Concern {
            connector: waiting.connector.clone(),
            kind: Kind::Undelivered,
            subject: destination.clone(),
            level: 2,
            said: format!(
                "{count} to `{destination}` could not be delivered, the oldest since {}. They go out by themselves once it takes \
                 them; `gtm deliveries list --status retrying` says what it answers.",
                stamp(waiting.since),
            ),
        });
    }
    for (connector, destination, count, since) in &seen.people {
        all.push(Concern {
            connector: connector.clone(),
            kind: Kind::People,
            subject: destination.clone(),
            level: 2,
            said: format!(
                "{count} to `{destination}` wait for somebody since {}: the system was shown something of a person who is \
                 to be forgotten, or of a consent that ended, and cannot be told by itself. `gtm deliveries list --status \
                 recorded` shows whom; see to it there, then `gtm deliveries settle ID`.",
                stamp(*since)
            ),
        });
    }
    all
}

/// What becomes of alarms.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// As they now are.
    pub live: Vec<Alarm>,
    /// Those of them that people are told of.
    pub told: Vec<Alarm>,
}

/// Compares what is amiss with the alarms that there are.
pub fn changes(concerns: Vec<Concern>, alarms: &[Alarm], now: DateTime) -> Changes {
    let mut changes = Changes::default();
    for concern in concerns {
        let is = |alarm: &&Alarm| {
            (alarm.connector.as_str(), alarm.kind.as_str(), alarm.subject.as_str())
                == (concern.connector.as_str(), concern.kind.name(), concern.subject.as_str())
        };
        let known = alarms.iter().find(is).filter(|alarm| alarm.ended_at.is_none_or(|at| now - at < QUIET));
        let mut row = Alarm {
            connector: concern.connector,
            kind: concern.kind.name().to_owned(),
            subject: concern.subject,
            level: concern.level,
            said: concern.said,
            raised_at: known.map_or(now, |alarm| alarm.raised_at),
            seen_at: now,
            ended_at: None,
            told_at: known.map_or(now, |alarm| alarm.told_at),
            told_level: known.map_or(0, |alarm| alarm.told_level),
        };
        if row.level > row.told_level || now - row.told_at >= REMIND {
            (row.told_at, row.told_level) = (now, row.level);
            changes.told.push(row.clone());
        }
        changes.live.push(row);
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> DateTime {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap() + TimeDelta::minutes(minutes)
    }

    fn quota(used: u64) -> Concern {
        let quotas = vec![("hubspot".to_owned(), "day".to_owned(), Quota { used, limit: 100 })];
        let seen = Seen { quotas, ..Seen::default() };
        concerns(&seen, &WatchSettings::default(), at(0)).pop().unwrap()
    }

    #[test]
    fn people_are_told_when_it_begins_when_it_gets_worse_and_once_a_day() {
        let first = changes(vec![quota(70)], &[], at(0));
        assert_eq!((first.told.len(), first.live[0].level), (1, 1));
        let again = changes(vec![quota(71)], &first.live, at(1));
        assert_eq!((again.told.len(), again.live[0].seen_at), (0, at(1)));
        assert!(again.live[0].said.starts_with("71 % of its quota `day` is used (71 of 100)."));
        let worse = changes(vec![quota(90)], &again.live, at(2));
        assert_eq!((worse.told.len(), worse.live[0].raised_at), (1, at(0)));
        let better = changes(vec![quota(75)], &worse.live, at(3));
        assert_eq!((better.told.len(), better.live[0].level), (0, 1));
        let worse_again = changes(vec![quota(95)], &better.live, at(4));
        assert_eq!(worse_again.told.len(), 0, "that was told before");
        let next_day = changes(vec![quota(95)], &worse_again.live, at(2 + 24 * 60));
        assert_eq!(next_day.told.len(), 1);
    }

    #[test]
    fn what_comes_and_goes_is_told_once() {
        let mut alarms = changes(vec![quota(80)], &[], at(0)).live;
        alarms[0].ended_at = Some(at(10));
        let soon = changes(vec![quota(80)], &alarms, at(11));
        assert_eq!((soon.told.len(), soon.live[0].raised_at), (0, at(0)));
        let later = changes(vec![quota(80)], &alarms, at(10 + 6 * 60));
        assert_eq!((later.told.len(), later.live[0].raised_at), (1, at(10 + 6 * 60)), "a new one");
    }

    #[test]
    fn everything_is_read_again_exactly_when_its_time_has_come() {
        let named = BTreeMap::from([("hubspot".to_owned(), 2), ("crossbeam".to_owned(), 0)]);
        let settings = WatchSettings { read_every_hours: named, ..WatchSettings::default() };
        let due = |name: &str, minutes: i64| settings.is_due(name, at(-minutes), at(0));
        assert_eq!([due("hubspot", 119), due("hubspot", 120)], [false, true]);
        assert_eq!([due("salesforce", 24 * 60 - 1), due("salesforce", 24 * 60)], [false, true]);
        assert!(!due("crossbeam", 1_000_000), "never");
    }

    #[test]
    fn each_boundary_belongs_to_the_alarm() {
        let settings =
            WatchSettings { silent: BTreeMap::from([("slack".to_owned(), 0)]), ..WatchSettings::default() };
        let source = |failing: i64| SourceState {
            connector: "salesforce".to_owned(),
            watched_at: at(0),
            read_at: None,
            failing_since: Some(at(-failing)),
            last_error: Some("Salesforce is not well (503)".to_owned()),
        };
        let waiting = |minutes: i64| Waiting {
            connector: "hubspot".to_owned(),
            destination: "crm/update_deal".to_owned(),
            count: 3,
            since: at(-minutes),
        };
        let of = |minutes: i64, hours: i64, waits: i64, used: u64| {
            let calls = |name: &str| (name.to_owned(), at(-60 * hours));
            let seen = Seen {
                quotas: vec![(
                    "service".to_owned(),
                    "intake_requests".to_owned(),
                    Quota { used, limit: 1_000 },
                )],
                sources: vec![source(minutes)],
                calls: vec![calls("hubspot"), calls("slack")],
                waiting: vec![waiting(waits)],
                people: Vec::new(),
            };
            concerns(&seen, &settings, at(0)).into_iter().map(|one| (one.kind, one.level)).collect::<Vec<_>>()
        };
        assert_eq!(of(29, 71, 59, 699), []);
        assert_eq!(
            of(30, 72, 60, 900),
            [(Kind::Quota, 2), (Kind::Stalled, 2), (Kind::Silent, 1), (Kind::Undelivered, 2)]
        );
    }
}
