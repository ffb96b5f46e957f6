//! What time brings to plans: leases that end, checkpoints that are missed, rungs, tasks whose date has come.
//!
//! Promises: a job re-reads what it is about and brings what is due by then, each at its own instant, so that doing it twice
//! does it once; its claim is committed before the work begins; what fails is tried again later and set aside at last, and
//! holds up nothing else.

use chrono::TimeDelta;
use uuid::Uuid;

use super::change::{Locked, job, terms};
use super::{KINDS, PlanError, Plans, TASK};
use crate::plans::lifecycle;
use crate::plans::store;
use crate::platform::db;
use crate::platform::jobs::{self, Claimed};

/// Jobs that are taken at once.
const GROUP: i64 = 32;
/// The first wait after a failure; doubled with each attempt.
const RETRY_FIRST: TimeDelta = TimeDelta::seconds(1);
/// Under whose name the service acts.
const WORKER: &str = "worker:plans";

impl Plans {
    /// Does what is due; gives how much that was.
    pub async fn work_due(&self) -> Result<usize, PlanError> {
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

    async fn each_due(&self, kind: &'static str) -> Result<usize, PlanError> {
        let due = {
            let mut conn = self.pool.acquire().await?;
            jobs::claim(&mut conn, kind, self.clock.now(), GROUP).await?
        };
        for job in &due {
            let outcome = match (named(job), kind) {
                (Ok(id), TASK) => self.bring(id).await,
                (Ok(id), _) => self.ready(id).await,
                (Err(error), _) => Err(error),
            };
            let mut conn = self.pool.acquire().await?;
            match outcome {
                Ok(()) => jobs::finish(&mut conn, std::slice::from_ref(job)).await?,
                Err(error) => {
                    tracing::error!(kind, job = job.key, attempt = job.attempts, %error, "work on a plan failed");
                    let wait = RETRY_FIRST * 2_i32.pow(u32::try_from(job.attempts).unwrap_or(1).min(10));
                    let now = self.clock.now();
                    jobs::fail(&mut conn, job, &error.to_string(), now + wait, now).await?;
                }
            }
        }
        Ok(due.len())
    }

    /// Brings a task what is due, and asks for the next.
    async fn bring(&self, task: Uuid) -> Result<(), PlanError> {
        let mut tx = db::begin(&self.pool).await?;
        let Some(plan_id) = store::plan_of(&mut tx, task).await? else { return Ok(()) };
        let now = self.clock.now();
        let mut one = self.load(&mut tx, plan_id, Locked::Task(task)).await?;
        let Some(place) = one.place(task).filter(|_| one.is_running()) else { return Ok(()) };
        let mut state = one.tasks[place].state.clone();
        let terms = terms(&one.plan, place, &one.tasks[place]);
        let happened = lifecycle::pass_time(&mut state, terms, now);
        let next = lifecycle::next_at(&state, terms);
        if happened.is_empty() {
            // It was kept alive, or moved: the job that there is has come too early.
            let again: Vec<_> = next.map(|at| job(task, at)).into_iter().collect();
            jobs::enqueue(&mut tx, TASK, &again, now).await?;
            tx.commit().await?;
            return Ok(());
        }
        one.tasks[place].state = state;
        one.note(place, happened);
        self.settle(&mut tx, one, WORKER, now).await?;
        tx.commit().await?;
        self.ring();
        Ok(())
    }

    /// Makes tasks ready whose date has come.
    async fn ready(&self, plan: Uuid) -> Result<(), PlanError> {
        let mut tx = db::begin(&self.pool).await?;
        let now = self.clock.now();
        let one = self.load(&mut tx, plan, Locked::None).await?;
        self.settle(&mut tx, one, WORKER, now).await?;
        tx.commit().await?;
        self.ring();
        Ok(())
    }
}

/// What a job is about.
fn named(job: &Claimed) -> Result<Uuid, PlanError> {
    job.key.parse().map_err(|error| {
        let error: serde_json::Error = serde::de::Error::custom(format!("{}: {error}", job.key));
        PlanError::Stored(error)
    })
}
