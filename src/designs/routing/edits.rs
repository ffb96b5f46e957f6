//! The entries of the roster that make a blueprint live.
//!
//! Promises: only what differs from the live roster is an edit; an entry that is there keeps what the design says nothing
//! about. The rule of a segment carries its own ways, so that other segments keep theirs; ways of partners become the team's
//! only where nobody else's handoffs go to that team.

use serde_json::Value;

use super::choose::Plan;
use super::{Choice, Edit, Ground, Undrawn};
use crate::designs::brief::Brief;
use crate::handoffs::{
    Basis, Cap, Entry, HandoffType, Kind, SegmentFile, SlaTerms, TargetFile, TermsFile, Window, WindowKind,
};
use crate::kernel::calendar::Length;

/// What is to be put, and how it is told.
#[derive(Debug, Default)]
pub struct Changed {
    pub entries: Vec<Entry>,
    pub edits: Vec<Edit>,
    pub notes: Vec<String>,
}

impl Changed {
    fn put(&mut self, entry: Entry, says: String, ground: Ground<'_>) -> Result<(), Undrawn> {
        let (kind, id) = entry.key();
        if ground.entries.get(kind, &id) == Some(&entry) {
            return Ok(());
        }
        let value: Value =
            serde_json::to_value(&entry).map_err(|error| Undrawn::Unwritable(error.to_string()))?;
        self.edits.push(Edit { kind: kind.name().to_owned(), id, says, entry: value });
        self.entries.push(entry);
        Ok(())
    }
}

/// The entries to put.
pub fn edits(
    brief: &Brief,
    plan: &Plan,
    ground: Ground<'_>,
    of_type: &HandoffType,
) -> Result<Changed, Undrawn> {
    let mut changed = Changed::default();
    match brief.segment.of_accounts() {
        Some(segment) => rule(&mut changed, brief, plan, ground, segment)?,
        None => team_order(&mut changed, brief, plan, ground)?,
    }
    terms(&mut changed, brief, ground, of_type)?;
    limits(&mut changed, brief, plan, ground)?;
    Ok(changed)
}

/// The rule of the segment for the team.
fn rule(
    changed: &mut Changed,
    brief: &Brief,
    plan: &Plan,
    ground: Ground<'_>,
    segment: &str,
) -> Result<(), Undrawn> {
    let team = brief.team.as_str();
    let known = ground.entries.iter().find_map(|(_, entry)| match entry {
        Entry::Segment(rule) if rule.segment.trim().eq_ignore_ascii_case(segment) && rule.teams == [team] => {
            Some(rule.key())
        }
        _ => None,
    });
    let entry = SegmentFile {
        id: known.unwrap_or_else(|| format!("{segment}.{team}")),
        segment: segment.to_owned(),
        teams: vec![team.to_owned()],
        to: TargetFile { rep: None, team: Some(team.to_owned()), pod: plan.pod.clone() },
        order: Some(plan.order.clone()),
    };
    let ways: Vec<&str> = plan.order.iter().map(|rule| way_name(rule.by)).collect();
    let says = format!("{} accounts for team {team}: {}", brief.segment.words(), ways.join(", then "));
    changed.put(Entry::Segment(entry), says, ground)
}

fn way_name(step: crate::handoffs::Step) -> &'static str {
    match step {
        crate::handoffs::Step::AccountOwner => "account owner",
        crate::handoffs::Step::NamedAccount => "named account",
        crate::handoffs::Step::Territory => "territory",
        crate::handoffs::Step::Segment => "pod",
        crate::handoffs::Step::Team => "team",
    }
}

/// The ways of a team whose handoffs are all of this type.
fn team_order(changed: &mut Changed, brief: &Brief, plan: &Plan, ground: Ground<'_>) -> Result<(), Undrawn> {
    let team = brief.team.as_str();
    let others: Vec<&str> = ground
        .types
        .iter()
        .filter(|(name, found)| *name != brief.handoff_type && found.to_team == team)
        .map(|(name, _)| name)
        .collect();
    let Some(Entry::Team(known)) = ground.entries.get(Kind::Team, team) else { return Ok(()) };
    if others.is_empty() {
        let entry = crate::handoffs::TeamFile { order: Some(plan.order.clone()), ..known.clone() };
        return changed.put(Entry::Team(entry), format!("the ways to an owner in team {team}"), ground);
    }
    changed.notes.push(format!(
        "team {team} also receives {}: its ways to an owner stay as they are, and the design sets the terms only",
        others.join(", ")
    ));
    Ok(())
}

/// What is promised.
fn terms(
    changed: &mut Changed,
    brief: &Brief,
    ground: Ground<'_>,
    of_type: &HandoffType,
) -> Result<(), Undrawn> {
    let segment = brief.segment.of_accounts();
    let id = match segment {
        Some(segment) => format!("{}.{segment}", brief.handoff_type),
        None => brief.handoff_type.clone(),
    };
    let known = ground.entries.iter().find_map(|(_, entry)| match entry {
        Entry::SlaTerms(found)
            if found.handoff_type == brief.handoff_type && found.segment.as_deref() == segment =>
        {
            Some(found)
        }
        _ => None,
    });
    let base = known.map_or(&of_type.sla, |found| &found.terms);
    let entry = TermsFile {
        id: known.map_or(id, |found| found.id.clone()),
        handoff_type: brief.handoff_type.clone(),
        segment: segment.map(str::to_owned),
        terms: scaled(base, brief.response, brief.basis),
    };
    if entry.terms == *base && known.is_none() {
        return Ok(());
    }
    let clock = match brief.basis {
        Basis::Wall => "every hour counts",
        Basis::Business => "working time counts",
    };
    let says = format!(
        "{} for {}: first contact within {} instead of {}; {clock}",
        brief.handoff_type,
        segment.map_or("all", |_| brief.segment.words()),
        brief.response,
        base.budget
    );
    changed.put(Entry::SlaTerms(entry), says, ground)
}

/// Terms of another budget: the reminder and the time to acknowledge stay where they fit into it, and shrink where not.
/// What comes after the deadline stays.
pub fn scaled(base: &SlaTerms, budget: Length, basis: Basis) -> SlaTerms {
    let part = |of: i64| {
        let minutes = u16::try_from((budget.total_seconds() / of / 60).max(1)).unwrap_or(u16::MAX);
        Length::minutes(minutes)
    };
    let short = budget.total_seconds() < 240;
    let half = part(2);
    let remind = base.remind_before.filter(|_| !short).map(|before| before.min(part(4)));
    let acknowledge = base.acknowledge_within.map(|within| if short { budget } else { within.min(half) });
    // Days have no length in working time.
    let hours = |length: Length| match basis {
        Basis::Business if length.uses_days() => {
            Length::hours(u16::try_from(length.total_seconds() / 3_600).unwrap_or(u16::MAX))
        }
        _ => length,
    };
    SlaTerms {
        budget,
        basis,
        remind_before: remind,
        acknowledge_within: acknowledge,
        owner_alert_after: hours(base.owner_alert_after),
        manager_alert_after: hours(base.manager_alert_after),
        reassign_after: hours(base.reassign_after),
        max_reassignments: base.max_reassignments,
        wait_for_answer: base.wait_for_answer,
        escalate_to: base.escalate_to.clone(),
        fallback_to: base.fallback_to.clone(),
    }
}

/// How much the reps of the pool are given.
fn limits(changed: &mut Changed, brief: &Brief, plan: &Plan, ground: Ground<'_>) -> Result<(), Undrawn> {
    let (at_once, per_day) = (brief.capacity.at_once, brief.capacity.per_day);
    if at_once.is_none() && per_day.is_none() {
        return Ok(());
    }
    let mut any = false;
    for id in plan.pods.iter().flat_map(|pod| &pod.reps) {
        let Some(Entry::Rep(known)) = ground.entries.get(Kind::Rep, id) else { continue };
        let mut rep = known.clone();
        rep.capacity = at_once.or(rep.capacity);
        if let Some(limit) = per_day {
            rep.caps.retain(|cap| cap.window != Window::Day);
            rep.caps.push(Cap { limit, window: Window::Day, kind: WindowKind::Calendar });
        }
        let mut says = Vec::new();
        says.extend(at_once.map(|most| format!("at most {most} open at once")));
        says.extend(per_day.map(|most| format!("at most {most} a day")));
        let before = changed.entries.len();
        changed.put(Entry::Rep(rep), format!("{}: {}", known.name, says.join(", ")), ground)?;
        any |= changed.entries.len() > before;
    }
    if any {
        changed.notes.push(format!(
            "limits of reps count all handoffs that they have, of {} and of others",
            brief.segment.words()
        ));
    }
    if plan.choice == Choice::TerritoryPods && plan.pods.len() > 1 {
        changed.notes.push("the limits are for the reps of all these pods".to_owned());
    }
    Ok(())
}
