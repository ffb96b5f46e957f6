//! What may happen to a handoff: state by state, at the edges of time, and whatever the course of events.

mod late;
mod laws;

use std::collections::BTreeSet;

use serde_json::value::RawValue;
use uuid::Uuid;

use super::*;
use crate::handoffs::assign::Request;
use crate::handoffs::assign::names::{RepId, TeamId};
use crate::handoffs::assign::outcome::{Assigned, Queued, Waiting};
use crate::handoffs::assign::snapshot::Firm;
use crate::handoffs::package::{Hold, HoldCode};
use crate::handoffs::sla::Basis;
use crate::kernel::calendar::{CalendarDraft, Length, WeekHoursDraft, WorkCalendar};
use crate::kernel::ids::AccountId;
use crate::motions::Urgency;

/// A Monday, nine o'clock.
pub(in crate::handoffs) fn start() -> DateTime {
    "2027-01-11T09:00:00Z".parse().unwrap()
}

pub(in crate::handoffs) fn minutes(minutes: i64) -> TimeDelta {
    TimeDelta::minutes(minutes)
}

const MICRO: TimeDelta = TimeDelta::microseconds(1);

/// Four hours, a reminder one hour before, two to acknowledge; then 1, 4 and 24 hours.
fn terms() -> SlaTerms {
    SlaTerms {
        budget: Length::hours(4),
        basis: Basis::Business,
        remind_before: Some(Length::hours(1)),
        acknowledge_within: Some(Length::hours(2)),
        owner_alert_after: Length::hours(1),
        manager_alert_after: Length::hours(4),
        reassign_after: Length::hours(24),
        wait_for_answer: Length::hours(24),
        max_reassignments: 2,
        escalate_to: "marketing_manager".to_owned(),
        fallback_to: "revops_manager".to_owned(),
    }
}

pub(in crate::handoffs) fn rep(name: &str) -> RepId {
    RepId::parse(name).unwrap()
}

/// A new handoff that waits for its first owner.
fn pending() -> Handoff {
    let request = Request {
        handoff_id: Uuid::from_u128(1),
        firm: Firm {
            account_id: AccountId::parse("acme").unwrap(),
            domain: None,
            country: None,
            region: None,
            industry: None,
            segment: None,
            employees: None,
            revenue: None,
        },
        team: TeamId::parse("sales").unwrap(),
        skills: BTreeSet::new(),
        crm_owner: None,
        lost_by: BTreeSet::new(),
        priority: 0,
        waiting_since: start(),
    };
    Handoff {
        account_id: "acme".to_owned(),
        id: Uuid::from_u128(1),
        handoff_type: "mql_to_sales".to_owned(),
        status: Status::Pending,
        from_team: "marketing".to_owned(),
        to_team: "sales".to_owned(),
        deal_id: None,
        cause: "test".to_owned(),
        decision_id: None,
        requested_by: "test".to_owned(),
        segment: "smb".to_owned(),
        urgency: Urgency::High,
        previous_owner: None,
        package: RawValue::from_string("{}".to_owned()).unwrap(),
        package_digest: "\\x".to_owned(),
        completeness: 100,
        missing: Vec::new(),
        held_for: None,
        request,
        owner_id: None,
        assignment: None,
        clock: None,
        hours: None,
        due_at: None,
        breached_at: None,
        reassignments: 0,
        fell_back: false,
        waiting_since: start(),
        alarmed_at: None,
        created_at: start(),
        assigned_at: None,
        acknowledged_at: None,
        contacted_at: None,
        meeting_at: None,
        closed_at: None,
        close_reason: None,
        nps: None,
        question: None,
        version: 1,
    }
}

fn taken_by(name: &str) -> Outcome {
    Outcome::Assigned(Assigned {
        rep: rep(name),
        route: Route::Chosen,
        cover_for: None,
        rotation: None,
        tried: Vec::new(),
    })
}

fn waits(since: DateTime, why: Waiting) -> Outcome {
    Outcome::Queued(Queued {
        why,
        wakes_at: None,
        alarm_at: since + minutes(60),
        fallback_at: Some(since + minutes(240)),
        tried: Vec::new(),
    })
}

fn give(handoff: &mut Handoff, outcome: Outcome, now: DateTime) -> Vec<Happening> {
    place(handoff, outcome, &terms(), Restart::Automatic, None, now).unwrap()
}

pub(in crate::handoffs) fn assigned() -> Handoff {
    let mut handoff = pending();
    give(&mut handoff, taken_by("ada"), start());
    handoff
}

fn any_action(kind: ActionKind, now: DateTime) -> Action {
    match kind {
        ActionKind::Acknowledge => Action::Acknowledge,
        ActionKind::Ask => Action::Ask { question: "Which plan?".to_owned() },
        ActionKind::Answer => Action::Answer { answer: Some("Team".to_owned()) },
        ActionKind::Contact => Action::Contact { at: now },
        ActionKind::Meeting => Action::Meeting { at: now + minutes(60) },
        ActionKind::Convert => Action::Convert { nps: Some(9) },
        ActionKind::Lose => Action::Lose { reason: None },
        ActionKind::Reject => Action::Reject { reason: "not mine".to_owned(), reroute: true },
        ActionKind::Reassign => Action::Reassign { reason: TurnEnd::Reassigned },
        ActionKind::Cancel => Action::Cancel { reason: None },
        ActionKind::Rollback => Action::RollBack { reason: None },
        ActionKind::Release => Action::Release,
    }
}

fn held() -> Handoff {
    let hold = Hold { code: HoldCode::NoCustomerContact, detail: String::new(), released_by: String::new() };
    Handoff { status: Status::Held, held_for: Some(vec![hold]), ..pending() }
}

/// A handoff that came into a state by the shortest way.
fn in_status(status: Status) -> Handoff {
    let way: &[ActionKind] = match status {
        Status::Held => return held(),
        Status::Pending => return pending(),
        Status::Assigned => &[],
        Status::Acknowledged => &[ActionKind::Acknowledge],
        Status::Contacted => &[ActionKind::Contact],
        Status::MeetingBooked => &[ActionKind::Meeting],
        Status::Converted => &[ActionKind::Convert],
        Status::Lost => &[ActionKind::Lose],
        Status::Cancelled => &[ActionKind::Cancel],
        Status::RolledBack => &[ActionKind::Rollback],
        Status::Rejected => {
            let mut handoff = assigned();
            let back = Action::Reject { reason: "not ours".to_owned(), reroute: false };
            act(&mut handoff, &back, start()).unwrap();
            return handoff;
        }
    };
    let mut handoff = assigned();
    for kind in way {
        act(&mut handoff, &any_action(*kind, start()), start()).unwrap();
    }
    handoff
}

fn state(handoff: &Handoff) -> serde_json::Value {
    serde_json::to_value(handoff).unwrap()
}

#[test]
fn every_action_in_every_state_is_done_or_is_already_so_or_is_refused_with_those_that_fit() {
    use ActionKind::{
        Acknowledge, Ask, Cancel, Contact, Convert, Lose, Meeting, Reassign, Reject, Release, Rollback,
    };
    let table: [(Status, &[ActionKind], &[ActionKind]); 11] = [
        (Status::Held, &[Cancel, Rollback, Release], &[]),
        (Status::Pending, &[Reassign, Cancel, Rollback], &[]),
        (
            Status::Assigned,
            &[Acknowledge, Ask, Contact, Meeting, Convert, Lose, Reject, Reassign, Cancel, Rollback],
            &[],
        ),
        (
            Status::Acknowledged,
            &[Ask, Contact, Meeting, Convert, Lose, Reject, Reassign, Cancel, Rollback],
            &[Acknowledge],
        ),
        (Status::Contacted, &[Meeting, Convert, Lose, Reassign, Cancel, Rollback], &[Contact]),
        (Status::MeetingBooked, &[Convert, Lose, Reassign, Cancel, Rollback], &[Meeting]),
        (Status::Converted, &[], &[Convert]),
        (Status::Lost, &[], &[Lose]),
        (Status::Rejected, &[], &[]),
        (Status::Cancelled, &[], &[Cancel]),
        (Status::RolledBack, &[], &[Rollback]),
    ];
    assert_eq!(table.map(|row| row.0), Status::ALL);
    for (status, fitting, already) in table {
        assert_eq!(legal(&in_status(status), start()), fitting, "{}", status.name());
        for kind in ActionKind::ALL {
            let mut handoff = in_status(status);
            assert_eq!(handoff.status, status);
            let before = state(&handoff);
            let done = act(&mut handoff, &any_action(kind, start()), start());
            let case = format!("{} a handoff that is {}", kind.name(), status.name());
            if already.contains(&kind) {
                assert_eq!((done, state(&handoff)), (Ok(Vec::new()), before), "{case}");
            } else if !fitting.contains(&kind) {
                let refused = Refused::Illegal { status, action: kind, legal: fitting.to_vec() };
                assert_eq!((done, state(&handoff)), (Err(refused), before), "{case}");
            } else if (status, kind) == (Status::Pending, Reassign) {
                assert_eq!((done, state(&handoff)), (Ok(Vec::new()), before), "it keeps its place: {case}");
            } else {
                assert!(!done.unwrap().is_empty(), "{case}");
                assert_constraints(&handoff);
            }
        }
    }
}

#[test]
fn a_handoff_can_be_rolled_back_for_thirty_minutes_and_not_a_microsecond_longer() {
    let (back, last) = (any_action(ActionKind::Rollback, start()), start() + minutes(30));
    let mut handoff = assigned();
    assert!(!legal(&handoff, last + MICRO).contains(&ActionKind::Rollback));
    let late = act(&mut handoff, &back, last + MICRO);
    assert_eq!(late, Err(Refused::TooLate { created_at: start(), until: last }));
    assert!(legal(&handoff, last).contains(&ActionKind::Rollback));
    act(&mut handoff, &back, last).unwrap();
    assert_eq!((handoff.status, handoff.closed_at), (Status::RolledBack, Some(last)));
}

#[test]
fn a_contact_at_the_very_deadline_is_in_time_and_a_microsecond_later_is_not() {
    let due = start() + minutes(240);
    for (at, in_time) in [(due, true), (due + MICRO, false)] {
        let mut handoff = assigned();
        assert_eq!(handoff.due_at, Some(due));
        // The worker was there first.
        pass_time(&mut handoff, at).unwrap();
        assert_eq!(handoff.breached_at, Some(due));
        let happened = act(&mut handoff, &Action::Contact { at }, at).unwrap();
        assert_eq!(happened.last(), Some(&Happening::Contacted { at, in_time }));
        assert_eq!(handoff.breached_at, Some(due).filter(|_| !in_time));
    }
    // What is recorded late counts by when it was.
    let mut handoff = assigned();
    pass_time(&mut handoff, due + minutes(90)).unwrap();
    act(&mut handoff, &Action::Contact { at: due - MICRO }, due + minutes(90)).unwrap();
    assert_eq!((handoff.contacted_at, handoff.breached_at), (Some(due - MICRO), None));
}

#[test]
fn a_contact_before_the_owner_had_it_or_in_the_future_is_refused() {
    let mut handoff = assigned();
    let now = start() + minutes(10);
    for at in [start() - MICRO, now + MICRO] {
        let refused = act(&mut handoff, &Action::Contact { at }, now);
        assert_eq!(refused, Err(Refused::Instant { at, since: start() }));
    }
    assert_eq!(state(&handoff), state(&assigned()));
    act(&mut handoff, &Action::Contact { at: start() }, now).unwrap();
}

#[test]
fn whoever_gets_it_after_a_contact_begins_anew() {
    let mut handoff = in_status(Status::MeetingBooked);
    let now = start() + minutes(60);
    let happened = act(&mut handoff, &any_action(ActionKind::Reassign, now), now).unwrap();
    let ended = Happening::TurnEnded { owner: rep("ada"), turn: 1, reason: TurnEnd::Reassigned };
    assert_eq!(happened, [ended]);
    assert_eq!((handoff.contacted_at, handoff.acknowledged_at, handoff.meeting_at), (None, None, None));
    assert!(handoff.request.lost_by.contains("ada"));
    give(&mut handoff, taken_by("ben"), now);
    assert_eq!((handoff.status, handoff.due_at), (Status::Assigned, Some(now + minutes(240))));
    assert_eq!(next_step_at(&handoff, now).unwrap(), Some(now + minutes(120)));
    let early = act(&mut handoff, &Action::Contact { at: now - MICRO }, now);
    assert!(matches!(early, Err(Refused::Instant { since, .. }) if since == now));
}

#[test]
fn only_turns_that_ran_out_count_for_the_guard_against_passing_on_for_ever() {
    let mut handoff = assigned();
    let mut now = start() + minutes(28 * 60);
    pass_time(&mut handoff, now).unwrap();
    give(&mut handoff, taken_by("ben"), now);
    assert_eq!(handoff.clock.as_ref().unwrap().reassignments(), 1);
    // Given back by a person, and found an owner only later, by the service.
    act(&mut handoff, &any_action(ActionKind::Reject, now), now).unwrap();
    now += minutes(60);
    give(&mut handoff, waits(now, Waiting::NobodyNow), now);
    give(&mut handoff, taken_by("cleo"), now + minutes(5));
    assert_eq!(handoff.clock.as_ref().unwrap().reassignments(), 0);
    assert_eq!(handoff.reassignments, 2, "the turns themselves are counted all");
}

#[test]
fn all_steps_of_a_long_sleep_are_told_of_the_turn_that_they_belong_to() {
    let mut handoff = assigned();
    let happened = pass_time(&mut handoff, start() + minutes(72 * 60)).unwrap();
    let due = start() + minutes(240);
    let told: Vec<(StepKind, DateTime)> = happened
        .iter()
        .filter_map(|happening| match happening {
            Happening::Step { step, turn: 1, at, owner, due_at } => {
                assert_eq!((owner, due_at), (&Some(rep("ada")), &Some(due)));
                Some((*step, *at))
            }
            _ => None,
        })
        .collect();
    let expected = [
        (StepKind::AcknowledgeBreach, start() + minutes(120)),
        // The reminder that nobody got in time is left out.
        (StepKind::Breach, due),
        (StepKind::AlertOwner, due + minutes(60)),
        (StepKind::AlertManager, due + minutes(240)),
        (StepKind::Reassign, due + minutes(24 * 60)),
    ];
    assert_eq!(told, expected);
    let ended = Happening::TurnEnded { owner: rep("ada"), turn: 1, reason: TurnEnd::Late };
    assert_eq!(happened.last(), Some(&ended));
    assert!(pass_time(&mut handoff, start() + minutes(100 * 60)).unwrap().is_empty());
}

#[test]
fn time_does_nothing_to_what_is_over_or_waits() {
    for status in Status::ALL {
        let mut handoff = in_status(status);
        let before = state(&handoff);
        let now = start() + minutes(365 * 24 * 60);
        let happened = pass_time(&mut handoff, now).unwrap();
        let runs = matches!(status, Status::Assigned | Status::Acknowledged);
        assert_eq!(!happened.is_empty(), runs, "{}", status.name());
        if !runs {
            assert_eq!(state(&handoff), before);
            assert_eq!(next_step_at(&handoff, now).unwrap(), None);
            let changed = change_hours(&mut handoff, Some(office("09:00-12:00")), now, Change::Calendar);
            assert_eq!((changed.unwrap(), state(&handoff)), (None, before), "{}", status.name());
        }
    }
}

#[test]
fn what_waits_is_not_looked_at_again_for_a_fallback_that_could_not_take_it() {
    let mut handoff = pending();
    give(&mut handoff, waits(start(), Waiting::NobodyNow), start());
    assert_eq!(looks_at(&handoff, start()), Some(start() + minutes(60)));
    let late = start() + minutes(240);
    assert!(alarm(&mut handoff, late).is_some());
    assert_eq!(alarm(&mut handoff, late), None, "once");
    assert_eq!(looks_at(&handoff, start()), Some(late));
    let why = Waiting::FallbackCannot { rep: rep("meg") };
    assert_eq!(give(&mut handoff, waits(start(), why.clone()), late).len(), 1);
    assert_eq!(give(&mut handoff, waits(start(), why), late), [], "the same again is no news");
    assert_eq!(looks_at(&handoff, late), None);
}

fn office(block: &str) -> Hours {
    let day = || vec![block.to_owned()];
    let hours = WeekHoursDraft {
        monday: day(),
        tuesday: day(),
        wednesday: day(),
        thursday: day(),
        friday: day(),
        ..WeekHoursDraft::default()
    };
    let draft = CalendarDraft { zone: "UTC".to_owned(), hours, special_days: vec![] };
    let calendar = std::sync::Arc::new(WorkCalendar::new(&draft).unwrap());
    Hours { team: calendar.clone(), owner: calendar, absences: Vec::new() }
}

#[test]
fn other_hours_count_from_their_change_on_also_for_a_turn_that_began_in_the_same_moment() {
    let mut handoff = pending();
    place(&mut handoff, taken_by("ada"), &terms(), Restart::Automatic, Some(office("09:00-17:00")), start())
        .unwrap();
    // Two hours are spent; the other two wait for tomorrow.
    let noon = start() + minutes(120);
    let moved = change_hours(&mut handoff, Some(office("09:00-11:00")), noon, Change::Calendar).unwrap();
    let (from, to) = (start() + minutes(240), start() + minutes(26 * 60));
    assert_eq!(moved, Some(vec![Happening::DeadlineMoved { from: Some(from), to: Some(to) }]));
    // A change that was asked for before the last one was settled is not lost.
    let moved = change_hours(&mut handoff, Some(office("09:00-17:00")), start(), Change::Calendar).unwrap();
    assert_eq!(moved, Some(vec![Happening::DeadlineMoved { from: Some(to), to: Some(from) }]));
    let same = change_hours(&mut handoff, Some(office("09:00-17:00")), noon, Change::Calendar).unwrap();
    assert_eq!(same, None);
    // After the deadline it stays where it was, and the steps that come move.
    pass_time(&mut handoff, from).unwrap();
    let next = next_step_at(&handoff, from).unwrap();
    let moved = change_hours(&mut handoff, Some(office("09:00-13:00")), from, Change::Calendar).unwrap();
    assert_eq!(moved, Some(Vec::new()));
    assert!(next_step_at(&handoff, from).unwrap() > next);
}

/// What the table's constraints say of a row.
fn assert_constraints(handoff: &Handoff) {
    let status = handoff.status;
    assert_eq!(status == Status::Held, handoff.held_for.is_some(), "handoff_held");
    if matches!(status, Status::Held | Status::Pending) {
        assert_eq!(handoff.owner_id, None, "handoff_owner");
    }
    if status.is_open() {
        let whole = handoff.owner_id.is_some() && handoff.assigned_at.is_some() && handoff.clock.is_some();
        assert!(whole, "handoff_owner");
    }
    if matches!(status, Status::Acknowledged | Status::Contacted | Status::MeetingBooked) {
        assert!(handoff.acknowledged_at.is_some(), "handoff_acknowledged");
    }
    if matches!(status, Status::Contacted | Status::MeetingBooked | Status::Converted) {
        assert!(handoff.contacted_at.is_some(), "handoff_contacted");
    }
    if status == Status::MeetingBooked {
        assert!(handoff.meeting_at.is_some(), "handoff_meeting");
    }
    assert_eq!(status.is_final(), handoff.closed_at.is_some(), "handoff_closed");
    assert!(handoff.question.is_none() || status == Status::Acknowledged, "handoff_question");
}
