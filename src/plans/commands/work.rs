//! Working on a running plan: taking tasks, doing them, looking at gates.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::change::{Changing, Locked, job, log, plans_of, record, terms};
use super::{PlanError, Plans, TASK};
use crate::kernel::clock::DateTime;
use crate::plans::happening::{Happened, What};
use crate::plans::lifecycle::{self, Action, GateStatus, Lease, TaskState, Verdict};
use crate::plans::model::{CheckedBy, Plan, Task, TaskId};
use crate::plans::store::{self, Claimable, TaskRow};
use crate::platform::db;
use crate::platform::jobs;

/// The most tasks of one claim.
pub const CLAIM_MAX: i64 = 100;

/// Who looks for work, and for which.
#[derive(Debug, Clone)]
pub struct Claim {
    /// As the agent calls itself.
    pub agent: String,
    /// Kinds of work; any without.
    pub works: Option<Vec<String>>,
    pub plan_id: Option<Uuid>,
    pub max: i64,
    /// How long the tasks are held without a sign of life.
    pub lease: TimeDelta,
    /// As in the audit log.
    pub by: String,
    /// Say what would be taken and leave it there.
    pub dry_run: bool,
}

/// A task in somebody's hands.
#[derive(Debug, Clone)]
pub struct ClaimedTask {
    pub row: TaskRow,
    pub task: Task,
    /// What the plan passes on.
    pub context: serde_json::Map<String, Value>,
    pub lease: Lease,
    /// This attempt included.
    pub attempt: u8,
}

/// Something done with a task.
#[derive(Debug, Clone)]
pub struct Deed {
    pub action: Action,
    /// What whoever did it hands over.
    pub result: Option<Value>,
    pub by: String,
}

impl Plans {
    /// Takes tasks that are ready, those that are planned to begin first before the others. Nobody else gets them until the
    /// lease ends.
    pub async fn claim(&self, claim: &Claim) -> Result<Vec<ClaimedTask>, PlanError> {
        let mut tx = db::begin(&self.pool).await?;
        let now = self.clock.now();
        let works = claim.works.as_deref();
        let found = store::claim(&mut tx, works, claim.plan_id, now, claim.max.clamp(1, CLAIM_MAX)).await?;
        if found.is_empty() {
            return Ok(Vec::new());
        }
        let rows: Vec<TaskRow> = found.iter().map(|one| one.task.clone()).collect();
        let mut plans: BTreeMap<Uuid, Plan> = BTreeMap::new();
        for (account_id, plan_id) in plans_of(&rows) {
            plans.insert(plan_id, present(&mut tx, &account_id, plan_id).await?);
        }
        let (mut claimed, mut changed, mut timers) = (Vec::new(), Vec::new(), Vec::new());
        let mut happened: BTreeMap<Uuid, Vec<Happened>> = BTreeMap::new();
        for Claimable { task: mut row, token } in found {
            let Some((plan, place)) = plans.get(&row.plan_id).and_then(|plan| {
                let place = plan.tasks.iter().position(|task| task.id.0 == row.name)?;
                Some((plan, place))
            }) else {
                continue;
            };
            let until = now + claim.lease;
            let action = Action::Claim { by: claim.agent.clone(), token, until };
            let mut told = Vec::new();
            let terms = terms(plan, place, &row);
            lifecycle::act(&mut row.state, &action, terms, now, &mut told)?;
            row.next_at = lifecycle::next_at(&row.state, terms);
            timers.extend(row.next_at.map(|at| job(row.id, at)));
            happened.entry(row.plan_id).or_default().extend(told.into_iter().map(|one| Happened {
                account_id: row.account_id.clone(),
                plan_id: row.plan_id,
                kind: plan.kind,
                name: Some(TaskId(row.name.clone())),
                what: What::Task(one),
                at: now,
            }));
            let lease = Lease { by: claim.agent.clone(), token, until };
            let (task, context) = (plan.tasks[place].clone(), plan.context.clone());
            let attempt = row.state.failures.saturating_add(1);
            changed.push(row.clone());
            claimed.push(ClaimedTask { row, task, context, lease, attempt });
        }
        store::update_tasks(&mut tx, &changed).await?;
        for (plan_id, told) in &happened {
            if let Some(plan) = plans.get(plan_id) {
                record(&mut tx, plan, told, &claim.by, now).await?;
            }
        }
        timers.sort_by(|a, b| a.key.cmp(&b.key));
        jobs::enqueue(&mut tx, TASK, &timers, now).await?;
        let told: Vec<Happened> = happened.into_values().flatten().collect();
        log(&mut tx, &told, &claim.by, now).await?;
        if claim.dry_run {
            tx.rollback().await?;
        } else {
            tx.commit().await?;
        }
        Ok(claimed)
    }

    /// Keeps a lease for so long from now on. Takes no lock of the plan and leaves no line: there may be many. A dry run only
    /// says whether it would be kept.
    pub async fn heartbeat(
        &self,
        task: Uuid,
        token: i64,
        lease: TimeDelta,
        dry_run: bool,
    ) -> Result<Lease, PlanError> {
        let mut tx = db::begin(&self.pool).await?;
        let now = self.clock.now();
        let known = store::find_task(&mut tx, task).await?.ok_or(PlanError::NoTask(task))?;
        let mut rows = store::lock_tasks(&mut tx, &known.account_id, known.plan_id, &[task]).await?;
        let mut row = rows.pop().ok_or(PlanError::NoTask(task))?;
        let plan = present(&mut tx, &row.account_id, row.plan_id).await?;
        let place = plan.tasks.iter().position(|task| task.id.0 == row.name);
        let place = place.filter(|_| row.place.is_some()).ok_or(PlanError::TakenOut)?;
        let (terms, mut brought) = (terms(&plan, place, &row), Vec::new());
        let action = Action::Heartbeat { token, until: now + lease };
        let mut state: TaskState = row.state.clone();
        lifecycle::act(&mut state, &action, terms, now, &mut brought)?;
        let held = state.lease.clone();
        // What time brings is brought by its job, with everything that follows from it; the sign of life is kept alone.
        if let (Some(lease), Some(held)) = (&mut row.state.lease, &held) {
            lease.until = held.until;
            row.next_at = lifecycle::next_at(&row.state, terms);
            store::update_tasks(&mut tx, &[row]).await?;
        }
        if dry_run {
            tx.rollback().await?;
        } else {
            tx.commit().await?;
        }
        held.ok_or(PlanError::NoTask(task))
    }

    /// Does something with a task in a transaction of its own.
    pub async fn task(&self, task: Uuid, deed: &Deed) -> Result<TaskRow, PlanError> {
        let mut tx = db::begin(&self.pool).await?;
        let row = self.task_event(&mut tx, self.clock.now(), task, deed).await?;
        tx.commit().await?;
        self.ring();
        Ok(row)
    }

    /// How a task would stand after something was done with it; nothing is written.
    pub async fn task_would(&self, task: Uuid, deed: &Deed) -> Result<TaskRow, PlanError> {
        let mut tx = db::begin(&self.pool).await?;
        let row = self.task_event(&mut tx, self.clock.now(), task, deed).await?;
        tx.rollback().await?;
        Ok(row)
    }

    /// Does something with a task; gives it as it then stands.
    pub async fn task_event(
        &self,
        conn: &mut PgConnection,
        now: DateTime,
        task: Uuid,
        deed: &Deed,
    ) -> Result<TaskRow, PlanError> {
        let plan_id = store::plan_of(conn, task).await?.ok_or(PlanError::NoTask(task))?;
        let mut one = self.load(conn, plan_id, Locked::Task(task)).await?;
        let place = one.place(task).ok_or(PlanError::TakenOut)?;
        let already = one.tasks[place].state.status.is_final();
        if !one.is_running() && !already {
            return Err(PlanError::Status { status: one.row.status, asked: "worked on" });
        }
        let unclaimed = Action::Complete { token: None } == deed.action
            || matches!(deed.action, Action::Fail { token: None, .. });
        if let Some(paused) = one.row.paused.as_ref().filter(|_| unclaimed) {
            return Err(PlanError::Paused(paused.clone()));
        }
        let mut happened = Vec::new();
        let mut state = one.tasks[place].state.clone();
        let terms = terms(&one.plan, place, &one.tasks[place]);
        lifecycle::act(&mut state, &deed.action, terms, now, &mut happened)?;
        if happened.is_empty() && state == one.tasks[place].state {
            return Ok(one.tasks[place].clone());
        }
        one.tasks[place].state = state;
        if deed.result.is_some() {
            one.tasks[place].result.clone_from(&deed.result);
        }
        one.note(place, happened);
        let mut settled = self.settle(conn, one, &deed.by, now).await?;
        Ok(settled.tasks.swap_remove(place))
    }

    /// What a keeper says of the checks of a gate that are attested.
    pub async fn review(
        &self,
        conn: &mut PgConnection,
        now: DateTime,
        id: Uuid,
        gate: &TaskId,
        verdicts: BTreeMap<String, Verdict>,
        by: &str,
    ) -> Result<GateStatus, PlanError> {
        self.verdicts(conn, now, id, gate, CheckedBy::Attested, verdicts, by).await
    }

    /// What the service has computed of the checks of a gate.
    pub async fn computed(
        &self,
        conn: &mut PgConnection,
        now: DateTime,
        id: Uuid,
        gate: &TaskId,
        verdicts: BTreeMap<String, Verdict>,
        by: &str,
    ) -> Result<GateStatus, PlanError> {
        self.verdicts(conn, now, id, gate, CheckedBy::Computed, verdicts, by).await
    }

    #[expect(clippy::too_many_arguments, reason = "who says what of which gate, and when")]
    async fn verdicts(
        &self,
        conn: &mut PgConnection,
        now: DateTime,
        id: Uuid,
        gate: &TaskId,
        kind: CheckedBy,
        verdicts: BTreeMap<String, Verdict>,
        by: &str,
    ) -> Result<GateStatus, PlanError> {
        let mut one = self.load(conn, id, Locked::None).await?;
        if !one.is_running() {
            return Err(PlanError::Status { status: one.row.status, asked: "reviewed" });
        }
        let place = one.plan.gates.iter().position(|known| known.id == *gate);
        let place = place.ok_or_else(|| PlanError::NoGate { plan: id, gate: gate.0.clone() })?;
        let status = lifecycle::review(&mut one.gates[place].state, &one.plan.gates[place], kind, verdicts)?;
        let failed = failed(&one, place);
        one.happened.push((Some(gate.clone()), What::Reviewed { status, failed }));
        self.settle(conn, one, by, now).await?;
        Ok(status)
    }
}

/// The checks of a gate that do not hold.
fn failed(one: &Changing, place: usize) -> Vec<String> {
    let verdicts = &one.gates[place].state.verdicts;
    let checks = one.plan.gates[place].checks.iter().map(|check| check.id.clone());
    checks.filter(|id| verdicts.get(id).is_some_and(|verdict| !verdict.holds)).collect()
}

/// The document of a plan's present version.
async fn present(conn: &mut PgConnection, account_id: &str, id: Uuid) -> Result<Plan, PlanError> {
    let row = store::find_plan(conn, id).await?.ok_or(PlanError::NoPlan(id))?;
    let version = store::version(conn, account_id, id, row.version).await?;
    let version = version.ok_or(PlanError::NoVersion { plan: id, version: row.version })?;
    Ok(serde_json::from_str(version.doc.get())?)
}
