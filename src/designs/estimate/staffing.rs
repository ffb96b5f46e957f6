//! How many people it takes: by the formula, and by counting with one more and one more.
//!
//! Promises: all sizes meet the same arrivals, so that one more never looks worse by chance; the search ends, and says up to
//! where it looked.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::world::{Made, reps};
use super::{ErlangEstimate, Sampling};
use crate::designs::brief::Brief;
use crate::designs::service::erlang::Queue;
use crate::designs::service::simulate::{Simulated, simulate};
use crate::designs::service::stage::{Counted, Stage, World, open_hours};
use crate::designs::service::statistics::{Between, count};
use crate::designs::words::span;
use crate::handoffs::Basis;

/// The search looks at so many people more than there are, and at twice the number that the formula wants.
const MORE_MAX: u32 = 20;
/// What rounding a share may hide.
const CLOSE: f64 = 1e-9;

/// One size of the team.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StaffingRow)]
pub struct Row {
    pub reps: u32,
    pub within_target: f64,
    /// In nine of ten periods of four weeks.
    pub range: Between,
    pub mean_response_secs: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p95_response_secs: Option<f64>,
    pub utilisation: f64,
    /// How many of them work at once, on average over the hours in which anybody does.
    pub at_once: u32,
    /// What the formula says for the staffed hours; absent where it says that they are overrun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erlang_within_target: Option<f64>,
}

/// What it takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StaffingNeed)]
pub struct Need {
    /// The fewest with whom the wanted share is kept on average; absent where no number up to the limit does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reps: Option<u32>,
    pub searched_up_to: u32,
    /// The response time that those who are there keep for the wanted share, such as `5 h 20 min`; only where the asked one
    /// is not kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_instead: Option<String>,
    /// The share that is kept where working time counts; only where wall time was asked for and is not kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub business_share: Option<f64>,
    /// Of work that lies before every contact, on average.
    pub preparing_secs: f64,
}

/// What the search found.
pub struct Search {
    pub present: Option<Simulated>,
    pub rows: Vec<Row>,
    pub need: Need,
}

/// The formula, as if everything came in evenly while they work.
pub fn erlang(brief: &Brief, made: &Made) -> ErlangEstimate {
    let queue = queue(made, staffed(&made.world));
    ErlangEstimate {
        arrivals_per_hour: queue.arrivals_per_hour,
        erlangs: queue.erlangs(),
        figures: queue.figures(made.world.target_secs),
        needed: queue.needed(made.world.target_secs, brief.service_level),
    }
}

/// How many work at once, on average over the hours in which anybody does.
fn staffed(world: &World) -> u32 {
    let stage = Stage::new(world);
    let weeks = (world.until - world.from).as_seconds_f64() / 604_800.0;
    let hours = open_hours(world).iter().filter(|open| **open).count();
    let at_once = stage.staffed_secs() / 3_600.0 / weeks / count(hours).max(1.0);
    (1..=reps(world)).rev().find(|n| f64::from(*n) <= at_once + 0.5).unwrap_or(0)
}

fn queue(made: &Made, servers: u32) -> Queue {
    let open = open_hours(&made.world).iter().filter(|open| **open).count();
    Queue {
        servers,
        arrivals_per_hour: made.world.arrivals.per_week() / count(open).max(1.0),
        handling_secs: made.world.handling.takes.mean_secs().max(1.0),
        contact_share: made.world.handling.contact_share,
    }
}

fn with_reps(made: &Made, reps: u32) -> World {
    let mut world = made.world.clone();
    world.workers.resize(reps as usize, made.typical.clone());
    world
}

/// The present size, the size that is needed, and what lies between.
pub fn search(brief: &Brief, made: &Made, ceiling: Option<f64>, sampling: Sampling) -> Search {
    let there = reps(&made.world);
    let Sampling { seed, runs } = sampling;
    let counted = |reps, runs| simulate(&Stage::new(&with_reps(made, reps)), runs, seed);
    let present = counted(there, runs);
    let formula = queue(made, 1).needed(made.world.target_secs, brief.service_level).unwrap_or(0);
    let limit = (there + MORE_MAX).max(2 * formula.min(200));
    let mut need = Need {
        reps: None,
        searched_up_to: limit,
        kept_instead: None,
        business_share: None,
        preparing_secs: made.preparing_secs,
    };
    let Some(now) = &present else { return Search { present, rows: Vec::new(), need } };
    let possible = ceiling.is_some_and(|ceiling| ceiling + CLOSE >= brief.service_level);
    let keeps = |reps: u32, runs| {
        counted(reps, runs).is_some_and(|found| found.within_target + CLOSE >= brief.service_level)
    };
    if possible && keeps(limit, sampling.rough()) {
        need.reps = Some(fewest(1, limit, |reps| keeps(reps, sampling.rough())));
    }
    if now.within_target < brief.service_level {
        need.kept_instead = kept_instead(brief, made, sampling);
        if brief.basis == Basis::Wall {
            let world = World { counted: Counted::Team, ..made.world.clone() };
            need.business_share = simulate(&Stage::new(&world), runs, seed).map(|found| found.within_target);
        }
    }
    let sizes = sizes(there, need.reps);
    let row = |reps: u32| {
        let found = if reps == there { present.clone() } else { counted(reps, runs) }?;
        let at_once = staffed(&with_reps(made, reps));
        Some(Row {
            at_once,
            reps,
            within_target: found.within_target,
            range: found.within_target_range,
            mean_response_secs: found.mean_response_secs,
            p95_response_secs: found.p95_response_secs,
            utilisation: found.utilisation,
            erlang_within_target: queue(made, at_once)
                .figures(made.world.target_secs)
                .map(|figures| figures.within_target),
        })
    };
    Search { rows: sizes.into_iter().filter_map(row).collect(), present, need }
}

/// The first of an even sequence of noes and then yeses.
fn fewest(mut low: u32, mut high: u32, yes: impl Fn(u32) -> bool) -> u32 {
    while low < high {
        let middle = low.midpoint(high);
        if yes(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    high
}

/// The sizes that are told: one fewer than there are, those who are there, one and two more, and what is needed.
fn sizes(there: u32, needed: Option<u32>) -> Vec<u32> {
    let mut sizes = vec![there.saturating_sub(1), there, there + 1, there + 2];
    sizes.extend(needed);
    sizes.extend(needed.map(|needed| needed + 1));
    sizes.retain(|reps| *reps > 0);
    sizes.sort_unstable();
    sizes.dedup();
    sizes
}

/// Response times that are promised, in seconds.
const PROMISED: [f64; 12] = [
    900.0, 1_800.0, 3_600.0, 7_200.0, 14_400.0, 28_800.0, 43_200.0, 86_400.0, 172_800.0, 259_200.0,
    432_000.0, 604_800.0,
];

/// The shortest usual promise that those who are there keep for the wanted share.
fn kept_instead(brief: &Brief, made: &Made, sampling: Sampling) -> Option<String> {
    let longer = PROMISED.into_iter().filter(|secs| *secs > made.world.target_secs);
    let kept = longer.into_iter().find(|secs| {
        let world = World { target_secs: *secs, ..made.world.clone() };
        let found = simulate(&Stage::new(&world), sampling.rough(), sampling.seed);
        found.is_some_and(|found| found.within_target >= brief.service_level)
    });
    kept.map(span)
}
