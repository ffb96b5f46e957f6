//! Tasks, gates and the guardrail, step by step.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use super::*;
use crate::plans::model::CheckedBy;
use crate::plans::samples::{at, diamond, role};

fn start() -> DateTime {
    at("2027-01-11T08:00:00Z")
}

fn hours(hours: i64) -> DateTime {
    start() + TimeDelta::hours(hours)
}

/// Two retries; director, manager, CRO, one a day.
fn rules() -> ErrorHandling {
    diamond().error_handling
}

fn ready() -> TaskState {
    let mut state = TaskState::default();
    assert_eq!(make_ready(&mut state), [Happening::Ready]);
    assert_eq!(make_ready(&mut state), []);
    state
}

fn claim(token: i64, until: DateTime) -> Action {
    Action::Claim { by: "agent".to_owned(), token, until }
}

fn done(state: &mut TaskState, action: &Action, now: DateTime) -> Result<Vec<Happening>, Refused> {
    let (rules, mut happened) = (rules(), Vec::new());
    act(state, action, Terms { rules: &rules, checkpoint: None }, now, &mut happened)?;
    Ok(happened)
}

fn names(happened: &[Happening]) -> Vec<&'static str> {
    happened.iter().map(Happening::name).collect()
}

#[test]
fn a_task_is_claimed_kept_and_done_under_its_lease() {
    let mut state = ready();
    assert_eq!(names(&done(&mut state, &claim(1, hours(1)), start()).unwrap()), ["claimed"]);
    done(&mut state, &Action::Heartbeat { token: 1, until: hours(3) }, start()).unwrap();
    let other = done(&mut state, &claim(2, hours(5)), hours(2)).unwrap_err();
    assert!(matches!(other, Refused::Illegal { status: TaskStatus::Claimed, action: ActionKind::Claim, .. }));
    let stale = done(&mut state, &Action::Complete { token: Some(7) }, hours(2)).unwrap_err();
    assert!(matches!(stale, Refused::LeaseLost { .. }));
    let without = done(&mut state, &Action::Complete { token: None }, hours(2)).unwrap_err();
    assert_eq!(without, Refused::Held { by: "agent".to_owned(), until: hours(3) });
    assert_eq!(names(&done(&mut state, &Action::Complete { token: Some(1) }, hours(2)).unwrap()), ["done"]);
    // Said again by whoever did it, it is so already; anything else is refused with what is possible: nothing.
    assert_eq!(done(&mut state, &Action::Complete { token: Some(1) }, hours(9)).unwrap(), []);
    let after = done(&mut state, &Action::Skip, hours(9)).unwrap_err();
    assert_eq!(
        after.to_string(),
        "a task that is done cannot be given the action skip; possible now: nothing, this is final"
    );
}

#[test]
fn a_lease_that_runs_out_gives_the_task_back_and_fences_its_holder() {
    let mut state = ready();
    done(&mut state, &claim(1, hours(1)), start()).unwrap();
    // At the end of the lease it is over.
    let late = done(&mut state, &Action::Complete { token: Some(1) }, hours(1)).unwrap_err();
    assert!(
        matches!(&late, Refused::LeaseLost { status: TaskStatus::Ready, legal } if legal.contains(&ActionKind::Claim))
    );
    assert_eq!((state.status, state.failures), (TaskStatus::Ready, 1));
    done(&mut state, &claim(2, hours(3)), hours(2)).unwrap();
    assert!(done(&mut state, &Action::Complete { token: Some(1) }, hours(2)).is_err(), "the lease of before");
    assert!(done(&mut state, &Action::Complete { token: Some(2) }, hours(2)).is_ok());
}

#[test]
fn after_two_retries_the_ladder_is_climbed_rung_by_rung() {
    let mut state = ready();
    for (token, expected) in [(1, vec!["retried"]), (2, vec!["retried"]), (3, vec!["escalated", "told"])] {
        done(&mut state, &claim(token, hours(1)), start()).unwrap();
        let reason = "no credentials".to_owned();
        let happened = done(&mut state, &Action::Fail { token: Some(token), reason }, start()).unwrap();
        assert_eq!(names(&happened), expected);
    }
    let rules = rules();
    let terms = Terms { rules: &rules, checkpoint: None };
    assert_eq!(next_at(&state, terms), Some(hours(24)));
    // However late somebody looks, each rung is told once, in order, at its own instant.
    let told = pass_time(&mut state, terms, hours(1_000));
    let rungs: Vec<(u8, Role, DateTime)> = told
        .into_iter()
        .filter_map(|one| match one {
            Happening::Told { climb: 1, rung, role, at, .. } => Some((rung, role, at)),
            _ => None,
        })
        .collect();
    assert_eq!(rungs, [(1, role("manager"), hours(24)), (2, role("cro"), hours(48))]);
    assert_eq!((next_at(&state, terms), pass_time(&mut state, terms, hours(2_000))), (None, Vec::new()));
    // A person lets it be tried again: as many retries, and another climb if they do not help.
    assert_eq!(names(&done(&mut state, &Action::Retry, hours(60)).unwrap()), ["reopened"]);
    for _ in 0..3 {
        done(&mut state, &Action::Fail { token: None, reason: "again".to_owned() }, hours(61)).unwrap();
    }
    assert_eq!(state.climb.as_ref().map(|climb| (climb.number, climb.told)), Some((2, 1)));
    assert_eq!(names(&done(&mut state, &Action::Complete { token: None }, hours(62)).unwrap()), ["done"]);
    assert_eq!(next_at(&state, terms), None);
}

#[test]
fn a_checkpoint_is_looked_at_again_before_the_ladder_and_a_new_date_begins_anew() {
    let rules = rules();
    let mut state = TaskState::default();
    let terms = Terms { rules: &rules, checkpoint: Some(hours(10)) };
    assert_eq!(pass_time(&mut state, terms, hours(9)), []);
    assert_eq!(
        pass_time(&mut state, terms, hours(10)),
        [Happening::Missed { date: hours(10), looks: 1, at: hours(10) }]
    );
    let later = pass_time(&mut state, terms, hours(58));
    assert_eq!(names(&later), ["missed", "missed", "told"]);
    assert_eq!(later.iter().filter_map(Happening::counts_at).count(), 0, "the date counted once");
    let moved = Terms { rules: &rules, checkpoint: Some(hours(200)) };
    let again = pass_time(&mut state, moved, hours(200));
    // The climb went on meanwhile.
    assert_eq!(names(&again), ["told", "told", "missed"]);
    assert_eq!(again[2].counts_at(), Some(hours(200)));
}

#[test]
fn what_exceeds_the_guardrail_twice_within_the_window_rings_once() {
    let rule = rules().guardrail;
    let mut watch = Watch::default();
    assert!(!watch.note(hours(0), &rule));
    assert!(!watch.note(hours(48), &rule), "exactly as old as the window no longer counts");
    assert!(watch.note(hours(95), &rule));
    assert!(!watch.note(hours(96), &rule), "what rang is counted no more");
    assert!(watch.note(hours(60), &rule), "known late, it counts at its own instant");
}

fn verdict(holds: bool) -> Verdict {
    Verdict { holds, note: String::new(), by: "dana".to_owned(), at: start() }
}

#[test]
fn a_gate_passes_when_all_hold_and_says_whose_word_counts() {
    let mut gate = diamond().gates.remove(0);
    gate.checks.push(crate::plans::model::GateCheck {
        id: "read".to_owned(),
        asks: "It was read.".to_owned(),
        by: CheckedBy::Attested,
    });
    let mut state = GateState::default();
    let one = |id: &str, holds| BTreeMap::from([(id.to_owned(), verdict(holds))]);
    let closed = review(&mut state, &gate, CheckedBy::Attested, one("read", true)).unwrap_err();
    assert!(matches!(closed, GateRefused::Closed { .. }));
    state.status = GateStatus::Open;
    let theirs = review(&mut state, &gate, CheckedBy::Attested, one("sla", true)).unwrap_err();
    assert_eq!(
        theirs.to_string(),
        "`sla` of gate `ready` is found out by the service from data, and nobody can attest it"
    );
    let unknown = review(&mut state, &gate, CheckedBy::Computed, one("nothing", true)).unwrap_err();
    assert_eq!(unknown.to_string(), "gate `ready` has no check `nothing`; it has `read` and `sla`");
    assert_eq!(review(&mut state, &gate, CheckedBy::Attested, one("read", true)), Ok(GateStatus::Open));
    assert_eq!(review(&mut state, &gate, CheckedBy::Computed, one("sla", false)), Ok(GateStatus::Failed));
    assert_eq!(review(&mut state, &gate, CheckedBy::Computed, one("sla", true)), Ok(GateStatus::Passed));
    assert!(review(&mut state, &gate, CheckedBy::Computed, one("sla", false)).is_err(), "it stays passed");
}
