//! Looking at accounts without being asked: after events, at a wake-up time, and in the sweep.

use std::collections::HashSet;

use chrono::TimeDelta;

use super::orchestrate::{Ask, Trigger};
use super::quiet::find_quiet;
use super::reason::{Reason, measure_job};
use super::{EVALUATE, MotionError, Motions};
use crate::accounts;
use crate::kernel::clock::DateTime;
use crate::motions::store;
use crate::platform::jobs::{self, Claimed, Lane, NewJob};

/// How many accounts one round of the evaluator takes.
const ROUND: i64 = 128;
/// How many accounts one step of the sweep asks for.
const SWEEP_STEP: i64 = 1_000;
/// The first wait after a failed evaluation; doubled with each attempt.
const RETRY_FIRST: TimeDelta = TimeDelta::seconds(1);

impl Motions {
    /// Evaluates the accounts whose turn it is, hot ones first; gives their number.
    pub async fn evaluate_due(&self) -> Result<usize, MotionError> {
        let now = self.clock.now();
        let due = {
            let mut conn = self.pool.acquire().await?;
            jobs::claim(&mut conn, EVALUATE, now, ROUND).await?
        };
        if due.is_empty() {
            return Ok(0);
        }
        let quiet = self.unchanged(&due, now).await?;
        let mut done = Vec::with_capacity(due.len());
        let (same, news): (Vec<&Claimed>, Vec<&Claimed>) =
            due.iter().partition(|job| quiet.contains(&job.key));
        for job in &same {
            measure_job(job, self.clock.now());
        }
        done.extend(same.into_iter().cloned());
        let asks: Vec<Ask> = news.iter().map(|job| look(job)).collect();
        for (job, outcome) in news.into_iter().zip(self.orchestrate_together(&asks).await) {
            match outcome {
                Ok(decided) => {
                    let outcome = decided.document.outcome.name();
                    metrics::counter!("gtm_evaluations_total", "outcome" => outcome, "recorded" => decided.recorded.to_string())
                        .increment(1);
                    measure_job(job, self.clock.now());
                    done.push(job.clone());
                }
                // Nothing is known of it any more: there is nothing to decide.
                Err(MotionError::NoAccount(_)) => done.push(job.clone()),
                Err(error) => self.evaluation_failed(job, &error).await?,
            }
        }
        let mut conn = self.pool.acquire().await?;
        jobs::finish(&mut conn, &done).await?;
        Ok(due.len())
    }

    /// Of the accounts whose turn it is, those about which there is nothing new to say; read without a lock.
    async fn unchanged(&self, due: &[Claimed], now: DateTime) -> Result<HashSet<String>, MotionError> {
        let ids: Vec<String> = due.iter().map(|job| job.key.clone()).collect();
        let mut conn = self.pool.acquire().await?;
        let states = accounts::commands::glance(&mut conn, &ids).await?;
        let states: Vec<_> = states.iter().map(|(account_id, state)| (account_id.as_str(), state)).collect();
        let quiet = find_quiet(&mut conn, &self.policies, &states, self.freshen.failing(), now).await?;
        jobs::enqueue(&mut conn, EVALUATE, &quiet.wakes, now).await?;
        Ok(quiet.accounts)
    }

    async fn evaluation_failed(&self, job: &Claimed, error: &MotionError) -> Result<(), MotionError> {
        tracing::error!(account = job.key, attempt = job.attempts, %error, "evaluation failed");
        let wait = RETRY_FIRST * 2_i32.pow(u32::try_from(job.attempts).unwrap_or(1).min(10));
        let now = self.clock.now();
        let mut conn = self.pool.acquire().await?;
        jobs::fail(&mut conn, job, &error.to_string(), now + wait, now).await?;
        Ok(())
    }

    /// When the account that was looked at longest ago will not have been looked at for longer than `age`.
    pub async fn next_aged(&self, age: TimeDelta) -> Result<Option<DateTime>, sqlx::Error> {
        Ok(store::oldest_look(&self.pool).await?.map(|at| at + age))
    }

    /// Asks for a look at the accounts that nobody has looked at for longer than `age`; gives their number.
    pub async fn sweep(&self, age: TimeDelta) -> Result<usize, sqlx::Error> {
        let now = self.clock.now();
        let mut conn = self.pool.acquire().await?;
        let aged = store::aged_accounts(&mut conn, now - age, EVALUATE, now, SWEEP_STEP).await?;
        let asked: Vec<NewJob> = aged
            .into_iter()
            .map(|key| NewJob { key, payload: Reason::Sweep.payload(), lane: Lane::Bulk, due_at: now })
            .collect();
        jobs::enqueue(&mut conn, EVALUATE, &asked, now).await?;
        if !asked.is_empty() {
            self.evaluate.notify_one();
        }
        Ok(asked.len())
    }
}

/// What a job asks for.
fn look(job: &Claimed) -> Ask {
    let trigger = Reason::of(&job.payload).map_or(Trigger::Event, Reason::trigger);
    Ask {
        account_id: job.key.clone(),
        trigger,
        dry_run: false,
        policy_version: None,
        actor: "worker:evaluate".to_owned(),
        answer: None,
    }
}
