//! What motion routing does when accounts change: touches are counted, evaluations asked for.

use std::sync::Arc;

use chrono::TimeDelta;
use futures_util::future::BoxFuture;
use sqlx::PgConnection;
use tokio::sync::Notify;

use super::reason::Reason;
use super::{EVALUATE, Policies};
use crate::accounts::commands::Move;
use crate::accounts::{Batch, Folded, Follower};
use crate::kernel::clock::DateTime;
use crate::motions::model::Ledger;
use crate::motions::signals;
use crate::motions::store::{self, ReportedTouch};
use crate::platform::jobs::{self, Lane, NewJob};

/// Follows accounts on behalf of motion routing.
pub struct MotionFollower {
    pub policies: Policies,
    /// Rung when an account is to be evaluated.
    pub evaluate: Arc<Notify>,
    /// Events of one account within this time make one evaluation.
    pub debounce: TimeDelta,
}

impl MotionFollower {
    /// Whether the policy in force wants this account looked at before the others.
    fn is_hot(&self, folded: &Folded, now: DateTime) -> bool {
        self.policies.latest().is_some_and(|policy| {
            let signals = signals::derive(policy.definitions(), &folded.current.state, now);
            // A hint: what guards the account is read when it is decided about, not here.
            policy.is_hot(&signals, &Ledger::default(), now)
        })
    }
}

impl Follower for MotionFollower {
    fn after_apply<'a>(
        &'a self,
        conn: &'a mut PgConnection,
        batch: &'a Batch,
        now: DateTime,
    ) -> BoxFuture<'a, Result<(), sqlx::Error>> {
        Box::pin(async move {
            let touches: Vec<ReportedTouch> = batch
                .applied
                .iter()
                .filter_map(|event| {
                    let touch = event.applied.touch.as_ref()?;
                    Some(ReportedTouch {
                        account_id: event.account_id.clone(),
                        id: event.id,
                        at: touch.at,
                        channel: touch.channel.clone(),
                    })
                })
                .collect();
            store::add_touches(conn, &touches).await?;
            let due_at = now + self.debounce;
            let asked: Vec<NewJob> = batch
                .accounts
                .iter()
                .filter(|folded| folded.relevant)
                .map(|folded| NewJob {
                    key: folded.current.account_id.clone(),
                    payload: Reason::Event { received_at: folded.asked_at.unwrap_or(now) }.payload(),
                    lane: if self.is_hot(folded, now) { Lane::Hot } else { folded.lane },
                    due_at,
                })
                .collect();
            jobs::enqueue(conn, EVALUATE, &asked, now).await
        })
    }

    fn after_move<'a>(
        &'a self,
        conn: &'a mut PgConnection,
        moves: &'a [Move],
    ) -> BoxFuture<'a, Result<(), sqlx::Error>> {
        Box::pin(async move {
            let accounts: Vec<&str> = moves.iter().map(|moved| moved.from.as_str()).collect();
            let ids: Vec<uuid::Uuid> = moves.iter().map(|moved| moved.id).collect();
            store::take_back_touches(conn, &accounts, &ids).await
        })
    }

    fn after_commit(&self) {
        self.evaluate.notify_one();
    }
}
