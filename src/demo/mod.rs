//! A software company to try the service on: "Tessera", a planning product, with its customers and prospects.
//!
//! [`history`] is what its systems know on the day the demo begins: two months of product use, deals, people,
//! partners, consents. [`live`] is what happens while somebody watches, one tick a second. Every account
//! belongs to an archetype ([`Archetype`]): one story with a beginning that is told in the history, the beats
//! that come live, and the decisions that are expected of the default policy. A test runs every account
//! through the real fold and the real decision and compares. [`roster()`] is who takes accounts over.
//!
//! Promises: everything is a function of the arguments (the same seed tells the same stories), every event
//! keeps to the contract, no id is used twice within a run. All names are invented, all domains end in
//! `.example`.
//! Leaves out: sending, and time: whoever runs the demo brings both. A story that midnight (UTC) cuts in two
//! may end otherwise, because a day without use yet breaks what was level.

mod archetype;
mod company;
mod dice;
mod roster;
mod story;
mod teller;
#[cfg(test)]
mod tests;

use serde_json::Value;

pub use archetype::Archetype;
use company::Company;
pub use roster::roster;
use teller::Teller;

use crate::kernel::clock::DateTime;

/// Ticks after which every story of a cohort has been told; the next cohort follows. Seven minutes at one
/// tick a second.
pub const COHORT_TICKS: u64 = 420;
/// What the ids of all demo accounts begin with.
pub const ID_PREFIX: &str = "demo-";
/// How far ahead of its first live beat a company of a later cohort appears.
const ARRIVES_BEFORE_TICKS: u64 = 10;
/// Every so many ticks a bit of everyday life is told.
const EVERYDAY_TICKS: u64 = 1;

/// The demo's company: whom it knows.
#[derive(Debug, Clone)]
pub struct Demo {
    seed: u64,
    base: Vec<Company>,
}

impl Demo {
    /// The demo of a seed.
    pub fn new(seed: u64) -> Self {
        Self { seed, base: company::cohort(seed, 0) }
    }

    /// What is known when the demo begins, account by account.
    pub fn history(&self, now: DateTime) -> Vec<Value> {
        let mut events = Vec::new();
        for company in &self.base {
            let mut teller = Teller::of_history(company, now);
            story::opening(&mut teller);
            events.extend(teller.into_events());
        }
        events
    }

    /// What happens in one tick. Ticks count from 0; a demo that starts again on data of an earlier run may
    /// begin at any multiple of [`COHORT_TICKS`].
    pub fn live(&self, now: DateTime, tick: u64) -> Vec<Value> {
        let cohort = tick / COHORT_TICKS;
        let offset = tick % COHORT_TICKS;
        let newcomers;
        let companies = if cohort == 0 {
            &self.base
        } else {
            newcomers = company::cohort(self.seed, cohort);
            &newcomers
        };
        let mut events = Vec::new();
        for company in companies {
            let starts = company.first_beat_tick;
            if cohort > 0 && offset == starts.saturating_sub(ARRIVES_BEFORE_TICKS) {
                let mut teller = Teller::of_history(company, now);
                story::opening(&mut teller);
                events.extend(teller.into_events());
            }
            for (number, beat) in company.archetype.beats().iter().enumerate() {
                if offset == starts + beat.after_ticks {
                    let mut teller = Teller::of_tick(company, now, tick);
                    story::beat(&mut teller, number);
                    events.extend(teller.into_events());
                }
            }
        }
        if tick.is_multiple_of(EVERYDAY_TICKS) {
            let mut dice = dice::Dice::of(self.seed, &[tick, 77]);
            let company = dice.pick(&self.base);
            let mut teller = Teller::of_everyday(company, now, tick);
            story::everyday(&mut teller, &mut dice);
            events.extend(teller.into_events());
        }
        events
    }
}

/// What is known when the demo begins: see [`Demo::history`].
pub fn history(seed: u64, now: DateTime) -> Vec<Value> {
    Demo::new(seed).history(now)
}

/// What happens in one tick: see [`Demo::live`].
pub fn live(seed: u64, now: DateTime, tick: u64) -> Vec<Value> {
    Demo::new(seed).live(now, tick)
}
