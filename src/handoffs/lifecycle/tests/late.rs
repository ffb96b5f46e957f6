//! What is told or noted later than it was so.

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

#[test]
fn whether_an_acknowledgement_was_late_does_not_depend_on_when_the_service_looked() {
    let due = start() + minutes(120);
    for (now, late) in [(due - MICRO, false), (due, false), (due + MICRO, true), (due + minutes(60), true)] {
        let expected: Vec<DateTime> = late.then_some(due).into_iter().collect();
        let contact = Action::Contact { at: now };
        for action in [Action::Acknowledge, contact, Action::Convert { nps: None }] {
            let mut handoff = assigned();
            let happened = act(&mut handoff, &action, now).unwrap();
            assert_eq!(acknowledge_breaches(&happened), expected, "{action:?} at {now}");
            let left = pass_time(&mut handoff, now + minutes(1)).unwrap();
            assert!(acknowledge_breaches(&left).is_empty(), "not once more");
        }
        // The service was first.
        let mut handoff = assigned();
        let mut happened = pass_time(&mut handoff, now - MICRO).unwrap();
        happened.extend(act(&mut handoff, &Action::Acknowledge, now).unwrap());
        assert_eq!(acknowledge_breaches(&happened), expected, "seen at {now}");
    }
}

#[test]
fn who_had_spoken_with_the_customer_before_was_not_late_to_acknowledge() {
    let mut handoff = assigned();
    let action = Action::Contact { at: start() + minutes(60) };
    let happened = act(&mut handoff, &action, start() + minutes(180)).unwrap();
    assert!(acknowledge_breaches(&happened).is_empty());
    assert_eq!(handoff.acknowledged_at, Some(start() + minutes(180)), "that is when it was said");
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
