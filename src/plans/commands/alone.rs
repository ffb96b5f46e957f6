//! Use cases in transactions of their own, for whoever has nothing to join them to.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{Created, NewPlan, PlanError, Plans, Start};
use crate::plans::lifecycle::{GateStatus, Verdict};
use crate::plans::model::TaskId;
use crate::plans::preflight::Finding;
use crate::platform::db;

impl Plans {
    /// As [`Plans::create`].
    pub async fn create_alone(&self, new: NewPlan) -> Result<Created, PlanError> {
        let mut tx = db::begin(&self.pool).await?;
        let created = self.create(&mut tx, self.clock.now(), new).await?;
        tx.commit().await?;
        self.ring();
        Ok(created)
    }

    /// As [`Plans::start`]. A dry run says whether it would run and what was found.
    pub async fn start_alone(
        &self,
        id: Uuid,
        start: &Start,
        dry_run: bool,
    ) -> Result<Vec<Finding>, PlanError> {
        let mut tx = db::begin(&self.pool).await?;
        let findings = self.start(&mut tx, self.clock.now(), id, start).await?;
        if dry_run {
            tx.rollback().await?;
        } else {
            tx.commit().await?;
            self.ring();
        }
        Ok(findings)
    }

    /// As [`Plans::cancel`].
    pub async fn cancel_alone(&self, id: Uuid, by: &str, why: &str) -> Result<(), PlanError> {
        let mut tx = db::begin(&self.pool).await?;
        self.cancel(&mut tx, self.clock.now(), id, by, why).await?;
        tx.commit().await?;
        self.ring();
        Ok(())
    }

    /// As [`Plans::review`].
    pub async fn review_alone(
        &self,
        id: Uuid,
        gate: &TaskId,
        verdicts: BTreeMap<String, Verdict>,
        by: &str,
        dry_run: bool,
    ) -> Result<GateStatus, PlanError> {
        let mut tx = db::begin(&self.pool).await?;
        let status = self.review(&mut tx, self.clock.now(), id, gate, verdicts, by).await?;
        if dry_run {
            tx.rollback().await?;
        } else {
            tx.commit().await?;
            self.ring();
        }
        Ok(status)
    }
}
