//! What holds for any task, whatever is done with it and whenever somebody looks.

use chrono::TimeDelta;
use proptest::prelude::*;

use super::*;
use crate::kernel::calendar::Length;
use crate::plans::model::Guardrail;
use crate::plans::samples::{at, diamond, role};

/// Something done, so many minutes after what was done before.
#[derive(Debug, Clone)]
struct Deed {
    minutes: i64,
    kind: u8,
    token: i64,
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let deed = (0i64..900, 0u8..10, 0i64..6);
    prop::collection::vec(deed.prop_map(|(minutes, kind, token)| Deed { minutes, kind, token }), 1..40)
}

fn action(deed: &Deed, next: i64, now: DateTime) -> Action {
    let until = now + TimeDelta::minutes(120);
    // Mostly the lease of the last claim, now and then another.
    let token = if deed.token == 0 { next - 2 } else { next - 1 };
    match deed.kind {
        0..=2 => Action::Claim { by: "agent".to_owned(), token: next, until },
        3 => Action::Heartbeat { token, until },
        4 => Action::Complete { token: (deed.token > 1).then_some(token) },
        5..=7 => Action::Fail { token: (deed.token < 5).then_some(token), reason: "no".to_owned() },
        8 => Action::Retry,
        _ => [Action::Skip, Action::GiveUp { reason: "no".to_owned() }][usize::from(deed.token % 5 > 0)]
            .clone(),
    }
}

fn rules(retries: u8, rungs: usize) -> ErrorHandling {
    let ladder = (0..rungs).map(|at| role(&format!("rung{at}"))).collect();
    ErrorHandling { retries, ladder, rung_after: Length::hours(6), ..diamond().error_handling }
}

/// All that happened, and the state at the end. `looks` puts looks of the service between the deeds.
fn live(deeds: &[Deed], rules: &ErrorHandling, checkpoint: bool, looks: bool) -> (Vec<Happening>, TaskState) {
    let start = at("2027-01-11T08:00:00Z");
    let terms = Terms { rules, checkpoint: checkpoint.then(|| start + TimeDelta::hours(20)) };
    let (mut state, mut happened, mut now, mut next) = (TaskState::default(), Vec::new(), start, 1);
    happened.extend(make_ready(&mut state));
    for deed in deeds {
        if looks {
            for part in 1..4 {
                let look = now + TimeDelta::minutes(deed.minutes) * part / 4;
                happened.extend(pass_time(&mut state, terms, look));
            }
        }
        now += TimeDelta::minutes(deed.minutes);
        let action = action(deed, next, now);
        let legal = legal(&state);
        let before = happened.len();
        match act(&mut state, &action, terms, now, &mut happened) {
            Ok(()) if matches!(action, Action::Claim { .. }) => next += 1,
            // What is refused changes nothing but what time brought, which leaves nothing behind to bring.
            Err(Refused::Illegal { legal: told, .. } | Refused::LeaseLost { legal: told, .. }) => {
                assert_eq!(told, super::legal(&state));
                assert!(told != legal || happened.len() >= before);
            }
            Ok(()) | Err(Refused::Held { .. }) => {}
        }
        assert_eq!(pass_time(&mut state, terms, now), []);
        assert_eq!(state.lease.is_some(), state.status == TaskStatus::Claimed);
    }
    happened.extend(pass_time(&mut state, terms, now + TimeDelta::days(30)));
    (happened, state)
}

proptest! {
    #[test]
    fn nothing_happens_after_a_final_state(deeds in deeds(), retries in 0u8..4, checkpoint in any::<bool>()) {
        let (happened, state) = live(&deeds, &rules(retries, 3), checkpoint, false);
        let last = |one: &Happening| matches!(one, Happening::Done | Happening::Skipped | Happening::Failed { .. });
        let ended = happened.iter().position(last);
        prop_assert_eq!(ended.is_some(), state.status.is_final());
        prop_assert!(ended.is_none_or(|at| at + 1 == happened.len()), "{happened:?}");
    }

    #[test]
    fn there_are_as_many_retries_as_allowed_and_no_more(deeds in deeds(), retries in 0u8..4) {
        let (happened, _) = live(&deeds, &rules(retries, 3), false, false);
        let mut failures = 0u8;
        for one in &happened {
            match one {
                Happening::Retried { failures: told, .. } => {
                    failures += 1;
                    prop_assert_eq!(*told, failures);
                    prop_assert!(failures <= retries);
                }
                Happening::Escalated { .. } => prop_assert_eq!(failures, retries),
                Happening::Reopened => failures = 0,
                _ => {}
            }
        }
    }

    #[test]
    fn rungs_are_told_in_order_and_each_once(deeds in deeds(), retries in 0u8..3, rungs in 1usize..5, checkpoint in any::<bool>()) {
        let rules = rules(retries, rungs);
        let (happened, _) = live(&deeds, &rules, checkpoint, false);
        let told: Vec<(u16, u8, &Role, DateTime)> = happened.iter().filter_map(|one| match one {
            Happening::Told { climb, rung, role, at, .. } => Some((*climb, *rung, role, *at)),
            _ => None,
        }).collect();
        let mut expected: Option<(u16, u8)> = None;
        for (place, (climb, rung, role, at)) in told.iter().enumerate() {
            prop_assert_eq!(*role, &rules.ladder[usize::from(*rung)]);
            match expected {
                Some((same, next)) if same == *climb => {
                    prop_assert_eq!(*rung, next);
                    prop_assert_eq!(*at - told[place - 1].3, rules.rung_after.as_delta());
                }
                before => {
                    prop_assert_eq!(*rung, 0);
                    prop_assert!(before.is_none_or(|(last, _)| last < *climb));
                }
            }
            expected = Some((*climb, rung + 1));
        }
    }

    /// A service that looks all the time and one that was down all the time tell the same.
    #[test]
    fn it_does_not_matter_when_somebody_looks(deeds in deeds(), retries in 0u8..3, checkpoint in any::<bool>()) {
        let rules = rules(retries, 3);
        prop_assert_eq!(live(&deeds, &rules, checkpoint, true), live(&deeds, &rules, checkpoint, false));
    }

    /// As somebody would count with all instants before them: whenever as many lie within a window as are too much, it
    /// rings, and those do not count again.
    #[test]
    fn the_guardrail_counts_as_one_would_by_hand(
        gaps in prop::collection::vec(0i64..40, 1..30),
        exceeded in 1u8..5,
    ) {
        let rule = Guardrail { exceeded, within: Length::hours(48), tell: Vec::new() };
        let (mut watch, mut now) = (Watch::default(), at("2027-01-11T08:00:00Z"));
        let mut counted: Vec<DateTime> = Vec::new();
        for gap in gaps {
            now += TimeDelta::hours(gap);
            counted.push(now);
            let within = counted.iter().filter(|at| now - **at < TimeDelta::hours(48)).count();
            let rings = within >= usize::from(exceeded);
            prop_assert_eq!(watch.note(now, &rule), rings);
            if rings {
                counted.clear();
            }
        }
    }
}
