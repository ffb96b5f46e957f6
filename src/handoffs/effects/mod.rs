//! What leaves the service because something happened to a handoff: commands in the service's own words, pure.
//!
//! Promises: a command names what is to be done and not by which system (`crm/…`, `messaging/…`, `email/…`); whoever
//! delivers it translates. For one thing that happened there is at most one command to each destination, and nothing
//! but a happening makes any: what is worked out anew with the same result alerts nobody.
//! Leaves out: addresses and secrets of systems, retries: the outbox has them; whom an alert reaches now and whom in a
//! digest: [`alerts`](super::alerts).

#[cfg(test)]
mod tests;

use serde_json::{Value, json};

use super::alerts::{Alert, Matters, Person, path_of};
use super::assign::Roster;
use super::assign::names::{RepId, TeamId};
use super::assign::roster::Rep;
use super::handoff::{Handoff, Happening};
use super::package::{Completeness, Package};
use super::report::{self, Action, Party, ReportInputs};
use super::sla::{Basis, Step, StepKind};
use super::types::HandoffType;
use crate::kernel::calendar::Zone;
use crate::kernel::clock::DateTime;
use crate::motions::Urgency;

pub const UPDATE_DEAL: &str = "crm/update_deal";
pub const LOG_ACTIVITY: &str = "crm/log_activity";
pub const ALERT: &str = "messaging/alert";
/// What was held back for one person, all at once.
pub const DIGEST: &str = "messaging/digest";
pub const BRIEFING: &str = "email/briefing";

/// Something to be done outside.
#[derive(Debug, Clone, PartialEq)]
pub struct Command {
    pub destination: &'static str,
    pub data: Value,
}

/// What is to be done because of one thing that happened.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Effects {
    pub commands: Vec<Command>,
    pub alert: Option<Alert>,
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
pub fn of(scene: &Scene<'_>, happening: &Happening) -> Effects {
    match happening {
        Happening::Assigned { owner, .. } => scene.handed_over(owner),
        Happening::Step { step, at, owner, due_at, .. } => {
            only(scene.step(Step { kind: *step, at: *at }, owner.as_ref(), *due_at))
        }
        Happening::QueueAlarm { since } => only(Some(scene.alert(
            &[],
            Some(&scene.handoff_type.sla.fallback_to),
            (
                "Nobody can take a handoff".to_owned(),
                format!(
                    "It has waited since {}. Free somebody, or give it to somebody by hand.",
                    stamp(*since)
                ),
            ),
            Urgency::Urgent,
            Matters::Always,
        ))),
        Happening::Asked { question, waits_until } => only(Some(scene.asked(question, *waits_until))),
        Happening::Answered { answer, due_at } => only(Some(scene.answered(answer.as_deref(), *due_at))),
        Happening::RolledBack { reason } => scene.undone("was rolled back", reason.as_deref()),
        Happening::Cancelled { reason } => scene.undone("was cancelled", reason.as_deref()),
        Happening::Rejected { owner, reason, rerouted: false } => scene.sent_back(owner, reason),
        // Also to whom time ran out: two people at one customer are worse than one who is late.
        Happening::TurnEnded { owner, .. } if !scene.handoff.status.is_final() => only(Some(scene.alert(
            &[owner],
            None,
            ("A handoff goes to somebody else".to_owned(), "There is nothing more for you to do.".to_owned()),
            Urgency::Medium,
            Matters::WhileNotOwner,
        ))),
        Happening::DeadlineMoved { to: Some(to), .. } => only(Some(scene.alert(
            &scene.owner(),
            None,
            (
                "The deadline of a handoff has moved".to_owned(),
                format!("The customer is now to be contacted by {}.", stamp(*to)),
            ),
            Urgency::Medium,
            Matters::UntilContacted,
        ))),
        _ => Effects::default(),
    }
}

fn only(alert: Option<Alert>) -> Effects {
    Effects { commands: Vec::new(), alert }
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

    /// Whether what leaves because of it goes before the rest.
    pub fn is_urgent(&self) -> bool {
        self.priority() == Urgency::Urgent
    }

    /// Everything that tells the new owner and the CRM.
    fn handed_over(&self, owner: &RepId) -> Effects {
        let (handoff, summary) = (self.handoff, self.told(&[], report::summary));
        let person = self.rep(owner);
        let name = person.map_or(owner.as_str(), |rep| rep.name.as_str());
        let title = format!("New {} handoff: {}", handoff.handoff_type, self.account_name());
        let mut commands =
            vec![self.note(&format!("Handoff: {}", handoff.handoff_type), &summary, Some(owner))];
        if let Some(deal_id) = &handoff.deal_id {
            commands.push(Command {
                destination: UPDATE_DEAL,
                data: json!({
                    "dealId": deal_id, "accountId": handoff.account_id, "ownerId": owner,
                    "ownerEmail": self.email(Some(owner)),
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
        let alert = self.alert(&[owner], None, (title, summary), self.priority(), Matters::UntilAcknowledged);
        Effects { commands, alert: Some(alert) }
    }

    /// A CRM may know its people by address only.
    fn email(&self, owner: Option<&RepId>) -> Option<&str> {
        owner.and_then(|owner| self.rep(owner)).map(|rep| rep.email.as_str())
    }

    /// A note in the CRM.
    fn note(&self, subject: &str, description: &str, owner: Option<&RepId>) -> Command {
        let handoff = self.handoff;
        let data = json!({
            "activityType": "note", "subject": subject, "description": description,
            "accountId": handoff.account_id, "dealId": handoff.deal_id, "ownerId": owner,
            "ownerEmail": self.email(owner),
        });
        Command { destination: LOG_ACTIVITY, data }
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
    fn step(&self, step: Step, owner: Option<&RepId>, due_at: Option<DateTime>) -> Option<Alert> {
        let (sla, name) = (&self.handoff_type.sla, self.account_name());
        let due = due_at.map(stamp).unwrap_or_default();
        let manager = owner.and_then(|owner| self.rep(owner)).and_then(|owner| owner.manager.as_ref());
        let (owner, manager): (Vec<&RepId>, Vec<&RepId>) =
            (owner.into_iter().collect(), manager.into_iter().collect());
        let (to, role, title, body, urgency) = match step.kind {
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
        // The two that are not urgent, and may wait for a digest, are the owner's.
        let matters = match step.kind {
            StepKind::AcknowledgeBreach => Matters::UntilAcknowledged,
            _ => Matters::UntilContacted,
        };
        let role = role.map(String::as_str);
        let mut alert = self.alert(&to, role, (title.to_owned(), body), urgency, matters);
        alert.step = Some(step);
        Some(alert)
    }

    /// Takes back what was written to the CRM, and tells the owner where there is one.
    fn undone(&self, what: &str, reason: Option<&str>) -> Effects {
        let body =
            reason.map_or_else(|| "No reason was given.".to_owned(), |reason| format!("Reason: {reason}"));
        let alert = self.handoff.owner_id.as_ref().map(|owner| {
            let title = format!("A handoff {what}");
            self.alert(&[owner], None, (title, body.clone()), Urgency::High, Matters::WhileNotOwner)
        });
        self.taken_back(what, &body, alert)
    }

    /// The receiver wants it not, and nobody else there is asked.
    fn sent_back(&self, by: &RepId, reason: &str) -> Effects {
        let name = self.rep(by).map_or(by.as_str(), |rep| &rep.name);
        let body = format!("{name} gave it back. Reason: {reason}");
        let title = format!("{} was rejected: {}", self.handoff.handoff_type, self.account_name());
        let alert = self.sender_alert((title, body.clone()));
        self.taken_back("was rejected", &body, Some(alert))
    }

    fn asked(&self, question: &str, waits_until: Option<DateTime>) -> Alert {
        let owner = self.handoff.owner_id.as_ref();
        let name = owner.map_or("The owner", |id| self.rep(id).map_or(id.as_str(), |rep| &rep.name));
        let clock = match waits_until {
            Some(until) => format!("The clock waits for the answer until {}.", stamp(until)),
            None => "The clock runs on meanwhile.".to_owned(),
        };
        let title = format!("A question about a handoff: {}", self.account_name());
        self.sender_alert((title, format!("{name} asks: {question}\n{clock}")))
    }

    fn answered(&self, answer: Option<&str>, due_at: Option<DateTime>) -> Alert {
        let answer = answer.unwrap_or("It was answered outside of this service.");
        let due = due_at.map(|due| format!("\nThe customer is to be contacted by {}.", stamp(due)));
        let title = format!("Your question is answered: {}", self.account_name());
        let body = format!("{answer}{}", due.unwrap_or_default());
        self.alert(&self.owner(), None, (title, body), Urgency::High, Matters::UntilContacted)
    }

    /// An alert to those who handed over: whoever was responsible there, else the channel of the sending team, else the
    /// role that gets what nobody answered.
    fn sender_alert(&self, words: (String, String)) -> Alert {
        let handoff = self.handoff;
        let sender = handoff.previous_owner.as_deref().and_then(|id| self.roster.rep(id)).map(|rep| &rep.id);
        let channel = self.channel(&handoff.from_team);
        let to: Vec<&RepId> = sender.into_iter().collect();
        let role = (to.is_empty() && channel.is_none()).then_some(self.handoff_type.sla.fallback_to.as_str());
        let mut alert = self.alert(&to, None, words, Urgency::High, Matters::Always);
        alert.channel = channel;
        if let Some(role) = role {
            alert.role = Some(role.to_owned());
            alert.to.extend(self.answers_for(role, &handoff.from_team));
        }
        alert
    }

    /// The previous owner is responsible again, in the CRM too.
    fn taken_back(&self, what: &str, why: &str, alert: Option<Alert>) -> Effects {
        let handoff = self.handoff;
        // Nothing was written for what nobody ever had.
        if handoff.assigned_at.is_none() {
            return Effects::default();
        }
        let subject = format!("Handoff {} {what}", handoff.handoff_type);
        let previous = handoff.previous_owner.as_ref().and_then(|id| RepId::parse(id).ok());
        let mut commands = vec![self.note(&subject, why, previous.as_ref())];
        if let Some(deal_id) = &handoff.deal_id {
            commands.push(Command {
                destination: UPDATE_DEAL,
                data: json!({
                    "dealId": deal_id, "accountId": handoff.account_id, "ownerId": previous,
                    "ownerEmail": self.email(previous.as_ref()),
                    "handoffType": handoff.handoff_type, "handoffPackageId": handoff.id, "handoffUndoneAt": self.now,
                }),
            });
        }
        Effects { commands, alert }
    }

    /// Where a team is told of its handoffs.
    fn channel(&self, team: &str) -> Option<String> {
        let team = TeamId::parse(team).ok().and_then(|team| self.roster.team(&team));
        team.and_then(|team| team.channel.clone())
    }

    /// The people whom a role leads to when something of a team is escalated.
    fn answers_for(&self, role: &str, team: &str) -> Vec<Person> {
        let team = TeamId::parse(team).ok();
        let people = team.map(|team| self.roster.answers_for(role, &team).people()).unwrap_or_default();
        people.into_iter().map(|id| Person::looking_after(self.roster, id)).collect()
    }

    /// An alert to people, to those whom a role leads to, and to the channel of the receiving team.
    fn alert(
        &self,
        to: &[&RepId],
        role: Option<&str>,
        (title, body): (String, String),
        priority: Urgency,
        matters: Matters,
    ) -> Alert {
        let mut people: Vec<Person> = to.iter().map(|id| Person::of(self.roster, id)).collect();
        let by_role = role.map(|role| self.answers_for(role, &self.handoff.to_team)).unwrap_or_default();
        people.extend(by_role.into_iter().filter(|person| to.iter().all(|id| **id != person.rep_id)));
        Alert {
            channel: self.channel(&self.handoff.to_team),
            to: people,
            role: role.map(str::to_owned),
            title,
            body,
            priority,
            account_id: self.handoff.account_id.clone(),
            account_name: self.account_name().to_owned(),
            handoff_id: self.handoff.id,
            path: path_of(self.handoff.id),
            step: None,
            matters,
        }
    }
}
