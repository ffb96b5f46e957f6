//! The plan of a renewal, in the hands of the plan engine.
//!
//! Promises: the plan has the renewal's id and lies in the same transaction; who is told by a rule is told as the engine
//! tells people.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::PgConnection;
use uuid::Uuid;

use super::{RenewalError, Renewals};
use crate::kernel::clock::DateTime;
use crate::kernel::ids::new_id;
use crate::plans::commands::{Deed, NewPlan, PlanError, Start};
use crate::plans::lifecycle::{Action, TaskState, TaskStatus};
use crate::plans::model::{Plan, Role, TaskId};
use crate::plans::preflight::acting;
use crate::plans::schedule::Schedule;
use crate::plans::{Change, Finding};
use crate::platform::outbox::{self, Cause, NewEffect};
use crate::renewals::build::number_of;
use crate::renewals::renewal::Renewal;
use crate::renewals::telling::Progress;
use crate::renewals::tracker::{Firing, Held};
use serde_json::{Value, json};

/// Waives everything that is missing.
const ALL: &str = "*";
/// The most versions that a change log tells of at once.
const VERSIONS_MAX: i64 = 500;

/// A plan as it stands.
#[derive(Debug)]
pub struct PlanState {
    pub plan: Plan,
    pub schedule: Schedule,
    pub version: u32,
    /// When this version was made.
    pub made_at: DateTime,
    /// `draft`, `running`, `done` or `cancelled`.
    pub status: String,
    pub started_at: Option<DateTime>,
    /// From then on nothing can be done with it any more.
    pub ended_at: Option<DateTime>,
    pub progress: BTreeMap<TaskId, Progress>,
    pub states: BTreeMap<TaskId, TaskState>,
    /// What whoever did a task handed over, and under which name.
    pub results: BTreeMap<TaskId, (Value, String)>,
    ids: BTreeMap<TaskId, Uuid>,
}

/// A version of a plan.
#[derive(Debug)]
pub struct Version {
    pub version: u32,
    pub made_at: DateTime,
    pub made_by: String,
    pub why: String,
    pub changes: Vec<Change>,
}

impl Renewals {
    pub(super) async fn make_plan(
        &self,
        conn: &mut PgConnection,
        renewal: &Renewal,
        plan: Plan,
        (by, why): (&str, &str),
        now: DateTime,
    ) -> Result<(), RenewalError> {
        let new = NewPlan {
            id: Some(renewal.id),
            account_id: Some(renewal.account_id.clone()),
            plan,
            by: by.to_owned(),
            why: why.to_owned(),
        };
        self.plans.create(conn, now, new).await?;
        Ok(())
    }

    pub(super) async fn revise_plan(
        &self,
        conn: &mut PgConnection,
        renewal: &Renewal,
        state: &PlanState,
        plan: Plan,
        (by, why): (&str, &str),
        now: DateTime,
    ) -> Result<Vec<Change>, RenewalError> {
        let version = i32::try_from(state.version).unwrap_or(i32::MAX);
        let revised = self.plans.revise(conn, now, renewal.id, version, plan, by, why).await?;
        Ok(revised.changes)
    }

    pub(super) async fn start_plan(
        &self,
        conn: &mut PgConnection,
        renewal: &Renewal,
        waived: &[String],
        by: &str,
        now: DateTime,
    ) -> Result<(), RenewalError> {
        let mut waive: BTreeSet<String> = waived.iter().filter(|name| *name != ALL).cloned().collect();
        if waived.iter().any(|name| name == ALL) {
            let findings = self.findings(conn, renewal).await?;
            waive.extend(findings.into_iter().filter(|finding| finding.blocks).map(|finding| finding.name));
        }
        let start = Start { given: BTreeSet::new(), waive, by: by.to_owned() };
        match self.plans.start(conn, now, renewal.id, &start).await {
            Err(PlanError::NotReady(findings)) => Err(RenewalError::Preflight(findings)),
            outcome => {
                outcome?;
                Ok(())
            }
        }
    }

    /// What is missing before the plan of a renewal can run.
    pub(super) async fn findings(
        &self,
        conn: &mut PgConnection,
        renewal: &Renewal,
    ) -> Result<Vec<Finding>, RenewalError> {
        let plan = self.plans.read_on(conn, renewal.id).await?.plan;
        Ok(self.plans.preflight(conn, &plan, &BTreeSet::new()).await?)
    }

    pub(super) async fn close_plan(
        &self,
        conn: &mut PgConnection,
        renewal: &Renewal,
        by: &str,
        now: DateTime,
    ) -> Result<(), RenewalError> {
        match self.plans.cancel(conn, now, renewal.id, by, "the renewal is closed").await {
            // Everything was done: it has ended by itself.
            Err(PlanError::Status { .. }) => Ok(()),
            outcome => Ok(outcome?),
        }
    }

    /// The plan of a renewal as it stands.
    pub(super) async fn read_plan(
        &self,
        conn: &mut PgConnection,
        renewal: &Renewal,
    ) -> Result<PlanState, RenewalError> {
        let view = self.plans.read_on(conn, renewal.id).await?;
        let mut state = PlanState {
            version: u32::try_from(view.row.version).unwrap_or_default(),
            made_at: renewal.versioned_at,
            status: view.row.status,
            started_at: view.row.started_at,
            ended_at: view.row.ended_at,
            plan: view.plan,
            schedule: view.schedule,
            progress: BTreeMap::new(),
            states: BTreeMap::new(),
            results: BTreeMap::new(),
            ids: BTreeMap::new(),
        };
        for row in view.tasks {
            let id = TaskId(row.name);
            let over = matches!(row.state.status, TaskStatus::Done | TaskStatus::Skipped);
            let progress = Progress {
                status: row.state.status.name().to_owned(),
                done_at: row.ended_at.filter(|_| over),
            };
            state.progress.insert(id.clone(), progress);
            if let Some(result) = row.result {
                state.results.insert(id.clone(), (result, row.ended_by.unwrap_or_default()));
            }
            state.states.insert(id.clone(), row.state);
            state.ids.insert(id, row.id);
        }
        Ok(state)
    }

    /// The version of a renewal's plan.
    pub(super) async fn plan_version(
        &self,
        conn: &mut PgConnection,
        renewal: &Renewal,
    ) -> Result<i32, RenewalError> {
        let row = self.plans.of_kind(conn, renewal.id, crate::plans::model::PlanKind::Renewal).await?;
        Ok(row.version)
    }

    /// Ends the task of a checkpoint that was held, and those of earlier ones that nobody held.
    pub(super) async fn finish_checkpoints(
        &self,
        conn: &mut PgConnection,
        state: &PlanState,
        number: u32,
        held: &Held,
    ) -> Result<(), RenewalError> {
        for task in state.plan.tasks.iter().filter(|task| number_of(task).is_some_and(|n| n <= number)) {
            let status = state.states.get(&task.id).map(|state| state.status);
            let Some(status) = status.filter(|status| !status.is_final()) else { continue };
            let Some(id) = state.ids.get(&task.id) else { continue };
            let this = number_of(task) == Some(number);
            // Who reports before the day of it has nothing more to do on that day.
            let action = if this && status != TaskStatus::Waiting {
                Action::Complete { token: None }
            } else {
                Action::Skip
            };
            // As an agent would hand it over.
            let said = json!({ "outputs": [], "data": { "rating": held.rating }, "note": held.note });
            let result = this.then_some(said);
            let deed = Deed { action, result, by: held.by.clone() };
            self.plans.task_event(conn, held.at, *id, &deed).await?;
        }
        Ok(())
    }

    /// Tells those whom a rule names, each under the name of whoever acts for the role.
    pub(super) async fn tell(
        &self,
        conn: &mut PgConnection,
        renewal: &Renewal,
        state: &PlanState,
        firing: &Firing,
        now: DateTime,
    ) -> Result<(), RenewalError> {
        let effects: Vec<NewEffect> = firing
            .tell
            .iter()
            .map(|role| {
                let entry_id = new_id(now);
                let (account_id, plan_id) = (renewal.account_id.clone(), renewal.id);
                let cause = Cause::PlanEntry { account_id, plan_id, entry_id };
                NewEffect::new(cause, crate::handoffs::ALERT, &alert(renewal, &state.plan, role, firing), now)
            })
            .collect();
        Ok(outbox::enqueue(conn, &effects, now).await?)
    }

    /// Every version of a renewal's plan, the oldest first.
    pub async fn changes(&self, id: Uuid) -> Result<Vec<Version>, RenewalError> {
        {
            let mut conn = self.pool.acquire().await?;
            crate::renewals::store::find(&mut conn, id).await?.ok_or(RenewalError::NoRenewal(id))?;
        }
        let mut versions: Vec<Version> = self
            .plans
            .changes(id, None, VERSIONS_MAX)
            .await?
            .into_iter()
            .map(|(row, changes)| Version {
                version: u32::try_from(row.version).unwrap_or_default(),
                made_at: row.created_at,
                made_by: row.created_by,
                why: row.why,
                changes,
            })
            .collect();
        versions.reverse();
        Ok(versions)
    }
}

/// An alert in the words in which plans send theirs.
fn alert(renewal: &Renewal, plan: &Plan, role: &Role, firing: &Firing) -> Value {
    let holder = acting(plan, role).and_then(|role| plan.roles.get(role));
    let to: Vec<Value> = holder
        .iter()
        .map(|holder| json!({ "repId": holder.rep_id, "name": holder.name, "email": holder.email }))
        .collect();
    let account_name = plan.context.get("accountName").and_then(Value::as_str).unwrap_or(&renewal.account_id);
    json!({
        "channel": null, "to": to, "role": role, "title": firing.title, "body": firing.body, "priority": "urgent",
        "accountId": renewal.account_id, "accountName": account_name, "planId": renewal.id, "task": null,
        "path": format!("/v1/renewals/{}", renewal.id), "actions": [],
    })
}
