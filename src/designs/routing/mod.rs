//! The routing blueprint: who is to have the handoffs, in which order people are asked, what that needs to be known, and the
//! entries of the roster that make it so.
//!
//! In reading order: [`choose`] (account owner, named account, pods or round robin, with the reasons), [`edits`] (the
//! entries), [`matrix`] (what live assignment would do with them, case by case).
//!
//! Promises: what is drawn is what the roster will do, because the matrix is asked of the assignment itself; other segments
//! keep their ways. Leaves out making it so.

pub mod choose;
pub mod edits;
pub mod matrix;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::brief::Brief;
use crate::handoffs::{Absences, Entries, Entry, HandoffTypes, Roster};
use crate::kernel::clock::DateTime;

/// Who is to have what no owner takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = RoutingChoice)]
pub enum Choice {
    /// The rotation of one pod of the team.
    Pod,
    /// The rotation of the pod that the account's territory leads to.
    TerritoryPods,
    /// The rotation of the whole team.
    RoundRobin,
}

impl Choice {
    /// In a sentence.
    pub fn words(self) -> &'static str {
        match self {
            Self::Pod => "one pod",
            Self::TerritoryPods => "pods by territory",
            Self::RoundRobin => "round robin over the team",
        }
    }
}

/// A way to an owner, as it is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RoutingWay)]
pub struct Way {
    /// Such as `accountOwner`.
    pub by: String,
    pub leads_to: String,
    pub because: String,
    /// How long it is waited for, in minutes.
    pub wait_minutes: u32,
}

/// A pod that has them, and who is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RoutingPod)]
pub struct Pod {
    /// The pod, or the team where it is all of it.
    pub name: String,
    /// Their ids.
    pub reps: Vec<String>,
    /// Their names, in the same order.
    #[serde(default)]
    #[schema(required = true)]
    pub people: Vec<String>,
}

/// Something that must be known of an account for the routing to work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RoutingEnrichment)]
pub struct Enrichment {
    /// Such as `ownerId`.
    pub field: String,
    pub because: String,
    /// Where it comes from.
    pub source: String,
}

/// One case, and what assignment does with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RoutingCase)]
pub struct Case {
    pub case: String,
    pub leads_to: String,
    pub because: String,
}

/// A change of one entry of the roster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DesignEdit)]
pub struct Edit {
    /// Such as `segment`.
    pub kind: String,
    pub id: String,
    /// What it changes, in a sentence.
    pub says: String,
    /// The entry as it is to be.
    #[schema(value_type = Object)]
    pub entry: serde_json::Value,
}

/// The whole of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Blueprint {
    pub handoff_type: String,
    pub from_team: String,
    pub to_team: String,
    pub choice: Choice,
    pub because: Vec<String>,
    pub ways: Vec<Way>,
    pub pods: Vec<Pod>,
    pub enrichment: Vec<Enrichment>,
    pub matrix: Vec<Case>,
    pub edits: Vec<Edit>,
    /// What it also touches, or cannot do.
    pub notes: Vec<String>,
}

/// What a blueprint is drawn on.
#[derive(Debug, Clone, Copy)]
pub struct Ground<'a> {
    pub types: &'a HandoffTypes,
    pub entries: &'a Entries,
    pub roster: &'a Roster,
    pub absences: &'a Absences,
}

/// A blueprint with the roster that it leads to.
#[derive(Debug, Clone)]
pub struct Drawn {
    pub blueprint: Blueprint,
    pub entries: Vec<Entry>,
    /// The roster with the entries put.
    pub after: Arc<Roster>,
}

/// Why no blueprint can be drawn.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Undrawn {
    #[error("team {0} has nobody who takes part in its rotation: put reps on the roster first")]
    Nobody(String),
    #[error("the roster would not hold together: {0}")]
    Roster(String),
    #[error("there is no handoff type {0}")]
    NoType(String),
    #[error("an entry cannot be written: {0}")]
    Unwritable(String),
}

/// Draws the blueprint; the cases are told as they would be at an instant.
pub fn draw(brief: &Brief, ground: Ground<'_>, at: DateTime) -> Result<Drawn, Undrawn> {
    let of_type = ground.types.get(&brief.handoff_type);
    let of_type = of_type.ok_or_else(|| Undrawn::NoType(brief.handoff_type.clone()))?;
    let plan = choose::choose(brief, ground.roster)?;
    let changed = edits::edits(brief, &plan, ground, of_type)?;
    let mut entries = ground.entries.clone();
    for entry in &changed.entries {
        entries.put(entry.clone());
    }
    let after = entries.file().check().map_err(|faults| {
        Undrawn::Roster(faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
    })?;
    let after = Arc::new(after);
    let blueprint = Blueprint {
        handoff_type: brief.handoff_type.clone(),
        from_team: of_type.from_team.clone(),
        to_team: brief.team.to_string(),
        choice: plan.choice,
        because: plan.because.clone(),
        ways: choose::ways(brief, &plan),
        pods: plan.pods.clone(),
        enrichment: choose::enrichment(brief, &plan, of_type),
        matrix: matrix::matrix(brief, &plan, &after, at),
        edits: changed.edits,
        notes: changed.notes,
    };
    Ok(Drawn { blueprint, entries: changed.entries, after })
}
