//! The background work of handoffs.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::commands::{HandoffError, Handoffs};
use crate::platform::worker::{self, Pace};

/// How long the worker sleeps when nobody rings: the longest that a step of a clock is late.
const IDLE: Duration = Duration::from_millis(100);

/// Does what is due until told to stop.
pub async fn work(handoffs: Handoffs, stop: CancellationToken, beat: impl Fn(bool)) {
    let pace = Pace { stop: &stop, wake: &handoffs.work, idle: IDLE };
    worker::run("handoffs", pace, beat, || async {
        let done = handoffs.work_due().await?;
        Ok::<_, HandoffError>(done)
    })
    .await;
}
