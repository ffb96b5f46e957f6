//! The steps: when each comes, that each comes once, and what ends them.

use super::*;

#[test]
fn steps_come_at_their_times() {
    let shift = office();
    let mut clock = SlaClock::start(terms(Basis::Wall), monday("09:00"));
    let expected = [
        (StepKind::AcknowledgeBreach, hours(2)),
        (StepKind::Remind, hours(3)),
        (StepKind::Breach, hours(4)),
        (StepKind::AlertOwner, hours(5)),
        (StepKind::AlertManager, hours(8)),
        (StepKind::Reassign, hours(28)),
    ];
    for (kind, after) in expected {
        let due = monday("09:00") + after;
        let early = due - TimeDelta::microseconds(1);
        assert_eq!(clock.next_step(&shift, early).unwrap(), Some(Step { kind, at: due }));
        assert_eq!(clock.take_due(&shift, early).unwrap(), None, "{kind:?} is early");
        assert_eq!(clock.take_due(&shift, due).unwrap(), Some(Step { kind, at: due }));
        assert_eq!(clock.take_due(&shift, due).unwrap(), None, "{kind:?} came twice");
    }
    assert_eq!(clock.next_step(&shift, monday("23:00") + hours(1_000)).unwrap(), None);
}

#[test]
fn alerts_of_business_time_come_at_work() {
    // 09:00 to 17:00: due on Monday at closing time, the alerts on Tuesday, reassigned 24 working hours later.
    let shift = office();
    let mut clock = SlaClock::start(terms(Basis::Business), monday("13:00"));
    let steps = take_all(&mut clock, &shift, at("2027-02-01T00:00:00Z"));
    let expected = [
        (StepKind::AcknowledgeBreach, "2027-01-11T15:00:00Z"),
        (StepKind::Breach, "2027-01-11T17:00:00Z"),
        (StepKind::AlertOwner, "2027-01-12T10:00:00Z"),
        (StepKind::AlertManager, "2027-01-12T13:00:00Z"),
        (StepKind::Reassign, "2027-01-14T17:00:00Z"),
    ];
    assert_eq!(
        steps,
        expected.map(|(kind, time)| Step { kind, at: at(time) }),
        "late, so without the reminder"
    );
}

#[test]
fn acknowledgement_takes_only_its_own_step_away() {
    let shift = office();
    let mut clock = SlaClock::start(terms(Basis::Wall), monday("09:00"));
    assert!(clock.acknowledge(monday("10:00")));
    assert!(!clock.acknowledge(monday("10:30")), "the first counts");
    assert_eq!(clock.acknowledged_at(), Some(monday("10:00")));
    let next = clock.next_step(&shift, monday("10:30")).unwrap().unwrap();
    assert_eq!((next.kind, next.at), (StepKind::Remind, monday("12:00")));
}

#[test]
fn contact_and_closure_take_all_steps_away() {
    let shift = office();
    for contact in [true, false] {
        let mut clock = SlaClock::start(terms(Basis::Wall), monday("09:00"));
        take_all(&mut clock, &shift, monday("13:00"));
        if contact {
            clock.contact(&shift, monday("13:30"))
        } else {
            clock.close(&shift, monday("13:30"))
        };
        assert_eq!(take_all(&mut clock, &shift, monday("23:00") + hours(100)), []);
        assert_eq!(clock.status(&shift, monday("23:00")).unwrap().next, None);
    }
}

#[test]
fn the_loop_guard_stops_with_the_fallback() {
    let shift = office();
    let mut clock = SlaClock::start(terms(Basis::Wall), monday("09:00"));
    let mut last = Vec::new();
    for turn in 0..3 {
        let end = clock.started_at() + hours(28);
        let steps = take_all(&mut clock, &shift, end);
        last.push(steps.last().unwrap().kind);
        assert_eq!(clock.reassignments(), turn);
        assert_eq!(take_all(&mut clock, &shift, end + hours(100)), []);
        clock = clock.restarted(end, Restart::Automatic);
    }
    assert_eq!(last, [StepKind::Reassign, StepKind::Reassign, StepKind::Stop]);
    assert_eq!(clock.restarted(monday("09:00"), Restart::Manual).reassignments(), 0);
}

#[test]
fn a_new_turn_has_the_whole_budget_and_keeps_what_the_handoff_waits_for() {
    let shift = office();
    let mut clock = SlaClock::start(terms(Basis::Wall), monday("09:00"));
    clock.pause(PauseReason::RepAbsent, monday("10:00"), None).unwrap();
    clock.pause(PauseReason::Held, monday("10:30"), Some(monday("14:00"))).unwrap();
    clock.pause(PauseReason::WaitingForInformation, monday("10:15"), Some(monday("11:00"))).unwrap();
    let next = clock.restarted(monday("12:00"), Restart::Manual);
    let held = Pause { reason: PauseReason::Held, from: monday("12:00"), to: Some(monday("14:00")) };
    assert_eq!(next.pauses(), [held]);
    assert_eq!(next.due_at(&shift).unwrap(), Some(monday("18:00")));
    assert_eq!(next.acknowledged_at(), None);
}

#[test]
fn without_reminder_and_acknowledgement_there_are_fewer_steps() {
    let shift = office();
    let plain = SlaTerms { remind_before: None, acknowledge_within: None, ..terms(Basis::Wall) };
    let mut clock = SlaClock::start(plain, monday("09:00"));
    assert_eq!(clock.acknowledge_due_at(&shift).unwrap(), None);
    let kinds: Vec<_> = take_all(&mut clock, &shift, monday("18:00")).iter().map(|step| step.kind).collect();
    assert_eq!(kinds, [StepKind::Breach, StepKind::AlertOwner, StepKind::AlertManager]);
}

#[test]
fn no_step_of_a_reminder_that_was_overtaken_comes_back() {
    // The breach is taken late; a pause entered afterwards for the past would move the deadline.
    let shift = office();
    let mut clock = SlaClock::start(terms(Basis::Wall), monday("09:00"));
    clock.acknowledge(monday("09:10"));
    assert_eq!(take_all(&mut clock, &shift, monday("13:05"))[0].kind, StepKind::Breach);
    clock.pause(PauseReason::Held, monday("11:00"), Some(monday("13:00"))).unwrap();
    let next = clock.next_step(&shift, monday("13:10")).unwrap().unwrap();
    assert_eq!((next.kind, next.at), (StepKind::AlertOwner, monday("16:00")));
}
