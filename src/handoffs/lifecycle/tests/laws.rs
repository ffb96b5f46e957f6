//! What holds for a handoff whatever the course of events.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::handoffs::assign::outcome::Fallback;

/// One thing in a course of events.
#[derive(Debug, Clone)]
enum Event {
    Act(ActionKind),
    /// Given back to where it came from.
    Return,
    Place(usize),
    FallBack,
    Queue,
    Hours(usize),
}

fn any_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => prop::sample::select(ActionKind::ALL.to_vec()).prop_map(Event::Act),
        1 => Just(Event::Return),
        6 => (0..5_usize).prop_map(Event::Place),
        1 => Just(Event::FallBack),
        2 => Just(Event::Queue),
        2 => (0..3_usize).prop_map(Event::Hours),
    ]
}

fn happens(handoff: &mut Handoff, event: &Event, now: DateTime) -> Vec<Happening> {
    let hours = [Some(office("09:00-17:00")), Some(office("10:00-14:00")), None];
    let outcome = match event {
        Event::Act(kind) => return act(handoff, &any_action(*kind, now), now).unwrap_or_default(),
        Event::Return => {
            let back = Action::Reject { reason: "not ours".to_owned(), reroute: false };
            return act(handoff, &back, now).unwrap_or_default();
        }
        Event::Hours(which) => {
            let changed = change_hours(handoff, hours[*which].clone(), now, Change::Calendar).unwrap();
            return changed.unwrap_or_default();
        }
        Event::Place(who) => taken_by(["ada", "ben", "cleo", "dora", "ella"][*who]),
        Event::FallBack => {
            Outcome::Fallback(Fallback { rep: rep("meg"), cover_for: None, tried: Vec::new() })
        }
        Event::Queue => waits(handoff.waiting_since, Waiting::NobodyNow),
    };
    if handoff.status != Status::Pending {
        return Vec::new();
    }
    let mut happened = place(handoff, outcome, &terms(), Restart::Automatic, hours[0].clone(), now).unwrap();
    happened.extend(alarm(handoff, now));
    happened
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_course_of_events_breaks_a_constraint_or_repeats_what_happens_once(
        first_held in any::<bool>(),
        course in prop::collection::vec((any_event(), 0..2_000_i64), 1..40),
    ) {
        let mut handoff = if first_held { held() } else { pending() };
        let (mut now, mut turn) = (start(), 0);
        let mut seen = BTreeSet::new();
        for (event, wait) in course {
            now += minutes(wait);
            for passes in [true, false] {
                let (before, over) = (state(&handoff), handoff.status.is_final());
                let happened = if passes {
                    pass_time(&mut handoff, now).unwrap()
                } else {
                    happens(&mut handoff, &event, now)
                };
                assert_constraints(&handoff);
                if over {
                    prop_assert!(happened.is_empty());
                    prop_assert_eq!(state(&handoff), before, "it was over");
                }
                for happening in &happened {
                    if let Some(once) = happening.once() {
                        prop_assert!(seen.insert(once.clone()), "twice: {}", once);
                    }
                    match happening {
                        Happening::Assigned { turn: number, .. } => {
                            turn += 1;
                            prop_assert_eq!(*number, turn);
                        }
                        Happening::TurnEnded { turn: number, .. } | Happening::Step { turn: number, .. } => {
                            prop_assert_eq!(*number, turn);
                        }
                        _ => {}
                    }
                }
                // A clock runs for whoever has it and has not been in touch, and for nobody else.
                let running = handoff.clock.as_ref().is_some_and(|clock| clock.ended().is_none());
                let runs = matches!(handoff.status, Status::Assigned | Status::Acknowledged);
                prop_assert_eq!(running, runs);
                prop_assert!(runs || next_step_at(&handoff, now).unwrap().is_none());
            }
        }
    }
}
