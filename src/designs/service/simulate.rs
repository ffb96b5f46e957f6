//! The same question as in [`erlang`](super::erlang), answered by counting: weeks are lived through again and again over
//! the real calendars.
//!
//! What is simulated: arrivals at random by the pattern of the week, in bursts where there are any; the rotation gives
//! each to somebody who works just then and has room, weighted, who works through them in order, in working time only;
//! what nobody has room for waits, oldest first, until somebody has.
//! Promises: a function of world, seed and number of runs. Each run draws its own truth about rates that were estimated
//! from few, so that the spread of the runs shows both chance and what is not known. What was not contacted when a run
//! ends was not in time.
//! Leaves out: account owners, rejections and reassignments, and what people do meanwhile that is no handoff.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::dice::Dice;
use super::stage::{Span, Stage, Takes};
use super::statistics::{Between, count, mean_with_confidence, quantile};

/// Of so many arrivals all runs together consist at the most: a few seconds of work.
const ARRIVALS_MAX: f64 = 600_000.0;
/// The fewest runs, however much comes in.
const RUNS_MIN: u32 = 24;

/// What many runs amount to. Times in seconds of wall time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SimulatedFigures)]
pub struct Simulated {
    pub workers: u32,
    pub runs: u32,
    pub seed: u64,
    /// Handoffs that came in, in a run, on average.
    pub arrivals_per_run: f64,
    /// The share whose first contact came within the target, on average over the runs.
    pub within_target: f64,
    /// Where that average lies, with a confidence of 95 %.
    pub within_target_confidence: Between,
    /// In nine of ten runs the share lay here: what to expect of one such period.
    pub within_target_range: Between,
    /// Until somebody takes it up.
    pub mean_wait_secs: f64,
    pub mean_wait_confidence: Between,
    /// Until the customer has been contacted; without those that never were.
    pub mean_response_secs: f64,
    /// Absent where more than one in twenty was never contacted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p95_response_secs: Option<f64>,
    /// Which part of their working time the workers are busy.
    pub utilisation: f64,
    /// The share that was not contacted when the run ended, weeks later: the queue grows without end.
    pub never_share: f64,
}

/// Runs a stage so many times; fewer where very much comes in. None where nothing does.
pub fn simulate(stage: &Stage<'_>, runs: u32, seed: u64) -> Option<Simulated> {
    let per_run: f64 = stage.cells.iter().map(|cell| cell.expected).sum();
    let affordable = (1..=runs).rev().find(|runs| f64::from(*runs) * per_run <= ARRIVALS_MAX).unwrap_or(0);
    let runs = affordable.max(RUNS_MIN.min(runs));
    let all: Vec<Run> = (0..runs).map(|number| Run::of(stage, seed, u64::from(number))).collect();
    summed(stage, &all, seed)
}

fn summed(stage: &Stage<'_>, runs: &[Run], seed: u64) -> Option<Simulated> {
    let counted: Vec<&Run> = runs.iter().filter(|run| run.arrived > 0).collect();
    let of = |value: fn(&Run) -> f64| counted.iter().map(|run| value(run)).collect::<Vec<f64>>();
    let mut shares = of(|run| count(run.within) / count(run.arrived));
    let (within_target, within_target_confidence) = mean_with_confidence(&shares)?;
    let (mean_wait_secs, mean_wait_confidence) =
        mean_with_confidence(&of(|run| run.waits / count(run.arrived)))?;
    shares.sort_by(f64::total_cmp);
    let within_target_range = Between { low: quantile(&shares, 0.05)?, high: quantile(&shares, 0.95)? };
    let arrived: usize = counted.iter().map(|run| run.arrived).sum();
    let mut responses: Vec<f64> = counted.iter().flat_map(|run| run.responses.iter().copied()).collect();
    let never = arrived - responses.len();
    let mean_response_secs = responses.iter().sum::<f64>() / count(responses.len()).max(1.0);
    // Those who were never contacted come last.
    responses.sort_by(f64::total_cmp);
    let at = 0.95 * count(arrived) / count(responses.len()).max(1.0);
    let p95_response_secs = if at <= 1.0 { quantile(&responses, at) } else { None };
    let busy = of(|run| run.busy).iter().sum::<f64>() / count(counted.len());
    let staffed = stage.staffed_secs();
    Some(Simulated {
        workers: u32::try_from(stage.open.len()).unwrap_or(u32::MAX),
        runs: u32::try_from(runs.len()).unwrap_or(u32::MAX),
        seed,
        arrivals_per_run: count(arrived) / count(runs.len()),
        within_target,
        within_target_confidence,
        within_target_range,
        mean_wait_secs,
        mean_wait_confidence,
        mean_response_secs,
        p95_response_secs,
        utilisation: if staffed > 0.0 { busy / staffed } else { 0.0 },
        never_share: count(never) / count(arrived),
    })
}

/// What happened in one run to those that came in while it was counted.
#[derive(Debug, Default)]
struct Run {
    arrived: usize,
    within: usize,
    /// Wall time until they were taken up, summed.
    waits: f64,
    /// Of those who were contacted.
    responses: Vec<f64>,
    /// Work that was done in what is counted, in seconds.
    busy: f64,
}

/// Something that happens; the earliest first, in the order in which they were noted.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Event {
    at: f64,
    number: usize,
    what: What,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum What {
    /// Somebody begins to work, or a day of theirs begins.
    Opens(usize),
    /// Somebody is done with something.
    Done(usize),
    Arrives,
}

impl Eq for Event {}

impl PartialOrd for Event {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Event {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.at.total_cmp(&other.at).then(self.number.cmp(&other.number))
    }
}

/// Somebody in the middle of a run.
#[derive(Debug, Clone, Default)]
struct Desk {
    /// The stretch of working time up to which they have work.
    stretch: usize,
    /// When they are done with all that they have; not before the stretch begins.
    free_at: f64,
    /// What they have in hand.
    open: u32,
    /// Given on the present day.
    today: u32,
    /// The stretch of that day.
    day: usize,
    /// How far the rotation owes them.
    balance: i64,
}

/// One run on its way.
struct Clockwork<'s> {
    stage: &'s Stage<'s>,
    takes: Takes,
    desks: Vec<Desk>,
    queue: VecDeque<f64>,
    events: BinaryHeap<Reverse<Event>>,
    noted: usize,
    run: Run,
    dice: Dice,
}

impl Run {
    fn of(stage: &Stage<'_>, seed: u64, number: u64) -> Self {
        // Arrivals have a stream of their own: more workers then meet the same arrivals, and are compared with less noise.
        let mut arriving = Dice::of(seed, 2 * number);
        let mut working = Dice::of(seed, 2 * number + 1);
        let takes = stage.world.handling.takes.uncertain(&mut working);
        let mut clockwork = Clockwork {
            stage,
            takes,
            desks: vec![Desk::default(); stage.open.len()],
            queue: VecDeque::new(),
            events: BinaryHeap::new(),
            noted: 0,
            run: Self::default(),
            dice: working,
        };
        clockwork.note_openings();
        for at in arrivals(stage, &mut arriving) {
            clockwork.note(at, What::Arrives);
        }
        clockwork.go();
        clockwork.run
    }
}

/// The instants of a run's arrivals.
fn arrivals(stage: &Stage<'_>, dice: &mut Dice) -> Vec<f64> {
    let pattern = &stage.world.arrivals;
    let factor = pattern.uncertain(dice);
    let (mut day, mut of_day) = (None, 1.0);
    let mut instants = Vec::new();
    for cell in &stage.cells {
        if day != Some(cell.day) {
            (day, of_day) = (Some(cell.day), pattern.of_a_day(dice));
        }
        let Span { from, to } = cell.span;
        let come = dice.poisson(cell.expected * factor * of_day);
        let begins = instants.len();
        instants.extend((0..come).map(|_| from + (to - from) * dice.unit()));
        instants[begins..].sort_by(f64::total_cmp);
    }
    instants
}

impl Clockwork<'_> {
    fn note(&mut self, at: f64, what: What) {
        self.noted += 1;
        self.events.push(Reverse(Event { at, number: self.noted, what }));
    }

    /// Every beginning of working time; whoever works around the clock begins anew each day.
    fn note_openings(&mut self) {
        for worker in 0..self.stage.open.len() {
            for at in self.stage.open[worker].iter().map(|span| span.from).collect::<Vec<_>>() {
                self.note(at, What::Opens(worker));
            }
        }
    }

    fn go(&mut self) {
        while let Some(Reverse(Event { at, what, .. })) = self.events.pop() {
            match what {
                What::Opens(worker) => {
                    self.desks[worker].day = self.stage.open[worker].partition_point(|span| span.from <= at);
                    if !self.same_day(worker) {
                        self.desks[worker].today = 0;
                    }
                    // Whoever begins at the same instant shares what has waited.
                    let more = matches!(self.events.peek(), Some(Reverse(next))
                        if next.at.total_cmp(&at).is_eq() && matches!(next.what, What::Opens(_)));
                    if !more {
                        self.drain(at);
                    }
                }
                What::Done(worker) => {
                    self.desks[worker].open -= 1;
                    self.drain(at);
                }
                What::Arrives => {
                    self.queue.push_back(at);
                    self.drain(at);
                }
            }
        }
        // Whatever is left was never taken up.
        let waiting = self.queue.iter().filter(|at| **at >= self.stage.counted_from).count();
        self.run.arrived += waiting;
    }

    /// Whether the stretch that has just begun belongs to the day of the one before it.
    fn same_day(&self, worker: usize) -> bool {
        let spans = &self.stage.open[worker];
        match self.desks[worker].day.checked_sub(2) {
            // A break is shorter than a night; calendars cut at midnight without a gap, where the next day begins.
            Some(before) => {
                let gap = spans[before + 1].from - spans[before].to;
                gap > 0.0 && gap < BREAK_MAX_SECS
            }
            None => false,
        }
    }

    /// Gives what waits to those who work and have room.
    fn drain(&mut self, at: f64) {
        while let Some(arrived) = self.queue.front().copied() {
            let Some(worker) = self.turn(at) else { return };
            self.queue.pop_front();
            self.take(worker, arrived, at);
        }
    }

    /// Whose turn it is of those who can take something now: the balances of the weighted rotation, the first of equals.
    fn turn(&mut self, at: f64) -> Option<usize> {
        let able: Vec<usize> = (0..self.desks.len()).filter(|worker| self.is_able(*worker, at)).collect();
        let mut sum = 0;
        for worker in &able {
            let weight = i64::from(self.stage.world.workers[*worker].weight.max(1));
            self.desks[*worker].balance += weight;
            sum += weight;
        }
        let chosen = able.into_iter().max_by_key(|worker| (self.desks[*worker].balance, Reverse(*worker)))?;
        self.desks[chosen].balance -= sum;
        Some(chosen)
    }

    fn is_able(&self, worker: usize, at: f64) -> bool {
        let (desk, rules) = (&self.desks[worker], &self.stage.world.workers[worker]);
        let works = desk.day > 0 && self.stage.open[worker][desk.day - 1].to > at;
        works
            && rules.at_once.is_none_or(|most| desk.open < most)
            && rules.per_day.is_none_or(|most| desk.today < most)
    }

    /// Somebody takes one into their hands, and works on it when they are done with what they have.
    fn take(&mut self, worker: usize, arrived: f64, at: f64) {
        let work = self.takes.draw(&mut self.dice);
        let before = work * self.stage.world.handling.contact_share;
        let desk = &mut self.desks[worker];
        desk.open += 1;
        desk.today += 1;
        let spans = &self.stage.open[worker];
        let taken_up = work_on(desk, spans, at, 0.0);
        let contacted = work_on(desk, spans, at, before);
        let done = work_on(desk, spans, at, work - before);
        if arrived >= self.stage.counted_from {
            self.run.arrived += 1;
            self.run.busy += work;
            // What nobody takes up any more has waited until the end.
            let end = spans.last().map_or(at, |span| span.to);
            self.run.waits += taken_up.unwrap_or(end) - arrived;
            if let Some(contacted) = contacted {
                self.run.responses.push(contacted - arrived);
                let in_time = self.stage.elapsed(arrived, contacted) <= self.stage.world.target_secs;
                self.run.within += usize::from(in_time);
            }
        }
        if let Some(done) = done.filter(|_| self.stage.world.workers[worker].at_once.is_some()) {
            self.note(done, What::Done(worker));
        }
    }
}

/// The longest break within a working day, in seconds; what is longer is a night.
const BREAK_MAX_SECS: f64 = 4.0 * 3_600.0;

/// When so much more work is done, in working time, not before `at`; none when working time ends first. Nothing is
/// done as soon as they work.
fn work_on(desk: &mut Desk, spans: &[Span], at: f64, secs: f64) -> Option<f64> {
    let mut left = secs;
    desk.free_at = desk.free_at.max(at);
    while let Some(span) = spans.get(desk.stretch) {
        let begins = desk.free_at.max(span.from);
        if begins < span.to {
            if begins + left <= span.to {
                desk.free_at = begins + left;
                return Some(desk.free_at);
            }
            left -= span.to - begins;
        }
        desk.stretch += 1;
    }
    None
}
