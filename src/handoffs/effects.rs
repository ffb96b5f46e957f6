//! What leaves the service because something happened to a handoff: commands in the service's own words, pure.
//!
//! Promises: a command names what is to be done and not by which system (`crm/…`, `messaging/…`, `email/…`); whoever
//! delivers it translates. For one thing that happened there is at most one command to each destination.
//! Leaves out: addresses and secrets of systems, retries: the outbox has them.

use serde_json::{Value, json};

use super::assign::Roster;
use super::assign::names::RepId;
use super::assign::roster::Rep;
use super::handoff::{Handoff, Happening};
use super::package::{Completeness, Package};
use super::report::{self, Action, Party, ReportInputs};
use super::sla::{Basis, StepKind};
use super::types::HandoffType;
use crate::kernel::calendar::Zone;
use crate::kernel::clock::DateTime;
use crate::motions::Urgency;

pub const UPDATE_DEAL: &str = "crm/update_deal";
pub const LOG_ACTIVITY: &str = "crm/log_activity";
pub const ALERT: &str = "messaging/alert";
pub const BRIEFING: &str = "email/briefing";

/// Something to be done outside.
#[derive(Debug, Clone, PartialEq)]
pub struct Command {
    pub destination: &'static str,
    pub data: Value,
}

/// What commands are made with.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    pub handoff: &'a Handoff,
    pub package: &'a Package,
    pub handoff_type: &'a HandoffType,
    pub roster: &'a Roster,
    pub now: DateTime,
}

/// What is to be done because of something that happened.
pub fn commands(scene: &Scene<'_>, happening: &Happening) -> Vec<Command> {
    match happening {
        Happening::Assigned { owner, .. } => scene.handed_over(owner),
        Happening::Step { step, at, owner, due_at, .. } => {
            scene.step(*step, *at, owner.as_ref(), *due_at).into_iter().collect()
        }
        Happening::QueueAlarm { since } => vec![scene.alert(
            &[],
            Some(&scene.handoff_type.sla.fallback_to),
            "Nobody can take a handoff",
            &format!("It has waited since {}. Free somebody, or give it to somebody by hand.", stamp(*since)),
            Urgency::Urgent,
        )],
        Happening::RolledBack { reason } => scene.undone("was rolled back", reason.as_deref()),
        Happening::Cancelled { reason } => scene.undone("was cancelled", reason.as_deref()),
        // Also to whom time ran out: two people at one customer are worse than one who is late.
        Happening::TurnEnded { owner, .. } if !scene.handoff.status.is_final() => {
            vec![scene.alert(
                &[owner],
                None,
                "A handoff goes to somebody else",
                "There is nothing more for you to do.",
                Urgency::Medium,
            )]
        }
        Happening::DeadlineMoved { to: Some(to), .. } => vec![scene.alert(
            &scene.owner(),
            None,
            "The deadline of a handoff has moved",
            &format!("The customer is now to be contacted by {}.", stamp(*to)),
            Urgency::Medium,
        )],
        _ => Vec::new(),
    }
}

fn stamp(at: DateTime) -> String {
    at.format("%a %d %b %Y, %H:%M UTC").to_string()
}

impl Scene<'_> {
    fn account_name(&self) -> &str {
        self.package.company.name.as_deref().unwrap_or(&self.handoff.account_id)
    }

    fn owner(&self) -> Vec<&RepId> {
        self.handoff.owner_id.iter().collect()
    }

    fn rep(&self, id: &RepId) -> Option<&Rep> {
        self.roster.rep(id.as_str())
    }

    /// Urgent for enterprise, otherwise at least high: somebody waits for an answer.
    fn priority(&self) -> Urgency {
        let by_segment = if self.handoff.segment == "enterprise" { Urgency::Urgent } else { Urgency::High };
        by_segment.max(self.handoff.urgency)
    }

    /// Everything that tells the new owner and the CRM.
    fn handed_over(&self, owner: &RepId) -> Vec<Command> {
        let (handoff, summary) = (self.handoff, self.told(&[], report::summary));
        let person = self.rep(owner);
        let name = person.map_or(owner.as_str(), |rep| rep.name.as_str());
        let title = format!("New {} handoff: {}", handoff.handoff_type, self.account_name());
        let mut commands = vec![
            Command {
                destination: LOG_ACTIVITY,
                data: json!({
                    "activityType": "note", "subject": format!("Handoff: {}", handoff.handoff_type),
                    "description": summary, "accountId": handoff.account_id, "dealId": handoff.deal_id,
                    "ownerId": owner, "ownerEmail": person.map(|rep| &rep.email),
                }),
            },
            self.alert(&[owner], None, &title, &summary, self.priority()),
        ];
        if let Some(deal_id) = &handoff.deal_id {
            commands.push(Command {
                destination: UPDATE_DEAL,
                data: json!({
                    "dealId": deal_id, "accountId": handoff.account_id, "ownerId": owner,
                    "ownerEmail": person.map(|rep| &rep.email),
                    "handoffCompletedAt": self.now, "handoffType": handoff.handoff_type,
                    "previousOwner": handoff.previous_owner, "handoffPackageId": handoff.id,
                }),
            });
        }
        if let Some(email) = person.map(|rep| &rep.email) {
            let first_name = name.split_whitespace().next().unwrap_or(name);
            let contacts: Vec<Value> = self
                .package
                .contacts
                .iter()
                .filter(|contact| contact.is_reachable())
                .map(|contact| json!({"name": contact.name, "title": contact.title, "email": contact.email}))
                .collect();
            commands.push(Command {
                destination: BRIEFING,
                data: json!({
                    "template": "handoff_briefing", "to": [email], "subject": title,
                    "variables": {
                        "ownerName": first_name, "accountName": self.account_name(),
                        "handoffType": handoff.handoff_type, "keyContacts": contacts, "summary": summary,
                        "recommendedApproach": self.package.recommendations.first().map(|first| &first.text),
                        "slaDeadline": handoff.due_at,
                    },
                    "html": self.told(&[], report::html),
                }),
            });
        }
        commands
    }

    /// The handoff as a report tells it, with what was really done for it so far. Instants are told in the time of the
    /// receiving team where its clock is theirs.
    pub fn told(&self, actions: &[Action], tell: impl Fn(&ReportInputs<'_>) -> String) -> String {
        let (handoff, roster) = (self.handoff, self.roster);
        let name = |id: &str| roster.rep(id).map(|rep| rep.name.as_str());
        let previous = handoff.previous_owner.as_deref();
        let owner = handoff.owner_id.as_ref().map(RepId::as_str);
        let why = handoff.assignment.as_ref();
        let why = why.and_then(|outcome| super::assign::explain(outcome, roster).into_iter().next());
        let zone = match self.handoff_type.sla.basis {
            Basis::Business => roster.calendar_of_team(&handoff.request.team).zone().clone(),
            Basis::Wall => Zone::utc(),
        };
        tell(&ReportInputs {
            package: self.package,
            type_name: &handoff.handoff_type,
            handoff_type: self.handoff_type,
            from: Party { team: &handoff.from_team, person: previous.map(|id| name(id).unwrap_or(id)) },
            to: Party { team: &handoff.to_team, person: owner.map(|id| name(id).unwrap_or(id)) },
            why: why.as_deref(),
            status: handoff.status.name(),
            due_at: handoff.due_at,
            zone: &zone,
            completeness: &Completeness { percent: handoff.completeness, missing: handoff.missing.clone() },
            holds: handoff.held_for.as_deref().unwrap_or_default(),
            actions,
            link: None,
        })
    }

    /// The alert of a step of the clock, to the owner of that turn and about its deadline: by the time that it is told,
    /// somebody else may have the handoff.
    fn step(
        &self,
        step: StepKind,
        at: DateTime,
        owner: Option<&RepId>,
        due_at: Option<DateTime>,
    ) -> Option<Command> {
        let (sla, name) = (&self.handoff_type.sla, self.account_name());
        let due = due_at.map(stamp).unwrap_or_default();
        let manager = owner.and_then(|owner| self.rep(owner)).and_then(|owner| owner.manager.as_ref());
        let (owner, manager): (Vec<&RepId>, Vec<&RepId>) =
            (owner.into_iter().collect(), manager.into_iter().collect());
        let (to, role, title, body, urgency) = match step {
            StepKind::Remind => (
                owner,
                None,
                "A handoff is due soon",
                format!("{name} expects a contact by {due}."),
                Urgency::High,
            ),
            StepKind::AcknowledgeBreach => (
                owner,
                Some(&sla.escalate_to),
                "A handoff was not acknowledged in time",
                format!("{name}: acknowledge it, or give it back, so that somebody else can help."),
                Urgency::High,
            ),
            // The breach itself is on record and in the figures; people are told by the alerts that follow.
            StepKind::Breach | StepKind::Reassign => return None,
            StepKind::AlertOwner => (
                owner,
                None,
                "A handoff is overdue",
                format!("{name} should have been contacted by {due}."),
                Urgency::Urgent,
            ),
            StepKind::AlertManager => (
                manager,
                Some(&sla.escalate_to),
                "A handoff in your team is overdue",
                format!(
                    "{name} should have been contacted by {due}; the owner was told, and nobody has done it."
                ),
                Urgency::Urgent,
            ),
            StepKind::Stop => (
                manager,
                Some(&sla.fallback_to),
                "A handoff was passed on as often as allowed",
                format!("{name} is overdue since {due} and stays where it is. Decide who takes it."),
                Urgency::Urgent,
            ),
        };
        let mut command = self.alert(&to, role.map(String::as_str), title, &body, urgency);
        command.data["step"] = json!({ "kind": step, "at": at });
        Some(command)
    }

    /// Takes back what was written to the CRM, and tells the owner where there is one.
    fn undone(&self, what: &str, reason: Option<&str>) -> Vec<Command> {
        let handoff = self.handoff;
        // Nothing was written for what nobody ever had.
        if handoff.assigned_at.is_none() {
            return Vec::new();
        }
        let body =
            reason.map_or_else(|| "No reason was given.".to_owned(), |reason| format!("Reason: {reason}"));
        let subject = format!("Handoff {} {what}", handoff.handoff_type);
        let previous = handoff.previous_owner.as_deref();
        // A CRM may know its people by address only.
        let email = previous.and_then(|id| self.roster.rep(id)).map(|rep| &rep.email);
        let mut commands = vec![Command {
            destination: LOG_ACTIVITY,
            data: json!({
                "activityType": "note", "subject": subject, "description": body,
                "accountId": handoff.account_id, "dealId": handoff.deal_id, "ownerId": previous,
                "ownerEmail": email,
            }),
        }];
        if let Some(owner) = &handoff.owner_id {
            commands.push(self.alert(&[owner], None, &format!("A handoff {what}"), &body, Urgency::High));
        }
        if let Some(deal_id) = &handoff.deal_id {
            commands.push(Command {
                destination: UPDATE_DEAL,
                data: json!({
                    "dealId": deal_id, "accountId": handoff.account_id, "ownerId": previous,
                    "ownerEmail": email,
                    "handoffType": handoff.handoff_type, "handoffPackageId": handoff.id, "handoffUndoneAt": self.now,
                }),
            });
        }
        commands
    }

    fn alert(
        &self,
        to: &[&RepId],
        role: Option<&str>,
        title: &str,
        body: &str,
        priority: Urgency,
    ) -> Command {
        let person = |id: &&RepId| {
            let rep = self.rep(id);
            json!({"repId": id, "name": rep.map(|rep| &rep.name), "email": rep.map(|rep| &rep.email)})
        };
        let team = super::assign::names::TeamId::parse(&self.handoff.to_team).ok();
        let channel = team.and_then(|team| self.roster.team(&team)).and_then(|team| team.channel.as_deref());
        Command {
            destination: ALERT,
            data: json!({
                "channel": channel, "to": to.iter().map(person).collect::<Vec<_>>(), "role": role, "title": title,
                "body": body, "priority": priority, "accountId": self.handoff.account_id,
                "accountName": self.account_name(), "handoffId": self.handoff.id,
                "path": format!("/v1/handoffs/{}", self.handoff.id),
            }),
        }
    }
}
