//! What holds for every course of events: pauses, changes of hours, absences, restarts of the process.

use proptest::prelude::*;

use super::*;
use crate::kernel::calendar::OpenTime as _;

/// Everything happens on quarter hours, so that counting them one by one is an exact second opinion.
const QUARTER: TimeDelta = TimeDelta::minutes(15);
/// Quarter hours in a course: three weeks.
const COURSE: usize = 21 * 96;

/// What happens at some quarter hour.
#[derive(Debug, Clone, Copy)]
enum Event {
    Pause(PauseReason, Option<u8>),
    Resume(PauseReason),
    /// Other hours from now on.
    Hours(usize),
    Acknowledge,
    Contact,
    Close,
    /// Nothing changes, but it is settled all the same.
    Settle,
    /// The worker looks for what is due.
    Look,
}

fn any_event() -> impl Strategy<Value = Event> {
    let reason = || {
        prop::sample::select(vec![
            PauseReason::Held,
            PauseReason::WaitingForInformation,
            PauseReason::RepAbsent,
            PauseReason::CustomerRequest,
        ])
    };
    prop_oneof![
        4 => (reason(), prop::option::of(1u8..200)).prop_map(|(reason, quarters)| Event::Pause(reason, quarters)),
        4 => reason().prop_map(Event::Resume),
        4 => (0usize..4).prop_map(Event::Hours),
        1 => Just(Event::Acknowledge),
        1 => Just(Event::Contact),
        1 => Just(Event::Close),
        4 => Just(Event::Settle),
        12 => Just(Event::Look),
    ]
}

/// Events at quarter hours of the course, in order.
fn any_course() -> impl Strategy<Value = Vec<(usize, Event)>> {
    prop::collection::vec((0..COURSE, any_event()), 0..40).prop_map(|mut events| {
        events.sort_by_key(|(quarter, _)| *quarter);
        events
    })
}

fn any_terms() -> impl Strategy<Value = SlaTerms> {
    let basis = prop::sample::select(vec![Basis::Wall, Basis::Business]);
    (basis, 2u16..50, 0u16..3, 0u8..3).prop_map(|(basis, budget, later, guard)| SlaTerms {
        budget: Length::hours(budget),
        remind_before: Some(Length::minutes(budget * 15)),
        acknowledge_within: Some(Length::hours(1 + later % budget)),
        wait_for_answer: Length::hours(24),
        max_reassignments: guard,
        ..terms(basis)
    })
}

/// Four sets of hours: two teams, with and without somebody's absence.
fn all_hours() -> [Shift; 4] {
    let gap = Interval { from: at("2027-01-05T12:00:00Z"), to: at("2027-01-11T10:30:00Z") };
    let (day, late) = (office(), weekdays("13:15-23:45"));
    [day.clone().without([gap]), late.clone().without([gap]), day, late]
}

fn start() -> DateTime {
    at("2027-01-04T08:00:00Z")
}

/// Runs a course and returns the clock with the hours at its end and the steps that were taken, in order.
fn run(
    terms: &SlaTerms,
    course: &[(usize, Event)],
    settles: bool,
) -> (SlaClock, usize, Vec<(DateTime, Step)>) {
    let hours = all_hours();
    let (mut clock, mut current) = (SlaClock::start(terms.clone(), start()), 0);
    let mut taken = Vec::new();
    for (quarter, event) in course {
        let now = start() + QUARTER * i32::try_from(*quarter).unwrap();
        match *event {
            // What does not fit is refused and changes nothing.
            Event::Pause(reason, quarters) => {
                let to = quarters.map(|quarters| now + QUARTER * i32::from(quarters));
                let _ = clock.pause(reason, now, to);
            }
            Event::Resume(reason) => drop(clock.resume(reason, now)),
            Event::Hours(next) => {
                clock.settle(&hours[current], now, Change::Calendar).unwrap();
                current = next;
            }
            Event::Acknowledge => drop(clock.acknowledge(now)),
            Event::Contact => drop(clock.contact(&hours[current], now)),
            Event::Close => drop(clock.close(&hours[current], now)),
            Event::Settle if settles => clock.settle(&hours[current], now, Change::Absence).unwrap(),
            Event::Settle => {}
            Event::Look => {
                // The process starts anew each time: the clock comes from what was written.
                clock = serde_json::from_str(&serde_json::to_string(&clock).unwrap()).unwrap();
                taken.extend(take_all(&mut clock, &hours[current], now).into_iter().map(|step| (now, step)));
            }
        }
    }
    (clock, current, taken)
}

/// Counts the quarter hours that were open and not paused, one by one.
fn counted(terms: &SlaTerms, course: &[(usize, Event)], clock: &SlaClock, until: DateTime) -> TimeDelta {
    let hours = all_hours();
    let mut events = course.iter().filter_map(|(quarter, event)| match event {
        Event::Hours(next) => Some((*quarter, *next)),
        _ => None,
    });
    let (mut upcoming, mut current, mut total) = (events.next(), 0, TimeDelta::zero());
    let until = clock.ended().map_or(until, |ending| ending.at);
    for quarter in 0..COURSE {
        while let Some((_, next)) = upcoming.filter(|(when, _)| *when <= quarter) {
            (current, upcoming) = (next, events.next());
        }
        let now = start() + QUARTER * i32::try_from(quarter).unwrap();
        let paused =
            clock.pauses().iter().any(|pause| pause.from <= now && pause.to.is_none_or(|to| now < to));
        let open = terms.basis == Basis::Wall || hours[current].is_open(now);
        if now < until && open && !paused {
            total += QUARTER;
        }
    }
    total
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn spent_and_remaining_are_the_budget_whatever_happens(terms in any_terms(), course in any_course()) {
        let (clock, current, _) = run(&terms, &course, true);
        let shift = &all_hours()[current];
        let end = start() + QUARTER * i32::try_from(COURSE).unwrap();
        let (spent, remaining) = (clock.spent(shift, end), clock.remaining(shift, end));
        prop_assert_eq!(spent + remaining, terms.budget.as_delta());
        prop_assert_eq!(spent, counted(&terms, &course, &clock, end));
        let settled: i64 = clock.ledger().iter().map(|part| part.spent_micros).sum();
        prop_assert!(clock.ledger().windows(2).all(|pair| pair[0].to == pair[1].from));
        prop_assert!(clock.ended().is_some() || TimeDelta::microseconds(settled) <= spent);
    }

    #[test]
    fn the_deadline_is_where_the_budget_is_spent(terms in any_terms(), course in any_course()) {
        let (clock, current, _) = run(&terms, &course, true);
        let shift = &all_hours()[current];
        let settled = clock.ledger().last().map_or(start(), |part| part.to);
        if clock.ended().is_none()
            && let Some(due) = clock.due_at(shift).unwrap()
            && due > settled
        {
            prop_assert_eq!(clock.remaining(shift, due), TimeDelta::zero());
            prop_assert!(clock.remaining(shift, due - TimeDelta::microseconds(1)) > TimeDelta::zero());
        }
    }

    #[test]
    fn steps_come_in_order_once_and_never_after_the_end(terms in any_terms(), course in any_course()) {
        let (clock, current, taken) = run(&terms, &course, true);
        let kinds: Vec<StepKind> = taken.iter().map(|(_, step)| step.kind).collect();
        let all: Vec<StepKind> = terms.steps(0).into_iter().map(|(_, kind)| kind).collect();
        let mut order = all.iter();
        prop_assert!(kinds.iter().all(|kind| order.any(|next| next == kind)), "{:?} of {:?}", kinds, all);
        prop_assert!(taken.windows(2).all(|pair| pair[0].1.at <= pair[1].1.at), "{:?}", taken);
        prop_assert!(taken.iter().all(|(now, step)| step.at <= *now && step.at >= start()));
        if let Some(ending) = clock.ended() {
            prop_assert!(taken.iter().all(|(now, _)| *now <= ending.at));
            let later = start() + hours(10_000);
            prop_assert_eq!(clock.next_step(&all_hours()[current], later).unwrap(), None);
        }
    }

    #[test]
    fn settling_with_unchanged_hours_changes_nothing(terms in any_terms(), course in any_course()) {
        let (settled, current, taken) = run(&terms, &course, true);
        let (plain, _, also_taken) = run(&terms, &course, false);
        prop_assert_eq!(taken, also_taken);
        let shift = &all_hours()[current];
        for days in [0, 21, 60] {
            let now = start() + TimeDelta::days(21 + days);
            prop_assert_eq!(settled.status(shift, now).unwrap(), plain.status(shift, now).unwrap());
        }
    }
}
