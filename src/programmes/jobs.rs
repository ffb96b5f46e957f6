//! The background work of programmes: the workers that belong to the service.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::commands::Programmes;
use crate::platform::worker::{self, Pace};

/// How long the drafter sleeps when nobody rings: tasks that others made ready wait this long at the most.
const DRAFT_IDLE: Duration = Duration::from_millis(250);
/// The same for the model, whose answers take seconds.
const MODEL_IDLE: Duration = Duration::from_secs(1);

/// Drafts until told to stop.
pub async fn draft(programmes: Programmes, stop: CancellationToken, beat: impl Fn(bool)) {
    let pace = Pace { stop: &stop, wake: &programmes.work, idle: DRAFT_IDLE };
    worker::run("drafter", pace, beat, || programmes.draft_due()).await;
}

/// Asks the language model until told to stop.
pub async fn ask(programmes: Programmes, stop: CancellationToken) {
    let wake = tokio::sync::Notify::new();
    let pace = Pace { stop: &stop, wake: &wake, idle: MODEL_IDLE };
    worker::run("model", pace, |_| {}, || programmes.model_due()).await;
}
