//! The approval packet: everything that is decided by a design, as one value, from which documents are written.
//!
//! In reading order: [`make`] (brief and ground in, design out), [`escalation`], [`enablement`], [`plan`].
//!
//! Promises: a packet is a function of what it was made from, and holds no text that is not told from it; due dates are
//! working days of the team, counted back from the launch. Leaves out sign-offs and what became of it, which come later.

pub mod enablement;
pub mod escalation;
pub mod plan;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::brief::{Brief, Goal, Owner, Segment};
use super::estimate::history::History;
use super::estimate::world::Ground as Hours;
use super::estimate::{Sampling, SlaModel, model};
use super::playbook::{CheckKind, ItemKind, Playbook, SignOff};
use super::readiness::{Finding, PolicyFacts, intake};
use super::routing::{Blueprint, Ground, Undrawn, draw};
use super::words::percent;
use crate::handoffs::{Answers, Entry, Rep, Roster};
use crate::kernel::calendar::OpenTime as _;
use crate::kernel::clock::DateTime;
use crate::plans::model::Plan;
use enablement::Workback;
use escalation::Escalation;

/// Who fills a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DesignRole)]
pub struct RoleLine {
    pub role: String,
    pub title: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rep_id: Option<String>,
    /// The title of who stands in; none for the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signs: Option<SignOff>,
}

/// Something that must be so in the systems.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DesignChecklistLine)]
pub struct ChecklistLine {
    pub id: String,
    pub kind: CheckKind,
    pub title: String,
    /// The role.
    pub owner: String,
    pub due_on: NaiveDate,
}

/// Something that people need.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DesignEnablementLine)]
pub struct EnablementLine {
    pub id: String,
    pub kind: ItemKind,
    pub title: String,
    /// The pod, where each has its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<String>,
    /// The role.
    pub owner: String,
    /// When the work on it must begin at the latest.
    pub begin_on: NaiveDate,
    pub due_on: NaiveDate,
    pub work_days: u16,
    /// What is to be done so late that it is already past.
    pub is_late: bool,
}

/// Something that must be there and is not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DesignDependencyLine)]
pub struct DependencyLine {
    pub name: String,
    /// The role.
    pub owner: String,
    pub ready: bool,
    pub due_on: NaiveDate,
    /// It comes after it is needed.
    pub is_late: bool,
}

/// A figure of success.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DesignMetricLine)]
pub struct MetricLine {
    pub name: String,
    pub target: String,
    pub measured_by: String,
}

/// All that is decided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DesignPacket)]
pub struct Packet {
    pub segment: Segment,
    pub goal: Goal,
    pub launch: NaiveDate,
    pub intake: Vec<Finding>,
    pub routing: Blueprint,
    pub model: SlaModel,
    pub escalation: Escalation,
    pub checklist: Vec<ChecklistLine>,
    pub enablement: Vec<EnablementLine>,
    pub dependencies: Vec<DependencyLine>,
    pub metrics: Vec<MetricLine>,
    pub roles: Vec<RoleLine>,
    /// In words, as they were given.
    pub capacity_notes: Vec<String>,
}

/// A packet with the plan that gets there and the entries that make it live.
#[derive(Debug, Clone)]
pub struct Design {
    pub packet: Packet,
    pub plan: Plan,
    pub entries: Vec<Entry>,
}

/// What a design is made of.
#[derive(Debug, Clone, Copy)]
pub struct Sources<'a> {
    pub ground: Ground<'a>,
    pub policy: &'a PolicyFacts,
    pub history: &'a History,
    pub playbook: &'a Playbook,
    pub now: DateTime,
    pub sampling: Sampling,
}

/// Makes the design of a brief.
pub fn make(brief: &Brief, sources: Sources<'_>) -> Result<Design, Undrawn> {
    let Sources { ground, policy, history, playbook, now, sampling } = sources;
    let calendar = ground.roster.calendar_of_team(&brief.team);
    let launch_noon = brief.launch.and_time(chrono::NaiveTime::MIN).and_utc();
    let opening = calendar.next_opening(launch_noon).unwrap_or(launch_noon);
    let drawn = draw(brief, ground, opening)?;
    let names: Vec<&String> = drawn.blueprint.pods.iter().flat_map(|pod| &pod.reps).collect();
    let reps: Vec<&Rep> =
        drawn.after.reps().iter().filter(|rep| names.contains(&&rep.id.to_string())).collect();
    let hours = Hours { roster: &drawn.after, absences: ground.absences, reps };
    let modelled = model(brief, &hours, history, sampling);
    let back = Workback::new(&calendar, brief.launch, now);
    let roles = roles(brief, playbook, &drawn.after);
    let packet = Packet {
        segment: brief.segment,
        goal: brief.goal,
        launch: brief.launch,
        intake: intake(brief, ground.types, policy),
        escalation: escalation::escalation(brief, &drawn, ground.types, playbook),
        checklist: enablement::checklist(brief, playbook, &back),
        enablement: enablement::enablement(brief, playbook, &drawn.blueprint, &back),
        dependencies: enablement::dependencies(brief, &back),
        metrics: metrics(brief, playbook),
        routing: drawn.blueprint,
        model: modelled,
        roles,
        capacity_notes: brief.capacity.notes.clone(),
    };
    let plan = plan::plan(brief, &packet, playbook, &calendar, opening, now);
    Ok(Design { packet, plan, entries: drawn.entries })
}

/// Who fills each role: whom the request names, else the first of those who hold it on the roster.
fn roles(brief: &Brief, playbook: &Playbook, roster: &Roster) -> Vec<RoleLine> {
    let holder = |role: &str| match roster.answers_for(role, &brief.team) {
        Answers::Holders(holders) => holders.first().and_then(|id| roster.rep(id.as_str())),
        Answers::Instead(_) | Answers::Nobody => None,
    };
    let line = |(name, role): (&String, &super::playbook::RoleEntry)| {
        let owner = brief.owners.get(name).cloned().or_else(|| {
            let rep = holder(name)?;
            Some(Owner {
                name: rep.name.clone(),
                email: Some(rep.email.clone()),
                rep_id: Some(rep.id.to_string()),
            })
        });
        RoleLine {
            role: name.clone(),
            title: role.title.clone(),
            name: owner.as_ref().map(|owner| owner.name.clone()),
            email: owner.as_ref().and_then(|owner| owner.email.clone()),
            rep_id: owner.and_then(|owner| owner.rep_id),
            fallback: role.fallback.as_ref().map(|name| playbook.title(name).to_owned()),
            signs: role.signs,
        }
    };
    playbook.roles.iter().map(line).collect()
}

fn metrics(brief: &Brief, playbook: &Playbook) -> Vec<MetricLine> {
    let line = |metric: &super::playbook::Metric| MetricLine {
        name: metric.name.clone(),
        target: metric.target.replace("{service_level}", &percent(brief.service_level)),
        measured_by: metric.measured_by.clone(),
    };
    playbook.metrics.iter().map(line).collect()
}
