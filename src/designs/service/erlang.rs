//! A queue for which there is a formula: M/M/c, by Erlang's second formula (Erlang C).
//!
//! Assumes: arrivals come one by one and at random at an even rate (Poisson), handling takes exponentially long, everybody
//! works at all times, the oldest is taken first by whoever is free, and nobody gives up. Where that does not hold,
//! [`simulate`](super::simulate) counts instead.
//! Promises: the recursion of Erlang B has no factorials, so that a thousand servers are as exact as one; a load that is
//! more than the servers can do has no figures rather than wrong ones.
//! Formulas: `B(0) = 1`, `B(n) = a B(n-1) / (n + a B(n-1))`, `C = c B / (c - a (1 - B))`; a wait is longer than `t` with
//! probability `C e^(-(c-a) t / h)`. The time to the contact is the wait and a part of the handling, which is independent of it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The most servers for which a staffing is searched.
pub const SERVERS_MAX: u32 = 10_000;
/// Halvings of an interval: closer than a double can tell apart.
const HALVINGS: u32 = 200;

/// The probability that an arrival waits when `servers` are offered `erlangs` of work; none when that is more than they
/// can do, or not a load at all.
pub fn delay_probability(servers: u32, erlangs: f64) -> Option<f64> {
    let count = f64::from(servers);
    if !erlangs.is_finite() || erlangs < 0.0 || erlangs >= count {
        return None;
    }
    let mut blocked = 1.0;
    for n in 1..=servers {
        blocked = erlangs * blocked / (f64::from(n) + erlangs * blocked);
    }
    Some(count * blocked / (count - erlangs * (1.0 - blocked)))
}

/// A load and those who work on it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Queue {
    pub servers: u32,
    pub arrivals_per_hour: f64,
    /// The mean time that one keeps a server busy.
    pub handling_secs: f64,
    /// Which part of the handling lies before the customer has been contacted: 0 to 1.
    pub contact_share: f64,
}

/// What a queue in balance does. Times in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ErlangFigures)]
pub struct Figures {
    pub servers: u32,
    /// Which part of their time the servers are busy.
    pub utilisation: f64,
    /// The share of arrivals that nobody takes up at once.
    pub delayed_share: f64,
    /// The share whose first contact comes within the target.
    pub within_target: f64,
    /// Until somebody takes it up.
    pub mean_wait_secs: f64,
    pub p95_wait_secs: f64,
    /// Until the customer has been contacted.
    pub mean_response_secs: f64,
    pub p95_response_secs: f64,
}

impl Queue {
    /// The work that comes in, in servers that would be busy with it all the time.
    pub fn erlangs(&self) -> f64 {
        self.arrivals_per_hour * self.handling_secs / 3_600.0
    }

    /// The fewest servers that are not overrun.
    pub fn stable_from(&self) -> Option<u32> {
        (1..=SERVERS_MAX).find(|servers| self.erlangs() < f64::from(*servers))
    }

    /// What the queue does; none when more comes in than the servers can do.
    pub fn figures(&self, target_secs: f64) -> Option<Figures> {
        let delayed = delay_probability(self.servers, self.erlangs())?;
        let tail = Tail::new(self, delayed);
        let mean_wait = if delayed > 0.0 { delayed / tail.leaves } else { 0.0 };
        Some(Figures {
            servers: self.servers,
            utilisation: self.erlangs() / f64::from(self.servers),
            delayed_share: delayed,
            within_target: 1.0 - tail.response(target_secs),
            mean_wait_secs: mean_wait,
            p95_wait_secs: quantile(|t| tail.wait(t), 0.05),
            mean_response_secs: mean_wait + self.contact_share * self.handling_secs,
            p95_response_secs: quantile(|t| tail.response(t), 0.05),
        })
    }

    /// The fewest servers with which at least this share is contacted within the target; none when no number does it,
    /// because the handling before the contact alone takes too long.
    pub fn needed(&self, target_secs: f64, share: f64) -> Option<u32> {
        let reached = |servers| {
            Self { servers, ..*self }.figures(target_secs).is_some_and(|f| f.within_target >= share)
        };
        let from = self.stable_from()?;
        // More servers never make a contact later, so that the fewest can be found by halving.
        let (mut low, mut high) = (from, from);
        while !reached(high) {
            if high >= SERVERS_MAX {
                return None;
            }
            low = high + 1;
            high = high.saturating_mul(2).min(SERVERS_MAX);
        }
        while low < high {
            let middle = low.midpoint(high);
            if reached(middle) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        Some(high)
    }
}

/// How likely it is that something takes longer than a time.
struct Tail {
    delayed: f64,
    /// How fast the queue is worked off while all are busy, per second.
    leaves: f64,
    /// How fast the part before the contact is done, per second; none when the contact comes first.
    prepares: Option<f64>,
}

impl Tail {
    fn new(queue: &Queue, delayed: f64) -> Self {
        let leaves = (f64::from(queue.servers) - queue.erlangs()) / queue.handling_secs;
        let before = queue.contact_share * queue.handling_secs;
        Self { delayed, leaves, prepares: (before > 0.0).then(|| 1.0 / before) }
    }

    fn wait(&self, t: f64) -> f64 {
        self.delayed * (-self.leaves * t).exp()
    }

    fn response(&self, t: f64) -> f64 {
        let Some(prepares) = self.prepares else { return self.wait(t) };
        (1.0 - self.delayed) * (-prepares * t).exp() + self.delayed * sum_exceeds(self.leaves, prepares, t)
    }
}

/// The probability that two independent exponential times, of these rates, together take longer than `t`.
fn sum_exceeds(a: f64, b: f64, t: f64) -> f64 {
    let (slow, fast) = (a.min(b), a.max(b));
    let x = (fast - slow) * t;
    // (1 - e^-x) / x, which is 1 where the rates are the same.
    let spread = if x > 0.0 { -(-x).exp_m1() / x } else { 1.0 };
    (-fast * t).exp() + fast * t * (-slow * t).exp() * spread
}

/// Where a tail falls to `level`; 0 where it begins below it.
fn quantile(tail: impl Fn(f64) -> f64, level: f64) -> f64 {
    if tail(0.0) <= level {
        return 0.0;
    }
    let mut high = 1.0;
    while tail(high) > level {
        high *= 2.0;
    }
    let mut low = 0.0;
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(low, high);
        if tail(middle) > level {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}
