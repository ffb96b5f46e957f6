//! What motion routing does when accounts change: touches are counted, evaluations asked for.
//!
//! Promises: applying events never fails for what is wrong with routing. In the background the accounts are looked at
//! in the transaction that applies their events, where their states are at hand; a decision of its own is asked for only
//! where there is something new to say.

use std::sync::Arc;

use chrono::TimeDelta;
use futures_util::future::BoxFuture;
use sqlx::PgConnection;
use tokio::sync::Notify;

use super::quiet::find_quiet;
use super::reason::{Reason, measure};
use super::{EVALUATE, Freshen, MotionError, Policies};
use crate::accounts::commands::Move;
use crate::accounts::{AppliedEvent, Batch, Folded, Follower, Occasion};
use crate::kernel::clock::{Clock, DateTime};
use crate::motions::model::Ledger;
use crate::motions::signals;
use crate::motions::store::{self, ReportedTouch};
use crate::platform::jobs::{self, Lane, NewJob};

/// Follows accounts on behalf of motion routing.
pub struct MotionFollower {
    pub clock: Clock,
    pub policies: Policies,
    /// Rung when an account is to be evaluated.
    pub evaluate: Arc<Notify>,
    /// Events of one account within this time make one decision.
    pub debounce: TimeDelta,
    /// Who knows which systems cannot be read.
    pub freshen: Arc<dyn Freshen>,
}

impl MotionFollower {
    /// Looks at the accounts of a batch and marks those about which there is nothing new to say; gives the looks that
    /// time alone will ask for.
    async fn settle(
        &self,
        conn: &mut PgConnection,
        batch: &mut Batch,
        now: DateTime,
    ) -> Result<Vec<NewJob>, sqlx::Error> {
        let relevant = batch.accounts.iter().filter(|folded| folded.relevant);
        let looks: Vec<_> =
            relevant.map(|folded| (folded.current.account_id.as_str(), &folded.current.state)).collect();
        let quiet = match find_quiet(conn, &self.policies, &looks, self.freshen.failing(), now).await {
            Ok(quiet) => quiet,
            Err(MotionError::Database(error)) => return Err(error),
            Err(error) => {
                tracing::warn!(%error, "accounts could not be looked at with their events; each gets a look of its own");
                return Ok(Vec::new());
            }
        };
        for folded in &mut batch.accounts {
            folded.settled = folded.relevant && quiet.accounts.contains(&folded.current.account_id);
        }
        Ok(quiet.wakes)
    }

    /// The job that decides about an account.
    fn evaluation(&self, folded: &Folded, now: DateTime) -> NewJob {
        NewJob {
            key: folded.current.account_id.clone(),
            payload: Reason::Event { received_at: folded.asked_at.unwrap_or(now) }.payload(),
            lane: if self.is_hot(folded, now) { Lane::Hot } else { folded.lane },
            due_at: now + self.debounce,
        }
    }

    /// Whether the policy in force wants this account looked at before the others.
    fn is_hot(&self, folded: &Folded, now: DateTime) -> bool {
        self.policies.latest().is_some_and(|policy| {
            let (state, failing) = (&folded.current.state, self.freshen.failing());
            let signals = signals::derive(policy.definitions(), state, failing, now);
            // A hint: what guards the account is read when it is decided about, not here.
            policy.is_hot(&signals, &Ledger::default(), now)
        })
    }
}

impl Follower for MotionFollower {
    fn after_apply<'a>(
        &'a self,
        conn: &'a mut PgConnection,
        batch: &'a mut Batch,
        now: DateTime,
    ) -> BoxFuture<'a, Result<(), sqlx::Error>> {
        Box::pin(async move {
            store::add_touches(conn, &reported_touches(batch)).await?;
            let mut asked = match batch.occasion {
                Occasion::Background => self.settle(conn, batch, now).await?,
                Occasion::UseCase => Vec::new(),
            };
            let news = batch.accounts.iter().filter(|folded| folded.relevant && !folded.settled);
            asked.extend(news.map(|folded| self.evaluation(folded, now)));
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

    fn after_commit(&self, batch: Option<&Batch>) {
        let Some(batch) = batch else { return self.evaluate.notify_one() };
        let now = self.clock.now();
        for folded in batch.accounts.iter().filter(|folded| folded.settled) {
            measure(folded.asked_at.unwrap_or(now), folded.lane, now);
        }
        if batch.accounts.iter().any(|folded| folded.relevant && !folded.settled) {
            self.evaluate.notify_one();
        }
    }
}

/// Contacts with accounts that events reported.
fn reported_touches(batch: &Batch) -> Vec<ReportedTouch> {
    let touch = |event: &AppliedEvent| {
        let touch = event.applied.touch.as_ref()?;
        let (at, channel) = (touch.at, touch.channel.clone());
        Some(ReportedTouch { account_id: event.account_id.clone(), id: event.id, at, channel })
    };
    batch.applied.iter().filter_map(touch).collect()
}
