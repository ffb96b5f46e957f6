//! The background work of designs: what was scheduled.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::commands::{DesignError, Designs};
use crate::platform::worker::{self, Pace};

/// How long the worker sleeps when nobody rings: the longest that a scheduled design is late.
const IDLE: Duration = Duration::from_secs(1);

/// Applies what is due until told to stop.
pub async fn work(designs: Designs, stop: CancellationToken, beat: impl Fn(bool)) {
    let pace = Pace { stop: &stop, wake: &designs.work, idle: IDLE };
    worker::run("designs", pace, beat, || async {
        let done = designs.work_due().await?;
        Ok::<_, DesignError>(done)
    })
    .await;
}

/// One look of the watch.
pub async fn watch(designs: &Designs) -> Result<(), DesignError> {
    designs.look().await
}
