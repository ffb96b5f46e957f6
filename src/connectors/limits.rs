//! What a system allows: our own pace below its limits, and how much of its quotas is used.
//!
//! Promises: calls are spread so that no second holds more than its share; how much of a quota is used is a gauge
//! (`gtm_upstream_quota_used_ratio`), can be read at `/v1/connectors`, and is an alarm at 70 % and at 90 %
//! ([`watch`](super::watch)).
//! Leaves out: other replicas. Each keeps the pace that it is given, so several share the system's limit by settings.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use utoipa::ToSchema;

/// Shares of a quota at which people are told.
const ALARMS: [f64; 2] = [0.7, 0.9];

/// One system's limits.
pub struct Limits {
    connector: &'static str,
    pace: Pace,
    quotas: Mutex<BTreeMap<&'static str, (Quota, Instant)>>,
}

/// How much of a quota is used.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Quota {
    pub used: u64,
    pub limit: u64,
}

impl Quota {
    /// Between 0 and 1, or above when the system lets us.
    #[expect(clippy::cast_precision_loss, reason = "quotas are far below 2^53")]
    pub fn ratio(self) -> f64 {
        if self.limit == 0 { 1.0 } else { self.used as f64 / self.limit as f64 }
    }

    /// How many of the shares at which people are told it has reached.
    pub fn alarms(self) -> usize {
        ALARMS.iter().filter(|alarm| self.ratio() >= **alarm).count()
    }
}

impl Limits {
    /// At most `per_second` calls a second, of which `burst` may come at once.
    pub fn new(connector: &'static str, per_second: f64, burst: u32) -> Self {
        Self { connector, pace: Pace::new(per_second, burst), quotas: Mutex::default() }
    }

    /// Waits for the turn of one call.
    pub async fn turn(&self) {
        let at = self.pace.next(Instant::now());
        tokio::time::sleep_until(at).await;
    }

    /// Notes what the system said of a quota.
    pub fn note(&self, window: &'static str, quota: Quota) {
        let mut quotas = self.quotas.lock().unwrap_or_else(PoisonError::into_inner);
        quotas.insert(window, (quota, Instant::now()));
        metrics::gauge!("gtm_upstream_quota_used_ratio", "connector" => self.connector, "window" => window)
            .set(quota.ratio());
    }

    /// The quotas as last heard of, and not longer ago than that.
    pub fn quotas(&self, within: Duration) -> BTreeMap<String, Quota> {
        let quotas = self.quotas.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = quotas.iter().filter(|(_, (_, noted_at))| noted_at.elapsed() <= within);
        fresh.map(|(window, (quota, _))| ((*window).to_owned(), *quota)).collect()
    }
}

/// Spreads calls: a new one may come `interval` after the last, and up to `slack` of unused time is made up for.
struct Pace {
    interval: Duration,
    slack: Duration,
    next: Mutex<Option<Instant>>,
}

impl Pace {
    fn new(per_second: f64, burst: u32) -> Self {
        let interval = Duration::from_secs_f64(1.0 / per_second.max(0.001));
        Self { interval, slack: interval * burst.saturating_sub(1), next: Mutex::default() }
    }

    /// When the next call may go; it is taken.
    fn next(&self, now: Instant) -> Instant {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let earliest = now.checked_sub(self.slack).unwrap_or(now);
        let slot = next.map_or(earliest, |next| next.max(earliest));
        *next = Some(slot + self.interval);
        slot.max(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_second_holds_more_calls_than_its_share_and_the_burst() {
        let pace = Pace::new(10.0, 4);
        let start = Instant::now();
        let slots: Vec<Duration> = (0..60).map(|_| pace.next(start) - start).collect();
        for from in &slots {
            let within =
                slots.iter().filter(|at| *at >= from && **at < *from + Duration::from_secs(1)).count();
            assert!(within <= 10 + 4, "{within} within a second of {from:?}");
        }
        assert!(slots[59] >= Duration::from_millis(5_500), "sixty calls take their time: {:?}", slots[59]);
        assert!(slots[..4].iter().all(Duration::is_zero), "a burst goes at once");
    }

    #[test]
    fn unused_time_is_made_up_for_by_no_more_than_the_burst() {
        let pace = Pace::new(10.0, 3);
        let start = Instant::now();
        pace.next(start);
        let later = start + Duration::from_mins(1);
        let slots: Vec<Duration> = (0..5).map(|_| pace.next(later) - later).collect();
        assert_eq!(slots.iter().filter(|wait| wait.is_zero()).count(), 3);
    }

    #[test]
    fn alarms_are_at_seventy_and_ninety_percent() {
        let of = |used| Quota { used, limit: 100 }.alarms();
        assert_eq!([of(69), of(70), of(89), of(90), of(100)], [0, 1, 1, 2, 2]);
        let limits = Limits::new("own", 1.0, 1);
        limits.note("day", Quota { used: 95, limit: 100 });
        assert_eq!(limits.quotas(Duration::from_mins(1))["day"], Quota { used: 95, limit: 100 });
    }
}
