//! What happens to renewals by itself: rules that fire, ratings that change.
//!
//! Promises: a job reads the state anew and does what is due by then, so that doing it twice does it once; what fires is
//! written with its key in the transaction that tells of it.

use chrono::TimeDelta;
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::follow::rating;
use super::{KINDS, LOOK, RATE, RenewalError, Renewals};
use crate::accounts::Current;
use crate::kernel::clock::DateTime;
use crate::platform::db;
use crate::platform::jobs::{self, Claimed, Lane, NewJob};
use crate::renewals::adapt::{Verdict, verdict};
use crate::renewals::measures::measure;
use crate::renewals::model::Risk;
use crate::renewals::rating::rate;
use crate::renewals::renewal::{Outcome, Renewal, Status};
use crate::renewals::store;
use crate::renewals::tracker::{self, Rules};

/// Jobs of one round.
const ROUND: i64 = 32;
/// The first wait after a failure; doubled with each attempt.
const RETRY_FIRST: TimeDelta = TimeDelta::seconds(1);
/// Ratings change with time alone: silence grows, a margin must hold for days. So an open renewal is rated every day.
const RATE_EVERY: TimeDelta = TimeDelta::days(1);
/// Under whose name the service acts.
const WORKER: &str = "worker:renewals";

impl Renewals {
    /// Does what is due; gives how much that was.
    pub async fn work_due(&self) -> Result<usize, RenewalError> {
        let due = {
            let mut conn = self.pool.acquire().await?;
            jobs::due_kinds(&mut conn, &KINDS, self.clock.now()).await?
        };
        let mut done = 0;
        for kind in KINDS.into_iter().filter(|kind| due.iter().any(|due| due == kind)) {
            done += self.each_due(kind).await?;
        }
        Ok(done)
    }

    /// The jobs of a kind, one after the other.
    async fn each_due(&self, kind: &'static str) -> Result<usize, RenewalError> {
        let due = {
            let mut conn = self.pool.acquire().await?;
            jobs::claim(&mut conn, kind, self.clock.now(), ROUND).await?
        };
        let mut done = Vec::with_capacity(due.len());
        for job in &due {
            let outcome = if kind == LOOK { self.look_due(job).await } else { self.rate_due(job).await };
            match outcome {
                Ok(()) => done.push(job.clone()),
                Err(error) => self.failed(kind, job, &error).await?,
            }
        }
        let mut conn = self.pool.acquire().await?;
        jobs::finish(&mut conn, &done).await?;
        Ok(due.len())
    }

    async fn failed(&self, kind: &str, job: &Claimed, error: &RenewalError) -> Result<(), RenewalError> {
        tracing::error!(kind, job = job.key, attempt = job.attempts, %error, "work on a renewal failed");
        let wait = RETRY_FIRST * 2_i32.pow(u32::try_from(job.attempts).unwrap_or(1).min(10));
        let now = self.clock.now();
        let mut conn = self.pool.acquire().await?;
        Ok(jobs::fail(&mut conn, job, &error.to_string(), now + wait, now).await?)
    }

    /// Asks for a look at a renewal.
    pub(super) async fn enqueue_look(
        &self,
        conn: &mut PgConnection,
        renewal: &Renewal,
        due_at: DateTime,
    ) -> Result<(), RenewalError> {
        let job = look(renewal.id, due_at);
        Ok(jobs::enqueue(conn, LOOK, &[job], self.clock.now()).await?)
    }

    /// Asks for the next daily rating of an account.
    pub(super) async fn enqueue_rating(
        &self,
        conn: &mut PgConnection,
        account_id: &str,
        now: DateTime,
    ) -> Result<(), RenewalError> {
        let job = rating(account_id.to_owned(), now + RATE_EVERY);
        Ok(jobs::enqueue(conn, RATE, &[job], now).await?)
    }

    async fn look_due(&self, job: &Claimed) -> Result<(), RenewalError> {
        let Ok(id) = Uuid::parse_str(&job.key) else { return Ok(()) };
        let mut tx = db::begin(&self.pool).await?;
        let (_, mut renewal) = match self.lock_renewal(&mut tx, id).await {
            Err(RenewalError::NoRenewal(_)) => return Ok(()),
            found => found?,
        };
        let now = self.clock.now();
        self.go_with_plan(&mut tx, &mut renewal, now).await?;
        self.look_in(&mut tx, &renewal, now).await?;
        tx.commit().await?;
        self.ring();
        Ok(())
    }

    /// A plan may also be started and called off as a plan: its renewal goes with it.
    async fn go_with_plan(
        &self,
        conn: &mut PgConnection,
        renewal: &mut Renewal,
        now: DateTime,
    ) -> Result<(), RenewalError> {
        let state = self.read_plan(conn, renewal).await?;
        let action = match (renewal.status, state.status.as_str()) {
            (Status::Planned, "running" | "done") => {
                renewal.status = Status::Running;
                renewal.started_at = state.started_at;
                "renewal.started"
            }
            (Status::Planned | Status::Running, "cancelled") => {
                renewal.status = Status::Closed;
                renewal.closed_at = state.ended_at;
                renewal.outcome = Some(Outcome::Cancelled);
                "renewal.closed"
            }
            _ => return Ok(()),
        };
        store::update(conn, renewal).await?;
        self.log(conn, renewal, action, json!({ "with": "its plan" }), WORKER, now).await
    }

    /// Tells what is due to be told of a renewal, under the account's lock, and asks for the next look.
    pub(super) async fn look_in(
        &self,
        conn: &mut PgConnection,
        renewal: &Renewal,
        now: DateTime,
    ) -> Result<(), RenewalError> {
        if renewal.status != Status::Running {
            return Ok(());
        }
        let state = self.read_plan(conn, renewal).await?;
        self.take_reports(conn, renewal, &state).await?;
        let track = self.track(conn, renewal, &state).await?;
        let seen = tracker::look(&track, &Rules::of(&self.plays), now);
        let new = store::add_firings(conn, &renewal.account_id, renewal.id, &seen.fired, now).await?;
        for firing in seen.fired.iter().filter(|firing| new.contains(&firing.key)) {
            self.tell(conn, renewal, &state, firing, now).await?;
            let details = json!({ "code": firing.code.name(), "key": firing.key, "firedAt": firing.at, "tell": firing.tell });
            self.log(conn, renewal, "renewal.escalated", details, WORKER, now).await?;
        }
        match seen.next_at {
            Some(at) => self.enqueue_look(conn, renewal, at).await,
            None => Ok(()),
        }
    }

    async fn rate_due(&self, job: &Claimed) -> Result<(), RenewalError> {
        let mut tx = db::begin(&self.pool).await?;
        let current = match self.lock_account(&mut tx, &job.key).await {
            Err(RenewalError::NoAccount(_)) => return Ok(()),
            found => found?,
        };
        let now = self.clock.now();
        let open = store::open_of(&mut tx, std::slice::from_ref(&job.key)).await?;
        for (account_id, id, _) in &open {
            if let Some(renewal) = store::lock(&mut tx, account_id, *id).await? {
                self.rate_in(&mut tx, &current, renewal, now).await?;
            }
        }
        if !open.is_empty() {
            self.enqueue_rating(&mut tx, &job.key, now).await?;
        }
        tx.commit().await?;
        self.ring();
        Ok(())
    }

    /// Rates a renewal again; a level that changes makes a new version of the plan.
    async fn rate_in(
        &self,
        conn: &mut PgConnection,
        current: &Current,
        mut renewal: Renewal,
        now: DateTime,
    ) -> Result<(), RenewalError> {
        let sight = self.sight(conn, current, now).await?;
        let measures = measure(&self.plays, &sight.known(current));
        let new = rate(&self.plays, &measures, renewal.deadline);
        let found = verdict(&self.plays, &renewal.standing(), &new, now);
        renewal.rated_at = now;
        match found {
            Verdict::Stays => {
                (renewal.rating, renewal.would_be) = (new, None);
                Ok(store::update(conn, &renewal).await?)
            }
            Verdict::Wavers { would_be, why } => {
                let told = renewal.would_be == Some(would_be);
                (renewal.rating, renewal.would_be) = (new, Some(would_be));
                store::update(conn, &renewal).await?;
                if told {
                    return Ok(());
                }
                let details = json!({ "wouldBe": would_be, "risk": renewal.risk, "score": renewal.rating.score, "why": why });
                self.log(conn, &renewal, "renewal.wavers", details, WORKER, now).await
            }
            Verdict::Changes { to, why } => {
                let from = renewal.risk;
                renewal.rating = new;
                if self.read_plan(conn, &renewal).await?.ended_at.is_some() {
                    // Everything is done: there is no plan left to adapt, and what it would be is told.
                    renewal.would_be = Some(to);
                    return Ok(store::update(conn, &renewal).await?);
                }
                let mut terms = renewal.terms.clone();
                terms.risk = to;
                let why = format!("{} {why}", turned(from, to));
                self.revise_in(conn, current, renewal, terms, (WORKER, &why), now).await?;
                Ok(())
            }
        }
    }
}

/// What became of the risk, in a sentence.
fn turned(from: Risk, to: Risk) -> String {
    let how = if to > from { "worse" } else { "better" };
    format!("The risk went from {from} to {to}: it got {how}.")
}

/// Asks for a look at a renewal.
pub(super) fn look(id: Uuid, due_at: DateTime) -> NewJob {
    NewJob { key: id.to_string(), payload: "{}".to_owned(), lane: Lane::Normal, due_at }
}
