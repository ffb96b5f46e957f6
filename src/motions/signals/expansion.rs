//! Signs of growth in usage, strongest kind first: new departments, features that spike (by size of the
//! spike), usage as a whole, seats that run out.

use chrono::Days;

use super::usage::Recorded;
use crate::accounts::model::Usage;
use crate::motions::policy::ExpansionRules;

pub fn derive(
    rules: &ExpansionRules,
    usage: &Usage,
    recorded: &Recorded<'_>,
    seat_use_pct: Option<f64>,
) -> Vec<String> {
    let mut signals = Vec::new();
    if has_new_department(rules, usage, recorded) {
        signals.push("new_department_users".to_owned());
    }
    let base_days =
        recorded.days_since_first(rules.spike_recent_days, rules.spike_base_days, usage.first_day);
    signals.extend(feature_spikes(rules, recorded, base_days));
    let recent = recorded.volume(0, rules.spike_recent_days);
    let before = recorded.volume(rules.spike_recent_days, rules.spike_base_days);
    if spike(rules, recent, before, base_days).is_some() {
        signals.push("usage_spike".to_owned());
    }
    if seat_use_pct.is_some_and(|pct| pct >= rules.seats_full_pct) {
        signals.push("seats_nearly_full".to_owned());
    }
    signals
}

/// A department first seen lately, at an account that used the product before it came.
fn has_new_department(rules: &ExpansionRules, usage: &Usage, recorded: &Recorded<'_>) -> bool {
    let Some(since) = recorded.today.checked_sub_days(Days::new(rules.new_department_days.into())) else {
        return false;
    };
    let older_usage = usage.first_day.is_some_and(|first| first <= since);
    let lately = |first_seen: &chrono::NaiveDate| *first_seen > since && *first_seen <= recorded.today;
    older_usage && usage.departments.values().any(lately)
}

fn feature_spikes(rules: &ExpansionRules, recorded: &Recorded<'_>, base_days: u32) -> Vec<String> {
    let before = recorded.features(rules.spike_recent_days, rules.spike_base_days);
    let mut spikes: Vec<(f64, &str)> = recorded
        .features(0, rules.spike_recent_days)
        .into_iter()
        .filter_map(|(feature, recent)| {
            let base = before.get(feature).copied().unwrap_or(0);
            spike(rules, recent, base, base_days).map(|size| (size, feature))
        })
        .collect();
    spikes.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    spikes.into_iter().map(|(_, feature)| format!("{feature}_usage_spike")).collect()
}

/// How many times the daily mean grew, when that is a spike. Without usage before, or with fewer days before
/// than the recent ones, there is nothing to spike from.
#[expect(clippy::cast_precision_loss, reason = "uses of some weeks stay far below 2^53")]
fn spike(rules: &ExpansionRules, recent: u64, before: u64, base_days: u32) -> Option<f64> {
    if before == 0
        || recent < rules.spike_min_volume
        || base_days < rules.spike_recent_days.min(rules.spike_base_days)
    {
        return None;
    }
    let recent_mean = recent as f64 / f64::from(rules.spike_recent_days);
    let before_mean = before as f64 / f64::from(base_days);
    let size = recent_mean / before_mean;
    (size >= rules.spike_factor).then_some(size)
}
