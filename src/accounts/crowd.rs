//! Who goes first when there is more to do than time: the intake, which callers wait for, or the work behind it.
//!
//! Promises: while requests come in crowds, the work behind the intake rests for most of the time, and for less of it the
//! more waits for it ([`share`]); at [`BEHIND_MAX`] of work callers wait too. What is hot or normal is therefore never
//! applied much later than [`BEHIND_MAX`] after it was stored, as long as the database works at all. Leaves out: bulk events
//! while more urgent ones come in, which is what their lane says; and what other replicas have stored.

use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::platform::jobs::Lane;

/// So many requests or events in one group, and so many such groups on end, make a crowd, for so long after the last was
/// stored. One full group is a burst, which is over before anybody could make way for it.
const CROWD_REQUESTS: usize = 24;
const CROWD_EVENTS: usize = 192;
/// The same of questions that are decided about together.
const CROWD_ASKS: usize = 4;
const CROWD_GROUPS: u64 = 4;
const CROWD_LASTS: Duration = Duration::from_millis(20);
/// What the work behind the intake gets of the time while a crowd is there and less than [`BEHIND_LITTLE`] waits for it.
const SHARE_MIN: f64 = 0.125;
/// Work, in the time that it takes without rests. From here on its share of the time grows …
const BEHIND_LITTLE: Duration = Duration::from_secs(3);
/// … up to all of it here …
const BEHIND_MUCH: Duration = Duration::from_secs(12);
/// … and from here on callers wait. What waits in between is worked through within this time too:
/// `BEHIND_LITTLE / SHARE_MIN` is no longer.
const BEHIND_MAX: Duration = Duration::from_secs(24);
/// How fast the work is taken to be before it was measured, in events per second; and how much of each measurement counts.
const SPEED_FIRST: u64 = 10_000;
const SPEED_WEIGHT: f64 = 0.25;
/// Rounds of fewer events say nothing of the speed when there is much to do.
const SPEED_EVENTS: usize = 256;
/// A rest is taken in steps, after each of which the crowd may have gone, and is never longer than this.
const REST_STEP: Duration = Duration::from_millis(2);
const REST_MAX: Duration = Duration::from_secs(1);
/// How long a caller waits for room at the most.
const HOLD_MAX: Duration = Duration::from_secs(10);

/// Whether requests come faster than they can be stored one by one, and how far behind the work on them is.
pub struct Crowd {
    opened: Instant,
    /// When the last full group of a crowd was taken up, in milliseconds since the opening; 0 when there was none.
    last_ms: AtomicU64,
    /// Full groups on end: of the intake, of questions.
    full: AtomicU64,
    full_of_asks: AtomicU64,
    /// Events stored here and not yet worked on, by lane.
    waiting: [AtomicU64; 3],
    /// Events that the work gets through in a second without rests.
    speed: AtomicU64,
    /// Rung after each round of work, for those who wait for room.
    room: Notify,
}

impl Crowd {
    pub(super) fn new() -> Self {
        Self {
            opened: Instant::now(),
            last_ms: AtomicU64::new(0),
            full: AtomicU64::new(0),
            full_of_asks: AtomicU64::new(0),
            waiting: Default::default(),
            speed: AtomicU64::new(SPEED_FIRST),
            room: Notify::new(),
        }
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Counts a group that is about to be stored.
    pub fn note(&self, requests: usize, events: usize) {
        self.count_group(&self.full, requests > CROWD_REQUESTS || events > CROWD_EVENTS);
    }

    /// Counts a group of questions that are about to be decided about.
    pub fn note_asks(&self, asks: usize) {
        self.count_group(&self.full_of_asks, asks >= CROWD_ASKS);
    }

    fn count_group(&self, on_end: &AtomicU64, is_full: bool) {
        let full = if is_full { on_end.load(Ordering::Relaxed) + 1 } else { 0 };
        on_end.store(full, Ordering::Relaxed);
        // A crowd that is there stays with every full group, whatever came between.
        if full >= CROWD_GROUPS || (is_full && self.is_there()) {
            self.last_ms.store(self.now_ms().max(1), Ordering::Relaxed);
        }
    }

    pub fn is_there(&self) -> bool {
        let last = self.last_ms.load(Ordering::Relaxed);
        last > 0 && u128::from(self.now_ms().saturating_sub(last)) < CROWD_LASTS.as_millis()
    }

    /// Counts events of a lane that were stored.
    pub fn stored(&self, lane: Lane, events: usize) {
        if let Some(waiting) = self.waiting(lane) {
            waiting.fetch_add(count(events), Ordering::Relaxed);
        }
    }

    /// Counts a round of work: how many events of each lane it took, how long that took, and whether nothing is left.
    pub fn worked(&self, events: [usize; 3], took: Duration, caught_up: bool) {
        for (waiting, events) in self.waiting.iter().zip(events) {
            let left = |waiting: u64| Some(if caught_up { 0 } else { waiting.saturating_sub(count(events)) });
            let _ = waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, left);
        }
        let events = events.iter().sum::<usize>();
        if events >= SPEED_EVENTS {
            let speed = self.speed();
            let seen = float(count(events)) / took.as_secs_f64().max(1e-6);
            let speed = (speed + (seen - speed) * SPEED_WEIGHT).max(1.0);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "from 1 to far below 2^53"
            )]
            self.speed.store(speed as u64, Ordering::Relaxed);
        }
        self.room.notify_waiters();
    }

    fn waiting(&self, lane: Lane) -> Option<&AtomicU64> {
        self.waiting.get(usize::try_from(lane.number()).ok()?)
    }

    /// The work that comes before a new event of a lane, in the time that it takes without rests.
    fn behind(&self, lane: Lane) -> Duration {
        let before = [Lane::Hot, Lane::Normal, Lane::Bulk].into_iter().filter(|one| *one <= lane);
        let waiting =
            before.filter_map(|lane| self.waiting(lane)).map(|waiting| waiting.load(Ordering::Relaxed));
        Duration::from_secs_f64(float(waiting.sum()) / self.speed())
    }

    fn speed(&self) -> f64 {
        float(self.speed.load(Ordering::Relaxed))
    }

    /// Rests after work that took so long, while a crowd is there: what was put off is then done in one go.
    pub async fn rest_after(&self, worked: Duration) {
        let rest = rest(worked, self.behind(Lane::Bulk));
        let start = Instant::now();
        while self.is_there() && start.elapsed() < rest {
            tokio::time::sleep(REST_STEP).await;
        }
    }

    /// Waits while [`BEHIND_MAX`] of work comes before an event of a lane; false when that did not change in time.
    pub async fn has_room(&self, lane: Lane) -> bool {
        let end = Instant::now() + HOLD_MAX;
        loop {
            // Listened for before looking, so that no round of work is missed in between.
            let mut worked = pin!(self.room.notified());
            worked.as_mut().enable();
            if self.behind(lane) < BEHIND_MAX {
                return true;
            }
            if tokio::time::timeout_at(end, worked).await.is_err() {
                return false;
            }
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
fn float(count: u64) -> f64 {
    count as f64
}

fn count(events: usize) -> u64 {
    u64::try_from(events).unwrap_or(u64::MAX)
}

/// What the work behind the intake gets of the time while a crowd is there.
fn share(behind: Duration) -> f64 {
    let over = behind.saturating_sub(BEHIND_LITTLE).as_secs_f64();
    let grown = over / (BEHIND_MUCH - BEHIND_LITTLE).as_secs_f64();
    (SHARE_MIN + (1.0 - SHARE_MIN) * grown).min(1.0)
}

/// How long to rest after so much work.
fn rest(worked: Duration, behind: Duration) -> Duration {
    worked.mul_f64(1.0 / share(behind) - 1.0).min(REST_MAX)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_burst_is_no_crowd_and_full_groups_on_end_are_one() {
        let crowd = Crowd::new();
        for _ in 1..CROWD_GROUPS {
            crowd.note(CROWD_REQUESTS + 1, CROWD_REQUESTS + 1);
            assert!(!crowd.is_there());
        }
        crowd.note(1, 1);
        for number in 1..=CROWD_GROUPS {
            // A few requests with many events each count like many requests.
            crowd.note(1, CROWD_EVENTS + 1);
            assert_eq!(crowd.is_there(), number == CROWD_GROUPS, "group {number}");
        }
    }

    #[test]
    fn the_share_grows_with_what_waits_and_ends_at_all() {
        let at = |seconds| share(Duration::from_secs(seconds));
        assert!((at(0) - SHARE_MIN).abs() < 1e-9 && (at(3) - SHARE_MIN).abs() < 1e-9);
        assert!(at(8) > at(4) && at(8) < 1.0);
        assert!((at(12) - 1.0).abs() < 1e-9 && (at(40) - 1.0).abs() < 1e-9);
        assert_eq!(rest(Duration::from_millis(10), Duration::ZERO), Duration::from_millis(70));
        assert_eq!(rest(Duration::from_secs(10), Duration::ZERO), REST_MAX);
        assert_eq!(rest(Duration::from_secs(10), BEHIND_MUCH), Duration::ZERO);
        assert!(BEHIND_LITTLE.as_secs_f64() / SHARE_MIN <= BEHIND_MAX.as_secs_f64());
    }

    #[test]
    fn what_waits_is_measured_in_the_time_that_it_takes() {
        let crowd = Crowd::new();
        crowd.stored(Lane::Normal, 20_000);
        crowd.stored(Lane::Bulk, 10_000);
        assert_eq!(crowd.behind(Lane::Hot), Duration::ZERO);
        assert_eq!(crowd.behind(Lane::Normal), Duration::from_secs(2));
        assert_eq!(crowd.behind(Lane::Bulk), Duration::from_secs(3));
        // Twice as fast as thought, which counts by its weight.
        crowd.worked([0, 10_000, 0], Duration::from_millis(500), false);
        assert_eq!(crowd.behind(Lane::Normal), Duration::from_millis(800));
        crowd.worked([0, 1, 0], Duration::from_secs(9), true);
        assert_eq!(crowd.behind(Lane::Bulk), Duration::ZERO);
    }

    #[tokio::test]
    async fn callers_wait_where_too_much_work_comes_before_an_event() {
        let crowd = Crowd::new();
        crowd.stored(Lane::Bulk, 24 * 10_000);
        let passes = |lane| crowd.has_room(lane).now_or_never() == Some(true);
        assert!(passes(Lane::Normal));
        assert!(!passes(Lane::Bulk));
        crowd.worked([0; 3], Duration::ZERO, true);
        assert!(passes(Lane::Bulk));
    }

    proptest! {
        /// Tenth by tenth of a second: whatever is sent, and whatever the work gets through, no event waits for much longer
        /// than the bound.
        #[test]
        fn no_event_waits_much_longer_than_the_bound(
            sent in prop::collection::vec(0_u32..4_000, 1_500), speed in 2_000_u32..40_000,
        ) {
            const STEP: f64 = 0.1;
            let speed = f64::from(speed);
            let (mut waiting, mut total) = (std::collections::VecDeque::new(), 0.0);
            for (now, sent) in sent.into_iter().enumerate() {
                let behind = Duration::from_secs_f64(total / speed);
                // Whoever was on the way when the limit was reached is still stored.
                let stored = if behind >= BEHIND_MAX { 100.0 } else { f64::from(sent) };
                waiting.push_back((now, stored));
                total += stored;
                let mut can = speed * STEP * share(behind);
                while let Some((at, left)) = waiting.front_mut() {
                    let late = float(count(now - *at)) * STEP;
                    prop_assert!(late <= BEHIND_MAX.as_secs_f64() * 1.1, "{late} s late at {speed}/s");
                    let done = can.min(*left);
                    (*left, can, total) = (*left - done, can - done, total - done);
                    if *left > 0.0 {
                        break;
                    }
                    waiting.pop_front();
                }
            }
        }
    }
}
