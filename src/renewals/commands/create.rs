//! Making a renewal, or seeing what it would be.
//!
//! Promises: a preview writes nothing and says what making it does; for an account and a date one is under way at a time.

use sqlx::PgConnection;
use uuid::Uuid;

use super::propose::{Choice, Drawn, Proposal, logged};
use super::read::View;
use super::{RenewalError, Renewals};
use crate::accounts::Current;
use crate::accounts::commands::lock_current;
use crate::kernel::clock::DateTime;
use crate::kernel::ids::new_id;
use crate::platform::audit;
use crate::platform::db;
use crate::renewals::renewal::{Renewal, Status};
use crate::renewals::store;

/// How often a use case is repeated because somebody else was faster.
pub(super) const RACES_MAX: usize = 5;

/// What asks for a renewal.
#[derive(Debug, Clone)]
pub struct Ask {
    pub account_id: String,
    pub choice: Choice,
    /// Write nothing.
    pub dry_run: bool,
    /// Let it run at once, with these findings of the pre-flight waived; none leaves it planned.
    pub start: Option<Vec<String>>,
    pub why: String,
    pub by: String,
}

/// What came of it.
#[derive(Debug)]
pub struct Made {
    pub view: View,
    pub proposal: Proposal,
}

impl Renewals {
    /// Makes a renewal with its plan.
    pub async fn create(&self, ask: &Ask) -> Result<Made, RenewalError> {
        let mut races = 0;
        loop {
            match self.create_once(ask).await {
                Err(error) if error.is_race() && races < RACES_MAX => races += 1,
                outcome => return outcome,
            }
        }
    }

    async fn create_once(&self, ask: &Ask) -> Result<Made, RenewalError> {
        let mut tx = db::begin(&self.pool).await?;
        let current = self.lock_account(&mut tx, &ask.account_id).await?;
        // Read under the lock, which may have been long in coming.
        let now = self.clock.now();
        let sight = self.sight(&mut tx, &current, now).await?;
        let drawn = self.draw(&mut tx, &current, &sight, &ask.choice, now).await?;
        if let Some(id) = store::open_at(&mut tx, &ask.account_id, drawn.terms.deadline).await? {
            return Err(RenewalError::UnderWay { id, deadline: drawn.terms.deadline });
        }
        let proposal = drawn.proposal.clone();
        let renewal = self.write_new(&mut tx, ask, drawn, now).await?;
        if let Some(waived) = &ask.start {
            self.start_in(&mut tx, renewal.clone(), waived, &ask.by, now).await?;
        }
        let view = self.view_in(&mut tx, renewal.id, Some(sight)).await?;
        if ask.dry_run {
            tx.rollback().await?;
        } else {
            tx.commit().await?;
            self.ring();
        }
        Ok(Made { view, proposal })
    }

    async fn write_new(
        &self,
        conn: &mut PgConnection,
        ask: &Ask,
        drawn: Drawn,
        now: DateTime,
    ) -> Result<Renewal, RenewalError> {
        let rating = drawn.proposal.rating;
        let renewal = Renewal {
            account_id: ask.account_id.clone(),
            id: new_id(now),
            status: Status::Planned,
            play: drawn.terms.play.clone(),
            tier: drawn.terms.tier,
            risk: drawn.terms.risk,
            deadline: drawn.terms.deadline,
            risk_since: now,
            risk_pinned: drawn.risk_pinned,
            would_be: (drawn.terms.risk != rating.risk).then_some(rating.risk),
            terms: drawn.terms,
            rating,
            facts: drawn.facts,
            rated_at: now,
            versioned_at: now,
            created_at: now,
            created_by: ask.by.clone(),
            started_at: None,
            closed_at: None,
            outcome: None,
            close_note: None,
        };
        self.make_plan(conn, &renewal, drawn.plan.clone(), (&ask.by, &ask.why), now).await?;
        store::insert(conn, &renewal).await?;
        self.appoint(conn, &renewal, None, &drawn.plan, false, now).await?;
        let details = logged(&renewal.terms, &renewal.rating);
        self.log(conn, &renewal, "renewal.created", details, &ask.by, now).await?;
        self.enqueue_look(conn, &renewal, now).await?;
        self.enqueue_rating(conn, &renewal.account_id, now).await?;
        Ok(renewal)
    }

    /// Locks an account with every event applied that was accepted before.
    pub(super) async fn lock_account(
        &self,
        conn: &mut PgConnection,
        account_id: &str,
    ) -> Result<Current, RenewalError> {
        let follower = self.accounts.follower.as_ref();
        let current = lock_current(conn, account_id, follower, self.clock.now()).await?;
        current.ok_or_else(|| RenewalError::NoAccount(account_id.to_owned()))
    }

    /// Locks the account of a renewal and reads the renewal under it.
    pub(super) async fn lock_renewal(
        &self,
        conn: &mut PgConnection,
        id: Uuid,
    ) -> Result<(Current, Renewal), RenewalError> {
        let account_id = store::account_of(conn, id).await?.ok_or(RenewalError::NoRenewal(id))?;
        let current = self.lock_account(conn, &account_id).await?;
        let renewal = store::lock(conn, &account_id, id).await?.ok_or(RenewalError::NoRenewal(id))?;
        Ok((current, renewal))
    }

    /// Writes what happened to a renewal into the account's chain.
    pub(super) async fn log(
        &self,
        conn: &mut PgConnection,
        renewal: &Renewal,
        action: &str,
        details: serde_json::Value,
        by: &str,
        now: DateTime,
    ) -> Result<(), RenewalError> {
        let entry = audit::Entry::new(by, action, format!("renewal:{}", renewal.id), details);
        audit::append(conn, &renewal.account_id, now, &[entry]).await?;
        Ok(())
    }

    /// Wakes those who go on with what was done.
    pub(super) fn ring(&self) {
        self.work.notify_one();
        self.deliver.notify_one();
        self.accounts.follower.after_commit(None);
    }
}
