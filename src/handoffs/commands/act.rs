//! What people and events do to handoffs.
//!
//! Promises: an action is done whole or refused with the actions that fit; whoever just lost a handoff is not given it
//! again; what a person decides is recorded under that person's name.

use std::collections::BTreeSet;

use sqlx::PgConnection;
use uuid::Uuid;

use super::change::Changing;
use super::{HandoffError, Handoffs};
use crate::handoffs::assign::names::RepId;
use crate::handoffs::entries::Kind;
use crate::handoffs::handoff::{Handoff, Status, TurnEnd};
use crate::handoffs::lifecycle::{self, Action, ActionKind};
use crate::handoffs::sla::Restart;
use crate::handoffs::store::{self, HandoffFilter, TimelineRow};
use crate::kernel::clock::DateTime;
use crate::platform::db;
use crate::platform::outbox::{self, Delivery, DeliveryFilter};

/// How often an action is repeated because somebody else was faster.
const RACES_MAX: usize = 5;
/// How many deliveries of a handoff are told with its timeline.
const DELIVERIES_MAX: i64 = 200;

/// An action, and who is to have the handoff afterwards where it is passed on.
#[derive(Debug, Clone)]
pub struct Deed {
    pub action: Action,
    pub next: Option<RepId>,
    /// How the customer found it, where that is said along.
    pub nps: Option<u8>,
    pub by: String,
    /// Only say how the handoff would then stand.
    pub dry_run: bool,
}

impl Deed {
    pub fn new(action: Action, by: impl Into<String>) -> Self {
        Self { action, next: None, nps: None, by: by.into(), dry_run: false }
    }
}

/// What became of what a leaver had.
#[derive(Debug)]
pub struct OffBoarded {
    /// Where everything went, or would go.
    pub moved: Vec<Handoff>,
    /// How many more the rep has than one call passes on: the next call goes on with them.
    pub left: usize,
    /// Where the roster still names the rep, as sentences.
    pub mentions: Vec<String>,
}

impl Handoffs {
    /// The score that was given last at a handoff of an account, with its instant.
    pub async fn latest_nps(
        &self,
        conn: &mut PgConnection,
        account_id: &str,
    ) -> Result<Option<(u8, DateTime)>, HandoffError> {
        Ok(store::latest_nps(conn, account_id).await?)
    }

    /// Does something to a handoff, or with a dry run only looks at what would come of it; gives it as it then stands.
    pub async fn act(&self, id: Uuid, deed: &Deed) -> Result<Handoff, HandoffError> {
        let mut races = 0;
        loop {
            match self.act_once(id, deed).await {
                Err(error) if error.is_race() && races < RACES_MAX => races += 1,
                outcome => return outcome,
            }
        }
    }

    async fn act_once(&self, id: Uuid, deed: &Deed) -> Result<Handoff, HandoffError> {
        let mut tx = db::begin(&self.pool).await?;
        let account_id = store::account_of(&mut tx, id).await?.ok_or(HandoffError::NoHandoff(id))?;
        let current = self.lock_account(&mut tx, &account_id).await?;
        let changing = read(&mut tx, &account_id, id).await?;
        if let Some(next) = &deed.next {
            self.check_owner(&mut tx, next).await?;
        }
        let now = self.clock.now();
        let before = deed.action.done_at(now);
        let caught_up = self.catch_up(&mut tx, vec![changing], before, now).await?.pop();
        let mut changing = caught_up.ok_or(HandoffError::Moved)?;
        if deed.action == Action::Release && changing.handoff.status == Status::Held {
            // The receiver gets what is known now; that something is missing is the caller's word.
            self.gather_anew(&mut tx, &current, &mut changing, now).await?;
        }
        changing.happened = lifecycle::act(&mut changing.handoff, &deed.action, now)?;
        changing.happened.extend(deed.nps.and_then(|nps| lifecycle::rate(&mut changing.handoff, nps)));
        changing.chosen.clone_from(&deed.next);
        // A person decides: the guard against endless passing on begins anew.
        changing.restart = Restart::Manual;
        // What waits has no owner to lose, and may still be given to whom a person chose.
        let gives = changing.waits() && deed.action.kind() == ActionKind::Reassign;
        if changing.happened.is_empty() && !gives {
            tx.commit().await?;
            return Ok(changing.handoff);
        }
        let settled = self.settle(&mut tx, vec![changing], &deed.by, now).await?.pop();
        if deed.dry_run {
            tx.rollback().await?;
        } else {
            tx.commit().await?;
            self.ring();
        }
        settled.map(|one| one.handoff).ok_or(HandoffError::Moved)
    }

    /// A rep leaves: is given nothing more, and what the rep has open goes to others, at most so much of it, because all
    /// of their accounts are locked until it is done. Done again it goes on with what is left. A dry run says where
    /// everything would go.
    pub async fn off_board(
        &self,
        rep: &RepId,
        at_most: usize,
        dry_run: bool,
        by: &str,
    ) -> Result<OffBoarded, HandoffError> {
        if !dry_run {
            self.mark_leaving(rep, by).await?;
        }
        let mentions = {
            let held = self.roster().await?;
            let known = held.roster.rep(rep.as_str());
            known.ok_or_else(|| HandoffError::NoEntry { kind: Kind::Rep, id: rep.to_string() })?;
            held.roster.mentions(rep)
        };
        let mut keys = {
            let mut conn = self.pool.acquire().await?;
            store::open_of(&mut conn, rep.as_str()).await?
        };
        keys.sort_unstable();
        let left = keys.len().saturating_sub(at_most);
        keys.truncate(at_most);
        let moved = self.reroute(keys, TurnEnd::Offboarded, Some(rep), dry_run, by).await?;
        Ok(OffBoarded { moved, left, mentions })
    }

    /// Gives handoffs to others, by the routing as it is now. Those that are over by now, or not a certain rep's any
    /// more, stay as they are.
    pub async fn reroute(
        &self,
        mut keys: Vec<(String, Uuid)>,
        reason: TurnEnd,
        from: Option<&RepId>,
        dry_run: bool,
        by: &str,
    ) -> Result<Vec<Handoff>, HandoffError> {
        keys.sort_unstable();
        let accounts: BTreeSet<&String> = keys.iter().map(|(account, _)| account).collect();
        let mut tx = db::begin(&self.pool).await?;
        for account_id in accounts {
            self.lock_account(&mut tx, account_id).await?;
        }
        let now = self.clock.now();
        let stored = store::lock_handoffs(&mut tx, &keys).await?.into_iter().map(Changing::of);
        let stored = stored.collect::<Result<Vec<_>, _>>()?;
        let mut changing = Vec::new();
        for mut one in self.catch_up(&mut tx, stored, now, now).await? {
            let handoff = &one.handoff;
            if !handoff.status.is_open() || from.is_some_and(|rep| handoff.owner_id.as_ref() != Some(rep)) {
                continue;
            }
            one.happened = lifecycle::act(&mut one.handoff, &Action::Reassign { reason }, now)?;
            one.restart = Restart::Manual;
            changing.push(one);
        }
        let settled = self.settle(&mut tx, changing, by, now).await?;
        if dry_run {
            tx.rollback().await?;
        } else {
            tx.commit().await?;
            self.ring();
        }
        Ok(settled.into_iter().map(|one| one.handoff).collect())
    }

    /// The accounts of handoffs, for those that there are.
    pub async fn keys_of(&self, ids: &[Uuid]) -> Result<Vec<(String, Uuid)>, HandoffError> {
        let mut conn = self.pool.acquire().await?;
        Ok(store::keys_of(&mut conn, ids).await?)
    }

    /// One handoff.
    pub async fn find(&self, id: Uuid) -> Result<Handoff, HandoffError> {
        store::find_handoff(&self.pool, id).await?.ok_or(HandoffError::NoHandoff(id))
    }

    /// Handoffs, newest first.
    pub async fn list(&self, filter: &HandoffFilter) -> Result<Vec<Handoff>, HandoffError> {
        Ok(store::list_handoffs(&self.pool, filter).await?)
    }

    /// Everything that happened to a handoff, oldest first, and what left the service because of it.
    pub async fn timeline(
        &self,
        handoff: &Handoff,
    ) -> Result<(Vec<TimelineRow>, Vec<Delivery>), HandoffError> {
        let rows = store::timeline(&self.pool, &handoff.account_id, handoff.id).await?;
        Ok((rows, self.deliveries(handoff).await?))
    }

    /// What left the service because of a handoff, newest first.
    pub(super) async fn deliveries(&self, handoff: &Handoff) -> Result<Vec<Delivery>, HandoffError> {
        let filter = DeliveryFilter {
            account_id: Some(handoff.account_id.clone()),
            handoff_id: Some(handoff.id),
            limit: DELIVERIES_MAX,
            ..DeliveryFilter::default()
        };
        Ok(outbox::list(&self.pool, &filter).await?)
    }
}

/// A handoff of an account that the caller has locked.
pub(super) async fn read(
    conn: &mut PgConnection,
    account_id: &str,
    id: Uuid,
) -> Result<Changing, HandoffError> {
    let key = (account_id.to_owned(), id);
    let handoff = store::lock_handoffs(conn, &[key]).await?.pop().ok_or(HandoffError::NoHandoff(id))?;
    Changing::of(handoff)
}
