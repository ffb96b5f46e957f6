//! What is told or noted later than it was so.

use proptest::prelude::*;

use super::*;

fn acknowledge_breaches(happened: &[Happening]) -> Vec<DateTime> {
    let breach = |happening: &Happening| match happening {
        Happening::Step { step: StepKind::AcknowledgeBreach, turn: 1, at, owner, .. } => {
            assert_eq!(*owner, Some(rep("ada")));
            Some(*at)
        }
        _ => None,
    };
    happened.iter().filter_map(breach).collect()
}

/// Does something as the use cases do: time passes first.
fn done(handoff: &mut Handoff, action: &Action, now: DateTime) -> Vec<Happening> {
    let mut happened = pass_time_before(handoff, action.done_at(now), now).unwrap();
    happened.extend(act(handoff, action, now).unwrap());
    happened
}

#[test]
fn whether_an_acknowledgement_was_late_does_not_depend_on_when_the_service_looked() {
    let due = start() + minutes(120);
    for (now, late) in [(due - MICRO, false), (due, false), (due + MICRO, true), (due + minutes(60), true)] {
        let expected: Vec<DateTime> = late.then_some(due).into_iter().collect();
        let contact = Action::Contact { at: now };
        let ask = Action::Ask { question: "Which plan?".to_owned() };
        for action in [Action::Acknowledge, ask, contact, Action::Convert { nps: None }] {
            let mut handoff = assigned();
            let happened = done(&mut handoff, &action, now);
            assert_eq!(acknowledge_breaches(&happened), expected, "{action:?} at {now}");
            let left = pass_time(&mut handoff, now + minutes(1)).unwrap();
            assert!(acknowledge_breaches(&left).is_empty(), "not once more");
        }
        // The service was first.
        let mut handoff = assigned();
        let mut happened = pass_time(&mut handoff, now - MICRO).unwrap();
        happened.extend(done(&mut handoff, &Action::Acknowledge, now));
        assert_eq!(acknowledge_breaches(&happened), expected, "seen at {now}");
    }
}

proptest! {
    #[test]
    fn what_had_happened_by_an_instant_does_not_depend_on_when_the_service_looked(
        mut looks in prop::collection::vec(0..40 * 60_i64, 0..6),
        acts_at in 1..40 * 60_i64,
    ) {
        let now = start() + minutes(acts_at);
        let noted = |handoff: &Handoff, happened: &[Happening]| {
            // Nobody is reminded of what has passed; all else is noted, however late.
            let steps = happened.iter().filter(|happening| {
                !matches!(happening, Happening::Step { step: StepKind::Remind, .. })
            });
            (steps.cloned().collect::<Vec<_>>(), handoff.status, handoff.breached_at)
        };
        let (mut seen, mut unseen) = (assigned(), assigned());
        looks.sort_unstable();
        let mut happened = Vec::new();
        for look in looks.into_iter().filter(|look| *look < acts_at) {
            happened.extend(pass_time(&mut seen, start() + minutes(look)).unwrap());
        }
        happened.extend(pass_time_before(&mut seen, now, now).unwrap());
        let late = pass_time_before(&mut unseen, now, now).unwrap();
        prop_assert_eq!(noted(&seen, &happened), noted(&unseen, &late));
    }
}

#[test]
fn who_had_spoken_with_the_customer_before_was_not_late_to_acknowledge() {
    let mut handoff = assigned();
    let action = Action::Contact { at: start() + minutes(60) };
    let happened = done(&mut handoff, &action, start() + minutes(180));
    assert!(acknowledge_breaches(&happened).is_empty());
    assert_eq!(handoff.acknowledged_at, Some(start() + minutes(180)), "that is when it was said");
}

#[test]
fn a_question_stops_the_clock_once_in_a_turn_and_ends_with_it() {
    let at = |minute: i64| start() + minutes(minute);
    let ask = Action::Ask { question: "Which plan?".to_owned() };
    let answer = Action::Answer { answer: None };
    let mut handoff = assigned();
    let asked = done(&mut handoff, &ask, at(60));
    let waits_until = Some(at(60) + minutes(24 * 60));
    assert_eq!(asked.last(), Some(&Happening::Asked { question: "Which plan?".to_owned(), waits_until }));
    assert_eq!((handoff.status, handoff.due_at), (Status::Acknowledged, Some(at(24 * 60 + 240))));
    assert!(act(&mut handoff, &ask, at(61)).is_err(), "one question at a time");
    done(&mut handoff, &answer, at(100));
    assert_eq!((handoff.due_at, handoff.question.clone()), (Some(at(280)), None));
    let again = done(&mut handoff, &ask, at(110));
    assert!(matches!(again.last(), Some(Happening::Asked { waits_until: None, .. })), "{again:?}");
    assert_eq!(handoff.due_at, Some(at(280)));
    // Whoever gets it next has a clock and a question of their own.
    act(&mut handoff, &Action::Reassign { reason: TurnEnd::Reassigned }, at(120)).unwrap();
    give(&mut handoff, taken_by("ben"), at(120));
    assert_eq!((handoff.due_at, handoff.question.clone()), (Some(at(360)), None));
    done(&mut handoff, &ask, at(130));
    assert_eq!(handoff.due_at, Some(at(130) + minutes(24 * 60 + 230)));
    // Nobody answers: it goes on by itself, and a contact needs no answer any more.
    let later = at(130 + 24 * 60 + 10);
    done(&mut handoff, &Action::Contact { at: later }, later);
    assert_eq!((handoff.contacted_at, handoff.question), (Some(later), None));
}

#[test]
fn what_is_reported_late_happened_when_it_did_within_the_present_turn() {
    let now = start() + minutes(300);
    let since = start() + minutes(30);
    for (at, contacted, in_time) in [
        (start() + minutes(90), start() + minutes(90), true),
        (start() + minutes(29), since, true),
        (start() + minutes(280), start() + minutes(280), false),
        (now + minutes(10), now, false),
    ] {
        for outcome in
            [ReportedOutcome::Contacted, ReportedOutcome::MeetingBooked, ReportedOutcome::Converted]
        {
            let mut handoff = pending();
            give(&mut handoff, taken_by("ada"), since);
            // Four hours from the assignment on.
            pass_time(&mut handoff, now).unwrap();
            let happened = report(&mut handoff, outcome, None, at, now).unwrap();
            assert!(
                happened.contains(&Happening::Contacted { at: contacted, in_time }),
                "{outcome:?}: {happened:?}"
            );
            assert_eq!(handoff.contacted_at, Some(contacted), "{outcome:?}");
            assert_eq!(handoff.breached_at.is_none(), in_time, "{outcome:?}");
            assert!(handoff.closed_at.is_none_or(|closed| closed == now), "the end is when it became known");
            assert_constraints(&handoff);
        }
    }
    let mut handoff = assigned();
    report(&mut handoff, ReportedOutcome::Lost, None, start(), now).unwrap();
    assert_eq!((handoff.contacted_at, handoff.closed_at), (None, Some(now)));
    assert!(report(&mut handoff, ReportedOutcome::Contacted, None, start(), now).is_err());
}

#[test]
fn whom_a_person_gives_it_back_to_has_not_lost_it() {
    let mut handoff = assigned();
    let lose = |handoff: &mut Handoff| {
        act(handoff, &Action::Reassign { reason: TurnEnd::Reassigned }, start()).unwrap();
        handoff.request.lost_by.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(lose(&mut handoff), ["ada"]);
    give(&mut handoff, taken_by("ben"), start());
    assert_eq!(lose(&mut handoff), ["ada", "ben"]);
    give(&mut handoff, taken_by("ada"), start());
    assert_eq!(handoff.request.lost_by, BTreeSet::from([rep("ben")]));
    assert_eq!(lose(&mut handoff), ["ada", "ben"], "until it is lost again");
}
