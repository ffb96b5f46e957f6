//! The tracker: retries, the ladder, red in a row, slips; each thing once, whenever it is looked at.

use chrono::TimeDelta;
use proptest::prelude::*;

use crate::kernel::clock::DateTime;
use crate::plans::lifecycle::{Because, Climb, TaskState, TaskStatus};
use crate::plans::model::{Role, TaskId};
use crate::renewals::model::Risk;
use crate::renewals::samples::{at, plays};
use crate::renewals::tracker::{
    Appointment, Checkpoint, CheckpointStatus, Held, Milestone, Refused, Rules, Track, look, may_hold, slips,
    status,
};

fn checkpoint(n: u32, due: &str) -> Checkpoint {
    Checkpoint { n, due_at: at(due), owner: Role("csm".to_owned()), held: None }
}

fn held(at: DateTime, rating: Risk) -> Held {
    Held { at, rating, note: "no budget yet".to_owned(), by: "key:anna".to_owned() }
}

fn milestone(task: &str, dues: &[(&str, &str)]) -> Milestone {
    let appointments = dues
        .iter()
        .map(|(set, due)| Appointment { set_at: at(set), due_at: at(due), with_deadline: false })
        .collect();
    Milestone {
        task: TaskId(task.to_owned()),
        title: format!("The {task}"),
        appointments,
        done_at: None,
        dropped_at: None,
    }
}

fn keys(track: &Track, rules: &Rules, now: &str) -> Vec<String> {
    look(track, rules, at(now)).fired.into_iter().map(|firing| firing.key).collect()
}

#[test]
fn a_checkpoint_stands_as_its_task_does() {
    let mut one = checkpoint(1, "2026-12-03T17:00:00Z");
    let climb = Climb { number: 1, began_at: one.due_at, told: 1, because: Because::Missed };
    for (state, expected) in [
        (None, CheckpointStatus::Upcoming),
        (Some(TaskState::default()), CheckpointStatus::Upcoming),
        (Some(TaskState { looks: 1, ..TaskState::default() }), CheckpointStatus::Missed),
        (
            Some(TaskState { looks: 3, climb: Some(climb), ..TaskState::default() }),
            CheckpointStatus::Escalated,
        ),
        (
            Some(TaskState { status: TaskStatus::Skipped, looks: 3, ..TaskState::default() }),
            CheckpointStatus::Skipped,
        ),
    ] {
        assert_eq!(status(&one, state.as_ref()), expected);
    }
    one.held = Some(held(one.due_at, Risk::Green));
    assert_eq!(status(&one, Some(&TaskState { looks: 1, ..TaskState::default() })), CheckpointStatus::Held);
}

#[test]
fn red_twice_in_a_row_calls_those_who_can_change_something() {
    let rules = Rules::of(&plays());
    let ratings = |ratings: &[Option<Risk>]| {
        let checkpoints = ratings.iter().zip(1_u32..).map(|(rating, n)| {
            let due = at("2026-12-01T17:00:00Z") + TimeDelta::days(i64::from(n) * 7);
            Checkpoint {
                held: rating.map(|rating| held(due - TimeDelta::hours(2), rating)),
                ..checkpoint(n, &due.to_rfc3339())
            }
        });
        Track { checkpoints: checkpoints.collect(), ..Track::default() }
    };
    let (red, yellow) = (Some(Risk::Red), Some(Risk::Yellow));
    let red_keys = |track: &Track| -> Vec<String> {
        keys(track, &rules, "2027-06-01T00:00:00Z")
            .into_iter()
            .filter(|key| key.starts_with("red:"))
            .collect()
    };
    assert_eq!(red_keys(&ratings(&[red, yellow, red])), Vec::<String>::new());
    assert_eq!(red_keys(&ratings(&[red, red])), ["red:2"]);
    assert_eq!(red_keys(&ratings(&[red, red, red, red])), ["red:2"], "one row is told once");
    assert_eq!(red_keys(&ratings(&[red, red, yellow, red, red])), ["red:2", "red:5"], "a new row is new");
    assert_eq!(red_keys(&ratings(&[red, None, red])), ["red:3"], "one that nobody held breaks no row");
    let fired = look(&ratings(&[red, red]), &rules, at("2027-06-01T00:00:00Z")).fired;
    let told: Vec<&str> = fired.last().unwrap().tell.iter().map(|role| role.0.as_str()).collect();
    assert_eq!(told, ["cro", "product", "finance"]);
    assert_eq!(
        fired.last().unwrap().body,
        "Checkpoints 1 and 2 were red. What was said: 1: no budget yet; 2: no budget yet. Decide what else is done."
    );
}

#[test]
fn milestones_slip_when_their_day_passes_or_is_put_off() {
    let rules = Rules::of(&plays());
    let set = "2026-11-20T10:00:00Z";
    let passed = milestone("offer", &[(set, "2026-12-10T17:00:00Z")]);
    let put_off = milestone(
        "review",
        &[(set, "2026-12-08T17:00:00Z"), ("2026-12-01T09:00:00Z", "2026-12-20T17:00:00Z")],
    );
    let track = Track { milestones: vec![passed.clone(), put_off.clone()], ..Track::default() };
    let found: Vec<(String, String)> =
        slips(&track).into_iter().map(|slip| (slip.task.0, slip.at.to_rfc3339())).collect();
    assert_eq!(
        found,
        [
            ("review".to_owned(), "2026-12-01T09:00:00+00:00".to_owned()),
            ("offer".to_owned(), "2026-12-10T17:00:00+00:00".to_owned()),
            ("review".to_owned(), "2026-12-20T17:00:00+00:00".to_owned()),
        ],
        "the last one comes if nothing is done"
    );
    assert_eq!(keys(&track, &rules, "2026-12-10T16:59:59Z"), Vec::<String>::new());
    assert_eq!(keys(&track, &rules, "2026-12-10T17:00:00Z"), ["slipped:2"]);
    // In time, moved with the deadline, brought forward, or dropped: none of these is a slip.
    let mut fine = passed.clone();
    fine.done_at = Some(at("2026-12-10T16:59:59Z"));
    let mut with_all = put_off.clone();
    with_all.appointments[1].with_deadline = true;
    with_all.done_at = Some(at("2026-12-15T00:00:00Z"));
    let mut sooner = milestone(
        "terms",
        &[(set, "2026-12-08T17:00:00Z"), ("2026-12-01T09:00:00Z", "2026-12-04T17:00:00Z")],
    );
    sooner.done_at = Some(at("2026-12-03T00:00:00Z"));
    let mut dropped = milestone("call", &[(set, "2026-12-08T17:00:00Z")]);
    dropped.dropped_at = Some(at("2026-12-02T00:00:00Z"));
    let track = Track { milestones: vec![fine, with_all, sooner, dropped], ..Track::default() };
    assert_eq!(slips(&track), []);
}

#[test]
fn nothing_fires_after_the_end() {
    let rules = Rules::of(&plays());
    let set = "2026-11-20T10:00:00Z";
    let milestones = ["a", "b", "c", "d"].into_iter().zip(["01", "02", "05", "06"]);
    let milestones =
        milestones.map(|(id, day)| milestone(id, &[(set, &format!("2026-12-{day}T17:00:00Z"))])).collect();
    let mut track =
        Track { checkpoints: vec![checkpoint(1, "2026-12-03T17:00:00Z")], milestones, closed_at: None };
    assert_eq!(look(&track, &rules, at("2027-12-03T17:00:00Z")).fired.len(), 2);
    track.closed_at = Some(at("2026-12-04T12:00:00Z"));
    let seen = look(&track, &rules, at("2027-12-03T17:00:00Z"));
    assert_eq!(seen.fired.len(), 1);
    assert_eq!(seen.next_at, None);
    assert_eq!(may_hold(&track, 1), Err(Refused::Closed));
}

#[test]
fn a_checkpoint_is_reported_once_and_not_after_a_later_one() {
    let mut track = Track {
        checkpoints: vec![checkpoint(1, "2026-12-03T17:00:00Z"), checkpoint(2, "2026-12-10T17:00:00Z")],
        ..Track::default()
    };
    assert_eq!(may_hold(&track, 1), Ok(()));
    assert_eq!(may_hold(&track, 3), Err(Refused::NoSuch { n: 3, count: 2 }));
    track.checkpoints[1].held = Some(held(at("2026-12-09T12:00:00Z"), Risk::Red));
    assert_eq!(may_hold(&track, 1), Err(Refused::Over { later: 2 }));
    let said = may_hold(&track, 2).unwrap_err().to_string();
    assert_eq!(said, "checkpoint 2 was held on Wed 9 Dec 2026, 12:00 UTC, as red");
}

/// An hour, a report on a checkpoint with its rating, a milestone that is done.
type Event = (i64, Option<(usize, usize)>, Option<usize>);

proptest! {
    /// However often and late somebody looks, and whatever is reported meanwhile by the rules of reporting, what fired once is
    /// there at each later look, under its key, as it was.
    #[test]
    fn what_fired_stays_fired(
        dues in proptest::collection::vec(1_i64..40, 1..6),
        reports in proptest::collection::vec((0_i64..60 * 24, 0_usize..6, 0_usize..3), 0..12),
        done in proptest::collection::vec((0_i64..60 * 24, 0_usize..4), 0..4),
    ) {
        let rules = Rules::of(&plays());
        let start = at("2026-12-01T09:00:00Z");
        let mut day = 0;
        let checkpoints = dues.iter().zip(1_u32..).map(|(gap, n)| {
            day += gap;
            checkpoint(n, &(start + TimeDelta::days(day)).to_rfc3339())
        });
        let milestones = (1_i64..5).map(|n| {
            let due = (start + TimeDelta::days(n * 9)).to_rfc3339();
            milestone(&format!("m{n}"), &[("2026-12-01T09:00:00Z", &due)])
        });
        let mut track = Track { checkpoints: checkpoints.collect(), milestones: milestones.collect(), closed_at: None };
        let mut events: Vec<Event> =
            reports.iter().map(|(hour, n, rating)| (*hour, Some((*n, *rating)), None)).collect();
        events.extend(done.iter().map(|(hour, n)| (*hour, None, Some(*n))));
        events.sort_by_key(|event| event.0);
        let mut before = Vec::new();
        for (hour, report, finished) in events {
            let now = start + TimeDelta::hours(hour);
            let seen = look(&track, &rules, now);
            for fired in &before {
                prop_assert!(seen.fired.contains(fired), "{fired:?} is gone");
            }
            prop_assert!(seen.next_at.is_none_or(|next| next > now));
            let mut keys: Vec<&str> = seen.fired.iter().map(|fired| fired.key.as_str()).collect();
            keys.sort_unstable();
            let count = keys.len();
            keys.dedup();
            prop_assert_eq!(keys.len(), count, "a key is one thing");
            before.clone_from(&seen.fired);
            if let Some((index, rating)) = report {
                let n = u32::try_from(index + 1).unwrap();
                if may_hold(&track, n).is_ok() {
                    track.checkpoints[index].held = Some(held(now, Risk::ALL[rating]));
                }
            }
            if let Some(index) = finished {
                track.milestones[index].done_at.get_or_insert(now);
            }
        }
        let end = look(&track, &rules, start + TimeDelta::days(400));
        for fired in &before {
            prop_assert!(end.fired.contains(fired), "{fired:?} is gone at the end");
        }
        prop_assert_eq!(end.next_at, None);
    }
}
