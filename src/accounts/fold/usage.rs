//! The fold of product usage by account-day.
//!
//! Promises: what a day comes to is defined by [`UsageDay::from_entries`]: the newest replacement by stamp,
//! plus every addition with a later stamp. The step-by-step path gives the same wherever it can; where it
//! cannot (a replacement arrives that is older than an addition already summed over it) it says so.

use std::collections::BTreeMap;

use chrono::{NaiveDate, TimeDelta};

use super::{Applied, keep_last};
use crate::accounts::events::{Event, EventData, Mode, UsageRecorded};
use crate::accounts::model::{AccountState, Fact, NAMES_KEPT, Stamp, USAGE_DAYS_KEPT, Usage, UsageDay};

/// One statement about a day.
#[derive(Debug, Clone, PartialEq)]
pub struct UsageEntry {
    pub stamp: Stamp,
    pub mode: Mode,
    pub active_users: u64,
    pub seats: Option<u64>,
    pub features: BTreeMap<String, u64>,
}

impl UsageEntry {
    /// What an event says of usage, and of which day; nothing when it is no usage event.
    pub fn of(event: &Event) -> Option<(NaiveDate, Self)> {
        match &event.data {
            EventData::UsageRecorded(data) => Some((data.date, Self::new(data, event.stamp()))),
            _ => None,
        }
    }

    fn new(data: &UsageRecorded, stamp: Stamp) -> Self {
        Self {
            stamp,
            mode: data.mode.value().copied().unwrap_or(Mode::Add),
            active_users: data.active_users.value().copied().unwrap_or(0),
            seats: data.seats.value().copied(),
            features: data.features.value().cloned().unwrap_or_default(),
        }
    }
}

impl UsageDay {
    /// A day's usage by definition: the newest replacement, plus all additions with a later stamp. Seats are
    /// those of the newest statement that names any.
    pub fn from_entries(entries: &[UsageEntry]) -> Self {
        let mut day = Self::default();
        let base =
            entries.iter().filter(|entry| entry.mode == Mode::Replace).max_by_key(|entry| &entry.stamp);
        if let Some(base) = base {
            day.count(base);
            day.replaced = Some(base.stamp.clone());
        }
        for entry in entries {
            day.take_seats(entry);
            if entry.mode == Mode::Add && day.replaced.as_ref() < Some(&entry.stamp) {
                day.count(entry);
                day.span(&entry.stamp);
            }
        }
        day.keep_to_limit(&mut None);
        day
    }

    /// Adds the counts of a statement. What was not used is not listed.
    fn count(&mut self, entry: &UsageEntry) {
        self.active_users = self.active_users.saturating_add(entry.active_users);
        for (feature, uses) in entry.features.iter().filter(|(_, uses)| **uses > 0) {
            match self.features.get_mut(feature) {
                Some(count) => *count = count.saturating_add(*uses),
                None => {
                    self.features.insert(feature.clone(), *uses);
                }
            }
        }
    }

    fn take_seats(&mut self, entry: &UsageEntry) {
        if let Some(seats) = entry.seats
            && Fact::yields_to(self.seats.as_ref(), &entry.stamp)
        {
            self.seats = Some(Fact::new(seats, entry.stamp.clone()));
        }
    }

    /// Widens the span of the additions by one.
    fn span(&mut self, stamp: &Stamp) {
        if self.first_add.as_ref().is_none_or(|first| stamp < first) {
            self.first_add = Some(stamp.clone());
        }
        if self.last_add.as_ref() < Some(stamp) {
            self.last_add = Some(stamp.clone());
        }
    }

    /// Within one base the names only grow in number, so the last by name are the same in every order.
    fn keep_to_limit(&mut self, dropped: &mut Option<&'static str>) {
        keep_last(&mut self.features, NAMES_KEPT, "features", dropped);
    }

    /// Takes in one more statement. False when the day must be folded anew.
    fn step(&mut self, entry: &UsageEntry, dropped: &mut Option<&'static str>) -> bool {
        self.take_seats(entry);
        if self.replaced.as_ref() >= Some(&entry.stamp) {
            // A newer replacement stands for this statement too.
            return true;
        }
        match entry.mode {
            Mode::Add => {
                self.count(entry);
                self.span(&entry.stamp);
            }
            Mode::Replace if self.last_add.as_ref() < Some(&entry.stamp) => {
                self.active_users = 0;
                self.features.clear();
                (self.first_add, self.last_add) = (None, None);
                self.count(entry);
                self.replaced = Some(entry.stamp.clone());
            }
            Mode::Replace if self.replaced.is_none() && self.first_add.as_ref() > Some(&entry.stamp) => {
                // Nothing lies below the additions yet: the replacement slides under them.
                self.count(entry);
                self.replaced = Some(entry.stamp.clone());
            }
            Mode::Replace => return false,
        }
        self.keep_to_limit(dropped);
        true
    }
}

/// Usage of one day, or an addition to it.
pub(super) fn usage(state: &mut AccountState, data: &UsageRecorded, stamp: Stamp, applied: &mut Applied) {
    let usage = &mut state.usage;
    let date = data.date;
    if usage.first_day.is_none_or(|first| date < first) {
        usage.first_day = Some(date);
        applied.changed = true;
    }
    if let Some(department) = data.department.value() {
        applied.changed |= department_seen(usage, department, date);
        keep_last(&mut usage.departments, NAMES_KEPT, "departments", &mut applied.dropped);
    }
    let entry = UsageEntry::new(data, stamp);
    if is_kept(usage, date) {
        let before = usage.days.get(&date).cloned();
        let day = usage.days.entry(date).or_default();
        if day.step(&entry, &mut applied.dropped) {
            applied.changed |= before.as_ref() != Some(&*day);
        } else {
            applied.refold_usage_day = Some(date);
            applied.changed = true;
        }
        drop_old_days(usage);
    }
    if usage.latest.as_ref() < Some(&entry.stamp) {
        usage.latest = Some(entry.stamp);
        applied.changed = true;
    }
}

/// Puts a day folded anew from all its events in its place, as [`Applied::refold_usage_day`] asks.
/// Events of other days or types are passed over; a day that is no longer kept stays away.
pub fn refold_usage_day<'e>(
    state: &mut AccountState,
    date: NaiveDate,
    events: impl IntoIterator<Item = &'e Event>,
) {
    let of_the_day = |event| UsageEntry::of(event).filter(|(day, _)| *day == date).map(|(_, entry)| entry);
    let entries: Vec<UsageEntry> = events.into_iter().filter_map(of_the_day).collect();
    if is_kept(&state.usage, date) && !entries.is_empty() {
        state.usage.days.insert(date, UsageDay::from_entries(&entries));
    }
}

/// Notes the first day of a department. True when that is news.
fn department_seen(usage: &mut Usage, department: &str, date: NaiveDate) -> bool {
    match usage.departments.get_mut(department) {
        Some(first) if *first <= date => false,
        Some(first) => {
            *first = date;
            true
        }
        None => {
            usage.departments.insert(department.to_owned(), date);
            true
        }
    }
}

/// Whether a day lies within what is kept, counted back from the newest day.
fn is_kept(usage: &Usage, date: NaiveDate) -> bool {
    usage.days.last_key_value().is_none_or(|(newest, _)| date > *newest - TimeDelta::days(USAGE_DAYS_KEPT))
}

fn drop_old_days(usage: &mut Usage) {
    let Some((newest, _)) = usage.days.last_key_value() else { return };
    let oldest_kept = *newest - TimeDelta::days(USAGE_DAYS_KEPT - 1);
    usage.days.retain(|date, _| *date >= oldest_kept);
}
