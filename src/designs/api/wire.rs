//! Designs as they are told over HTTP.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::designs::brief::Ask;
use crate::designs::commands::{Applied, DesignView, Signed, VersionView};
use crate::designs::packet::Packet;
use crate::designs::playbook::SignOff;
use crate::designs::store::DesignRow;
use crate::kernel::clock::DateTime;
use crate::plans::{Change, Finding, Pattern};

/// Where a design stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DesignStatus {
    /// Not signed by both.
    Draft,
    Approved,
    /// Waits for its instant.
    Scheduled,
    /// Live.
    Applied,
    /// At its instant its base had changed.
    Stopped,
    RolledBack,
}

impl DesignStatus {
    const ALL: [Self; 6] =
        [Self::Draft, Self::Approved, Self::Scheduled, Self::Applied, Self::Stopped, Self::RolledBack];

    /// The name in the API and in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Approved => "approved",
            Self::Scheduled => "scheduled",
            Self::Applied => "applied",
            Self::Stopped => "stopped",
            Self::RolledBack => "rolled_back",
        }
    }

    fn of(name: &str) -> Self {
        Self::ALL.into_iter().find(|status| status.name() == name).unwrap_or(Self::Draft)
    }
}

/// A design in a list.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = HandoffDesignLine)]
pub struct DesignLine {
    pub design_id: Uuid,
    pub segment: String,
    pub goal: String,
    pub handoff_type: String,
    pub team: String,
    pub status: DesignStatus,
    pub version: i32,
    pub created_at: DateTime,
    pub changed_at: DateTime,
}

impl From<DesignRow> for DesignLine {
    fn from(row: DesignRow) -> Self {
        Self {
            design_id: row.id,
            segment: row.segment,
            goal: row.goal,
            handoff_type: row.handoff_type,
            team: row.team,
            status: DesignStatus::of(&row.status),
            version: row.version,
            created_at: row.created_at,
            changed_at: row.changed_at,
        }
    }
}

/// A sign-off.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DesignApproval)]
pub struct ApprovalWire {
    pub role: SignOff,
    pub name: String,
    /// With which key.
    pub actor: String,
    #[schema(required = true)]
    pub comment: Option<String>,
    pub at: DateTime,
}

impl From<Signed> for ApprovalWire {
    fn from(signed: Signed) -> Self {
        Self {
            role: signed.sign,
            name: signed.name,
            actor: signed.actor,
            comment: signed.comment,
            at: signed.at,
        }
    }
}

/// A version on its way to the live roster.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DesignApplication)]
pub struct ApplicationWire {
    pub version: i32,
    /// `scheduled`, `applied`, `stopped` or `rolled_back`.
    pub status: String,
    pub asked_by: String,
    pub due_at: DateTime,
    #[schema(required = true)]
    pub applied_at: Option<DateTime>,
    /// Why it was stopped or called off.
    pub stopped_for: Vec<String>,
    #[schema(required = true)]
    pub rolled_back_at: Option<DateTime>,
    #[schema(required = true)]
    pub rolled_back_why: Option<String>,
}

impl From<Applied> for ApplicationWire {
    fn from(applied: Applied) -> Self {
        Self {
            version: applied.version,
            status: applied.status,
            asked_by: applied.asked_by,
            due_at: applied.due_at,
            applied_at: applied.applied_at,
            stopped_for: applied.stopped_for,
            rolled_back_at: applied.rolled_back_at,
            rolled_back_why: applied.rolled_back_why,
        }
    }
}

/// A design in its newest version.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = HandoffDesign)]
pub struct DesignWire {
    /// Null for a dry run.
    #[schema(required = true)]
    pub design_id: Option<Uuid>,
    pub segment: String,
    pub goal: String,
    pub handoff_type: String,
    pub team: String,
    pub status: DesignStatus,
    pub version: i32,
    /// Who made this version.
    pub author: String,
    pub why: String,
    pub made_at: DateTime,
    pub created_at: DateTime,
    pub inputs: Ask,
    pub packet: Packet,
    /// The shape of the plan, which is at `…/plan.json`.
    pub pattern: Pattern,
    /// What is missing before the plan can run.
    pub preflight: Vec<Finding>,
    pub approvals: Vec<ApprovalWire>,
    /// The latest attempt to make it live.
    #[schema(required = true)]
    pub application: Option<ApplicationWire>,
    /// What has changed of what this version was made on: it cannot be applied then.
    pub base_changed: Vec<String>,
}

impl DesignWire {
    pub(super) fn of(view: DesignView, base_changed: Vec<String>, dry_run: bool) -> Self {
        Self {
            design_id: (!dry_run).then_some(view.row.id),
            segment: view.row.segment,
            goal: view.row.goal,
            handoff_type: view.row.handoff_type,
            team: view.row.team,
            status: DesignStatus::of(&view.row.status),
            version: view.row.version,
            author: view.author,
            why: view.why,
            made_at: view.made_at,
            created_at: view.row.created_at,
            inputs: view.inputs,
            packet: view.packet,
            pattern: view.pattern,
            preflight: view.preflight,
            approvals: view.signed.into_iter().map(ApprovalWire::from).collect(),
            application: view.applied.map(ApplicationWire::from),
            base_changed,
        }
    }
}

/// One change of the plan.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = DesignPlanChange)]
pub struct PlanChangeWire {
    pub says: String,
    pub change: Change,
}

/// A version and what it changed.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DesignVersion)]
pub struct VersionWire {
    pub version: i32,
    pub author: String,
    pub actor: String,
    pub why: String,
    pub at: DateTime,
    /// What of the request differs from the version before, in words.
    pub inputs: Vec<String>,
    /// What of the plan differs from the version before.
    pub plan: Vec<PlanChangeWire>,
}

impl From<VersionView> for VersionWire {
    fn from(version: VersionView) -> Self {
        let plan = version.plan.into_iter().map(|(change, says)| PlanChangeWire { says, change });
        Self {
            version: version.number,
            author: version.author,
            actor: version.actor,
            why: version.why,
            at: version.at,
            inputs: version.inputs,
            plan: plan.collect(),
        }
    }
}

/// All versions of a design.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = DesignChanges)]
pub struct ChangesWire {
    /// The newest first.
    pub data: Vec<VersionWire>,
}
