//! The background work of plans.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::commands::{PlanError, Plans};
use crate::platform::worker::{self, Pace};

/// How long the worker sleeps when nobody rings: the longest that a rung is late.
const IDLE: Duration = Duration::from_millis(500);

/// Does what is due until told to stop.
pub async fn work(plans: Plans, stop: CancellationToken, beat: impl Fn(bool)) {
    let pace = Pace { stop: &stop, wake: &plans.work, idle: IDLE };
    worker::run("plans", pace, beat, || async {
        let done = plans.work_due().await?;
        Ok::<_, PlanError>(done)
    })
    .await;
}
