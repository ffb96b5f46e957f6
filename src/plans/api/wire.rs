//! What plans and tasks look like over HTTP; the other slices on plans answer in the same words.

use std::collections::BTreeMap;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::kernel::clock::DateTime;
use crate::plans::change::{Change, words};
use crate::plans::commands::{ClaimedTask, PlanError, PlanView, Plans, tag};
use crate::plans::lifecycle::{GateStatus, TaskStatus, Verdict};
use crate::plans::model::{Plan, PlanKind};
use crate::plans::pattern::{Pattern, pattern};
use crate::plans::schedule::{Impossible, Misses, Slot};
use crate::plans::store::{EntryRow, GateRow, Paused, PlanRow, TaskRow, VersionRow};
use crate::platform::audit::SYSTEM;
use crate::platform::http::{Json, Page, PageRequest, Precondition, Problem, Tagged};

/// The states of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PlanStatus {
    /// It was not started yet.
    Draft,
    Running,
    Done,
    /// It was called off.
    Cancelled,
}

impl PlanStatus {
    /// The name in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Running => "running",
            Self::Done => "done",
            Self::Cancelled => "cancelled",
        }
    }

    fn of(name: &str) -> Self {
        let known = [Self::Draft, Self::Running, Self::Done, Self::Cancelled];
        // A constraint keeps others out.
        known.into_iter().find(|status| status.name() == name).unwrap_or(Self::Draft)
    }
}

/// A plan in a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanSummary {
    pub plan_id: Uuid,
    /// None where it belongs to no account.
    pub account_id: Option<String>,
    pub kind: PlanKind,
    pub status: PlanStatus,
    pub objective: String,
    pub version: i32,
    /// When the first task is planned to begin, and the last to end.
    pub starts_at: DateTime,
    pub ends_at: DateTime,
    pub deadline: Option<DateTime>,
    /// How often its guardrail was exceeded.
    pub alarms: i32,
    pub created_at: DateTime,
    pub started_at: Option<DateTime>,
    pub ended_at: Option<DateTime>,
    /// While it is held: nobody is given a task of it.
    pub paused: Option<Paused>,
}

impl From<&PlanRow> for PlanSummary {
    fn from(row: &PlanRow) -> Self {
        Self {
            plan_id: row.id,
            account_id: account(&row.account_id),
            kind: row.kind,
            status: PlanStatus::of(&row.status),
            objective: row.objective.clone(),
            version: row.version,
            starts_at: row.starts_at,
            ends_at: row.ends_at,
            deadline: row.deadline,
            alarms: row.alarms,
            created_at: row.created_at,
            started_at: row.started_at,
            ended_at: row.ended_at,
            paused: row.paused.clone(),
        }
    }
}

fn account(id: &str) -> Option<String> {
    (id != SYSTEM).then(|| id.to_owned())
}

/// A plan with its dates and how far it has come.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanWire {
    #[serde(flatten)]
    pub summary: PlanSummary,
    /// The document of this version.
    pub plan: Plan,
    pub pattern: Pattern,
    /// The tasks on which the earliest end hangs, in order.
    pub critical_path: Vec<String>,
    pub earliest_end: DateTime,
    /// When it must start at the latest for all dates to be kept.
    pub start_by: DateTime,
    /// Tasks that cannot keep a date, with what would make it possible.
    pub impossible: Vec<ImpossibleWire>,
    /// The working time of all tasks one after the other, and along the critical path, in seconds.
    pub sequential_seconds: i64,
    pub parallel_seconds: i64,
    pub tasks: Vec<TaskWire>,
    pub gates: Vec<GateWire>,
}

impl PlanWire {
    /// A plan as it stands.
    pub fn of(view: &PlanView) -> Self {
        let schedule = &view.schedule;
        Self {
            summary: PlanSummary::from(&view.row),
            pattern: pattern(&view.plan),
            critical_path: schedule.critical_path.iter().map(|id| id.0.clone()).collect(),
            earliest_end: schedule.earliest_end,
            start_by: schedule.start_by,
            impossible: schedule.impossible.iter().map(ImpossibleWire::from).collect(),
            sequential_seconds: schedule.sequential.num_seconds(),
            parallel_seconds: schedule.parallel.num_seconds(),
            tasks: view
                .tasks
                .iter()
                .zip(&schedule.slots)
                .map(|(row, slot)| TaskWire { slot: Some(SlotWire::from(slot)), ..TaskWire::from(row) })
                .collect(),
            gates: view.gates.iter().map(GateWire::from).collect(),
            plan: view.plan.clone(),
        }
    }
}

/// A task that cannot keep a date.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImpossibleWire {
    pub task: String,
    /// `due` or `deadline`.
    pub misses: String,
    pub date: DateTime,
    pub earliest_end: DateTime,
    /// In working time of its owner.
    pub late_by_seconds: i64,
    /// What cannot be, and what would make it possible.
    pub text: String,
}

impl From<&Impossible> for ImpossibleWire {
    fn from(one: &Impossible) -> Self {
        let misses = match one.misses {
            Misses::Due => "due",
            Misses::Deadline => "deadline",
        };
        Self {
            task: one.task.0.clone(),
            misses: misses.to_owned(),
            date: one.date,
            earliest_end: one.earliest_end,
            late_by_seconds: one.late_by.num_seconds(),
            text: one.text.clone(),
        }
    }
}

/// How much room a task has.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SlotWire {
    pub earliest_start: DateTime,
    pub earliest_end: DateTime,
    pub latest_start: DateTime,
    pub latest_end: DateTime,
    /// In working time of the owner; negative where a date cannot be kept.
    pub slack_seconds: i64,
    /// How much of the owner's working time it takes.
    pub work_seconds: i64,
    /// Whether the earliest end hangs on it.
    pub critical: bool,
}

impl From<&Slot> for SlotWire {
    fn from(slot: &Slot) -> Self {
        Self {
            earliest_start: slot.earliest_start,
            earliest_end: slot.earliest_end,
            latest_start: slot.latest_start,
            latest_end: slot.latest_end,
            slack_seconds: slot.slack.num_seconds(),
            work_seconds: slot.work.num_seconds(),
            critical: slot.critical,
        }
    }
}

/// A task as far as it has come.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaskWire {
    pub task_id: Uuid,
    pub plan_id: Uuid,
    pub account_id: Option<String>,
    /// Within its plan.
    pub name: String,
    pub title: String,
    pub work: String,
    pub owner: String,
    pub status: TaskStatus,
    pub checkpoint: bool,
    /// As planned.
    pub start_at: DateTime,
    pub end_at: DateTime,
    /// Failures since it was made ready or opened again.
    pub failures: u8,
    /// How many rungs of the ladder were told in the climb that goes on; none where none does.
    pub rungs_told: Option<u8>,
    /// Who works on it, and until when without a sign of life.
    pub held_by: Option<String>,
    pub held_until: Option<DateTime>,
    /// What whoever did it handed over.
    #[schema(value_type = Option<Object>)]
    pub result: Option<Value>,
    pub ended_at: Option<DateTime>,
    pub ended_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slot: Option<SlotWire>,
}

impl From<&TaskRow> for TaskWire {
    fn from(row: &TaskRow) -> Self {
        let lease = row.state.lease.as_ref();
        Self {
            task_id: row.id,
            plan_id: row.plan_id,
            account_id: account(&row.account_id),
            name: row.name.clone(),
            title: row.title.clone(),
            work: row.work.clone(),
            owner: row.owner.clone(),
            status: row.state.status,
            checkpoint: row.checkpoint,
            start_at: row.start_at,
            end_at: row.end_at,
            failures: row.state.failures,
            rungs_told: row.state.climb.as_ref().map(|climb| climb.told),
            held_by: lease.map(|lease| lease.by.clone()),
            held_until: lease.map(|lease| lease.until),
            result: row.result.clone(),
            ended_at: row.ended_at,
            ended_by: row.ended_by.clone(),
            slot: None,
        }
    }
}

/// A gate as far as it has come.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GateWire {
    pub name: String,
    pub status: GateStatus,
    /// The last verdict on each check that was looked at.
    pub verdicts: BTreeMap<String, Verdict>,
}

impl From<&GateRow> for GateWire {
    fn from(row: &GateRow) -> Self {
        Self { name: row.name.clone(), status: row.state.status, verdicts: row.state.verdicts.clone() }
    }
}

/// A task in the hands of whoever claimed it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClaimedWire {
    pub task_id: Uuid,
    pub plan_id: Uuid,
    pub account_id: Option<String>,
    pub name: String,
    pub title: String,
    pub detail: String,
    pub stage: String,
    pub owner: String,
    pub work: String,
    pub inputs: Vec<String>,
    pub outputs: Vec<String>,
    /// Belongs to the kind of plan.
    #[schema(value_type = Object)]
    pub data: Map<String, Value>,
    /// What the plan passes on.
    #[schema(value_type = Object)]
    pub context: Map<String, Value>,
    pub start_at: DateTime,
    pub end_at: DateTime,
    /// Proves whose it is: send it with `heartbeat`, `complete` and `fail`.
    pub lease: i64,
    /// Without a sign of life the task goes to somebody else then.
    pub lease_until: DateTime,
    /// The first is 1.
    pub attempt: u8,
}

impl From<ClaimedTask> for ClaimedWire {
    fn from(claimed: ClaimedTask) -> Self {
        let ClaimedTask { row, task, context, lease, attempt } = claimed;
        Self {
            task_id: row.id,
            plan_id: row.plan_id,
            account_id: account(&row.account_id),
            name: row.name,
            title: task.title,
            detail: task.detail,
            stage: task.stage,
            owner: row.owner,
            work: row.work,
            inputs: task.inputs,
            outputs: task.outputs,
            data: task.data,
            context,
            start_at: row.start_at,
            end_at: row.end_at,
            lease: lease.token,
            lease_until: lease.until,
            attempt,
        }
    }
}

/// A version in the change log.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VersionWire {
    pub version: i32,
    pub at: DateTime,
    pub by: String,
    pub why: String,
    /// In words; the first version has none.
    pub summary: Vec<String>,
    /// The same as data: applied to the version before, they give this one.
    pub changes: Vec<Change>,
}

impl From<(VersionRow, Vec<Change>)> for VersionWire {
    fn from((row, changes): (VersionRow, Vec<Change>)) -> Self {
        Self {
            version: row.version,
            at: row.created_at,
            by: row.created_by,
            why: row.why,
            summary: changes.iter().map(words).collect(),
            changes,
        }
    }
}

/// A line of a plan's timeline.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EntryWire {
    pub entry_id: Uuid,
    /// When it was so.
    pub at: DateTime,
    /// When the service noted it.
    pub noted_at: DateTime,
    /// The task or gate that it is about.
    pub name: Option<String>,
    pub what: String,
    pub actor: String,
    #[schema(value_type = Object)]
    pub details: Value,
}

impl From<EntryRow> for EntryWire {
    fn from(row: EntryRow) -> Self {
        Self {
            entry_id: row.id,
            at: row.at,
            noted_at: row.noted_at,
            name: row.name,
            what: row.what,
            actor: row.actor,
            details: row.doc,
        }
    }
}

/// An answer with a plan: its tag is that of its version, by which `PATCH` and `PUT` are guarded.
pub fn answer(view: &PlanView) -> Result<Response, Problem> {
    answer_with(view, PlanWire::of(view), StatusCode::OK)
}

/// As [`answer`], with a body of the slice's own.
pub fn answer_with(view: &PlanView, body: impl Serialize, status: StatusCode) -> Result<Response, Problem> {
    let tag = tag(view.row.id, view.row.version)?;
    Ok((status, Tagged { tag, body }).into_response())
}

/// The version that the caller has seen, where they say so in `If-Match` and it is the present one.
pub fn seen(precondition: &Precondition, row: &PlanRow) -> Result<i32, Problem> {
    precondition.check_change(Some(&tag(row.id, row.version)?))?;
    Ok(row.version)
}

/// The change log of a plan, for the path of its slice.
pub async fn changes(
    plans: &Plans,
    id: Uuid,
    page: &PageRequest,
) -> Result<Json<Page<VersionWire>>, Problem> {
    let rows = plans.changes(id, page.after()?, page.fetch()).await?;
    let rows: Vec<VersionWire> = rows.into_iter().map(VersionWire::from).collect();
    Ok(Json(page.cut(rows, |row| row.version, |row| row)))
}

/// The document of a version of a plan, for the path of its slice.
pub async fn document(plans: &Plans, id: Uuid, version: Option<i32>) -> Result<Response, Problem> {
    let (row, plan) = plans.document(id, version).await?;
    let text = serde_json::to_string_pretty(&plan).map_err(PlanError::from)?;
    let name = format!("attachment; filename=\"plan-{}-v{}.json\"", row.id, version.unwrap_or(row.version));
    let headers =
        [(header::CONTENT_TYPE, "application/json".to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, text).into_response())
}
