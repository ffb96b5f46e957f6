//! Reading plans.

use sqlx::PgConnection;
use uuid::Uuid;

use super::change::in_order;
use super::{PlanError, Plans};
use crate::plans::change::Change;
use crate::plans::model::Plan;
use crate::plans::schedule::{Schedule, schedule};
use crate::plans::store::{self, EntryRow, GateRow, PlanFilter, PlanRow, TaskFilter, TaskRow, VersionRow};

/// A plan with everything that there is to tell of it now.
#[derive(Debug, Clone)]
pub struct PlanView {
    pub row: PlanRow,
    pub plan: Plan,
    pub schedule: Schedule,
    /// In the order of the document.
    pub tasks: Vec<TaskRow>,
    /// In the order of the document.
    pub gates: Vec<GateRow>,
}

impl Plans {
    /// A plan as it stands.
    pub async fn read(&self, id: Uuid) -> Result<PlanView, PlanError> {
        let mut conn = self.pool.acquire().await?;
        self.read_on(&mut conn, id).await
    }

    /// As [`Plans::read`], within the caller's transaction.
    pub async fn read_on(&self, conn: &mut PgConnection, id: Uuid) -> Result<PlanView, PlanError> {
        let row = store::find_plan(conn, id).await?.ok_or(PlanError::NoPlan(id))?;
        let plan = self.document_on(conn, &row, row.version).await?;
        let schedule = schedule(&plan).map_err(PlanError::Invalid)?;
        let tasks = store::tasks_of(conn, &row.account_id, id).await?;
        let tasks = tasks.into_iter().filter(|task| task.place.is_some()).collect();
        let gates = in_order(&plan, &row, store::gates(conn, &row.account_id, id).await?);
        Ok(PlanView { row, plan, schedule, tasks, gates })
    }

    /// The document of a version, the present one where none is named.
    pub async fn document(&self, id: Uuid, version: Option<i32>) -> Result<(PlanRow, Plan), PlanError> {
        let mut conn = self.pool.acquire().await?;
        let row = store::find_plan(&mut conn, id).await?.ok_or(PlanError::NoPlan(id))?;
        let plan = self.document_on(&mut conn, &row, version.unwrap_or(row.version)).await?;
        Ok((row, plan))
    }

    async fn document_on(
        &self,
        conn: &mut PgConnection,
        row: &PlanRow,
        version: i32,
    ) -> Result<Plan, PlanError> {
        let found = store::version(conn, &row.account_id, row.id, version).await?;
        let found = found.ok_or(PlanError::NoVersion { plan: row.id, version })?;
        Ok(serde_json::from_str(found.doc.get())?)
    }

    /// The versions of a plan before one, newest first, each with what differs from the one before it.
    pub async fn changes(
        &self,
        id: Uuid,
        before: Option<i32>,
        limit: i64,
    ) -> Result<Vec<(VersionRow, Vec<Change>)>, PlanError> {
        let mut conn = self.pool.acquire().await?;
        let row = store::find_plan(&mut conn, id).await?.ok_or(PlanError::NoPlan(id))?;
        let versions = store::versions(&mut conn, &row.account_id, id, before, limit).await?;
        let read = |version: VersionRow| -> Result<(VersionRow, Vec<Change>), PlanError> {
            let changes = serde_json::from_str(version.changes.get())?;
            Ok((version, changes))
        };
        versions.into_iter().map(read).collect()
    }

    /// What happened to a plan, newest first.
    pub async fn timeline(
        &self,
        id: Uuid,
        before: Option<Uuid>,
        limit: i64,
    ) -> Result<Vec<EntryRow>, PlanError> {
        let mut conn = self.pool.acquire().await?;
        let row = store::find_plan(&mut conn, id).await?.ok_or(PlanError::NoPlan(id))?;
        Ok(store::entries(&mut conn, &row.account_id, id, before, limit).await?)
    }

    /// Plans, newest first.
    pub async fn list(&self, filter: &PlanFilter) -> Result<Vec<PlanRow>, PlanError> {
        let mut conn = self.pool.acquire().await?;
        Ok(store::list_plans(&mut conn, filter).await?)
    }

    /// Tasks, in the order in which they are planned to begin.
    pub async fn list_tasks(&self, filter: &TaskFilter) -> Result<Vec<TaskRow>, PlanError> {
        let mut conn = self.pool.acquire().await?;
        Ok(store::list_tasks(&mut conn, filter).await?)
    }

    /// A task as it stands, with what its plan says of it.
    pub async fn read_task(&self, id: Uuid) -> Result<(TaskRow, PlanRow), PlanError> {
        let mut conn = self.pool.acquire().await?;
        let task = store::find_task(&mut conn, id).await?.ok_or(PlanError::NoTask(id))?;
        let plan = store::find_plan(&mut conn, task.plan_id).await?;
        Ok((task, plan.ok_or(PlanError::NoTask(id))?))
    }
}
