//! Programmes as JSON.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::kernel::clock::DateTime;
use crate::plans::api::wire::PlanWire;
use crate::plans::{GateStatus, Verdict};
use crate::programmes::advice::Advice;
use crate::programmes::commands::{GateView, Made, PhaseView, ProgrammeView};
use crate::programmes::fault;
use crate::programmes::gates::Finding;
use crate::programmes::store::{ConflictRow, FileHead, ProgrammeRow};
use crate::programmes::workers::Workers;

/// A run in a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProgrammeSummary {
    pub programme_id: Uuid,
    pub company: String,
    pub product: String,
    /// None where the phases are no mode of the definition.
    pub mode: Option<String>,
    pub based_on: Option<Uuid>,
    pub created_at: DateTime,
    pub created_by: String,
}

impl From<&ProgrammeRow> for ProgrammeSummary {
    fn from(row: &ProgrammeRow) -> Self {
        Self {
            programme_id: row.id,
            company: row.company.clone(),
            product: row.product.clone(),
            mode: row.mode.clone(),
            based_on: row.based_on,
            created_at: row.created_at,
            created_by: row.created_by.clone(),
        }
    }
}

/// How far a phase is.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProgrammePhase {
    pub phase: String,
    pub title: String,
    pub done: usize,
    pub tasks: usize,
    pub gates_passed: usize,
    pub gates: usize,
    /// As the source of the programme estimates it.
    pub estimated_minutes: u32,
    pub planned_start: Option<DateTime>,
    pub planned_end: Option<DateTime>,
    pub ended_at: Option<DateTime>,
}

impl From<&PhaseView> for ProgrammePhase {
    fn from(view: &PhaseView) -> Self {
        Self {
            phase: view.id.clone(),
            title: view.title.clone(),
            done: view.done,
            tasks: view.tasks,
            gates_passed: view.gates_passed,
            gates: view.gates,
            estimated_minutes: view.estimated_minutes,
            planned_start: view.planned_start,
            planned_end: view.planned_end,
            ended_at: view.ended_at,
        }
    }
}

/// What a run takes.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProgrammeDurations {
    /// As the source of the programme estimates a whole run, side by side and one after the other.
    pub source_parallel_minutes: u32,
    pub source_sequential_minutes: u32,
    /// By the plan: along the critical path, and all tasks one after the other.
    pub planned_parallel_seconds: i64,
    pub planned_sequential_seconds: i64,
    /// From the start to the last task that is done, without the time in which it was held.
    pub actual_seconds: Option<i64>,
    /// How long it was held, without the pause that goes on.
    pub paused_seconds: i64,
}

/// A run as it stands.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProgrammeWire {
    #[serde(flatten)]
    pub summary: ProgrammeSummary,
    pub workers: Workers,
    pub advice: Advice,
    pub phases: Vec<ProgrammePhase>,
    pub durations: ProgrammeDurations,
    /// How many files there are.
    pub files: usize,
    pub plan: PlanWire,
}

impl ProgrammeWire {
    pub fn of(view: &ProgrammeView) -> Result<Self, serde_json::Error> {
        let plan = PlanWire::of(&view.plan);
        Ok(Self {
            summary: ProgrammeSummary::from(&view.row),
            workers: serde_json::from_value(view.row.workers.clone())?,
            advice: serde_json::from_value(view.row.advice.clone())?,
            phases: view.phases.iter().map(ProgrammePhase::from).collect(),
            durations: ProgrammeDurations {
                source_parallel_minutes: view.source_estimate.0,
                source_sequential_minutes: view.source_estimate.1,
                planned_parallel_seconds: plan.parallel_seconds,
                planned_sequential_seconds: plan.sequential_seconds,
                actual_seconds: view.actual.elapsed.map(|elapsed| elapsed.num_seconds()),
                paused_seconds: view.plan.row.paused_secs,
            },
            files: view.files.len(),
            plan,
        })
    }
}

/// A run that was made, or that would be.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProgrammeMade {
    /// None for a dry run.
    pub programme_id: Option<Uuid>,
    pub mode: Option<String>,
    pub based_on: Option<Uuid>,
    /// How many tasks and gates it has.
    pub tasks: usize,
    pub gates: usize,
    pub advice: Advice,
    /// What is doubtful in the configuration.
    pub warnings: Vec<fault::Fault>,
}

impl From<Made> for ProgrammeMade {
    fn from(made: Made) -> Self {
        Self {
            programme_id: made.id,
            mode: made.mode,
            based_on: made.based_on,
            tasks: made.plan.tasks.len(),
            gates: made.plan.gates.len(),
            advice: made.advice,
            warnings: made.warnings,
        }
    }
}

/// A gate with its checks.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProgrammeGate {
    pub phase: String,
    pub gate: String,
    pub title: String,
    pub status: GateStatus,
    pub checks: Vec<ProgrammeCheck>,
}

/// One check of a gate.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProgrammeCheck {
    pub check: String,
    pub asks: String,
    /// Computed from the files; otherwise the coordinator attests it.
    pub computed: bool,
    /// None while something is not there yet, or nobody has said it.
    pub passed: Option<bool>,
    pub findings: Vec<Finding>,
    /// The last word on it.
    pub said: Option<Verdict>,
}

impl From<GateView> for ProgrammeGate {
    fn from(view: GateView) -> Self {
        let check = |of: crate::programmes::commands::CheckView| ProgrammeCheck {
            check: of.verdict.check,
            asks: of.verdict.asks,
            computed: of.computed,
            passed: of.verdict.passed,
            findings: of.verdict.findings,
            said: of.said,
        };
        Self {
            phase: view.phase,
            gate: view.gate,
            title: view.title,
            status: view.status,
            checks: view.checks.into_iter().map(check).collect(),
        }
    }
}

/// A file of a workspace.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProgrammeFileWire {
    /// Below the root of the workspace.
    pub path: String,
    pub version: i32,
    /// None for charts, statuses, conflicts and decisions.
    pub kind: Option<String>,
    pub agent: String,
    pub task: Option<String>,
    pub bytes: i32,
    pub made_at: DateTime,
    pub made_by: String,
}

impl From<&FileHead> for ProgrammeFileWire {
    fn from(row: &FileHead) -> Self {
        Self {
            path: row.path.clone(),
            version: row.version,
            kind: row.kind.clone(),
            agent: row.agent.clone(),
            task: row.task.clone(),
            bytes: row.bytes,
            made_at: row.made_at,
            made_by: row.made_by.clone(),
        }
    }
}

/// Everything in one list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Whole<T> {
    pub data: Vec<T>,
}

/// Two outputs that contradict each other.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProgrammeConflict {
    pub number: i32,
    pub status: ConflictStatus,
    pub raised_by: String,
    pub raised_at: DateTime,
    pub files: Vec<String>,
    pub description: String,
    /// The check that found it; none where somebody raised it.
    pub check: Option<String>,
    pub decision: Option<String>,
    pub rationale: Option<String>,
    pub decided_by: Option<String>,
    pub decided_at: Option<DateTime>,
    /// Files that the decision changes.
    pub change: Vec<String>,
    /// Files that were changed because of the decision.
    pub applied: Vec<String>,
    /// When a later version made the check find nothing any more.
    pub settled_at: Option<DateTime>,
}

/// How far a conflict is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ProgrammeConflictStatus)]
pub enum ConflictStatus {
    Open,
    Decided,
    /// All files were changed that the decision changes.
    Applied,
    /// A later version has settled it before.
    Settled,
}

impl From<ConflictRow> for ProgrammeConflict {
    fn from(row: ConflictRow) -> Self {
        let status = if row.is_applied() {
            ConflictStatus::Applied
        } else if row.settled_at.is_some() {
            ConflictStatus::Settled
        } else if row.decision.is_some() {
            ConflictStatus::Decided
        } else {
            ConflictStatus::Open
        };
        Self {
            status,
            number: row.number,
            raised_by: row.raised_by,
            raised_at: row.raised_at,
            files: row.files,
            description: row.description,
            check: row.found_by,
            decision: row.decision,
            rationale: row.rationale,
            decided_by: row.decided_by,
            decided_at: row.decided_at,
            change: row.change,
            applied: row.applied,
            settled_at: row.settled_at,
        }
    }
}

/// A JSON document of our own making.
pub type Document = Value;
