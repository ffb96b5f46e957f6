//! Simulated worlds: months of handoffs in seconds, with crashes between any two steps.
//!
//! [`world`] makes a world from a seed: reps in two zones with hours, absences and covers, arrivals by calls and events,
//! some of them held, people who react or do not, edits of the roster, outages. [`run`] lives through it on a manual clock
//! against a real database, over a [line](cut) that ends where the seed says; [`happen`] is what comes from outside, and
//! [`receiver`] the systems that are told. [`model`] works out from what people did which steps, alerts and reassignments
//! must have happened at which minute, and [`truths`] compares. Whatever crashed on the way, both must agree.
//!
//! `SIMULATION_SEEDS=200 cargo test --test it simulation` tries more worlds, `SIMULATION_SEED=17` one of them again, to
//! the statement.

mod cut;
mod happen;
mod model;
mod receiver;
mod run;
mod truths;
mod world;

use std::collections::BTreeSet;

use run::Run;

/// Worlds of a usual test run, one of each season. Chosen because between them everything happens that [`truths::ALL`]
/// names, also what is rare: most worlds have nobody who stands in for an owner, and no roll-back.
const USUAL: [u64; 2] = [10, 1];
/// Handoffs in each.
const HANDOFFS: usize = 16;

async fn lived(seed: u64, rough: bool) -> Run {
    let mut run = Run::found(seed, HANDOFFS, rough).await;
    run.live().await;
    run
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_crashes_each_step_happens_once_and_at_its_minute() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let seeds: Vec<u64> = if let Some(seed) = number("SIMULATION_SEED") {
        vec![seed]
    } else {
        let more = 0..number("SIMULATION_SEEDS").unwrap_or_default();
        USUAL.into_iter().chain(more.filter(|seed| !USUAL.contains(seed))).collect()
    };
    let (first, several) = (seeds[0], seeds.len() > 1);
    let (mut twice, mut seen) = (0, BTreeSet::new());
    for seed in seeds {
        let rough = lived(seed, true).await;
        assert!(rough.crashes.len() > 20, "crashes: {:?}", rough.crashes);
        truths::check(&rough).await;
        seen.extend(truths::seen(&rough).await);
        twice += rough.receiver.came().values().filter(|(times, _)| *times > 1).count();
        if seed == first {
            let history = truths::history(&rough).await;
            assert!(history.len() > 5 * HANDOFFS);
            let calm = lived(seed, false).await;
            let calm = truths::history(&calm).await;
            assert_eq!(history, calm, "the same world of seed {seed} with crashes and without");
            let again = lived(seed, true).await;
            assert_eq!(rough.crashes, again.crashes, "the seed {seed} reproduces each crash");
            assert_eq!(history, truths::history(&again).await);
        }
    }
    if several {
        assert!(twice > 0, "some commands arrive twice, after a crash");
        let missed: Vec<&&str> = truths::ALL.iter().filter(|one| !seen.contains(**one)).collect();
        assert!(missed.is_empty(), "no world has shown {missed:?}");
    }
}
