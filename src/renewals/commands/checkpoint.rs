//! Reports on checkpoints.
//!
//! Promises: a checkpoint is reported on once and not after a later one; what follows from it (the task is done, earlier ones
//! are over, those who must know are told) is one transaction.

use serde::Deserialize;
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::create::RACES_MAX;
use super::plan::PlanState;
use super::read::View;
use super::{RenewalError, Renewals};
use crate::kernel::json::sha256;
use crate::plans::model::TaskId;
use crate::platform::db;
use crate::renewals::build::number_of;
use crate::renewals::model::Risk;
use crate::renewals::renewal::{Renewal, Status};
use crate::renewals::store;
use crate::renewals::tracker::{Held, may_hold};

/// What an agent hands over with the task of a checkpoint: a rating among the task's data, a note there or beside it.
#[derive(Debug, Deserialize)]
struct HandedOver {
    data: Rated,
    note: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Rated {
    rating: Risk,
    note: Option<String>,
}

/// What is reported.
#[derive(Debug, Clone)]
pub struct Report {
    pub rating: Risk,
    pub note: String,
    /// Say how the renewal would then stand and write nothing.
    pub dry_run: bool,
}

impl Renewals {
    /// Notes how a checkpoint went.
    pub async fn hold_checkpoint(
        &self,
        id: Uuid,
        number: u32,
        report: &Report,
        by: &str,
    ) -> Result<View, RenewalError> {
        let mut races = 0;
        loop {
            match self.hold_once(id, number, report, by).await {
                Err(error) if error.is_race() && races < RACES_MAX => races += 1,
                outcome => return outcome,
            }
        }
    }

    async fn hold_once(
        &self,
        id: Uuid,
        number: u32,
        report: &Report,
        by: &str,
    ) -> Result<View, RenewalError> {
        let mut tx = db::begin(&self.pool).await?;
        let (current, renewal) = self.lock_renewal(&mut tx, id).await?;
        if renewal.status != Status::Running {
            return Err(RenewalError::Status(renewal.status.name()));
        }
        let now = self.clock.now();
        let state = self.read_plan(&mut tx, &renewal).await?;
        let track = self.track(&mut tx, &renewal, &state).await?;
        may_hold(&track, number)?;
        let held = Held { at: now, rating: report.rating, note: report.note.clone(), by: by.to_owned() };
        self.finish_checkpoints(&mut tx, &state, number, &held).await?;
        store::add_checkpoint(&mut tx, &renewal.account_id, id, number, &held).await?;
        let details = json!({
            "checkpoint": number, "rating": held.rating,
            "note": format!("sha256:{}", hex::encode(sha256(held.note.as_bytes()))),
        });
        self.log(&mut tx, &renewal, "renewal.checkpoint_held", details, by, now).await?;
        // Whoever must know is told with the report, not a moment later.
        self.look_in(&mut tx, &renewal, now).await?;
        let sight = self.sight(&mut tx, &current, now).await?;
        let view = self.view_in(&mut tx, id, Some(sight)).await?;
        if report.dry_run {
            tx.rollback().await?;
        } else {
            tx.commit().await?;
            self.ring();
        }
        Ok(view)
    }

    /// Takes over what agents have reported by doing the tasks of checkpoints.
    pub(super) async fn take_reports(
        &self,
        conn: &mut PgConnection,
        renewal: &Renewal,
        state: &PlanState,
    ) -> Result<(), RenewalError> {
        let known = store::checkpoints(conn, &renewal.account_id, renewal.id).await?;
        let last = known.iter().map(|(number, _)| *number).max().unwrap_or_default();
        let mut tasks: Vec<(u32, &TaskId)> =
            state.plan.tasks.iter().filter_map(|task| Some((number_of(task)?, &task.id))).collect();
        tasks.sort_unstable();
        // In the order of their numbers; what comes after a later one is too late, as it is for people.
        for (number, task) in tasks.into_iter().filter(|(number, _)| *number > last) {
            let done_at = state.progress.get(task).and_then(|progress| progress.done_at);
            let (Some(at), Some((result, by))) = (done_at, state.results.get(task)) else { continue };
            let Ok(said) = serde_json::from_value::<HandedOver>(result.clone()) else { continue };
            let note = said.data.note.or(said.note).unwrap_or_default();
            let held = Held { at, rating: said.data.rating, note, by: by.clone() };
            store::add_checkpoint(conn, &renewal.account_id, renewal.id, number, &held).await?;
        }
        Ok(())
    }
}
