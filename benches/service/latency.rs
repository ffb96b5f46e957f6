//! From event to decision: how long after an event is received its account has been looked at, at half the load that
//! the service can take.

use std::time::{Duration, Instant};

use crate::intake::{drain, event};
use crate::load::{drive, get, paced, post};
use crate::setup::{Bench, KEY};

const CLIENTS: usize = 64;
const TIME: Duration = Duration::from_secs(10);
/// Target of the 99th percentile, in seconds: a boundary of the histogram's buckets.
const TARGET: f64 = 0.1;

pub async fn run(bench: &Bench) {
    let service = bench.service("latency").await;
    let request = |offset: u64| {
        move |n: u64, into: &mut Vec<u8>| {
            post("/v1/events", "application/cloudevents+json", KEY, &event(offset + n), into);
        }
    };
    // The most that the service can take is what it can also decide about: its backlog belongs to the time.
    let start = Instant::now();
    let taken = drive(service.address, CLIENTS, TIME, request(0)).await.requests;
    drain(&service.app.platform.pool).await;
    let most = taken as f64 / start.elapsed().as_secs_f64();
    let before = Histogram::read(&get(service.address, "/metrics", KEY).await);
    let half = paced(service.address, CLIENTS, TIME, most / 2.0, request(1 << 32)).await.per_second();
    drain(&service.app.platform.pool).await;
    let took = Histogram::read(&get(service.address, "/metrics", KEY).await).since(&before);
    println!(
        "event to decision at {half:.0} events/s, half of {most:.0}: p50 {:.0} ms, p95 {:.0} ms, p99 {:.0} ms; {:.2} % \
         within {:.0} ms (target 99 %)",
        took.quantile(0.5) * 1e3,
        took.quantile(0.95) * 1e3,
        took.quantile(0.99) * 1e3,
        took.share_within(TARGET) * 100.0,
        TARGET * 1e3,
    );
    service.stop().await;
}

/// The service's own histogram, all lanes together: upper bounds in seconds, and how many looks took at most so long.
struct Histogram(Vec<(f64, f64)>);

impl Histogram {
    fn read(metrics: &str) -> Self {
        let mut sums: Vec<(f64, f64)> = Vec::new();
        for line in metrics.lines().filter(|line| line.starts_with("gtm_event_to_decision_seconds_bucket")) {
            let bound = line.split("le=\"").nth(1).unwrap().split('"').next().unwrap();
            let bound = if bound == "+Inf" { f64::INFINITY } else { bound.parse().unwrap() };
            let count: f64 = line.rsplit(' ').next().unwrap().parse().unwrap();
            match sums.iter_mut().find(|(known, _)| known.total_cmp(&bound).is_eq()) {
                Some((_, sum)) => *sum += count,
                None => sums.push((bound, count)),
            }
        }
        sums.sort_by(|a, b| a.0.total_cmp(&b.0));
        Self(sums)
    }

    fn since(mut self, before: &Self) -> Self {
        for (bound, count) in &mut self.0 {
            *count -=
                before.0.iter().find(|(known, _)| known.total_cmp(bound).is_eq()).map_or(0.0, |one| one.1);
        }
        self
    }

    fn total(&self) -> f64 {
        self.0.last().expect("nothing was looked at").1
    }

    /// Within the bucket that it falls into, in proportion.
    fn quantile(&self, share: f64) -> f64 {
        let rank = share * self.total();
        let (mut low, mut below) = (0.0, 0.0);
        for (bound, count) in &self.0 {
            if *count >= rank {
                return low + (bound - low) * (rank - below) / (count - below).max(1.0);
            }
            (low, below) = (*bound, *count);
        }
        low
    }

    fn share_within(&self, bound: f64) -> f64 {
        self.0.iter().filter(|(known, _)| *known <= bound).map(|one| one.1).fold(0.0, f64::max) / self.total()
    }
}
