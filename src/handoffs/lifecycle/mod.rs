//! What may happen to a handoff, and what it then is: pure.
//!
//! Promises: an action that does not fit is refused with those that do; doing again what is already so changes nothing;
//! nothing happens to a handoff in a final state; whoever ends a turn, ends its clock and its question. What happened is given back as
//! data ([`Happening`]), from which the rows, the alerts and the audit entries are made.
//! Whoever does something lets time pass first, up to when it was done ([`pass_time_before`]): what fell due before has
//! happened, whether or not the service had looked.
//! Leaves out: finding an owner; a handoff that needs one becomes `pending`, and whoever assigns calls [`place`].

mod action;
#[cfg(test)]
pub(super) mod tests;

use chrono::TimeDelta;

use super::assign::{Outcome, outcome::Route};
use super::handoff::{Handoff, Happening, Status, TurnEnd};
use super::hours::Hours;
use super::sla::{Change, PauseReason, Restart, SlaClock, SlaTerms, Step, StepKind};
use crate::accounts::ReportedOutcome;
use crate::kernel::calendar::{CalendarError, Shift};
use crate::kernel::clock::DateTime;

pub use action::{Action, ActionKind, Refused};

/// So long after it was made a handoff can be rolled back.
pub const ROLLBACK_WITHIN: TimeDelta = TimeDelta::minutes(30);

/// What can be done with a handoff now.
pub fn legal(handoff: &Handoff, now: DateTime) -> Vec<ActionKind> {
    let in_time = now <= handoff.created_at + ROLLBACK_WITHIN;
    let fits = |kind: &ActionKind| kind.fits(handoff) && (*kind != ActionKind::Rollback || in_time);
    ActionKind::ALL.into_iter().filter(fits).collect()
}

/// Does an action. Gives what happened; nothing when it was so already.
pub fn act(handoff: &mut Handoff, action: &Action, now: DateTime) -> Result<Vec<Happening>, Refused> {
    let kind = action.kind();
    if kind.already(handoff.status) {
        return Ok(Vec::new());
    }
    if !kind.fits(handoff) {
        let legal = legal(handoff, now);
        return Err(Refused::Illegal { status: handoff.status, action: kind, legal });
    }
    let mut happened = Vec::new();
    match action {
        Action::Acknowledge => acknowledge(handoff, now, &mut happened),
        Action::Ask { question } => ask(handoff, question, now, &mut happened),
        Action::Answer { answer } => answered(handoff, answer.as_deref(), now, &mut happened),
        Action::Contact { at } => {
            check_instant(handoff, *at, now)?;
            contact(handoff, *at, now, &mut happened);
        }
        Action::Meeting { at } => {
            let since = handoff.assigned_at.unwrap_or(handoff.created_at);
            if *at < since {
                return Err(Refused::Instant { at: *at, since });
            }
            contact(handoff, now, now, &mut happened);
            handoff.status = Status::MeetingBooked;
            handoff.meeting_at = Some(*at);
            happened.push(Happening::MeetingBooked { at: *at });
        }
        Action::Convert { nps } => {
            contact(handoff, now, now, &mut happened);
            handoff.nps = nps.or(handoff.nps);
            happened.push(Happening::Converted { nps: *nps });
            close(handoff, Status::Converted, TurnEnd::Closed, None, now, &mut happened);
        }
        Action::Lose { reason } => {
            happened.push(Happening::Lost { reason: reason.clone() });
            close(handoff, Status::Lost, TurnEnd::Closed, reason.clone(), now, &mut happened);
        }
        Action::Reject { reason, reroute } => reject(handoff, reason, *reroute, now, &mut happened),
        // What waits has nobody to lose it, and keeps its place in the queue.
        Action::Reassign { .. } if handoff.status == Status::Pending => {}
        Action::Reassign { reason } => lose_owner(handoff, *reason, now, &mut happened),
        Action::Cancel { reason } => {
            happened.push(Happening::Cancelled { reason: reason.clone() });
            close(handoff, Status::Cancelled, TurnEnd::Cancelled, reason.clone(), now, &mut happened);
        }
        Action::RollBack { reason } => {
            let until = handoff.created_at + ROLLBACK_WITHIN;
            if now > until {
                return Err(Refused::TooLate { created_at: handoff.created_at, until });
            }
            happened.push(Happening::RolledBack { reason: reason.clone() });
            close(handoff, Status::RolledBack, TurnEnd::RolledBack, reason.clone(), now, &mut happened);
        }
        Action::Release => release(handoff, true, now, &mut happened),
    }
    Ok(happened)
}

/// What somebody outside reports at an instant, told of now. A contact that it implies was made at its instant, as far as
/// that lies in the present turn; what ends the handoff ends it now, because what happened meanwhile has happened.
pub fn report(
    handoff: &mut Handoff,
    outcome: ReportedOutcome,
    nps: Option<u8>,
    at: DateTime,
    now: DateTime,
) -> Result<Vec<Happening>, Refused> {
    let at = within_turn(handoff, at, now);
    let action = match outcome {
        ReportedOutcome::Contacted => Action::Contact { at },
        ReportedOutcome::MeetingBooked => Action::Meeting { at },
        ReportedOutcome::Converted => Action::Convert { nps },
        ReportedOutcome::Lost => Action::Lose { reason: None },
    };
    let implied = matches!(action, Action::Meeting { .. } | Action::Convert { .. });
    let first = implied && handoff.contacted_at.is_none() && ActionKind::Contact.fits(handoff);
    let mut happened = if first { act(handoff, &Action::Contact { at }, now)? } else { Vec::new() };
    happened.extend(act(handoff, &action, now)?);
    happened.extend(nps.and_then(|nps| rate(handoff, nps)));
    Ok(happened)
}

/// When something that is reported of an instant was so, as far as the present turn goes.
fn within_turn(handoff: &Handoff, at: DateTime, now: DateTime) -> DateTime {
    let since = handoff.assigned_at.unwrap_or(handoff.created_at);
    at.clamp(since, now.max(since))
}

/// Up to when time passes before a report is noted: an end is one when it is known.
pub fn reported_at(handoff: &Handoff, outcome: ReportedOutcome, at: DateTime, now: DateTime) -> DateTime {
    if outcome == ReportedOutcome::Lost { now } else { within_turn(handoff, at, now) }
}

/// Notes how the customer found it, at any time after the contact.
pub fn rate(handoff: &mut Handoff, nps: u8) -> Option<Happening> {
    let new = handoff.nps != Some(nps);
    handoff.nps = Some(nps);
    new.then_some(Happening::Rated { nps })
}

/// Takes the holds away; it waits for an owner from now on.
pub fn release(handoff: &mut Handoff, by_person: bool, now: DateTime, happened: &mut Vec<Happening>) {
    handoff.status = Status::Pending;
    handoff.held_for = None;
    waits_from(handoff, now);
    happened.push(Happening::Released { by_person });
}

fn waits_from(handoff: &mut Handoff, now: DateTime) {
    handoff.waiting_since = now;
    handoff.request.waiting_since = now;
    handoff.alarmed_at = None;
}

/// Tells once that nobody has taken it for longer than its team allows.
pub fn alarm(handoff: &mut Handoff, now: DateTime) -> Option<Happening> {
    let Some(Outcome::Queued(queued)) = &handoff.assignment else { return None };
    if handoff.status != Status::Pending || handoff.alarmed_at.is_some() || queued.alarm_at > now {
        return None;
    }
    handoff.alarmed_at = Some(now);
    Some(Happening::QueueAlarm { since: handoff.waiting_since })
}

/// When a handoff in the queue is looked at again: for somebody to take it, or for the alarm. A fallback whose time has
/// passed without the fallback owner being able is no reason to look: only an event or a wake-up can change that.
pub fn looks_at(handoff: &Handoff, now: DateTime) -> Option<DateTime> {
    let Some(Outcome::Queued(queued)) = &handoff.assignment else { return None };
    let alarm = (handoff.alarmed_at.is_none()).then_some(queued.alarm_at);
    let fallback = queued.fallback_at.filter(|at| *at > now);
    [queued.wakes_at, fallback, alarm].into_iter().flatten().min()
}

fn check_instant(handoff: &Handoff, at: DateTime, now: DateTime) -> Result<(), Refused> {
    let since = handoff.assigned_at.unwrap_or(handoff.created_at);
    if at < since || at > now { Err(Refused::Instant { at, since }) } else { Ok(()) }
}

/// The owner has taken note.
fn acknowledge(handoff: &mut Handoff, now: DateTime, happened: &mut Vec<Happening>) {
    if handoff.acknowledged_at.is_none() {
        handoff.acknowledged_at = Some(now);
        if let Some(clock) = &mut handoff.clock {
            clock.acknowledge(now);
        }
        happened.push(Happening::Acknowledged);
    }
    handoff.status = handoff.status.max(Status::Acknowledged);
}

/// The owner asks, and has therefore seen it. The first question of a turn stops the clock, so that nobody is late for
/// what others have left out; further ones do not, so that nobody stops it for ever.
fn ask(handoff: &mut Handoff, question: &str, now: DateTime, happened: &mut Vec<Happening>) {
    acknowledge(handoff, now, happened);
    let shift = handoff.shift();
    let mut waits_until = None;
    if let Some(clock) = &mut handoff.clock {
        let until = now + clock.terms().wait_for_answer.as_delta();
        let asked_before =
            clock.pauses().iter().any(|pause| pause.reason == PauseReason::WaitingForInformation);
        let paused =
            !asked_before && clock.pause(PauseReason::WaitingForInformation, now, Some(until)).is_ok();
        waits_until = paused.then_some(until);
        handoff.due_at = clock.due_at(&shift).unwrap_or(handoff.due_at);
    }
    handoff.question = Some(question.to_owned());
    happened.push(Happening::Asked { question: question.to_owned(), waits_until });
}

fn answered(handoff: &mut Handoff, answer: Option<&str>, now: DateTime, happened: &mut Vec<Happening>) {
    end_question(handoff, now);
    let shift = handoff.shift();
    if let Some(clock) = &handoff.clock {
        handoff.due_at = clock.due_at(&shift).unwrap_or(handoff.due_at);
    }
    happened.push(Happening::Answered { answer: answer.map(str::to_owned), due_at: handoff.due_at });
}

/// The clock runs again, where it waited for an answer still.
fn end_question(handoff: &mut Handoff, now: DateTime) {
    if handoff.question.take().is_some()
        && let Some(clock) = &mut handoff.clock
    {
        // A pause that has ended by itself, or a clock that has, needs no end.
        clock.resume(PauseReason::WaitingForInformation, now).unwrap_or_default();
    }
}

/// The first contact meets the terms, or misses them; a later one changes nothing of that.
fn contact(handoff: &mut Handoff, at: DateTime, now: DateTime, happened: &mut Vec<Happening>) {
    if handoff.contacted_at.is_some() {
        return;
    }
    acknowledge(handoff, now, happened);
    end_question(handoff, at);
    let shift = handoff.shift();
    let mut in_time = true;
    if let Some(clock) = &mut handoff.clock {
        clock.contact(&shift, at);
        in_time = clock.ended().is_none_or(super::sla::Ending::in_time);
    }
    if in_time {
        // A contact that is recorded late, or comes at the very deadline, takes back what was noted meanwhile in this
        // turn; an earlier owner's breach stays.
        handoff.breached_at = handoff.breached_at.filter(|breach| Some(*breach) < handoff.assigned_at);
    } else {
        handoff.breached_at = handoff.breached_at.or(handoff.due_at);
    }
    handoff.contacted_at = Some(at);
    handoff.status = Status::Contacted;
    happened.push(Happening::Contacted { at, in_time });
}

fn reject(handoff: &mut Handoff, reason: &str, reroute: bool, now: DateTime, happened: &mut Vec<Happening>) {
    let Some(owner) = handoff.owner_id.clone() else { return };
    happened.push(Happening::Rejected { owner, reason: reason.to_owned(), rerouted: reroute });
    if reroute {
        lose_owner(handoff, TurnEnd::Rejected, now, happened);
    } else {
        close(handoff, Status::Rejected, TurnEnd::Rejected, Some(reason.to_owned()), now, happened);
    }
}

/// Ends the owner's turn; the handoff waits for the next one, who is somebody else.
fn lose_owner(handoff: &mut Handoff, reason: TurnEnd, now: DateTime, happened: &mut Vec<Happening>) {
    end_turn(handoff, reason, now, happened);
    if let Some(owner) = handoff.owner_id.take() {
        handoff.request.lost_by.insert(owner);
    }
    handoff.status = Status::Pending;
    waits_from(handoff, now);
    handoff.due_at = None;
    // The next owner starts anew: their acknowledgement, their contact. The timeline keeps the others'.
    handoff.acknowledged_at = None;
    handoff.contacted_at = None;
    handoff.meeting_at = None;
}

fn close(
    handoff: &mut Handoff,
    status: Status,
    end: TurnEnd,
    reason: Option<String>,
    now: DateTime,
    happened: &mut Vec<Happening>,
) {
    end_turn(handoff, end, now, happened);
    handoff.status = status;
    handoff.held_for = None;
    handoff.closed_at = Some(now);
    handoff.close_reason = reason;
}

fn end_turn(handoff: &mut Handoff, reason: TurnEnd, now: DateTime, happened: &mut Vec<Happening>) {
    end_question(handoff, now);
    let shift = handoff.shift();
    if let Some(clock) = &mut handoff.clock {
        clock.close(&shift, now);
    }
    if let Some(owner) = handoff.owner_id.clone() {
        happened.push(Happening::TurnEnded { owner, turn: handoff.reassignments + 1, reason });
    }
}

/// Gives a handoff that waits to whom assignment found, with a clock that starts now; or notes why it goes on waiting.
pub fn place(
    handoff: &mut Handoff,
    outcome: Outcome,
    terms: &SlaTerms,
    restart: Restart,
    hours: Option<Hours>,
    now: DateTime,
) -> Result<Vec<Happening>, CalendarError> {
    let happening = match outcome.rep().cloned() {
        Some(owner) => {
            handoff.hours = hours;
            let clock = match handoff.clock.take() {
                // The guard counts turns that ran out. Whom a person took it from, or who gave it back, did not let
                // time run out, however long the queue was.
                Some(last) if !last.has_taken(StepKind::Reassign) => last.restarted(now, Restart::Manual),
                Some(last) => last.restarted(now, restart),
                None => SlaClock::start(terms.clone(), now),
            };
            if handoff.assigned_at.is_some() {
                handoff.reassignments = handoff.reassignments.saturating_add(1);
            }
            handoff.due_at = clock.due_at(&handoff.shift())?;
            handoff.clock = Some(clock);
            handoff.status = Status::Assigned;
            handoff.owner_id = Some(owner.clone());
            handoff.assigned_at = Some(now);
            // Whom a person chose though they had lost it once has it now.
            handoff.request.lost_by.remove(&owner);
            handoff.fell_back |= matches!(outcome, Outcome::Fallback(_));
            let route = route(&outcome).to_owned();
            Happening::Assigned { owner, route, turn: handoff.reassignments + 1, due_at: handoff.due_at }
        }
        None => Happening::Queued { why: waiting(&outcome).to_owned(), wakes_at: wakes_at(&outcome) },
    };
    // What says the same as before is no news.
    let same = matches!(happening, Happening::Queued { .. })
        && handoff.assignment.as_ref().is_some_and(|last| waiting(last) == waiting(&outcome));
    handoff.assignment = Some(outcome);
    Ok(if same { Vec::new() } else { vec![happening] })
}

fn route(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Assigned(assigned) => assigned.route.name(),
        Outcome::Fallback(_) => Route::Fallback.name(),
        Outcome::Queued(_) => "",
    }
}

/// Why it waits, as a stable code; empty when it does not.
pub fn waiting(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Queued(queued) => queued.why.name(),
        Outcome::Assigned(_) | Outcome::Fallback(_) => "",
    }
}

fn wakes_at(outcome: &Outcome) -> Option<DateTime> {
    match outcome {
        Outcome::Queued(queued) => queued.wakes_at.into_iter().chain(queued.fallback_at).min(),
        Outcome::Assigned(_) | Outcome::Fallback(_) => None,
    }
}

/// Takes every step of the clock whose time has come. A reassignment takes the handoff from its owner; the others only
/// happen.
pub fn pass_time(handoff: &mut Handoff, now: DateTime) -> Result<Vec<Happening>, CalendarError> {
    pass(handoff, now, |clock, shift| clock.take_due(shift, now))
}

/// As [`pass_time`], of the steps whose time came before an instant: before somebody does something that was so then.
pub fn pass_time_before(
    handoff: &mut Handoff,
    before: DateTime,
    now: DateTime,
) -> Result<Vec<Happening>, CalendarError> {
    pass(handoff, now, |clock, shift| clock.take_due_before(shift, before, now))
}

fn pass(
    handoff: &mut Handoff,
    now: DateTime,
    take: impl Fn(&mut SlaClock, &Shift) -> Result<Option<Step>, CalendarError>,
) -> Result<Vec<Happening>, CalendarError> {
    let mut happened = Vec::new();
    if !matches!(handoff.status, Status::Assigned | Status::Acknowledged) {
        return Ok(happened);
    }
    let (shift, turn) = (handoff.shift(), handoff.reassignments + 1);
    // As they are in this turn: several steps at once may end it.
    let (owner, due_at) = (handoff.owner_id.clone(), handoff.due_at);
    while let Some(clock) = &mut handoff.clock
        && let Some(step) = take(clock, &shift)?
    {
        happened.push(Happening::Step { step: step.kind, turn, at: step.at, owner: owner.clone(), due_at });
        match step.kind {
            StepKind::Breach => handoff.breached_at = handoff.breached_at.or(Some(step.at)),
            StepKind::Reassign => {
                lose_owner(handoff, TurnEnd::Late, now, &mut happened);
                return Ok(happened);
            }
            StepKind::AcknowledgeBreach
            | StepKind::Remind
            | StepKind::AlertOwner
            | StepKind::AlertManager
            | StepKind::Stop => {}
        }
    }
    Ok(happened)
}

/// The instant of the next step of the clock.
pub fn next_step_at(handoff: &Handoff, now: DateTime) -> Result<Option<DateTime>, CalendarError> {
    if !matches!(handoff.status, Status::Assigned | Status::Acknowledged) {
        return Ok(None);
    }
    let Some(clock) = &handoff.clock else { return Ok(None) };
    Ok(clock.next_step(&handoff.shift(), now)?.map(|step| step.at))
}

/// Counts by other hours from an instant on; what passed before stays counted by the old ones. Gives nothing where no
/// clock runs by hours or they are the same; otherwise what happened, which may be nothing though later steps move.
pub fn change_hours(
    handoff: &mut Handoff,
    hours: Option<Hours>,
    at: DateTime,
    because: Change,
) -> Result<Option<Vec<Happening>>, CalendarError> {
    let old = handoff.shift();
    let counts = matches!(handoff.status, Status::Assigned | Status::Acknowledged);
    let Some(clock) = handoff.clock.as_mut().filter(|_| counts && handoff.hours != hours) else {
        return Ok(None);
    };
    // A clock that began later than the change, or was settled later, has nothing left to settle up to it.
    let settled = clock.ledger().last().map_or(clock.started_at(), |last| last.to);
    if clock.settle(&old, at.max(settled), because).is_err() {
        return Ok(None);
    }
    handoff.hours = hours;
    let from = handoff.due_at;
    let shift = handoff.shift();
    handoff.due_at = handoff.clock.as_ref().map_or(Ok(None), |clock| clock.due_at(&shift))?;
    let to = handoff.due_at;
    Ok(Some((from != to).then_some(Happening::DeadlineMoved { from, to }).into_iter().collect()))
}
