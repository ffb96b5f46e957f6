//! A design and its plan: what was signed and applied is done in the plan, and what the model says is known at its gate.
//!
//! Promises: in the transaction of what happened. A plan that is not running, or not so far, is left alone: its people say
//! what is done.

use std::collections::BTreeMap;

use futures_util::future::BoxFuture;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{DesignError, Designs};
use crate::designs::packet::Packet;
use crate::designs::packet::plan::GATE;
use crate::designs::store;
use crate::kernel::clock::DateTime;
use crate::plans::commands::{Deed, PlanError, PlanFollower, Plans};
use crate::plans::model::{PlanKind, TaskId};
use crate::plans::{Action, Happened, TaskStatus, Verdict, What};

/// Who says what the service has computed.
const BY: &str = "worker:designs";
/// The check that the model answers.
const CHECK: &str = "sla-kept";

impl Designs {
    /// Notes in the plan that a task of it is done, where the plan has come so far.
    pub(super) async fn task_done(
        &self,
        conn: &mut PgConnection,
        id: Uuid,
        task: &TaskId,
        by: &str,
        now: DateTime,
    ) -> Result<(), DesignError> {
        let plan = self.plans.of_kind(conn, id, PlanKind::HandoffDesign).await?;
        let found = self.plans.task_named(conn, &plan, task).await?;
        let running = plan.status == "running";
        let Some(task) = found.filter(|task| running && task.state.status == TaskStatus::Ready) else {
            return Ok(());
        };
        let deed = Deed { action: Action::Complete { token: None }, result: None, by: by.to_owned() };
        self.plans.task_event(conn, now, task.id, &deed).await?;
        Ok(())
    }
}

/// Follows plans on behalf of designs.
pub struct DesignFollower;

impl PlanFollower for DesignFollower {
    fn after<'a>(
        &'a self,
        plans: &'a Plans,
        conn: &'a mut PgConnection,
        happened: &'a [Happened],
        now: DateTime,
    ) -> BoxFuture<'a, Result<(), PlanError>> {
        Box::pin(async move {
            let gate = TaskId(GATE.to_owned());
            let is_gate = |one: &&Happened| one.what == What::GateOpened && one.name.as_ref() == Some(&gate);
            let Some(opened) = happened.iter().find(is_gate) else { return Ok(()) };
            let Some(verdict) = verdict(conn, opened.plan_id, now).await? else { return Ok(()) };
            let verdicts = BTreeMap::from([(CHECK.to_owned(), verdict)]);
            plans.computed(conn, now, opened.plan_id, &gate, verdicts, BY).await?;
            Ok(())
        })
    }
}

/// Whether the newest version of a design keeps its response time, by its model.
async fn verdict(conn: &mut PgConnection, id: Uuid, now: DateTime) -> Result<Option<Verdict>, PlanError> {
    let Some(packet) = store::newest_packet(conn, id).await? else { return Ok(None) };
    let packet: Packet = serde_json::from_str(&packet)?;
    let model = packet.model;
    let holds = model.simulation.as_ref().is_some_and(|now| now.within_target >= model.service_level);
    Ok(Some(Verdict { holds, note: model.recommendation, by: BY.to_owned(), at: now }))
}
