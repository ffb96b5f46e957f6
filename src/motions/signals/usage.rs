//! The usage group: depth, trend, plateau, seats.
//!
//! Windows end with the UTC date of `now`; days after it are not seen. The trend looks at whole days only: today
//! is still going on, and half a day would read as a decline.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};

use super::{Newest, expansion, percent};
use crate::accounts::model::{AccountState, SyncSource, UsageDay, value};
use crate::kernel::clock::DateTime;
use crate::motions::model::UsageSignals;
use crate::motions::policy::Definitions;

/// The days of usage up to today.
pub struct Recorded<'a> {
    days: &'a BTreeMap<NaiveDate, UsageDay>,
    pub today: NaiveDate,
    /// Uses of features are reported; otherwise a day's usage is its active users.
    by_feature: bool,
}

impl<'a> Recorded<'a> {
    pub fn new(days: &'a BTreeMap<NaiveDate, UsageDay>, now: DateTime) -> Self {
        let today = now.date_naive();
        let by_feature = days.values().any(|day| !day.features.is_empty());
        Self { days, today, by_feature }
    }

    /// The recorded days of a window of `length` days that ends `back` days before today.
    pub fn window(&self, back: u32, length: u32) -> impl Iterator<Item = &'a UsageDay> + use<'a> {
        let end = self.today.checked_sub_days(Days::new(back.into())).unwrap_or(NaiveDate::MIN);
        let start = end.checked_sub_days(Days::new(u64::from(length) - 1)).unwrap_or(NaiveDate::MIN);
        self.days.range(start..=end).map(|(_, day)| day)
    }

    /// The days of a window that lie on or after the first day of usage: a young account has no more.
    pub fn days_since_first(&self, back: u32, length: u32, first: Option<NaiveDate>) -> u32 {
        let first = first.into_iter().chain(self.days.keys().next().copied()).min();
        let age = first.map_or(0, |first| (self.today - first).num_days() + 1 - i64::from(back));
        u32::try_from(age.max(0)).unwrap_or(u32::MAX).min(length)
    }

    /// How much the product was used on the days of a window.
    pub fn volume(&self, back: u32, length: u32) -> u64 {
        let of_day = |day: &UsageDay| if self.by_feature { day.volume() } else { day.active_users };
        self.window(back, length).map(of_day).fold(0, u64::saturating_add)
    }

    /// Usage per day of a window, over the days since the account's first one; nothing when they are fewer than
    /// half of the window.
    fn per_day(&self, back: u32, length: u32, first: Option<NaiveDate>) -> Option<f64> {
        let days = self.days_since_first(back, length, first);
        #[expect(clippy::cast_precision_loss, reason = "uses of a fortnight stay far below 2^53")]
        let volume = self.volume(back, length) as f64;
        (days > 0 && days * 2 >= length).then(|| volume / f64::from(days))
    }

    /// Uses by feature on the days of a window.
    pub fn features(&self, back: u32, length: u32) -> BTreeMap<&'a str, u64> {
        let mut uses: BTreeMap<&str, u64> = BTreeMap::new();
        for day in self.window(back, length) {
            for (feature, count) in &day.features {
                let total = uses.entry(feature).or_default();
                *total = total.saturating_add(*count);
            }
        }
        uses
    }
}

pub fn derive(definitions: &Definitions, state: &AccountState, now: DateTime) -> UsageSignals {
    let rules = &definitions.usage;
    let usage = &state.usage;
    let recorded = Recorded::new(&usage.days, now);
    let known: Vec<NaiveDate> = usage.days.range(..=recorded.today).map(|(day, _)| *day).collect();
    let days = u32::try_from(known.len()).unwrap_or(u32::MAX);
    let history_days = history(usage.first_day, &known);
    let used = recorded.features(0, rules.window_days);
    let active = recorded.window(0, rules.window_days).filter(|day| is_active(day)).count();
    let weekly_active_users = recorded.window(0, 7).map(|day| day.active_users).max().unwrap_or(0);
    let seats = seats(state, recorded.today);

    let used_features = used.values().filter(|count| **count > 0).count();
    let breadth = ratio(used_features as u64, rules.catalogue_features.into());
    let frequency = ratio(active as u64, rules.expected_active_days.into());
    let penetration = seats.map_or(0.0, |seats| ratio(weekly_active_users, seats));
    let depth = percent(
        rules.breadth_weight * breadth
            + rules.frequency_weight * frequency
            + rules.penetration_weight * penetration,
    );
    let trend_pct = trend(
        recorded.per_day(1, rules.trend_days, usage.first_day),
        recorded.per_day(1 + rules.trend_days, rules.trend_days, usage.first_day),
    );
    let level = trend_pct.is_some_and(|trend| trend.abs() <= rules.plateau_band_pct);
    let plateau = level && history_days >= rules.plateau_history_days && depth >= rules.plateau_depth;
    let expansion_signals =
        expansion::derive(&definitions.expansion, usage, &recorded, ratio_of(weekly_active_users, seats));

    let mut newest = Newest::default();
    newest.sync(state, SyncSource::Analytics);
    usage.latest.iter().for_each(|stamp| newest.stamp(stamp));
    UsageSignals {
        depth,
        breadth: percent(breadth),
        frequency: percent(frequency),
        penetration: percent(penetration),
        days,
        history_days,
        trend_pct,
        plateau,
        weekly_active_users,
        seats,
        top_features: top(&used, rules.top_features),
        expansion_signals,
        provenance: newest.provenance(),
    }
}

fn is_active(day: &UsageDay) -> bool {
    day.active_users > 0 || day.volume() > 0
}

/// Days from the first to the last recorded one, both counted.
fn history(first_day: Option<NaiveDate>, known: &[NaiveDate]) -> u32 {
    let (Some(first), Some(last)) = (known.first(), known.last()) else { return 0 };
    let first = first_day.map_or(*first, |day| day.min(*first));
    u32::try_from((*last - first).num_days() + 1).unwrap_or(u32::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "counts of users, days and uses stay far below 2^53")]
fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { (part as f64 / whole as f64 * 100.0).min(100.0) }
}

/// A share of seats in percent that may exceed 100; nothing to compare with gives none.
#[expect(clippy::cast_precision_loss, reason = "counts of users and seats stay far below 2^53")]
fn ratio_of(part: u64, seats: Option<u64>) -> Option<f64> {
    seats.filter(|seats| *seats > 0).map(|seats| part as f64 / seats as f64 * 100.0)
}

/// The change of the usage per day, in percent.
fn trend(recent: Option<f64>, before: Option<f64>) -> Option<f64> {
    let (recent, before) = (recent?, before.filter(|before| *before > 0.0)?);
    Some(percent((recent - before) / before * 100.0))
}

/// Seats by the newest usage day that says them, else the subscriptions together, else the profile.
fn seats(state: &AccountState, today: NaiveDate) -> Option<u64> {
    let said = state.usage.days.range(..=today).rev().find_map(|(_, day)| day.seats.as_ref());
    said.map(|fact| fact.value).or_else(|| {
        let known = state.subscriptions.values().filter_map(|subscription| {
            let ended = value(&subscription.end_date).is_some_and(|end| *end < today);
            value(&subscription.seats).filter(|_| !ended)
        });
        known.copied().reduce(u64::saturating_add).or_else(|| value(&state.profile.seats).copied())
    })
}

/// The features most used, most used first; equal ones by name.
fn top(used: &BTreeMap<&str, u64>, count: usize) -> Vec<String> {
    let mut features: Vec<(&str, u64)> = used.iter().map(|(name, uses)| (*name, *uses)).collect();
    features.retain(|(_, uses)| *uses > 0);
    features.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    features.into_iter().take(count).map(|(name, _)| name.to_owned()).collect()
}
