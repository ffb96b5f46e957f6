//! Making a plan, a new version of it, starting it and calling it off.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::PgConnection;
use uuid::Uuid;

use super::change::{Changing, Locked, in_order};
use super::{PlanError, Plans};
use crate::kernel::clock::DateTime;
use crate::kernel::ids::new_id;
use crate::plans::change::{Change, difference};
use crate::plans::happening::What;
use crate::plans::lifecycle::{TaskState, TaskStatus, Watch};
use crate::plans::model::{Plan, PlanKind, TaskId};
use crate::plans::preflight::{Finding, Known, preflight};
use crate::plans::schedule::{Schedule, schedule};
use crate::plans::store::{self, PlanRow, TaskRow, VersionRow};
use crate::platform::audit::SYSTEM;
use crate::platform::http::Fault;

/// A plan to be made.
#[derive(Debug, Clone)]
pub struct NewPlan {
    /// Made where none is given.
    pub id: Option<Uuid>,
    /// None for a plan of no account.
    pub account_id: Option<String>,
    pub plan: Plan,
    pub by: String,
    pub why: String,
}

/// A plan that was made.
#[derive(Debug, Clone)]
pub struct Created {
    pub id: Uuid,
    pub version: i32,
    pub schedule: Schedule,
}

/// A version that was made, or the present one where nothing differs.
#[derive(Debug, Clone)]
pub struct Revised {
    pub version: i32,
    pub changes: Vec<Change>,
    pub schedule: Schedule,
}

/// How a plan is started.
#[derive(Debug, Clone, Default)]
pub struct Start {
    /// Inputs that are there already, by the names that tasks use.
    pub given: BTreeSet<String>,
    /// What is missing and may be, by the names of the findings.
    pub waive: BTreeSet<String>,
    pub by: String,
}

impl Plans {
    /// Makes the first version of a plan. It is a draft until it is started.
    pub async fn create(
        &self,
        conn: &mut PgConnection,
        now: DateTime,
        new: NewPlan,
    ) -> Result<Created, PlanError> {
        let schedule = schedule(&new.plan).map_err(PlanError::Invalid)?;
        let row = PlanRow {
            account_id: new.account_id.unwrap_or_else(|| SYSTEM.to_owned()),
            id: new.id.unwrap_or_else(|| new_id(now)),
            kind: new.plan.kind,
            status: "draft".to_owned(),
            objective: new.plan.objective.clone(),
            version: 1,
            starts_at: schedule.starts_at,
            ends_at: schedule.ends_at,
            deadline: new.plan.deadline,
            watch: Watch::default(),
            alarms: 0,
            created_at: now,
            created_by: new.by.clone(),
            started_at: None,
            ended_at: None,
            paused: None,
            paused_secs: 0,
        };
        store::insert_plan(conn, &row).await?;
        insert_version(conn, &row, &new.plan, &[], (&new.by, &new.why), now).await?;
        let (tasks, gates) =
            (rows(&row, &new.plan, &schedule, Vec::new(), now), in_order(&new.plan, &row, Vec::new()));
        let id = row.id;
        let mut one = Changing::of(row, new.plan, tasks, Vec::new(), gates);
        one.anew = true;
        one.happened.push((None, What::Created { why: new.why }));
        self.settle(conn, one, &new.by, now).await?;
        Ok(Created { id, version: 1, schedule })
    }

    /// Makes the next version of a plan, which must be at the version that the caller has seen. Tasks that go on in it go
    /// on where they are; what is done stays done; what was taken out and is not over is skipped.
    #[expect(clippy::too_many_arguments, reason = "who, what, when and why of a version")]
    pub async fn revise(
        &self,
        conn: &mut PgConnection,
        now: DateTime,
        id: Uuid,
        expected: i32,
        plan: Plan,
        by: &str,
        why: &str,
    ) -> Result<Revised, PlanError> {
        let one = self.load(conn, id, Locked::All).await?;
        if one.row.version != expected {
            return Err(PlanError::Version { plan: id, expected, present: one.row.version });
        }
        if one.row.ended_at.is_some() {
            return Err(PlanError::Status { status: one.row.status, asked: "changed" });
        }
        if plan.kind != one.row.kind {
            let detail = format!("a plan stays of its kind, which is `{}`", one.row.kind.name());
            return Err(PlanError::Request(vec![Fault::new("#/kind", detail)]));
        }
        let schedule = schedule(&plan).map_err(PlanError::Invalid)?;
        let changes = difference(&one.plan, &plan);
        if changes.is_empty() {
            return Ok(Revised { version: expected, changes, schedule });
        }
        let version = expected + 1;
        let row = PlanRow {
            objective: plan.objective.clone(),
            version,
            starts_at: schedule.starts_at,
            ends_at: schedule.ends_at,
            deadline: plan.deadline,
            ..one.row.clone()
        };
        insert_version(conn, &row, &plan, &changes, (by, why), now).await?;
        let known = one.tasks.into_iter().chain(one.gone).collect();
        let (tasks, gone) =
            rows(&row, &plan, &schedule, known, now).into_iter().partition(|task| task.place.is_some());
        let gates = in_order(&plan, &row, one.gates);
        let mut next = Changing::of(row, plan, tasks, gone, gates);
        next.plan_before = one.plan_before;
        next.anew = true;
        let why = why.to_owned();
        next.happened.push((None, What::Revised { version, changes: changes.len(), why }));
        self.settle(conn, next, by, now).await?;
        Ok(Revised { version, changes, schedule })
    }

    /// What is missing before a plan can run.
    pub async fn preflight(
        &self,
        conn: &mut PgConnection,
        plan: &Plan,
        given: &BTreeSet<String>,
    ) -> Result<Vec<Finding>, PlanError> {
        let roster = self.handoffs.rosters.current(conn).await?;
        let reps =
            roster.roster.reps().iter().filter(|rep| !rep.leaving).map(|rep| rep.id.to_string()).collect();
        Ok(preflight(plan, &Known { reps: Some(reps), given: given.clone() }))
    }

    /// Starts a plan: everything that must be there is there, or somebody says by name that it may be missing.
    pub async fn start(
        &self,
        conn: &mut PgConnection,
        now: DateTime,
        id: Uuid,
        start: &Start,
    ) -> Result<Vec<Finding>, PlanError> {
        let mut one = self.load(conn, id, Locked::None).await?;
        if one.row.status != "draft" {
            return Err(PlanError::Status { status: one.row.status, asked: "started" });
        }
        let findings = self.preflight(conn, &one.plan, &start.given).await?;
        let unknown = start.waive.iter().filter(|name| findings.iter().all(|one| one.name != **name));
        let faults: Vec<Fault> = unknown
            .map(|name| {
                Fault::new(
                    "#/waive",
                    format!("`{name}` is nothing that is missing: waive findings by their names"),
                )
            })
            .collect();
        if !faults.is_empty() {
            return Err(PlanError::Request(faults));
        }
        let missing: Vec<Finding> = findings
            .iter()
            .filter(|finding| finding.blocks && !start.waive.contains(&finding.name))
            .cloned()
            .collect();
        if !missing.is_empty() {
            return Err(PlanError::NotReady(missing));
        }
        one.row.status = "running".to_owned();
        one.row.started_at = Some(now);
        one.happened.push((None, What::Started { waived: start.waive.iter().cloned().collect() }));
        self.settle(conn, one, &start.by, now).await?;
        Ok(findings)
    }

    /// Calls a plan off: what is not over is skipped, and nothing happens to it any more.
    pub async fn cancel(
        &self,
        conn: &mut PgConnection,
        now: DateTime,
        id: Uuid,
        by: &str,
        why: &str,
    ) -> Result<(), PlanError> {
        let mut one = self.load(conn, id, Locked::All).await?;
        if one.row.ended_at.is_some() {
            return Err(PlanError::Status { status: one.row.status, asked: "cancelled" });
        }
        for task in &mut one.tasks {
            skip(&mut task.state);
        }
        one.row.end("cancelled", now);
        one.happened.push((None, What::Cancelled { why: why.to_owned() }));
        self.settle(conn, one, by, now).await?;
        Ok(())
    }
}

/// Ends a task that is not over, without a word of its own in the timeline.
fn skip(state: &mut TaskState) {
    if !state.status.is_final() {
        state.status = TaskStatus::Skipped;
        (state.lease, state.climb) = (None, None);
    }
}

async fn insert_version(
    conn: &mut PgConnection,
    row: &PlanRow,
    plan: &Plan,
    changes: &[Change],
    (by, why): (&str, &str),
    now: DateTime,
) -> Result<(), PlanError> {
    let version = VersionRow {
        account_id: row.account_id.clone(),
        plan_id: row.id,
        version: row.version,
        doc: serde_json::value::to_raw_value(plan)?,
        changes: serde_json::value::to_raw_value(changes)?,
        why: why.to_owned(),
        created_by: by.to_owned(),
        created_at: now,
    };
    Ok(store::insert_version(conn, &version).await?)
}

/// The rows of a version's tasks, those that go on as far as they have come, and of those that it has no longer.
fn rows(row: &PlanRow, plan: &Plan, schedule: &Schedule, known: Vec<TaskRow>, now: DateTime) -> Vec<TaskRow> {
    let mut known: BTreeMap<String, TaskRow> =
        known.into_iter().map(|task| (task.name.clone(), task)).collect();
    let mut rows: Vec<TaskRow> = Vec::with_capacity(plan.tasks.len());
    for (place, (task, slot)) in plan.tasks.iter().zip(&schedule.slots).enumerate() {
        let before = known.remove(&task.id.0);
        // What was taken out and comes back begins anew.
        let goes_on = before.as_ref().filter(|before| before.place.is_some());
        rows.push(TaskRow {
            account_id: row.account_id.clone(),
            plan_id: row.id,
            id: before.as_ref().map_or_else(|| new_id(now), |before| before.id),
            name: task.id.0.clone(),
            place: i32::try_from(place).ok(),
            title: task.title.clone(),
            work: task.work.clone(),
            owner: task.owner.0.clone(),
            checkpoint: task.checkpoint,
            start_at: slot.start_at,
            end_at: slot.end_at,
            state: goes_on.map_or_else(TaskState::default, |before| before.state.clone()),
            next_at: goes_on.and_then(|before| before.next_at),
            result: goes_on.and_then(|before| before.result.clone()),
            ended_at: goes_on.and_then(|before| before.ended_at),
            ended_by: goes_on.and_then(|before| before.ended_by.clone()),
        });
    }
    rows.extend(known.into_values().map(|mut gone| {
        gone.place = None;
        skip(&mut gone.state);
        gone
    }));
    rows
}

/// The kind of a plan, where it must be one of a slice's own.
impl Plans {
    /// Locks a plan until the end of the transaction, for a slice that changes what it keeps beside it.
    pub async fn lock(&self, conn: &mut PgConnection, id: Uuid) -> Result<(), PlanError> {
        store::lock_plan(conn, id).await?.map(|_| ()).ok_or(PlanError::NoPlan(id))
    }

    /// Refuses a plan that is not of the kind that the caller is about: to them it does not exist.
    pub async fn of_kind(
        &self,
        conn: &mut PgConnection,
        id: Uuid,
        kind: PlanKind,
    ) -> Result<PlanRow, PlanError> {
        let row = store::find_plan(conn, id).await?.filter(|row| row.kind == kind);
        row.ok_or(PlanError::NoPlan(id))
    }

    /// The row of a plan's task by its name.
    pub async fn task_named(
        &self,
        conn: &mut PgConnection,
        plan: &PlanRow,
        name: &TaskId,
    ) -> Result<Option<TaskRow>, PlanError> {
        let tasks = store::tasks_of(conn, &plan.account_id, plan.id).await?;
        Ok(tasks.into_iter().find(|task| task.name == name.0))
    }
}
