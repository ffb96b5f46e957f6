//! What an assignment costs: microseconds for a pool of 7 and of 500, against a baseline of the same run.
//!
//! The baseline is the least that a weighted rotation can cost: one loop over plain arrays that adds each weight
//! and takes the largest sum, without names, caps, hours, reasons or accounts before and after. The ratio to it is the
//! price of an answer that explains itself; unlike microseconds, it can be compared between machines.
//!
//! `cargo bench --bench assign` prints criterion's figures and then one table: the fastest sample of each.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{FixedOffset, TimeDelta};
use criterion::Criterion;
use gtm::handoffs::assign::caps::{Cap, Spans, Window, WindowKind};
use gtm::handoffs::assign::file::{RepFile, RosterFile, TeamFile};
use gtm::handoffs::assign::names::{RepId, TeamId};
use gtm::handoffs::assign::snapshot::{Availability, Firm, Standing};
use gtm::handoffs::assign::{Request, Snapshot, assign, explain};
use gtm::kernel::clock::DateTime;
use gtm::kernel::ids::AccountId;
use uuid::Uuid;

const POOLS: [u32; 2] = [7, 500];

fn now() -> DateTime {
    DateTime::from_timestamp(1_795_000_000, 0).unwrap_or_default()
}

fn weight(at: u32) -> u32 {
    at % 5 + 1
}

/// A team of so many, with two caps each and a week of work behind them.
fn snapshot(count: u32) -> anyhow::Result<Snapshot> {
    let cap = |limit, window, kind| Cap { limit, window, kind };
    let reps = (0..count).map(|at| RepFile {
        id: format!("rep{at:03}"),
        name: format!("Rep {at}"),
        email: format!("rep{at}@acme.com"),
        team: "sales".to_owned(),
        weight: Some(weight(at)),
        caps: vec![
            cap(1_000, Window::Day, WindowKind::Calendar),
            cap(1_000, Window::Hour, WindowKind::Rolling),
        ],
        ..RepFile::default()
    });
    let team = TeamFile { id: "sales".to_owned(), ..TeamFile::default() };
    let file = RosterFile { teams: vec![team], reps: reps.collect(), ..RosterFile::default() };
    let roster = file.check().map_err(|faults| anyhow::anyhow!("{faults:?}"))?;
    let utc = FixedOffset::east_opt(0).ok_or_else(|| anyhow::anyhow!("no zone"))?;
    let standing = || Standing {
        availability: Availability::Available,
        open: 3,
        taken: (1..=20).map(|hours| now() - TimeDelta::hours(8 * hours)).collect(),
        spans: Spans::at_offset(now(), utc),
    };
    let standings: Vec<(RepId, Standing)> =
        roster.reps().iter().map(|rep| (rep.id.clone(), standing())).collect();
    Ok(Snapshot::new(Arc::new(roster), standings, BTreeMap::new()))
}

fn request() -> anyhow::Result<Request> {
    let account_id = AccountId::parse("acc_12345")?;
    let firm = Firm {
        account_id,
        domain: Some("acme.com".to_owned()),
        country: Some("de".to_owned()),
        region: None,
        industry: None,
        segment: Some("enterprise".to_owned()),
        employees: Some(500),
        revenue: None,
    };
    Ok(Request {
        handoff_id: Uuid::nil(),
        firm,
        team: TeamId::parse("sales")?,
        skills: BTreeSet::new(),
        crm_owner: None,
        lost_by: BTreeSet::new(),
        priority: 0,
        waiting_since: now(),
    })
}

/// The baseline: one turn of a weighted rotation over plain arrays.
fn by_hand(balances: &mut [i64], weights: &[i64], sum: i64) -> usize {
    let mut best = 0;
    for (at, (balance, weight)) in balances.iter_mut().zip(weights).enumerate() {
        *balance += weight;
        best = at;
    }
    for at in 0..balances.len() {
        if balances[at] > balances[best] {
            best = at;
        }
    }
    balances[best] -= sum;
    best
}

/// The fastest sample of each measurement, in nanoseconds.
#[derive(Default)]
struct Fastest(RefCell<BTreeMap<String, f64>>);

impl Fastest {
    fn measure<T>(&self, criterion: &mut Criterion, name: &str, mut work: impl FnMut() -> T) {
        criterion.bench_function(name, |bencher| {
            bencher.iter_custom(|count| {
                let start = Instant::now();
                for _ in 0..count {
                    black_box(work());
                }
                let taken = start.elapsed();
                #[expect(clippy::cast_precision_loss, reason = "counts of a benchmark")]
                let each = taken.as_nanos() as f64 / count as f64;
                let mut fastest = self.0.borrow_mut();
                let best = fastest.entry(name.to_owned()).or_insert(f64::INFINITY);
                *best = best.min(each);
                taken
            });
        });
    }

    fn of(&self, name: &str) -> f64 {
        self.0.borrow().get(name).copied().unwrap_or(f64::NAN)
    }
}

fn main() -> anyhow::Result<()> {
    let mut criterion = Criterion::default()
        .configure_from_args()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    let (fastest, request) = (Fastest::default(), request()?);
    for count in POOLS {
        let mut snapshot = snapshot(count)?;
        // Some turns first, so that accounts are as uneven as they get.
        for _ in 0..3 * count {
            let outcome = assign(&request, &snapshot, now());
            snapshot.apply(&outcome, now() - TimeDelta::days(8));
        }
        let outcome = assign(&request, &snapshot, now());
        anyhow::ensure!(outcome.rep().is_some(), "somebody must be able to take it");
        let weights: Vec<i64> = (0..count).map(|at| i64::from(weight(at))).collect();
        let (mut balances, sum) = (vec![0; weights.len()], weights.iter().sum());
        fastest.measure(&mut criterion, &format!("baseline/{count}"), || {
            by_hand(black_box(&mut balances), black_box(&weights), sum)
        });
        fastest.measure(&mut criterion, &format!("assign/{count}"), || {
            assign(black_box(&request), black_box(&snapshot), now())
        });
        fastest.measure(&mut criterion, &format!("explain/{count}"), || {
            explain(black_box(&outcome), snapshot.roster())
        });
    }
    table(&fastest);
    criterion.final_summary();
    Ok(())
}

fn table(fastest: &Fastest) {
    println!("\n{:<8} {:>12} {:>12} {:>8} {:>12}", "pool", "assign µs", "baseline µs", "ratio", "explain µs");
    for count in POOLS {
        let [assign, baseline, explain] =
            ["assign", "baseline", "explain"].map(|name| fastest.of(&format!("{name}/{count}")) / 1_000.0);
        println!("{count:<8} {assign:>12.2} {baseline:>12.3} {:>8.0} {explain:>12.2}", assign / baseline);
    }
}
