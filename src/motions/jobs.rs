//! The background work of motion routing: looking at accounts whose turn it is, the sweep, and policies that come into force
//! at an instant.

use std::time::Duration;

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use super::commands::{MotionError, Motions};
use crate::platform::worker::{self, Pace, Yields};

/// How long the evaluator sleeps when nobody rings: the longest that a wake-up is late.
const EVALUATE_IDLE: Duration = Duration::from_millis(100);
/// How long the worker of policies sleeps when nobody rings: the longest that a scheduled one is late.
const ACTIVATE_IDLE: Duration = Duration::from_secs(1);

/// Evaluates accounts until told to stop.
pub async fn evaluate(motions: Motions, stop: CancellationToken, beat: impl Fn(bool)) {
    let pace = Pace { stop: &stop, wake: &motions.evaluate, idle: EVALUATE_IDLE };
    let yields = Yields::default();
    worker::run("evaluate", pace, beat, || async {
        if yields.are_due() {
            motions.accounts.intake.let_pass().await;
        }
        let accounts = motions.evaluate_due().await?;
        if accounts == 0 {
            yields.caught_up();
        }
        Ok::<_, MotionError>(accounts)
    })
    .await;
}

/// Puts policies in force at their instants until told to stop.
pub async fn activate(motions: Motions, stop: CancellationToken, beat: impl Fn(bool)) {
    let pace = Pace { stop: &stop, wake: &motions.activate, idle: ACTIVATE_IDLE };
    worker::run("policies", pace, beat, || async {
        let done = motions.activate_due().await?;
        Ok::<_, MotionError>(done)
    })
    .await;
}

/// Looks, step by step, at all accounts that nobody has looked at for longer than `age`.
pub async fn sweep(motions: &Motions, age: TimeDelta) -> Result<usize, sqlx::Error> {
    motions.sweep(age).await
}
