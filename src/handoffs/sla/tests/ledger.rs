//! Pauses, changes of hours, contact and restart, case by case.

use super::*;

#[test]
fn business_time_ends_with_the_working_day() {
    let clock = SlaClock::start(terms(Basis::Business), monday("15:00"));
    assert_eq!(clock.due_at(&office()).unwrap(), Some(at("2027-01-12T11:00:00Z")));
    assert_eq!(clock.spent(&office(), monday("23:00")), hours(2));
    assert_eq!(clock.remaining(&office(), at("2027-01-12T12:00:00Z")), hours(-1));
    let wall = SlaClock::start(terms(Basis::Wall), monday("15:00"));
    assert_eq!(wall.due_at(&office()).unwrap(), Some(monday("19:00")));
    assert_eq!(wall.acknowledge_due_at(&office()).unwrap(), Some(monday("17:00")));
}

#[test]
fn a_deadline_at_closing_time_stays_there() {
    let shift = office();
    let mut clock = SlaClock::start(terms(Basis::Business), monday("13:00"));
    assert_eq!(clock.due_at(&shift).unwrap(), Some(monday("17:00")));
    let overnight = clock.status(&shift, monday("23:00")).unwrap();
    assert_eq!((overnight.remaining, overnight.breached), (hours(0), true));
    // No working time has passed since, and yet it is late.
    assert!(clock.contact(&shift, monday("23:00")));
    assert!(!clock.ended().unwrap().in_time());
}

#[test]
fn contact_at_the_deadline_is_in_time() {
    let shift = office();
    let mut clock = SlaClock::start(terms(Basis::Business), monday("09:00"));
    assert!(clock.contact(&shift, monday("13:00")));
    let ending = *clock.ended().unwrap();
    assert!(ending.in_time() && ending.by == EndedBy::Contact && ending.due_at == Some(monday("13:00")));
    assert_eq!(clock.acknowledged_at(), Some(monday("13:00")), "contact acknowledges");
    assert!(!clock.contact(&shift, monday("14:00")) && !clock.close(&shift, monday("14:00")));
    assert_eq!(clock.spent(&shift, monday("16:00")), hours(4), "it stands still after its end");
}

#[test]
fn a_pause_moves_the_deadline_and_an_open_one_takes_it_away() {
    let shift = office();
    let mut clock = SlaClock::start(terms(Basis::Business), monday("09:00"));
    clock.pause(PauseReason::WaitingForInformation, monday("10:00"), None).unwrap();
    assert_eq!(clock.due_at(&shift).unwrap(), None);
    assert_eq!(clock.next_step(&shift, monday("16:00")).unwrap(), None);
    let paused = clock.status(&shift, monday("16:00")).unwrap();
    assert_eq!((paused.spent, paused.paused), (hours(1), vec![PauseReason::WaitingForInformation]));
    clock.resume(PauseReason::WaitingForInformation, monday("12:00")).unwrap();
    assert_eq!(clock.due_at(&shift).unwrap(), Some(monday("15:00")));
    // A planned pause overlaps another: time stands still once.
    clock.pause(PauseReason::CustomerRequest, monday("13:00"), Some(monday("15:00"))).unwrap();
    clock.pause(PauseReason::Held, monday("14:00"), Some(monday("16:00"))).unwrap();
    assert_eq!(clock.due_at(&shift).unwrap(), Some(at("2027-01-12T10:00:00Z")));
    assert_eq!(clock.spent(&shift, monday("17:00")), hours(3));
}

#[test]
fn a_pause_after_the_deadline_leaves_the_deadline() {
    let shift = office();
    let mut clock = SlaClock::start(terms(Basis::Business), monday("09:00"));
    clock.pause(PauseReason::Held, monday("13:00"), None).unwrap();
    assert_eq!(clock.due_at(&shift).unwrap(), Some(monday("13:00")));
    let kinds: Vec<_> = take_all(&mut clock, &shift, monday("16:00")).iter().map(|step| step.kind).collect();
    assert_eq!(kinds, [StepKind::AcknowledgeBreach, StepKind::Breach], "no alert while it is held");
}

#[test]
fn calls_that_do_not_fit_are_refused() {
    let shift = office();
    let mut clock = SlaClock::start(terms(Basis::Business), monday("09:00"));
    let held = PauseReason::Held;
    assert_eq!(clock.resume(held, monday("10:00")), Err(ClockError::NotPaused));
    let settled = ClockError::Settled { at: monday("08:00"), settled: monday("09:00") };
    assert_eq!(clock.pause(held, monday("08:00"), None), Err(settled));
    let backwards = ClockError::EndsBeforeStart { from: monday("10:00") };
    assert_eq!(clock.pause(held, monday("10:00"), Some(monday("10:00"))), Err(backwards));
    clock.pause(held, monday("10:00"), None).unwrap();
    let twice = ClockError::AlreadyPaused { since: monday("10:00") };
    assert_eq!(clock.pause(held, monday("11:00"), None), Err(twice));
    clock.settle(&shift, monday("12:00"), Change::Calendar).unwrap();
    assert!(matches!(clock.resume(held, monday("11:00")), Err(ClockError::Settled { .. })));
    assert!(matches!(clock.settle(&shift, monday("11:00"), Change::Owner), Err(ClockError::Settled { .. })));
    clock.close(&shift, monday("13:00"));
    assert_eq!(clock.pause(held, monday("14:00"), None), Err(ClockError::Over));
    assert_eq!(clock.resume(held, monday("14:00")), Err(ClockError::Over));
    assert_eq!(clock.settle(&shift, monday("14:00"), Change::Owner), Ok(()), "nothing is left to settle");
    assert!(!clock.acknowledge(monday("14:00")));
}

#[test]
fn a_planned_pause_can_be_dropped_before_it_begins() {
    let mut clock = SlaClock::start(terms(Basis::Wall), monday("09:00"));
    clock.pause(PauseReason::CustomerRequest, monday("12:00"), Some(monday("20:00"))).unwrap();
    clock.resume(PauseReason::CustomerRequest, monday("10:00")).unwrap();
    assert!(clock.pauses().is_empty());
    assert_eq!(clock.due_at(&office()).unwrap(), Some(monday("13:00")));
}

#[test]
fn what_counted_before_a_change_keeps_counting() {
    let (old, new) = (office(), weekdays("13:00-15:00"));
    let mut clock = SlaClock::start(terms(Basis::Business), monday("09:00"));
    clock.settle(&old, monday("11:00"), Change::Calendar).unwrap();
    assert_eq!(clock.spent(&new, monday("12:00")), hours(2));
    assert_eq!(clock.due_at(&new).unwrap(), Some(monday("15:00")));
    clock.settle(&new, monday("14:00"), Change::Owner).unwrap();
    let spent: Vec<_> =
        clock.ledger().iter().map(|part| (part.spent_micros / 3_600_000_000, part.ended_by)).collect();
    assert_eq!(spent, [(2, Change::Calendar), (1, Change::Owner)]);
    assert_eq!(clock.due_at(&old).unwrap(), Some(monday("15:00")));
}

#[test]
fn a_deadline_that_was_passed_does_not_move_any_more() {
    let (old, new) = (office(), weekdays("16:00-17:00"));
    let mut clock = SlaClock::start(terms(Basis::Business), monday("09:00"));
    clock.settle(&old, monday("14:30"), Change::Calendar).unwrap();
    assert_eq!(clock.due_at(&new).unwrap(), Some(monday("13:00")));
    // The owner's alert, at 14:00, was due before the change as well; the manager's is not.
    let steps = take_all(&mut clock, &new, monday("15:00"));
    let expected = [
        (StepKind::AcknowledgeBreach, "11:00"),
        (StepKind::Breach, "13:00"),
        (StepKind::AlertOwner, "14:00"),
    ];
    assert_eq!(steps, expected.map(|(kind, clock)| Step { kind, at: monday(clock) }));
    // 5½ hours have counted of 8; the rest comes hour by hour, a day each.
    let manager = Step { kind: StepKind::AlertManager, at: at("2027-01-13T16:30:00Z") };
    assert_eq!(clock.next_step(&new, monday("15:00")).unwrap(), Some(manager));
}

#[test]
fn absence_counts_in_business_time_as_hours_and_in_wall_time_as_a_pause() {
    let away = Interval { from: monday("10:00"), to: monday("16:00") };
    let shift = office().without([away]);
    let business = SlaClock::start(terms(Basis::Business), monday("09:00"));
    assert_eq!(business.due_at(&shift).unwrap(), Some(at("2027-01-12T11:00:00Z")));
    let mut wall = SlaClock::start(terms(Basis::Wall), monday("09:00"));
    assert_eq!(wall.due_at(&shift).unwrap(), Some(monday("13:00")));
    wall.pause(PauseReason::RepAbsent, away.from, Some(away.to)).unwrap();
    assert_eq!(wall.due_at(&shift).unwrap(), Some(monday("19:00")));
}

#[test]
fn a_contact_recorded_late_is_judged_by_when_it_was() {
    let shift = office();
    let mut clock = SlaClock::start(terms(Basis::Business), monday("09:00"));
    take_all(&mut clock, &shift, monday("13:10"));
    clock.settle(&shift, monday("14:00"), Change::Calendar).unwrap();
    assert!(clock.contact(&shift, monday("12:30")));
    let ending = clock.ended().unwrap();
    assert!(ending.in_time());
    assert_eq!(TimeDelta::microseconds(ending.spent_micros), TimeDelta::minutes(210));
    assert!(!clock.status(&shift, monday("15:00")).unwrap().breached);
}

#[test]
fn hours_that_never_come_are_an_error_and_do_not_stop_an_end() {
    let gone = office().without([Interval { from: monday("10:00"), to: DateTime::MAX_UTC }]);
    let mut clock = SlaClock::start(terms(Basis::Business), monday("09:00"));
    assert!(matches!(clock.due_at(&gone), Err(CalendarError::Closed { .. })));
    assert!(matches!(clock.next_step(&gone, monday("10:00")), Err(CalendarError::Closed { .. })));
    assert!(clock.contact(&gone, monday("16:00")));
    assert!(clock.ended().unwrap().in_time());
}

#[test]
fn a_clock_reads_back_as_it_was_written() {
    let shift = office();
    let mut clock = SlaClock::start(terms(Basis::Business), monday("09:00"));
    clock.pause(PauseReason::Held, monday("09:30"), Some(monday("10:00"))).unwrap();
    clock.settle(&shift, monday("12:00"), Change::Absence).unwrap();
    take_all(&mut clock, &shift, monday("12:00"));
    for end in [false, true] {
        if end {
            clock.contact(&shift, monday("12:15"));
        }
        let text = serde_json::to_string(&clock).unwrap();
        assert_eq!(serde_json::from_str::<SlaClock>(&text).unwrap(), clock, "{text}");
    }
}
