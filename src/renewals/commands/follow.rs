//! What renewals do when accounts change: the next date is noted, and open renewals are rated again.
//!
//! Promises: one statement for a batch; a rating is asked for as a job, so that many events of an account make one, and
//! nothing of it can make an event fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::TimeDelta;
use futures_util::future::BoxFuture;
use sqlx::PgConnection;
use tokio::sync::Notify;

use super::work::look;
use super::{LOOK, RATE, upcoming};
use crate::accounts::commands::Move;
use crate::accounts::model::AccountState;
use crate::accounts::{Batch, Follower};
use crate::kernel::clock::DateTime;
use crate::plans::Happened;
use crate::plans::commands::{PlanError, PlanFollower, Plans};
use crate::platform::jobs::{self, Lane, NewJob};
use crate::renewals::plays::Plays;

/// Follows accounts on behalf of renewals.
pub struct RenewalFollower {
    pub plays: Arc<Plays>,
    /// Rung when a renewal is to be rated.
    pub work: Arc<Notify>,
    /// Events of one account within this time make one rating.
    pub debounce: TimeDelta,
    /// Something was asked for since the last ring.
    pub asked: AtomicBool,
}

impl Follower for RenewalFollower {
    fn after_apply<'a>(
        &'a self,
        conn: &'a mut PgConnection,
        batch: &'a mut Batch,
        now: DateTime,
    ) -> BoxFuture<'a, Result<(), sqlx::Error>> {
        Box::pin(async move {
            let states: Vec<(&str, &AccountState)> = batch
                .accounts
                .iter()
                .filter(|folded| folded.relevant)
                .map(|folded| (folded.current.account_id.as_str(), &folded.current.state))
                .collect();
            let open = upcoming::note(conn, &self.plays, &states, now).await?;
            let asked: Vec<NewJob> =
                open.into_iter().map(|account| rating(account, now + self.debounce)).collect();
            jobs::enqueue(conn, RATE, &asked, now).await?;
            if !asked.is_empty() {
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
        // The accounts are looked at again when their events are applied anew.
        Box::pin(async { Ok(()) })
    }

    fn after_commit(&self, _batch: Option<&Batch>) {
        if self.asked.swap(false, Ordering::Relaxed) {
            self.work.notify_one();
        }
    }
}

/// Asks for the open renewals of an account to be rated.
pub(super) fn rating(account_id: String, due_at: DateTime) -> NewJob {
    NewJob { key: account_id, payload: "{}".to_owned(), lane: Lane::Normal, due_at }
}

/// Follows the plans of renewals: what happened to one may be something to tell.
pub struct RenewalPlanFollower {
    /// Rung when a renewal is to be looked at.
    pub work: Arc<Notify>,
}

impl PlanFollower for RenewalPlanFollower {
    fn after<'a>(
        &'a self,
        _plans: &'a Plans,
        conn: &'a mut PgConnection,
        happened: &'a [Happened],
        now: DateTime,
    ) -> BoxFuture<'a, Result<(), PlanError>> {
        Box::pin(async move {
            let Some(first) = happened.first() else { return Ok(()) };
            jobs::enqueue(conn, LOOK, &[look(first.plan_id, now)], now).await?;
            self.work.notify_one();
            Ok(())
        })
    }
}
