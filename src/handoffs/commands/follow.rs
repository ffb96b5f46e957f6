//! What handoffs do when accounts change: outcomes are noted, handoffs opened that events ask for, holds looked at, shares
//! recalled whose consent was withdrawn.
//!
//! Promises: everything is asked for as jobs or deliveries in the transaction of the events; nothing of it can make an event fail.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::BoxFuture;
use serde_json::json;
use sqlx::PgConnection;
use tokio::sync::Notify;

use super::change::job;
use super::pass::{OfHandoff, OpenJob, OutcomeJob};
use super::recall;
use super::{OPEN, OUTCOME, RELEASE};
use crate::accounts::commands::Move;
use crate::accounts::{AppliedEvent, Batch, Follower, Turn};
use crate::handoffs::store;
use crate::handoffs::types::HandoffTypes;
use crate::kernel::clock::DateTime;
use crate::motions::commands::Policies;
use crate::platform::jobs::{self, NewJob};

/// Follows accounts on behalf of handoffs.
pub struct HandoffFollower {
    pub types: Arc<HandoffTypes>,
    pub policies: Policies,
    /// Rung when something is to be done.
    pub work: Arc<Notify>,
    /// Something was asked for since the last ring. Most events ask for nothing, and a ring costs the worker a look.
    pub asked: AtomicBool,
}

impl Follower for HandoffFollower {
    fn after_apply<'a>(
        &'a self,
        conn: &'a mut PgConnection,
        batch: &'a mut Batch,
        now: DateTime,
    ) -> BoxFuture<'a, Result<(), sqlx::Error>> {
        Box::pin(async move {
            let opened: Vec<NewJob> =
                batch.applied.iter().filter_map(|event| self.opens(event, now)).collect();
            let outcomes: Vec<NewJob> =
                batch.applied.iter().filter_map(|event| outcome(event, now)).collect();
            let told: BTreeSet<&String> = batch.applied.iter().map(|event| &event.account_id).collect();
            let told: Vec<String> = told.into_iter().cloned().collect();
            let held = if told.is_empty() { Vec::new() } else { store::held_of(conn, &told).await? };
            let released: Vec<NewJob> =
                held.into_iter().map(|(account_id, id)| of_handoff(account_id, id, None, now)).collect();
            recall::recall_withdrawn(conn, &batch.applied, now).await?;
            jobs::enqueue(conn, OPEN, &opened, now).await?;
            jobs::enqueue(conn, OUTCOME, &outcomes, now).await?;
            jobs::enqueue(conn, RELEASE, &released, now).await?;
            if !(opened.is_empty() && outcomes.is_empty() && released.is_empty()) {
                self.asked.store(true, Ordering::Relaxed);
            }
            Ok(())
        })
    }

    fn after_move<'a>(
        &'a self,
        _conn: &'a mut PgConnection,
        _moves: &'a [Move],
    ) -> BoxFuture<'a, Result<(), sqlx::Error>> {
        // A handoff that an event of another account asked for stays: somebody may be at work on it. Who moves the
        // event cancels it.
        Box::pin(async { Ok(()) })
    }

    fn after_commit(&self, _batch: Option<&Batch>) {
        if self.asked.swap(false, Ordering::Relaxed) {
            self.work.notify_one();
        }
    }
}

impl HandoffFollower {
    /// The handoff that an event asks for.
    fn opens(&self, event: &AppliedEvent, now: DateTime) -> Option<NewJob> {
        let (triggers, news) = (self.types.triggers(), event.applied.news.as_ref()?);
        if now - news.at > triggers.max_age.as_delta() {
            // Told long afterwards, by an import for one: whoever was to take over has done so, or never will.
            return None;
        }
        let (handoff_type, cause, deal_id) = match &news.what {
            Turn::Stage(stage) => (triggers.lifecycle(stage)?, format!("event:{}", event.id), None),
            Turn::Intent(kind) => (triggers.intent(kind)?, format!("event:{}", event.id), None),
            Turn::Withdrawal(_) => return None,
            Turn::Deal { deal_id, stage } => {
                let stage = self.policies.deal_stage(stage)?;
                let cause = format!("deal:{deal_id}:{}", stage.name());
                (triggers.deal(stage.name())?, cause, Some(deal_id.clone()))
            }
        };
        let asked = OpenJob {
            account_id: event.account_id.clone(),
            handoff_type: handoff_type.to_owned(),
            decision_id: None,
            deal_id,
            cause: Some(cause.clone()),
        };
        // Deals of two accounts may have the same id.
        Some(job(format!("{}/{cause}", event.account_id), &json!(asked), now))
    }
}

/// What an event reports of a handoff.
fn outcome(event: &AppliedEvent, now: DateTime) -> Option<NewJob> {
    let said = event.applied.outcome.as_ref()?;
    let job_of = OutcomeJob {
        account_id: event.account_id.clone(),
        handoff_id: said.handoff_id,
        outcome: said.outcome,
        nps: said.nps.value().copied().and_then(whole),
        at: event.at,
        source: event.id.to_string(),
    };
    Some(job(format!("event:{}", event.id), &json!(job_of), now))
}

/// A score from 0 to 10, rounded to a whole one.
fn whole(score: f64) -> Option<u8> {
    (0..=10_u8).find(|n| (score - f64::from(*n)).abs() <= 0.5)
}

/// A job about a handoff.
pub(super) fn of_handoff(
    account_id: String,
    id: uuid::Uuid,
    changed_at: Option<DateTime>,
    now: DateTime,
) -> NewJob {
    job(id.to_string(), &json!(OfHandoff { account_id, changed_at }), now)
}
