//! The transaction around decisions.
//!
//! Round trips, for one account or for a group: begin, lock the accounts, read their guards, write everything with
//! its audit entries, ask for wake-ups (only where time alone can change the outcome), commit.

use axum::http::StatusCode;
use chrono::TimeDelta;
use sqlx::PgConnection;

use super::consequences::Considered;
use super::freshen::wanted;
use super::handover::{HAND_OVER, hand_over};
use super::reason::Reason;
use super::{EVALUATE, MotionError, Motions};
use crate::accounts::{self, Current};
use crate::kernel::clock::DateTime;
use crate::motions::document::DecisionDocument;
use crate::motions::model::{Ledger, Outcome, Signals};
use crate::motions::signals;
use crate::motions::store;
use crate::platform::audit::Growth;
use crate::platform::db;
use crate::platform::http::Claim;
use crate::platform::jobs::{self, Lane, NewJob};

/// Touches are read this far back; a policy's window is at most this long.
pub(super) const TOUCHES_READ: TimeDelta = TimeDelta::days(31);
/// A motion that another replica took in between is seen by asking again; more often than this it is a fault.
const RACES_MAX: usize = 5;

/// Why an account is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    Api,
    Bulk,
    Event,
    Wake,
    Sweep,
    Resolution,
}

impl Trigger {
    pub fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Bulk => "bulk",
            Self::Event => "event",
            Self::Wake => "wake",
            Self::Sweep => "sweep",
            Self::Resolution => "resolution",
        }
    }

    /// Somebody asked and gets an answer that is on record; the service's own looks are recorded only when
    /// they do something or say something new.
    fn always_recorded(self) -> bool {
        match self {
            Self::Api | Self::Bulk | Self::Resolution => true,
            Self::Event | Self::Wake | Self::Sweep => false,
        }
    }
}

/// What is asked.
#[derive(Debug, Clone)]
pub struct Ask {
    pub account_id: String,
    pub trigger: Trigger,
    /// Write nothing; only say what would be decided.
    pub dry_run: bool,
    /// Decide by this version instead of the one in force (previews only).
    pub policy_version: Option<String>,
    /// Who asks, for the audit log.
    pub actor: String,
    /// Where the answer is kept for a repeat of the request, in the transaction of the decision.
    pub answer: Option<Claim>,
}

/// What was decided.
#[derive(Debug)]
pub struct Decided {
    pub document: DecisionDocument,
    /// False for a preview, and for a look that found nothing new.
    pub recorded: bool,
}

/// What a decision would be made of.
#[derive(Debug)]
pub struct Seen {
    pub signals: Signals,
    pub ledger: Ledger,
    pub policy_version: String,
    pub now: DateTime,
}

impl Motions {
    /// Decides about one account and does what follows, together with whoever else asks at this moment.
    pub async fn orchestrate(&self, ask: Ask) -> Result<Decided, MotionError> {
        if ask.dry_run { self.orchestrate_alone(&ask).await } else { self.desk.ask(ask).await }
    }

    /// Decides about one account in a transaction of its own, and waits for whoever is busy with it.
    pub(super) async fn orchestrate_alone(&self, ask: &Ask) -> Result<Decided, MotionError> {
        let mut races = 0;
        loop {
            match self.orchestrate_once(ask).await {
                Err(error) if error.is_race() && races < RACES_MAX => races += 1,
                outcome => return outcome,
            }
        }
    }

    async fn orchestrate_once(&self, ask: &Ask) -> Result<Decided, MotionError> {
        let mut tx = db::begin(&self.pool).await?;
        let follower = self.accounts.follower.as_ref();
        let current = accounts::commands::lock_current(&mut tx, &ask.account_id, follower, self.clock.now())
            .await?
            .ok_or_else(|| MotionError::NoAccount(ask.account_id.clone()))?;
        // Read under the lock, which may have been long in coming: the decisions of an account, and its audit
        // chain, are in the order of their instants.
        let now = self.clock.now();
        let decided = self.decide_in(&mut tx, &current, ask, now).await?;
        if ask.dry_run {
            // Even the events that were applied to see the newest state wait for their own turn.
            tx.rollback().await?;
        } else {
            tx.commit().await?;
            if decided.recorded {
                self.ring();
            }
        }
        Ok(decided)
    }

    /// Wakes those who go on with what was decided.
    pub(super) fn ring(&self) {
        self.deliver.notify_one();
        self.hand_over.notify_one();
    }

    /// What a decision would see now; nothing is written.
    pub async fn look(&self, account_id: &str) -> Result<Seen, MotionError> {
        let now = self.clock.now();
        let (current, _) = accounts::commands::view(&self.accounts, account_id)
            .await?
            .ok_or_else(|| MotionError::NoAccount(account_id.to_owned()))?;
        let mut conn = self.pool.acquire().await?;
        let guards = store::guards(&mut conn, account_id, now - TOUCHES_READ, now).await?;
        let policy_version = guards.policy_version.clone().ok_or(MotionError::NoneActive)?;
        let policy = self.policies.get(&mut conn, &policy_version).await?;
        let signals = signals::derive(policy.definitions(), &current.state, self.freshen.failing(), now);
        Ok(Seen { signals, ledger: guards.ledger(&current.state), policy_version, now })
    }

    /// Decides about an account that the caller has locked, inside the caller's transaction.
    pub(super) async fn decide_in(
        &self,
        conn: &mut PgConnection,
        current: &Current,
        ask: &Ask,
        now: DateTime,
    ) -> Result<Decided, MotionError> {
        let decided = self.decide_all(conn, &[(current, ask)], now).await?.pop();
        decided.ok_or(MotionError::Database(sqlx::Error::RowNotFound))
    }

    /// Decides about accounts that the caller has locked, each named once, inside the caller's transaction; gives
    /// what was decided in their order.
    pub(super) async fn decide_all(
        &self,
        conn: &mut PgConnection,
        looks: &[(&Current, &Ask)],
        now: DateTime,
    ) -> Result<Vec<Decided>, MotionError> {
        let ids: Vec<String> = looks.iter().map(|(current, _)| current.account_id.clone()).collect();
        let mut guards = store::guards_of(conn, &ids, now - TOUCHES_READ, now).await?;
        let failing = self.freshen.failing();
        let mut considered = Vec::with_capacity(looks.len());
        for (current, ask) in looks {
            let guards = guards.remove(&current.account_id).ok_or(sqlx::Error::RowNotFound)?;
            let in_force = guards.policy_version.clone().ok_or(MotionError::NoneActive)?;
            let version = ask.policy_version.as_deref().unwrap_or(&in_force);
            let policy = self.policies.get(conn, version).await?;
            if ask.policy_version.is_none() {
                self.policies.note_latest(&policy);
            }
            considered.push(Considered::new(current, ask, policy, guards, failing, now)?);
        }
        let asked = || looks.iter().map(|(_, ask)| *ask);
        let recorded: Vec<bool> =
            considered.iter().zip(asked()).map(|(made, ask)| is_recorded(made, ask)).collect();
        let (news, same): (Vec<_>, Vec<_>) = considered
            .iter()
            .zip(asked())
            .zip(&recorded)
            .filter(|((_, ask), _)| !ask.dry_run)
            .partition(|(_, recorded)| **recorded);
        let news: Vec<&Considered> = news.into_iter().map(|((made, _), _)| made).collect();
        let same: Vec<&Considered> = same.into_iter().map(|((made, _), _)| made).collect();
        write(conn, &news, now).await?;
        let looked_at: Vec<String> = same.iter().map(|made| made.account_id.clone()).collect();
        store::note_evaluated(conn, &looked_at, now).await?;
        let wakes: Vec<NewJob> = news
            .iter()
            .chain(&same)
            .filter_map(|made| Some(wake(&made.account_id, made.decision.wake_at?, now)))
            .collect();
        jobs::enqueue(conn, EVALUATE, &wakes, now).await?;
        let handoffs: Vec<NewJob> = news.iter().filter_map(|made| hand_over(made, now)).collect();
        jobs::enqueue(conn, HAND_OVER, &handoffs, now).await?;
        let freshen = self.freshen.as_ref();
        let looks = considered.iter().zip(asked()).filter(|(_, ask)| !ask.dry_run);
        let looks = looks.flat_map(|(made, ask)| wanted(made, ask.trigger == Trigger::Api, freshen, now));
        jobs::enqueue(conn, freshen.kind(), &looks.collect::<Vec<_>>(), now).await?;
        for (made, ask) in considered.iter().zip(asked()) {
            if let Some(claim) = ask.answer.as_ref().filter(|_| !ask.dry_run) {
                claim.keep(conn, StatusCode::OK, &made.document).await.map_err(MotionError::Answer)?;
            }
        }
        let decided = considered.into_iter().zip(recorded);
        Ok(decided.map(|(made, recorded)| Decided { document: made.document, recorded }).collect())
    }
}

/// Whether a decision is put on record.
fn is_recorded(made: &Considered, ask: &Ask) -> bool {
    // What is executed is done now, even when the latest decision did the same: its hold is over since.
    let executed = made.decision.outcome == Outcome::Executed;
    !ask.dry_run && (ask.trigger.always_recorded() || executed || !made.says_the_same())
}

/// The job that looks at an account again at an instant.
pub(super) fn wake(account_id: &str, at: DateTime, now: DateTime) -> NewJob {
    NewJob {
        key: account_id.to_owned(),
        payload: Reason::Wake.payload(),
        lane: Lane::Normal,
        due_at: at.max(now),
    }
}

/// Writes decisions with all their consequences and their places in the audit chains.
async fn write(conn: &mut PgConnection, news: &[&Considered], now: DateTime) -> Result<(), MotionError> {
    if news.is_empty() {
        return Ok(());
    }
    release(conn, news, now).await?;
    let mut growth = Growth::default();
    let mut rows = Vec::with_capacity(news.len());
    for made in news {
        rows.push(made.rows()?);
        growth.add(&made.guards.chain, now, &[made.entry()])?;
    }
    let moved = store::record(conn, &rows, &growth).await?;
    growth.check(&moved)?;
    Ok(())
}

/// Frees the accounts from claims that are over and from holders that `RevOps` switched away from, before the new
/// claims are taken.
async fn release(conn: &mut PgConnection, news: &[&Considered], now: DateTime) -> Result<(), MotionError> {
    let (mut switched, mut expired, mut freed) = (Vec::new(), Vec::new(), Vec::new());
    for made in news {
        let account_id = made.account_id.as_str();
        let (gave_way, over) = (made.switched(), made.expired());
        if !gave_way.is_empty() || !over.is_empty() {
            freed.push(account_id);
        }
        switched.extend(gave_way.into_iter().map(|claim| (account_id, claim)));
        if made.claims() {
            expired.extend(over.into_iter().map(|claim| (account_id, claim)));
        }
    }
    store::release_claims(conn, &switched, "switched", now).await?;
    store::release_claims(conn, &expired, "expired", now).await?;
    store::lapse_conflicts(conn, &freed, now).await?;
    Ok(())
}
