//! What happens to handoffs by itself: asked for by decisions and events, steps of clocks, the queue, holds that end.
//!
//! Promises: a job re-reads what it is about and does what is due by then, so that doing it twice does it once; a claim is
//! committed before the work begins; what fails is tried again later and set aside at last, and holds up nothing else.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use uuid::Uuid;

use super::act::read;
use super::change::{Changing, job};
use super::open::{OpenAsk, known_now};
use super::{DIGEST, DRAIN, HOURS, HandoffError, Handoffs, KINDS, OPEN, OUTCOME, RELEASE, SLA_WORKER, STEP};
use crate::accounts::commands::lock_current_idle;
use crate::accounts::{Current, ReportedOutcome};
use crate::handoffs::availability;
use crate::handoffs::handoff::{Handoff, Happening, Status};
use crate::handoffs::lifecycle;
use crate::handoffs::sla::{Basis, Change};
use crate::handoffs::store;
use crate::kernel::clock::DateTime;
use crate::platform::db;
use crate::platform::jobs::{self, Claimed, NewJob};

/// Handoffs of one transaction of the background work.
const GROUP: i64 = 64;
/// The first wait after a failure; doubled with each attempt.
const RETRY_FIRST: TimeDelta = TimeDelta::seconds(1);
/// How soon a handoff is looked at again whose account somebody is busy with.
const BUSY: TimeDelta = TimeDelta::milliseconds(200);
/// Under whose name the service gives out what waits.
const QUEUE_WORKER: &str = "worker:queue";

/// Asks for a handoff.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OpenJob {
    pub account_id: String,
    pub handoff_type: String,
    #[serde(default)]
    pub decision_id: Option<Uuid>,
    #[serde(default)]
    pub deal_id: Option<String>,
    /// The key of the job where it says nothing else.
    #[serde(default)]
    pub cause: Option<String>,
}

/// Says what became of a handoff.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OutcomeJob {
    pub account_id: String,
    pub handoff_id: Uuid,
    pub outcome: ReportedOutcome,
    pub nps: Option<u8>,
    /// When it was so.
    pub at: DateTime,
    pub source: String,
}

/// Names a handoff by its account; the key of the job is its id.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OfHandoff {
    pub account_id: String,
    /// When the hours changed, where that is what the job is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_at: Option<DateTime>,
}

impl Handoffs {
    /// Does what is due; gives how much that was.
    pub async fn work_due(&self) -> Result<usize, HandoffError> {
        let due = {
            let mut conn = self.pool.acquire().await?;
            jobs::due_kinds(&mut conn, &KINDS, self.clock.now()).await?
        };
        let mut done = 0;
        for kind in KINDS.into_iter().filter(|kind| due.iter().any(|due| due == kind)) {
            done += if kind == STEP { self.steps_due().await? } else { self.each_due(kind).await? };
        }
        Ok(done)
    }

    async fn claim(&self, kind: &str) -> Result<Vec<Claimed>, HandoffError> {
        let mut conn = self.pool.acquire().await?;
        Ok(jobs::claim(&mut conn, kind, self.clock.now(), GROUP).await?)
    }

    async fn finish(&self, done: &[Claimed]) -> Result<(), HandoffError> {
        let mut conn = self.pool.acquire().await?;
        Ok(jobs::finish(&mut conn, done).await?)
    }

    /// The jobs of a kind, one after the other.
    async fn each_due(&self, kind: &'static str) -> Result<usize, HandoffError> {
        let due = self.claim(kind).await?;
        let mut done = Vec::with_capacity(due.len());
        for job in &due {
            let outcome = match kind {
                OPEN => self.open_due(job).await,
                OUTCOME => self.outcome_due(job).await,
                RELEASE => self.release_due(job).await,
                HOURS => self.hours_due(job).await,
                DIGEST => self.digest_due(job).await,
                _ => self.drain().await,
            };
            match outcome {
                Ok(()) => done.push(job.clone()),
                Err(error) => self.failed(kind, job, &error).await?,
            }
        }
        self.finish(&done).await?;
        Ok(due.len())
    }

    async fn failed(&self, kind: &str, job: &Claimed, error: &HandoffError) -> Result<(), HandoffError> {
        tracing::error!(kind, job = job.key, attempt = job.attempts, %error, "work on a handoff failed");
        let wait = RETRY_FIRST * 2_i32.pow(u32::try_from(job.attempts).unwrap_or(1).min(10));
        let now = self.clock.now();
        let mut conn = self.pool.acquire().await?;
        Ok(jobs::fail(&mut conn, job, &error.to_string(), now + wait, now).await?)
    }

    /// Opens the handoff that a decision or an event asks for.
    async fn open_due(&self, job: &Claimed) -> Result<(), HandoffError> {
        let asked: OpenJob = serde_json::from_str(job.payload.get())?;
        if self.types.get(&asked.handoff_type).is_none() {
            tracing::warn!(
                handoff_type = asked.handoff_type,
                cause = job.key,
                "no such handoff type; none is opened"
            );
            return Ok(());
        }
        let ask = OpenAsk {
            handoff_type: asked.handoff_type,
            account_id: asked.account_id,
            deal_id: asked.deal_id,
            from_team: None,
            to_team: None,
            owner_id: None,
            skills: BTreeSet::new(),
            dry_run: false,
            cause: asked.cause.unwrap_or_else(|| job.key.clone()),
            decision_id: asked.decision_id,
            requested_by: "worker:handoffs".to_owned(),
        };
        let opened = self.open(&ask).await?;
        if !opened.new && opened.handoff.cause != ask.cause {
            self.asked_again(&opened.handoff, &ask).await?;
        }
        Ok(())
    }

    /// Notes on a handoff that is under way that something asked for it once more.
    async fn asked_again(&self, handoff: &Handoff, ask: &OpenAsk) -> Result<(), HandoffError> {
        let again = Happening::AskedAgain { cause: ask.cause.clone() };
        // The job may come twice, which is one time that it was asked for; and what is over by now was not asked for.
        let once = again.once().unwrap_or_default();
        if store::has_happened(&self.pool, &handoff.account_id, handoff.id, &once).await? {
            return Ok(());
        }
        let at_once = |_: &Handoff, now| now;
        self.alone(&handoff.account_id, handoff.id, &ask.requested_by, at_once, |one, _| {
            one.happened.extend((!one.handoff.status.is_final()).then_some(again));
            Ok(())
        })
        .await
    }

    /// One handoff in a transaction of its own, with what fell due before the instant at which it was done.
    async fn alone(
        &self,
        account_id: &str,
        id: Uuid,
        actor: &str,
        done_at: impl FnOnce(&Handoff, DateTime) -> DateTime,
        change: impl FnOnce(&mut Changing, DateTime) -> Result<(), HandoffError>,
    ) -> Result<(), HandoffError> {
        let mut tx = db::begin(&self.pool).await?;
        self.lock_account(&mut tx, account_id).await?;
        let mut one = read(&mut tx, account_id, id).await?;
        let now = self.clock.now();
        let before = done_at(&one.handoff, now);
        one = self.catch_up(&mut tx, vec![one], before, now).await?.pop().ok_or(HandoffError::Moved)?;
        change(&mut one, now)?;
        if !one.happened.is_empty() {
            self.settle(&mut tx, vec![one], actor, now).await?;
            tx.commit().await?;
            self.ring();
        }
        Ok(())
    }

    /// What an event reports of a handoff. A report that comes too late, or about a handoff of another account, changes
    /// nothing and is no fault.
    async fn outcome_due(&self, job: &Claimed) -> Result<(), HandoffError> {
        let said: OutcomeJob = serde_json::from_str(job.payload.get())?;
        let found = store::find_handoff(&self.pool, said.handoff_id).await?;
        let Some(handoff) = found.filter(|handoff| handoff.account_id == said.account_id) else {
            tracing::warn!(handoff = %said.handoff_id, account = said.account_id, "an outcome of no handoff of the account");
            return Ok(());
        };
        let actor = format!("event:{}", said.source);
        let was_so = |handoff: &Handoff, now| lifecycle::reported_at(handoff, said.outcome, said.at, now);
        let done = self
            .alone(&handoff.account_id, handoff.id, &actor, was_so, |one, now| {
                one.happened = lifecycle::report(&mut one.handoff, said.outcome, said.nps, said.at, now)?;
                Ok(())
            })
            .await;
        match done {
            Err(HandoffError::Refused(refused)) => {
                tracing::info!(handoff = %said.handoff_id, %refused, "a reported outcome does not fit any more");
                Ok(())
            }
            done => done,
        }
    }

    /// Looks whether what a held handoff waited for has arrived, and lets it go on with a new package.
    async fn release_due(&self, job: &Claimed) -> Result<(), HandoffError> {
        let (id, of) = named(job)?;
        let mut tx = db::begin(&self.pool).await?;
        let current = self.lock_account(&mut tx, &of.account_id).await?;
        let mut one = read(&mut tx, &of.account_id, id).await?;
        if one.handoff.status != Status::Held {
            return Ok(());
        }
        let now = self.clock.now();
        let holds = self.gather_anew(&mut tx, &current, &mut one, now).await?;
        if Some(&holds) == one.handoff.held_for.as_ref() {
            return Ok(());
        }
        if holds.is_empty() {
            lifecycle::release(&mut one.handoff, false, now, &mut one.happened);
        } else {
            let codes = holds.iter().map(|hold| hold.code.name().to_owned()).collect();
            one.handoff.held_for = Some(holds);
            one.happened.push(Happening::Held { codes });
        }
        self.settle(&mut tx, vec![one], "worker:handoffs", now).await?;
        tx.commit().await?;
        self.ring();
        Ok(())
    }

    /// Counts by the hours that hold now, and until their change by those that held before.
    async fn hours_due(&self, job: &Claimed) -> Result<(), HandoffError> {
        let (id, of) = named(job)?;
        let mut tx = db::begin(&self.pool).await?;
        self.lock_account(&mut tx, &of.account_id).await?;
        let mut one = read(&mut tx, &of.account_id, id).await?;
        let now = self.clock.now();
        let counted = one.handoff.clock.as_ref().is_some_and(|clock| clock.terms().basis == Basis::Business);
        if !counted || one.handoff.hours.is_none() {
            return Ok(());
        }
        let (roster, absences) = self.load(&mut tx, now).await?;
        let (team, owner) = (&one.handoff.request.team, one.handoff.owner_id.as_ref());
        let hours = availability::hours(&roster, team, owner, &absences);
        let at = of.changed_at.unwrap_or(now);
        let changed = lifecycle::change_hours(&mut one.handoff, Some(hours), at, Change::Calendar)?;
        let Some(moved) = changed else { return Ok(()) };
        one.counts_anew = true;
        one.happened.extend(moved);
        self.settle(&mut tx, vec![one], SLA_WORKER, now).await?;
        tx.commit().await?;
        self.ring();
        Ok(())
    }

    /// The steps of clocks whose time has come, many handoffs in one transaction.
    async fn steps_due(&self) -> Result<usize, HandoffError> {
        let due = self.claim(STEP).await?;
        if due.is_empty() {
            return Ok(0);
        }
        let mut by_account: BTreeMap<String, Vec<Uuid>> = BTreeMap::new();
        for job in &due {
            match named(job) {
                Ok((id, of)) => by_account.entry(of.account_id).or_default().push(id),
                Err(error) => self.failed(STEP, job, &error).await?,
            }
        }
        match self.step_group(&by_account).await {
            Ok(()) => self.finish(&due).await?,
            Err(error) if due.len() > 1 => {
                tracing::debug!(%error, handoffs = due.len(), "a group of steps failed; each is done alone");
                for job in &due {
                    let Ok((id, of)) = named(job) else { continue };
                    match self.step_group(&BTreeMap::from([(of.account_id, vec![id])])).await {
                        Ok(()) => self.finish(std::slice::from_ref(job)).await?,
                        Err(error) => self.failed(STEP, job, &error).await?,
                    }
                }
            }
            Err(error) => self.failed(STEP, &due[0], &error).await?,
        }
        Ok(due.len())
    }

    async fn step_group(&self, by_account: &BTreeMap<String, Vec<Uuid>>) -> Result<(), HandoffError> {
        let accounts: Vec<String> = by_account.keys().cloned().collect();
        let mut tx = db::begin(&self.pool).await?;
        let locked = self.lock_idle(&mut tx, &accounts).await?;
        let keys: Vec<(String, Uuid)> = by_account
            .iter()
            .filter(|(account_id, _)| locked.contains_key(*account_id))
            .flat_map(|(account_id, ids)| ids.iter().map(|id| (account_id.clone(), *id)))
            .collect();
        let now = self.clock.now();
        let mut changing = Vec::with_capacity(keys.len());
        for handoff in store::lock_handoffs(&mut tx, &keys).await? {
            let mut one = Changing::of(handoff)?;
            one.happened = lifecycle::pass_time(&mut one.handoff, now)?;
            changing.push(one);
        }
        // Those whose time has moved on are asked for again at their new time.
        let later = later(&changing, now)?;
        changing.retain(|one| !one.happened.is_empty());
        let any = !changing.is_empty();
        self.settle(&mut tx, changing, SLA_WORKER, now).await?;
        // After the roster's lock: whoever holds that one waits for the rows of jobs.
        jobs::enqueue(&mut tx, STEP, &later, now).await?;
        tx.commit().await?;
        // Holding nothing, because whoever is busy with an account may be about to write the same rows.
        self.ask_again(STEP, &busy(by_account, &locked, now), now).await?;
        if any {
            self.ring();
        }
        Ok(())
    }

    async fn ask_again(&self, kind: &str, again: &[NewJob], now: DateTime) -> Result<(), HandoffError> {
        let mut conn = self.pool.acquire().await?;
        Ok(jobs::enqueue(&mut conn, kind, again, now).await?)
    }

    /// Locks the accounts that nobody is busy with; gives them as they are now.
    async fn lock_idle(
        &self,
        conn: &mut PgConnection,
        accounts: &[String],
    ) -> Result<BTreeMap<String, Current>, HandoffError> {
        let follower = self.accounts.follower.as_ref();
        let current = lock_current_idle(conn, accounts, follower, self.clock.now()).await?;
        Ok(current.into_iter().map(|one| (one.account_id.clone(), one)).collect())
    }

    /// Gives what waits in the queue to whoever can take it now, longest waiting first, and says when to look again.
    async fn drain(&self) -> Result<(), HandoffError> {
        let mut behind = None;
        loop {
            let mut tx = db::begin(&self.pool).await?;
            let places = store::queued(&mut tx, behind.as_ref(), GROUP).await?;
            let Some(last) = places.last().cloned() else { return Ok(()) };
            let accounts: BTreeSet<String> = places.iter().map(|place| place.account_id.clone()).collect();
            let accounts: Vec<String> = accounts.into_iter().collect();
            let locked = self.lock_idle(&mut tx, &accounts).await?;
            let keys: Vec<(String, Uuid)> = places
                .iter()
                .filter(|place| locked.contains_key(&place.account_id))
                .map(|place| (place.account_id.clone(), place.id))
                .collect();
            let now = self.clock.now();
            let waiting = store::lock_handoffs(&mut tx, &keys).await?;
            let mut changing = Vec::with_capacity(waiting.len());
            for mut handoff in waiting.into_iter().filter(|handoff| handoff.status == Status::Pending) {
                if let Some(current) = locked.get(&handoff.account_id) {
                    known_now(&mut handoff, current)?;
                }
                changing.push(Changing::of(handoff)?);
            }
            self.settle(&mut tx, changing, QUEUE_WORKER, now).await?;
            tx.commit().await?;
            if locked.len() < accounts.len() {
                let again = job(super::DRAIN_KEY.to_owned(), &serde_json::json!({}), now + BUSY);
                self.ask_again(DRAIN, &[again], now).await?;
            }
            self.ring_deliveries();
            behind = Some(last);
        }
    }

    fn ring_deliveries(&self) {
        self.deliver.notify_one();
    }
}

/// The handoff that a job is about.
fn named(job: &Claimed) -> Result<(Uuid, OfHandoff), HandoffError> {
    let of = serde_json::from_str(job.payload.get())?;
    let id = job.key.parse().map_err(|error| {
        let error: serde_json::Error = serde::de::Error::custom(format!("{}: {error}", job.key));
        error
    })?;
    Ok((id, of))
}

/// The next steps of handoffs to which nothing happened now.
fn later(changing: &[Changing], now: DateTime) -> Result<Vec<NewJob>, HandoffError> {
    let quiet = changing.iter().filter(|one| one.happened.is_empty());
    let mut jobs = Vec::new();
    for one in quiet {
        if let Some(at) = lifecycle::next_step_at(&one.handoff, now)? {
            let payload = serde_json::json!({ "accountId": one.handoff.account_id });
            jobs.push(job(one.handoff.id.to_string(), &payload, at));
        }
    }
    Ok(jobs)
}

/// Handoffs whose accounts somebody is busy with.
fn busy(
    by_account: &BTreeMap<String, Vec<Uuid>>,
    locked: &BTreeMap<String, Current>,
    now: DateTime,
) -> Vec<NewJob> {
    let left = by_account.iter().filter(|(account_id, _)| !locked.contains_key(*account_id));
    left.flat_map(|(account_id, ids)| {
        let payload = serde_json::json!({ "accountId": account_id });
        ids.iter().map(move |id| job(id.to_string(), &payload, now + BUSY)).collect::<Vec<_>>()
    })
    .collect()
}
